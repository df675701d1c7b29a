"""What is being indexed right now, for whoever wants to show it: the page, the chat, the terminal."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from bot.timing import left
from config.texts import say

ENDED = frozenset({"done", "failed"})
_WINDOW_S: Final = 30.0
_LEAST_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """How far the refresh of one source is. Files of `total` are done once the stage is past "listing".

    `stage` is waiting, listing, reading, writing, paused (no disk space), done or failed; `is_first` says that nothing
    of this source was searchable before, `is_rebuild` that an older index answers until this one is whole. `left_s` is
    None while nobody can say how long it still takes.
    """

    project: str
    source: str
    name: str
    stage: str
    done: int = 0
    total: int = 0
    passages: int = 0
    is_first: bool = False
    is_rebuild: bool = False
    files_per_s: float = 0.0
    left_s: float | None = None

    @property
    def percent(self) -> int:
        """How much is done, in whole percent; 0 while the number of files is not known."""
        return 100 * self.done // self.total if self.total else 0


@dataclass(frozen=True, slots=True)
class _Sample:
    """How far a run was at a time."""

    at_s: float
    files: int
    size_bytes: int


class Pace:
    """How quick one run is, over its last half minute: the first files often wait for something to start."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque()

    def measure(self, *, at_s: float, files: int, done_bytes: int, total_bytes: int) -> tuple[float, float | None]:
        """Take in how far the run is; give files a second and the seconds left, 0 and None while it is too early.

        The time left goes by bytes, since files differ in size.
        """
        samples = self._samples
        samples.append(_Sample(at_s, files, done_bytes))
        while len(samples) > 2 and samples[1].at_s <= at_s - _WINDOW_S:
            samples.popleft()
        passed_s, grown_bytes = at_s - samples[0].at_s, done_bytes - samples[0].size_bytes
        if passed_s < _LEAST_S or grown_bytes <= 0:
            return 0.0, None
        return (files - samples[0].files) / passed_s, (total_bytes - done_bytes) * passed_s / grown_bytes


def pace_of(running: Sequence[SourceProgress], language: str) -> str:
    """Say how quick refreshes go on and how long they take, to stand behind "3 of 10 files"; else empty."""
    known = [one.left_s for one in running if one.left_s is not None]
    if not known or len(known) < len(running):
        return ""
    rate = sum(one.files_per_s for one in running)
    return say(
        "status.pace", language, rate=f"{rate:.{0 if rate >= 1 else 1}f}", left=left(max(known), language=language)
    )


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
        done = sum(one.done for one in first)
        return say("refresh.first_running", language, done=done, total=total, pace=pace_of(first, language))
