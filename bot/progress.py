"""What is being indexed right now, for whoever wants to show it: the page, the chat, the terminal."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from config.texts import say

ENDED = frozenset({"done", "failed"})


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """How far the refresh of one source is. Files of `total` are done once the stage is past "listing".

    `stage` is waiting, listing, reading, writing, paused (no disk space), done or failed; `is_first` says that nothing
    of this source was searchable before.
    """

    project: str
    source: str
    name: str
    stage: str
    done: int = 0
    total: int = 0
    passages: int = 0
    is_first: bool = False

    @property
    def percent(self) -> int:
        """How much is done, in whole percent; 0 while the number of files is not known."""
        return 100 * self.done // self.total if self.total else 0


@dataclass(eq=False, slots=True)
class _Reader:
    """Somebody who watches. A slow one gets the newest state of each source and nothing in between."""

    project: str | None
    news: dict[str, SourceProgress] = field(default_factory=dict)
    has_news: asyncio.Event = field(default_factory=asyncio.Event)


class ProgressBoard:
    """Holds the running refreshes in memory; a finished one is told once more and forgotten.

    One that is paused stays until the next try.
    """

    def __init__(self) -> None:
        self._running: dict[str, SourceProgress] = {}
        self._readers: set[_Reader] = set()
        self._listeners: set[Callable[[SourceProgress], None]] = set()

    def publish(self, progress: SourceProgress) -> None:
        """Replace what is known of a source."""
        if progress.stage in ENDED:
            self._running.pop(progress.source, None)
        else:
            self._running[progress.source] = progress
        for listener in list(self._listeners):
            listener(progress)
        for reader in self._readers:
            if reader.project in {None, progress.project}:
                reader.news[progress.source] = progress
                reader.has_news.set()

    def running(self, project: str | None = None) -> list[SourceProgress]:
        """List the refreshes under way, of one project or of all."""
        return [one for one in self._running.values() if project in {None, one.project}]

    def forget(self, source: str) -> None:
        """Drop what is known of a source that is not followed any more."""
        self._running.pop(source, None)

    @contextmanager
    def listening(self, listener: Callable[[SourceProgress], None]) -> Iterator[None]:
        """Call `listener` with every change while the block runs; it must be quick."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    async def subscribe(self, project: str | None = None) -> AsyncGenerator[SourceProgress, None]:
        """Yield what runs now, then every change. A slow reader misses states in between, never the last one."""
        reader = _Reader(project, {one.source: one for one in self.running(project)})
        self._readers.add(reader)
        try:
            while True:
                while reader.news:
                    yield reader.news.pop(next(iter(reader.news)))
                reader.has_news.clear()
                await reader.has_news.wait()
        finally:
            self._readers.discard(reader)

    async def freshness_note(self, project: str, language: str) -> str | None:
        """Say in one sentence how far the first index of a project is; None when no source is indexed first now."""
        first = [one for one in self.running(project) if one.is_first]
        if not first:
            return None
        total = sum(one.total for one in first)
        if any(one.stage == "paused" for one in first):
            return say("refresh.first_paused", language)
        if not total:
            return say("refresh.first_listing", language)
        return say("refresh.first_running", language, done=sum(one.done for one in first), total=total)
