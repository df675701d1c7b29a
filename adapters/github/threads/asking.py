"""How a host is asked for the threads of one repository: signed, within its limits, refusals in our words."""

from collections.abc import Mapping
from typing import Any

from adapters.github.forges import GithubForge
from adapters.github.threads.kinds import COUNT_QUERY, KINDS
from adapters.github.threads.purse import Ask
from adapters.github.translate import Subject, explain_field
from adapters.source import SourceUnreachable


def asker(forge: GithubForge, repository: str) -> Ask:
    """Make what asks about a repository, owner/name. What is not there is None in what it gives."""

    async def ask(query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        key = await forge.key(repository)
        replied = await forge.api.graphql(query, variables, key=key)
        for field, error in replied.errors.items():
            # An error deeper inside is about one item, or one field of it, which then is None.
            if replied.data.get(field) is None and field != "node":
                subject = Subject(repository, forge.api.host, key.credential)
                late = SourceUnreachable(
                    f"expected {forge.api.host!r} to tell of {repository}, got only a part in time"
                )
                raise explain_field(error, subject, replied.headers) or late
        return replied.data

    return ask


async def count(ask: Ask, repository: str) -> Mapping[str, int]:
    """Say how many threads of each kind a repository has, by the kind's word."""
    owner, _, name = repository.partition("/")
    found = (await ask(COUNT_QUERY, {"owner": owner, "name": name})).get("repository") or {}
    return {word: int((found.get(word) or {}).get("totalCount") or 0) for word in KINDS}
