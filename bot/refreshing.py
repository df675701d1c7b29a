"""Refreshes that wait for their turn: a few at once, the newest push first, one a repository."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from adapters.source import Head
from bot.state.queries.polls import Due

# Refreshes under way at once; most of them wait for a network, large ones for each other.
MOST_AT_ONCE: Final = 8

Run = Callable[[str, Head | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    one: Due
    head: Head | None
    arrived: int

    @property
    def repository(self) -> str:
        source = self.one.source
        return source.repository or source.location.casefold()

    @property
    def urgency(self) -> tuple[float, int]:
        """Sort key: the newest push first, then in the order of arrival."""
        pushed_at = self.one.repository.hook_event_at if self.one.repository is not None else None
        return (-pushed_at.timestamp() if pushed_at and self.one.source.is_dirty else 0.0, self.arrived)


class Refreshing:
    """Starts `run`, which never raises, for one source after the other; `ended` is called after each."""

    def __init__(
        self,
        run: Run,
        *,
        ended: Callable[[str], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        most: int = MOST_AT_ONCE,
    ) -> None:
        self._run = run
        self._ended = ended
        self._spawn = spawn
        self._most = most
        self._waiting: dict[str, _Waiting] = {}
        self._running: dict[str, str] = {}  # source by repository
        self._arrivals = 0

    def __contains__(self, source: object) -> bool:
        """Say whether a source waits or is being refreshed."""
        return source in self._waiting or source in self._running.values()

    def add(self, one: Due, head: Head | None) -> None:
        """Refresh a source when its turn comes; `head` is where it is now, None when nobody knows."""
        self._arrivals += 1
        self._waiting[one.source.id] = _Waiting(one, head, self._arrivals)
        self._start()

    def _start(self) -> None:
        for waiting in sorted(self._waiting.values(), key=lambda waiting: waiting.urgency):
            if len(self._running) >= self._most:
                return
            if waiting.repository not in self._running:
                source = waiting.one.source.id
                del self._waiting[source]
                self._running[waiting.repository] = source
                self._spawn(self._refresh(waiting))

    async def _refresh(self, waiting: _Waiting) -> None:
        source = waiting.one.source.id
        try:
            await self._run(source, waiting.head)
        finally:
            del self._running[waiting.repository]
            self._start()
        await self._ended(source)
