"""One repository, described at once when somebody adds it; when that fails, exactly why."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from adapters.dialing import Answer
from adapters.forge import Asked, Seen
from adapters.github.api import GithubApi, Key
from adapters.github.head_query import NOTHING
from adapters.github.translate import Subject, blocked, not_there
from adapters.source import Head, SourceGone, SourceUnreachable

_SHA: Final = {"accept": "application/vnd.github.sha"}
_EMPTY: Final = 409
_NO_COMMIT: Final = frozenset({404, 422})


async def describe_anonymously(api: GithubApi, asked: Asked) -> Seen:
    """Describe a public repository without a credential. GitHub allows 60 requests an hour; this takes two or three.

    Raises SourceGone (gone, branch) and SourceUnreachable.
    """
    key, subject = Key(), Subject(asked.repository, api.host, "")
    answer = await api.rest("GET", f"/repos/{quote(asked.repository)}", key=key)
    facts = answer.json()
    if not isinstance(facts, dict) or "full_name" not in facts:
        raise SourceUnreachable(f"expected {api.host!r} to tell of {asked.repository}, got something else")
    if facts.get("private"):
        raise not_there(subject, {})
    if facts.get("disabled"):
        raise blocked(subject)
    return _seen(facts, await _head(api, asked, facts))


def _seen(facts: Mapping[str, Any], head: Head) -> Seen:
    return Seen(
        repository=str(facts["full_name"]),
        node_id=str(facts.get("node_id", "")),
        default_branch=str(facts.get("default_branch", "")),
        head=head,
        is_private=False,
        is_archived=bool(facts.get("archived")),
    )


async def _head(api: GithubApi, asked: Asked, facts: Mapping[str, Any]) -> Head:
    """Find the commit of the branch, or of the tag of that name, NOTHING in a repository without commits."""
    ref, repository = asked.ref or str(facts.get("default_branch", "")), f"/repos/{facts['full_name']}"
    answer = await api.rest("GET", f"{repository}/branches/{quote(ref)}", key=Key(), also={404})
    if answer.status != 404:
        return Head(ref, _commit_of(answer, api.host))
    if not asked.ref:
        return NOTHING
    path = f"{repository}/commits/{quote(f'tags/{ref}')}"
    answer = await api.rest("GET", path, key=Key(), headers=_SHA, also={_EMPTY, *_NO_COMMIT})
    if answer.status == _EMPTY:
        return NOTHING
    if answer.status not in _NO_COMMIT:
        return Head(ref, answer.body.decode("ascii", "replace").strip())
    raise SourceGone(
        f"expected a branch or tag named {asked.ref!r} in {asked.repository} on {api.host!r}, got none: is it misspelt?",
        reason="branch",
    )


def _commit_of(answer: Answer, host: str) -> str:
    """Read the commit that a branch points to."""
    try:
        return str(answer.json()["commit"]["sha"])
    except (KeyError, TypeError):
        raise SourceUnreachable(f"expected {host!r} to tell of a branch, got something else") from None
