"""One run of a plan: what is read is made into passages with vectors and written, in order, until all is done."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from pipelines.components.converting import made_by
from pipelines.components.embed import Embedder
from pipelines.components.prepare import embedded_text
from pipelines.making.crew import Maker
from pipelines.making.work import Chunk, Made, Raw, Work
from pipelines.planning import Listed, Outcome, Plan, Progress
from pipelines.stores.passages import Change, Entry, IndexedFile, PassageStore, Vectors
from pipelines.types import Shown

# A larger change is written in batches of this size, one while the next is made ready: prepared passages take about
# six times their text in memory.
BATCH_FILES: Final = 500
BATCH_BYTES: Final = 4_000_000
# So much text is prepared and embedded at once: half a second of work, between which others get their turn.
_CHUNK_BYTES: Final = 1_000_000
_CHUNK_FILES: Final = 200

Content = tuple[Listed, bytes]
OnProgress = Callable[[Progress], None]
RoomToWrite = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RunParts:
    """What a run works with. `version` names what passages are made by; the tasks of the run belong to `group`."""

    store: PassageStore
    embedder: Embedder
    maker: Maker
    version: str
    on_progress: OnProgress
    room_to_write: RoomToWrite
    group: asyncio.TaskGroup


@dataclass(frozen=True, slots=True)
class _Taken:
    """A chunk that was read, and the work on it that is under way."""

    files: Sequence[Content]
    work: asyncio.Task[Work]


@dataclass(slots=True)
class Run:
    """One run of a plan: what has been made and not yet written, and the sums so far.

    `interim` is the version to show until the last write of a large change, None for a small one.
    """

    parts: RunParts
    project: str
    target: Shown
    plan: Plan
    interim: Shown | None = None
    outcome: Outcome = field(default_factory=Outcome)
    _writing: asyncio.Task[int] | None = None
    _waiting: list[IndexedFile] = field(default_factory=list)
    _waiting_bytes: int = 0
    _size_bytes: int = 0
    _done_bytes: int = 0
    _skipped: Counter[str] = field(default_factory=Counter)
    _timings: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("prepare", "embed", "write"), 0.0))

    async def carry_out(self, contents: AsyncIterator[Content]) -> Outcome:
        """Take all that is read, write it with the removals and the target's version last, and sum up."""
        self._size_bytes = self.plan.size_bytes
        try:
            await self._take_all(contents)
        finally:
            if isinstance(contents, AsyncGenerator):
                await contents.aclose()
        return await self._finish()

    async def _take_all(self, contents: AsyncIterator[Content]) -> None:
        """Let chunks be worked on while those before are written; no more is read than can be worked on soon."""
        under_way: deque[_Taken] = deque()
        async for files in _in_chunks(contents):
            under_way.append(_Taken(files, self.parts.group.create_task(self._make(files))))
            if len(under_way) >= 2 * self.parts.maker.at_once:
                await self._absorb(under_way.popleft())
        while under_way:
            await self._absorb(under_way.popleft())

    async def _finish(self) -> Outcome:
        target = self.target
        gone = [(target.source, path) for path in self.plan.removed]
        await self._write(remove=gone, shown=target)
        await self._written()
        read = self.outcome.files + self._skipped.total()
        self._tell("done")
        return replace(
            self.outcome,
            removed=len(gone),
            vanished=len(self.plan.changed) - read,
            skipped=dict(self._skipped + Counter(self.plan.skipped)),
            timings=self._timings,
        )

    async def _make(self, files: Sequence[Content]) -> Work:
        """Let a chunk be worked on. A moved file keeps its vectors, so none are made of it."""
        moved = self.plan.moved
        raw = [Raw(file.path, file.blob, data, file.path not in moved) for file, data in files]
        return await self.parts.maker.make(Chunk(self.target.source, raw, self.plan.room))

    async def _absorb(self, taken: _Taken) -> None:
        """Let what was made of a chunk wait for the next write; write when a batch of a large change is full."""
        work = await taken.work
        self._timings["prepare"] += work.prepare_s
        self._timings["embed"] += work.embed_s
        with self._timed("embed"):
            vectors = await self._vectors(taken.files, work.made)
        for (file, data), made, rows in zip(taken.files, work.made, vectors, strict=True):
            self._add(file, len(data), IndexedFile(self._entry(file, len(data), made), made.prepared.documents, rows))
        self._tell("reading")
        if self.interim and (self._waiting_bytes >= BATCH_BYTES or len(self._waiting) >= BATCH_FILES):
            await self._write(remove=self._former(), shown=self.interim)

    def _former(self) -> Sequence[tuple[str, str]]:
        """The paths that the waiting files had before: they go with the same write, so that no search finds both."""
        renamed = self.plan.renamed
        waiting = (file.entry.path for file in self._waiting)
        return [(self.target.source, renamed[path]) for path in waiting if path in renamed]

    async def _vectors(self, files: Sequence[Content], made: Sequence[Made]) -> list[Vectors | None]:
        """Give the vectors of each file: those made already or known, the others by one call of the embedder."""
        if not self.parts.embedder.width:
            return [None] * len(made)
        rows = [
            one.vectors if one.vectors is not None else await self._known(file, len(one.prepared.documents))
            for (file, _), one in zip(files, made, strict=True)
        ]
        asked = [index for index, known in enumerate(rows) if known is None]
        texts = [embedded_text(document) for index in asked for document in made[index].prepared.documents]
        fresh = await self.parts.embedder.embed(texts)
        end = 0
        for index in asked:
            start, end = end, end + len(made[index].prepared.documents)
            rows[index] = fresh[start:end]
        return rows

    async def _known(self, file: Listed, passages: int) -> Vectors | None:
        if file.path not in self.plan.moved:
            return None
        known = await self.parts.store.known_vectors(self.project, self.target.source, file.blob)
        fits = known is not None and known.shape == (passages, self.parts.embedder.width)
        return known if fits else None

    def _entry(self, file: Listed, size_bytes: int, made: Made) -> Entry:
        prepared = made.prepared
        return Entry(
            source=self.target.source,
            path=file.path,
            blob=file.blob,
            splitter=made_by(file.path, self.parts.version),
            passages=len(prepared.documents),
            size_bytes=size_bytes,
            room=self.plan.room,
            skipped=prepared.skipped,
            redacted=prepared.redacted,
        )

    def _add(self, file: Listed, size_bytes: int, made: IndexedFile) -> None:
        self._waiting.append(made)
        self._waiting_bytes += size_bytes
        self._done_bytes += file.size_bytes
        if made.entry.skipped:
            self._skipped[made.entry.skipped] += 1
            return
        self.outcome = replace(
            self.outcome,
            files=self.outcome.files + 1,
            passages=self.outcome.passages + len(made.documents),
            redacted=self.outcome.redacted + made.entry.redacted,
        )

    async def _write(self, *, remove: Sequence[tuple[str, str]], shown: Shown) -> None:
        """Begin to write what waits, once the write before has ended."""
        await self._written()
        self._tell("writing")
        change = Change(put=self._waiting, remove=remove, shown=(shown,))
        self._writing = self.parts.group.create_task(self._apply(change))
        self._waiting, self._waiting_bytes = [], 0

    async def _apply(self, change: Change) -> int:
        with self._timed("write"):
            await self.parts.room_to_write()
            return await self.parts.store.apply(self.project, change)

    async def _written(self) -> None:
        """Wait for the write under way. One that fails ends the whole run by itself."""
        if self._writing is not None:
            self.outcome = replace(self.outcome, generation=await self._writing)
            self._writing = None

    def _tell(self, stage: str) -> None:
        done, plan = self.outcome.files + self._skipped.total(), self.plan
        self.parts.on_progress(
            Progress(done, len(plan.changed), self.outcome.passages, stage, self._done_bytes, self._size_bytes)
        )

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started_s = time.perf_counter()
        yield
        self._timings[stage] += time.perf_counter() - started_s


async def _in_chunks(contents: AsyncIterator[Content]) -> AsyncIterator[list[Content]]:
    """Group what is read into chunks of about _CHUNK_BYTES."""
    chunk: list[Content] = []
    size_bytes = 0
    async for file, data in contents:
        chunk.append((file, data))
        size_bytes += len(data)
        if size_bytes >= _CHUNK_BYTES or len(chunk) >= _CHUNK_FILES:
            yield chunk
            chunk, size_bytes = [], 0
    if chunk:
        yield chunk
