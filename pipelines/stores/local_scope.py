"""What a search of the local store may see: asked of the side index beforehand, and of the rows once more afterwards."""

from haystack import Document

from pipelines.components.keywords import query_terms, terms_before
from pipelines.stores import local_rows as rows
from pipelines.stores.local_project import OpenProject, View
from pipelines.stores.local_terms import Filters, languages_in
from pipelines.stores.local_vectors import Group
from pipelines.stores.passages import Scope


def allowed_groups(view: View, scope: Scope) -> set[Group]:
    """List the (source, room) that a scope may see."""
    return {
        (source, room)
        for source, room in view.groups
        if room in {None, scope.room} and (scope.sources is None or source in scope.sources)
    }


def filters_of(view: View, scope: Scope, part: str | None = None) -> Filters:
    """Say what the side index must leave out; nothing in the usual case, which is the fastest."""
    has_rooms = any(room is not None for _, room in view.groups)
    is_whole = scope.sources is None and not rows.is_any_hidden(view.rows)
    return Filters(
        sources=None if is_whole else {source for source, _ in allowed_groups(view, scope)},
        rooms={None, scope.room} if has_rooms else None,
        part=part,
    )


def asked_of(view: View, words: str) -> list[str]:
    """List the terms to look for: stemmed in the languages that the index holds, and as an earlier analysis had them."""
    asked = query_terms(words, languages_in(view.terms))
    return asked + terms_before(words) if view.has_old_terms else asked


def visible(opened: OpenProject, view: View, scope: Scope, found: dict[int, Document]) -> dict[int, Document]:
    """Check every hit once more against what the scope may see: an index is fast, rows are right."""
    allowed = {group for group in allowed_groups(view, scope) if not opened.is_hiding(group[0])}
    return {key: one for key, one in found.items() if (one.meta["source"], one.meta["room"]) in allowed}
