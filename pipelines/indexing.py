"""The index follows a source: what has changed is read, prepared, embedded and written, and the shown version moves."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from config.settings import Files, Limits
from pipelines.components.embed import Embedder
from pipelines.components.prepare import Place, Prepared, embedded_text, prepare
from pipelines.components.skip import SkipRules
from pipelines.components.split import SPLITTER_VERSION
from pipelines.planning import Listed, Outcome, Plan, Progress, compare
from pipelines.stores.passages import Change, Entry, IndexedFile, PassageStore, Vectors
from pipelines.types import Shown

__all__ = ["Indexing", "Listed", "OnProgress", "Outcome", "Plan", "Progress", "Read", "RoomToWrite", "always_room"]

# Bumped when other files are skipped or other tokens redacted, so that every file is looked at again.
RULES_VERSION: Final = "rules-1"
# A larger change is written in batches of this size, one while the next is made ready: prepared passages take about
# six times their text in memory.
BATCH_FILES: Final = 500
BATCH_BYTES: Final = 4_000_000
# So much text is prepared and embedded at once: half a second of work, between which others get their turn.
_CHUNK_BYTES: Final = 1_000_000
_CHUNK_FILES: Final = 200


Read = Callable[[Sequence[Listed]], AsyncIterator[tuple[Listed, bytes]]]
OnProgress = Callable[[Progress], None]
RoomToWrite = Callable[[], Awaitable[None]]


async def always_room() -> None:
    """Never wait for free disk space."""


def _unseen(progress: Progress) -> None:
    """Tell nobody."""


class Indexing:
    """Brings sources into a passage store. One object serves all projects; one run at a time for each source."""

    def __init__(self, store: PassageStore, embedder: Embedder, *, files: Files, limits: Limits) -> None:
        self._store = store
        self._embedder = embedder
        self._rules = SkipRules(files)
        self._limits = limits

    @property
    def version(self) -> str:
        """Name what passages are made by; files indexed by another version are made again."""
        return f"{SPLITTER_VERSION}+{RULES_VERSION}+{self._embedder.name}"

    async def plan(self, project: str, source: str, listed: Sequence[Listed], *, room: str | None = None) -> Plan:
        """Compare a whole listing with the manifest. Files over the limits of a source are skipped as "over_limit"."""
        held = await self._store.manifest(project, source)
        rules, limits = self._rules, self._limits
        found = await asyncio.to_thread(compare, held, listed, rules=rules, limits=limits, version=self.version)
        return replace(found, room=room)

    async def run(
        self,
        project: str,
        target: Shown,
        plan: Plan,
        read: Read,
        *,
        on_progress: OnProgress = _unseen,
        room_to_write: RoomToWrite = always_room,
    ) -> Outcome:
        """Carry a plan out and move the source's shown version to `target`, last of all.

        Small changes are one transaction. Large ones go in batches, each file whole, while the version shown before
        carries `updating_to`; a first index shows the target at once, with `updating_to` equal to it. Removals come
        last. Cancelling leaves whole files only, and the next plan goes on from there.
        `room_to_write` is awaited before each write and returns when there is room on the disk.
        Raises what the store, the embedder, `read` and `room_to_write` raise; StoreUnavailable for a project that was
        not created, or is dropped meanwhile.
        """
        before = (await self._store.shown(project)).get(target.source)
        if plan.is_empty and before and replace(before, at=target.at) == target:
            return Outcome(generation=await self._store.generation(project), skipped=plan.skipped)
        tools = _Tools(self._store, self._embedder, self._rules, self.version, on_progress, room_to_write)
        try:
            async with asyncio.TaskGroup() as group:
                run = _Run(tools, project, target, plan, group.create_task)
                if not plan.is_one_change:
                    run.interim = replace(before or target, updating_to=target.commit)
                return await _carry_out(run, read(plan.changed))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None  # the first fault ended the others


async def _carry_out(run: "_Run", contents: AsyncIterator["_Content"]) -> Outcome:
    try:
        await run.take_all(contents)
    finally:
        if isinstance(contents, AsyncGenerator):
            await contents.aclose()
    return await run.finish()


@dataclass(frozen=True, slots=True)
class _Tools:
    """What a run works with."""

    store: PassageStore
    embedder: Embedder
    rules: SkipRules
    version: str
    on_progress: OnProgress
    room_to_write: RoomToWrite


_Content = tuple[Listed, bytes]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A file that has been prepared and is not embedded yet."""

    file: Listed
    size_bytes: int
    prepared: Prepared


@dataclass(slots=True)
class _Run:
    """One run of a plan: what has been prepared and not yet written, and the sums so far.

    `interim` is the version to show until the last write of a large change, None for a small one.
    """

    tools: _Tools
    project: str
    target: Shown
    plan: Plan
    spawn: Callable[[Coroutine[Any, Any, int]], asyncio.Task[int]]
    interim: Shown | None = None
    writing: asyncio.Task[int] | None = None
    waiting: list[IndexedFile] = field(default_factory=list)
    waiting_bytes: int = 0
    outcome: Outcome = field(default_factory=Outcome)
    skipped: Counter[str] = field(default_factory=Counter)
    ready: Sequence[_Ready] = ()
    timings: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("prepare", "embed", "write"), 0.0))

    async def take_all(self, contents: AsyncIterator[_Content]) -> None:
        """Prepare all that is read, a chunk at a time, while the chunk before is embedded and written."""
        chunk: list[_Content] = []
        size_bytes = 0
        async for file, data in contents:
            chunk.append((file, data))
            size_bytes += len(data)
            if size_bytes >= _CHUNK_BYTES or len(chunk) >= _CHUNK_FILES:
                await self._take(chunk)
                chunk, size_bytes = [], 0
        await self._take(chunk)
        await self._absorb(self.ready)

    async def finish(self) -> Outcome:
        """Write what waits, the removals and the target's version in one transaction, and sum up."""
        target = self.target
        gone = [(target.source, path) for path in self.plan.removed]
        await self._write(remove=gone, shown=target)
        await self._written()
        read = self.outcome.files + self.skipped.total()
        self._tell("done")
        return replace(
            self.outcome,
            removed=len(gone),
            vanished=len(self.plan.changed) - read,
            skipped=dict(self.skipped + Counter(self.plan.skipped)),
            timings=self.timings,
        )

    async def _take(self, chunk: Sequence[_Content]) -> None:
        """Prepare a chunk while the one before is absorbed: the tokenizer leaves the other core idle in part.

        Both have ended when this returns or raises.
        """
        results = await asyncio.gather(self._prepare(chunk), self._absorb(self.ready), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
            if result is not None:
                self.ready = result

    async def _prepare(self, chunk: Sequence[_Content]) -> list[_Ready]:
        with self._timed("prepare"):
            return await asyncio.to_thread(self._prepare_now, chunk)

    def _prepare_now(self, chunk: Sequence[_Content]) -> list[_Ready]:
        source, room, rules = self.target.source, self.plan.room, self.tools.rules
        return [
            _Ready(file, len(data), prepare(Place(source, file.path, file.blob, room), data, rules))
            for file, data in chunk
        ]

    async def _absorb(self, ready: Sequence[_Ready]) -> None:
        """Embed prepared files and let them wait for the next write; write when a batch of a large change is full."""
        if not ready:
            return
        with self._timed("embed"):
            vectors = await self._embed(ready)
        for file, rows in zip(ready, vectors, strict=True):
            self._add(file, rows)
        self._tell("reading")
        if self.interim and (self.waiting_bytes >= BATCH_BYTES or len(self.waiting) >= BATCH_FILES):
            await self._write(remove=(), shown=self.interim)

    async def _embed(self, ready: Sequence[_Ready]) -> list[Vectors | None]:
        """Give the vectors of each file, known ones first, the others by one call of the embedder."""
        if not self.tools.embedder.width:
            return [None] * len(ready)
        rows = [await self._known(file) for file in ready]
        asked = [index for index, known in enumerate(rows) if known is None]
        texts = [embedded_text(document) for index in asked for document in ready[index].prepared.documents]
        fresh = await self.tools.embedder.embed(texts)
        end = 0
        for index in asked:
            start, end = end, end + len(ready[index].prepared.documents)
            rows[index] = fresh[start:end]
        return rows

    async def _known(self, ready: _Ready) -> Vectors | None:
        if ready.file.path not in self.plan.moved:
            return None
        known = await self.tools.store.known_vectors(self.project, self.target.source, ready.file.blob)
        fits = known is not None and known.shape == (len(ready.prepared.documents), self.tools.embedder.width)
        return known if fits else None

    def _add(self, ready: _Ready, rows: Vectors | None) -> None:
        prepared = ready.prepared
        entry = Entry(
            source=self.target.source,
            path=ready.file.path,
            blob=ready.file.blob,
            splitter=self.tools.version,
            passages=len(prepared.documents),
            size_bytes=ready.size_bytes,
            room=self.plan.room,
            skipped=prepared.skipped,
            redacted=prepared.redacted,
        )
        self.waiting.append(IndexedFile(entry, prepared.documents, rows))
        self.waiting_bytes += ready.size_bytes
        if prepared.skipped:
            self.skipped[prepared.skipped] += 1
            return
        self.outcome = replace(
            self.outcome,
            files=self.outcome.files + 1,
            passages=self.outcome.passages + len(prepared.documents),
            redacted=self.outcome.redacted + prepared.redacted,
        )

    async def _write(self, *, remove: Sequence[tuple[str, str]], shown: Shown) -> None:
        """Begin to write what waits, once the write before has ended."""
        await self._written()
        self._tell("writing")
        self.writing = self.spawn(self._apply(Change(put=self.waiting, remove=remove, shown=(shown,))))
        self.waiting, self.waiting_bytes = [], 0

    async def _apply(self, change: Change) -> int:
        with self._timed("write"):
            await self.tools.room_to_write()
            return await self.tools.store.apply(self.project, change)

    async def _written(self) -> None:
        """Wait for the write under way. One that fails ends the whole run by itself."""
        if self.writing is not None:
            self.outcome = replace(self.outcome, generation=await self.writing)
            self.writing = None

    def _tell(self, stage: str) -> None:
        done = self.outcome.files + self.skipped.total()
        self.tools.on_progress(Progress(done, len(self.plan.changed), self.outcome.passages, stage))

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started_s = time.perf_counter()
        yield
        self.timings[stage] += time.perf_counter() - started_s
