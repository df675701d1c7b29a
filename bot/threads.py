"""Following what people wrote beside the files of a repository: a source of its own, next to that of the files."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from adapters.github.threads.asking import count
from adapters.registry import SourceRegistry
from adapters.source import SourceError
from bot.errors import UserError
from bot.following import Following, Wanted
from bot.state.database import Database
from bot.state.queries import sources
from bot.state.tables import Source

KIND: Final = "threads"
LARGE: Final = 1_000
"""A repository with more items is followed after a yes only."""


class Threads:
    """Begins, changes and ends it."""

    def __init__(self, db: Database, following: Following, registry: SourceRegistry) -> None:
        self._db = db
        self._following = following
        self._registry = registry

    async def beside(self, files: Source) -> Source | None:
        """What is followed already of the same repository in the same project."""
        followed = await self._db.read(lambda session: sources.list_of(session, files.project))
        same = (row for row in followed if row.kind == KIND and row.location.casefold() == files.location.casefold())
        return next(same, None)

    async def counts(self, files: Source) -> Mapping[str, int]:
        """Ask how many items there are, by kind. Raises UserError when none can be read there."""
        self.demand(files)
        try:
            ask = self._registry.ask_threads(files.location)
            return await count(ask, urlsplit(files.location).path.strip("/"))
        except SourceError as error:
            raise UserError("source.threads_unreachable", name=files.name, error=error) from error

    def demand(self, files: Source) -> None:
        """Raise UserError unless the source is a repository on a host that speaks GitHub's API, shown and open to us."""
        parts = urlsplit(files.location)
        is_there = files.kind == "git" and parts.scheme == "https" and self._registry.forge(parts.netloc) is not None
        if not is_there:
            raise UserError("source.threads_not_github", name=files.name)
        if files.state != "active":
            raise UserError("source.threads_hidden", name=files.name)
        if not self._registry.access.named(parts.netloc, parts.path.strip("/")):
            raise UserError("source.threads_no_token", name=files.name)

    async def follow(self, files: Source, kinds: Sequence[str], *, person: str | None, now: datetime) -> Source:
        """Follow some kinds, and no others, from now on. Raises UserError."""
        self.demand(files)
        known = await self.beside(files)
        if known is not None:
            await self._db.write(
                lambda session: sources.set_kinds(session, known.id, kinds, is_private=files.is_private)
            )
            self._following.look_again([known])
            return known
        wanted = Wanted(KIND, f"{files.name} {KIND}", files.location, paths=tuple(kinds))
        return await self._following.begin(files.project, wanted, is_private=files.is_private, person=person, now=now)

    async def end(self, threads: Source, *, now: datetime) -> None:
        """Stop, and delete what was indexed of it."""
        await self._following.end(threads, now=now)
