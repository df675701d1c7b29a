"""Asking about one repository, with the requests of one look counted."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from adapters.source import SourceGone

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Asks the host's GraphQL API: query and variables; gives `data`. Raises SourceError's children."""


class Spent(Exception):
    """This look has used up its requests; the next one goes on."""


class Purse:
    """Asks for one repository, and counts what is left of the requests of a look.

    One that `is_public` was followed while everybody could read it; `node_id` is that of the repository asked last.
    """

    def __init__(self, ask: Ask, *, owner: str, name: str, is_public: bool = False) -> None:
        self._ask = ask
        self._repository = {"owner": owner, "name": name}
        self._is_public = is_public
        self.node_id = ""
        self.left = 0

    async def ask(self, query: str, **variables: Any) -> Mapping[str, Any]:
        """Ask about the repository, if a request is left. Raises Spent, SourceGone and what asking raises."""
        if self.left <= 0:
            raise Spent
        self.left -= 1
        found = (await self._ask(query, {**self._repository, **variables})).get("repository")
        called = "/".join(self._repository.values())
        if found is None:
            raise SourceGone(f"expected a repository {called!r}, got none: it was removed, renamed or made private")
        if self._is_public and found.get("isPrivate"):
            # The credential still reads it, but not everybody who may ask here has a right to it.
            raise SourceGone(f"expected {called} to be public, as it was added, got private", reason="private")
        self.node_id = str(found.get("id") or "")
        return dict(found)

    async def more(self, query: str, **variables: Any) -> Mapping[str, Any]:
        """Ask for a further page of an item that was begun; it is not left half read for want of requests."""
        self.left -= 1
        return dict((await self._ask(query, variables)).get("node") or {})
