"""Noticing at once when a source on this machine changes; others are asked by the clock."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from adapters.source import SourceError
from bot.refresh import Refresh
from bot.state.database import Database
from bot.state.queries import sources
from bot.state.tables import Source

_log = structlog.get_logger(__name__)

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

# A watch takes a thread while it waits; sources beyond these are asked by the clock alone.
MOST_WATCHED = 16
_AGAIN_S = 30.0


@dataclass(frozen=True, slots=True)
class _Watched:
    location: str
    ref: str
    task: asyncio.Task[None]


class Watch:
    """One watcher for each source of this machine. `refresh_now` must not raise: it is the job runner's."""

    def __init__(
        self,
        db: Database,
        refresh: Refresh,
        *,
        refresh_now: Callable[[str], Awaitable[None]],
        spawn: Spawn,
        again_s: float = _AGAIN_S,
    ) -> None:
        self._db = db
        self._refresh = refresh
        self._refresh_now = refresh_now
        self._spawn = spawn
        self._again_s = again_s
        self._watched: dict[str, _Watched] = {}

    @property
    def watching(self) -> set[str]:
        """The ids of the sources that are watched."""
        return set(self._watched)

    async def align(self) -> None:
        """Begin to watch what is followed now, and end watching what is not any more."""
        followed = await self._db.read(sources.list_everywhere)
        wanted = {row.id: row for row in followed if _is_here(row)}
        for source, watched in list(self._watched.items()):
            row = wanted.get(source)
            if row is None or (row.location, row.ref) != (watched.location, watched.ref) or watched.task.done():
                watched.task.cancel()
                del self._watched[source]
        for row in wanted.values():
            if row.id not in self._watched and len(self._watched) < MOST_WATCHED:
                self._watched[row.id] = _Watched(row.location, row.ref, self._spawn(self._watch(row)))

    async def close(self) -> None:
        """End all watchers."""
        tasks = [watched.task for watched in self._watched.values()]
        self._watched.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, row: Source) -> None:
        """Refresh the source after every change; when it cannot be watched, try again later."""
        while True:
            try:
                async for _ in (await self._refresh.opened(row)).changes():
                    await self._refresh_now(row.id)
            except SourceError as error:
                _log.info("source cannot be watched", source=row.id, error=str(error), again_s=self._again_s)
            await asyncio.sleep(self._again_s)


def _is_here(row: Source) -> bool:
    return row.kind in {"folder", "checkout"} or (row.kind == "git" and "://" not in row.location)
