"""All that one search asks of a project of the local store, from one consistent state of it and with one reading of rows."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pipelines.stores.local_closest import closest_of_files
from pipelines.stores.local_project import OpenProject, View
from pipelines.stores.local_schema import KEYS_PER_FILE
from pipelines.stores.local_scope import allowed_groups, asked_of, filters_of, visible
from pipelines.stores.local_terms import find, find_definitions
from pipelines.stores.passages import Candidates, Scope, Wanted

_Scored = list[tuple[int, float]]


def candidates(opened: OpenProject, view: View, wanted: Wanted, scope: Scope) -> Candidates:
    """Find what is wanted; each passage is read once, however often it was found."""
    by_words = {key: score for scored in _by_words(view, wanted, scope) for key, score in scored}
    others = (_by_meaning(opened, view, wanted, scope), *_by_names(view, wanted, scope))
    keys = dict.fromkeys([key for scored in others for key, _ in scored] + list(by_words))
    found = visible(opened, view, scope, view.shelf.documents(view.rows, dict.fromkeys(keys, 0.0)))
    near: Mapping[int, float] = {}
    nearest: Mapping[int, float] = {}
    if wanted.vector is not None:
        near = view.shelf.cosines(view.rows, wanted.vector, found)
        nearest = closest_of_files(view.rows, wanted.vector, {key // KEYS_PER_FILE for key in near})
    return Candidates(
        documents={one.id: one for one in found.values()},
        by_words={one.id: by_words[key] for key, one in found.items() if key in by_words},
        near={found[key].id: cosine for key, cosine in near.items()},
        near_in_file={
            found[key].id: max(nearest.get(key // KEYS_PER_FILE, cosine), cosine) for key, cosine in near.items()
        },
    )


def _by_words(view: View, wanted: Wanted, scope: Scope) -> Iterator[_Scored]:
    filters = filters_of(view, scope)
    asked = {words: asked_of(view, words) for words in {wanted.words_for(part) for part in wanted.parts}}
    for part, limit in wanted.parts.items():
        yield find(view.terms, asked[wanted.words_for(part)], filters=replace(filters, part=part), limit=limit)


def _by_names(view: View, wanted: Wanted, scope: Scope) -> Iterator[_Scored]:
    filters = filters_of(view, scope)
    for names, limit in wanted.definitions:
        yield find_definitions(view.terms, names, filters=filters, limit=limit)


def _by_meaning(opened: OpenProject, view: View, wanted: Wanted, scope: Scope) -> _Scored:
    """Scan all vectors, where that is wanted."""
    if wanted.vector is None or wanted.nearest < 1:
        return []
    matrix = opened.matrix_for(view, len(wanted.vector))
    return matrix.nearest(wanted.vector, allowed_groups(view, scope), limit=wanted.nearest)
