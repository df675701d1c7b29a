"""The verb behind /source refresh, the clock, a watched folder and `roomwise index`: bring a source's index to its head."""

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.registry import SourceSpec
from adapters.source import CodeSource, Head, Listing, SourceError, SourceGone, SourceRefused
from bot import platform
from bot.difference import Difference, difference
from bot.first_look import absent_of
from bot.outcome import DISK, STORE_WAIT_S, DiskLow, Ran, failed, held, wait_after
from bot.progress import Pace, ProgressBoard, SourceProgress
from bot.showing import show
from bot.state.database import Database
from bot.state.queries import changes, sources
from bot.state.tables import Source
from pipelines.indexing import Indexing, Listed, Outcome, Plan, Progress
from pipelines.stores.passages import PassageStore
from pipelines.types import Shown, StoreUnavailable

_SPREAD = 0.1

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RefreshParts:
    """What a refresh works with. `free_bytes` says how much disk space is left; `clock` gives UTC.

    `made_by` names the program and the settings that an index depends on; '' has every listing compared once a process.
    """

    db: Database
    store: PassageStore
    indexing: Indexing
    open_source: Callable[[SourceSpec], CodeSource]
    board: ProgressBoard
    clock: Callable[[], datetime]
    free_bytes: Callable[[], int]
    min_free_bytes: int
    parallel: int
    made_by: str = ""
    spread: Callable[[], float] = lambda: random.uniform(-_SPREAD, _SPREAD)  # noqa: S311 - not a secret


@dataclass(slots=True)
class _Turn:
    """One refresh of a source at a time. Requests count up; a run covers all that were made before it began."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: int = 0
    covered: int = 0
    last: Ran | None = None
    must_read_anew: bool = False
    head: Head | None = None  # where the source is, as somebody knew who asked for the next run
    must_ask: bool = False  # somebody asked for it who did not know
    is_over: bool = False  # the source was forgotten while a run was under way


@dataclass(frozen=True, slots=True)
class _Opened:
    spec: SourceSpec
    source: CodeSource


class Refresh:
    """Refreshes sources, one run a source at a time and a few large ones at once."""

    def __init__(self, parts: RefreshParts) -> None:
        self._parts = parts
        self._turns: dict[str, _Turn] = {}
        self._opened: dict[str, _Opened] = {}
        self._compared: dict[str, Head] = {}  # where sources were when their whole listing was last compared
        self._large = asyncio.Semaphore(parts.parallel)

    async def refresh(
        self,
        project: str,
        source: str | None = None,
        *,
        on_progress: Callable[[SourceProgress], None] | None = None,
    ) -> list[Ran]:
        """Bring one source of a project, or all that are followed, to their heads; say how each went."""
        followed = await self._parts.db.read(lambda session: sources.list_of(session, project))
        wanted = [row.id for row in followed if row.kind != "upload" and source in {None, row.id}]
        own = set(wanted)

        def tell(progress: SourceProgress) -> None:
            if on_progress is not None and progress.source in own:
                on_progress(progress)

        with self._parts.board.listening(tell):
            ran = await asyncio.gather(*(self.refresh_source(one) for one in wanted))
        return [one for one in ran if one is not None]

    async def refresh_source(self, source: str, *, anew: str = "", head: Head | None = None) -> Ran | None:
        """Bring a source to its head; None when it is not followed any more.

        A request during a run waits for it and is then covered by one more run, together with all others that waited.
        `anew`, when not empty, is the reason to read every file again. `head` is where the source was a moment ago, so
        that its host is not asked once more.
        """
        turn = self._turns.setdefault(source, _Turn())
        turn.must_read_anew |= bool(anew)
        turn.head, turn.must_ask = head, turn.must_ask or head is None
        turn.asked += 1
        ticket = turn.asked
        async with turn.lock:
            if turn.covered >= ticket:
                return turn.last
            covered, must_read_anew, turn.must_read_anew = turn.asked, turn.must_read_anew, False
            hint, turn.must_ask = None if turn.must_ask else turn.head, False
            turn.last = await self._run(source, turn, hint=hint, must_read_anew=must_read_anew)
            turn.covered = covered
            return turn.last

    def is_under_way(self, source: str) -> bool:
        """Say whether a source is being refreshed."""
        return source in self._turns and self._turns[source].lock.locked()

    async def put_off(self, source: str, reference: str) -> None:
        """Record that a run failed for a reason nobody expected; the log holds it under the reference."""
        row = await self._parts.db.read(lambda session: sources.get(session, source))
        if row is not None:
            error = f"expected to refresh {row.name!r}, got a fault of our own: the log has it under {reference}"
            await self.settle(row, Ran(row.id, row.name, "failed", error=error))

    async def known(self, rows: Sequence[Source]) -> Mapping[str, Head]:
        """Say where the indexes of sources are, of those that equal a version of their source; the others need a run.

        The store is asked at most once a project in the life of a process, so that a poll of many sources opens none.
        """
        for project in {row.project for row in rows if row.id not in self._compared}:
            await self._recall(project, [row for row in rows if row.project == project])
        return {row.id: self._compared[row.id] for row in rows if row.id in self._compared}

    def compare_again(self, _project: str) -> None:
        """Compare every listing at the next look: an index was lost, and begins anew. That is rare."""
        self._compared.clear()

    async def forget(self, source: str) -> None:
        """Close what is open of a source that is not followed any more.

        A run that is under way ends before its next write and deletes what it has written.
        """
        self._compared.pop(source, None)
        if (turn := self._turns.pop(source, None)) is not None:
            turn.is_over = True
        self._parts.board.forget(source)
        opened = self._opened.pop(source, None)
        if opened is not None:
            await opened.source.close()

    async def close(self) -> None:
        """Close every source."""
        for source in list(self._opened):
            await self.forget(source)

    async def opened(self, row: Source) -> CodeSource:
        """The open source behind a row; opened anew when its place or branch has changed. Raises SourceRefused."""
        spec = SourceSpec(row.id, row.kind, row.location, row.ref, is_public=not row.is_private, paths=tuple(row.paths))
        if not self._is_open(spec):
            made = _Opened(spec, await asyncio.to_thread(self._parts.open_source, spec))
            if not self._is_open(spec):  # another may have been quicker
                former, self._opened[row.id] = self._opened.get(row.id), made
                if former is not None:
                    await former.source.close()
        return self._opened[row.id].source

    def _is_open(self, spec: SourceSpec) -> bool:
        known = self._opened.get(spec.id)
        return known is not None and known.spec == spec

    async def _run(self, source: str, turn: _Turn, *, hint: Head | None, must_read_anew: bool) -> Ran | None:
        row = await self._parts.db.write(self._begin(source, is_asked=hint is not None))
        if row is None:
            await self.forget(source)
            return None
        if reason := held(row):
            return await self.settle(row, Ran(row.id, row.name, "gone", error=row.last_error, reason=reason))
        progress = SourceProgress(row.project, row.id, row.name, "listing", is_first=row.last_ok_at is None)
        stage, last = "failed", progress
        try:
            shown = (await self._shown(row.project)).get(source)
            last = progress = replace(progress, is_first=shown is None)
            self._parts.board.publish(progress)
            ran = await self._follow(row, shown, progress, hint=hint, must_read_anew=must_read_anew)
            stage, last = "done", replace(progress, passages=int(ran.counts.get("passages", 0)))
        except (SourceError, StoreUnavailable, DiskLow) as error:
            ran = failed(row, error)
            stage = "paused" if ran.outcome in DISK else stage
        finally:
            self._parts.board.publish(replace(last, stage=stage))
            if turn.is_over:
                await self._parts.store.purge(row.project, row.id)
        if turn.is_over:
            return None
        return await self.settle(row, ran)

    def _begin(self, source: str, *, is_asked: bool) -> Callable[[AsyncSession], Awaitable[Source | None]]:
        """Take the mark of dirtiness off, so that a change from now on sets it again, and give the row.

        When the source was asked before, the mark was taken off then: one that is there now is about a later change.
        """

        async def begin(session: AsyncSession) -> Source | None:
            row = await sources.get(session, source)
            if row is None or row.state == "removed":
                return None
            if not is_asked:
                await sources.begin_run(session, source, now=self._parts.clock())
            return row

        return begin

    async def _shown(self, project: str) -> Mapping[str, Shown]:
        await self._parts.store.create(project)
        return await self._parts.store.shown(project)

    async def _recall(self, project: str, rows: Sequence[Source]) -> None:
        """Take up what the last process had compared: nothing has changed since that would ask for another look."""
        shown, counts = await self._shown(project), (await self._parts.store.counts(project)).per_source
        for row in rows:
            at = shown.get(row.id)
            is_whole = counts.get(row.id, 0) == row.counts.get("passages") and not row.counts.get("vanished")
            is_same = bool(self._parts.made_by) and row.counts.get("compared") == self._stamp(row)
            if row.id not in self._compared and at is not None and at.updating_to is None and is_whole and is_same:
                self._compared[row.id] = Head(at.ref, at.commit)

    def _stamp(self, row: Source) -> str:
        """Name what the index of a source was made by, in a few letters."""
        said = json.dumps([self._parts.made_by, row.kind, row.ref, sorted(row.paths)])
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    async def _follow(
        self, row: Source, shown: Shown | None, progress: SourceProgress, *, hint: Head | None, must_read_anew: bool
    ) -> Ran:
        """Ask the head; when it has moved, list, compare and index."""
        await self._demand_room(row.id)
        source = await self.opened(row)
        head = hint or await source.head()
        if not must_read_anew and row.id in await self.known([row]) and _is_at(shown, head):
            return Ran(row.id, row.name, "unchanged", counts=row.counts)
        listing = await _list(source, head, is_hint=hint is not None)
        listed = await asyncio.to_thread(_listed, listing, sources.folders_of(row))
        plan = await self._parts.indexing.plan(row.project, row.id, listed)
        if must_read_anew:
            plan = await self._with_all(row, plan, listed)
        changed = await self._difference(row, shown, plan, listing.head)
        done = await self._index(row, source, listing, plan, replace(progress, is_rebuild=plan.is_rebuild))
        if plan.changed:
            await asyncio.to_thread(platform.give_back_memory)
        self._compared[row.id] = listing.head
        if done.vanished:  # the head may stay as it is, and those files must be looked for all the same
            self._compared.pop(row.id)
        is_changed = bool(plan.changed or plan.removed) or not _is_at(shown, listing.head)
        counts = await self._counts(row, listing, plan, done)
        outcome = "indexed" if is_changed else "unchanged"
        return Ran(row.id, row.name, outcome, done=done, counts=counts, difference=changed)

    async def _difference(self, row: Source, shown: Shown | None, plan: Plan, head: Head) -> Difference | None:
        """What the plan will change; the manifest is read once more only when files change."""
        is_first = shown is None or shown.updating_to == shown.commit  # a first index shows its target at once
        before = "" if is_first or shown is None else shown.commit
        has_files = shown is not None and not plan.is_empty
        manifest = await self._parts.store.manifest(row.project, row.id) if has_files else {}
        return await asyncio.to_thread(partial(difference, manifest, plan, before=before, head=head))

    async def _with_all(self, row: Source, plan: Plan, listed: Sequence[Listed]) -> Plan:
        """The plan with every file that is indexed and stays among the changed ones."""
        held = (await self._parts.store.manifest(row.project, row.id)).keys() - set(plan.removed)
        wanted = held | {file.path for file in plan.changed}
        every = [file for file in listed if file.path in wanted]
        return replace(plan, changed=every, moved=frozenset(), unchanged=0, redacted=0)

    async def _index(
        self, row: Source, source: CodeSource, listing: Listing, plan: Plan, progress: SourceProgress
    ) -> Outcome:
        """Run the plan; a large one waits for its turn, a small one never does."""
        entries = {entry.path: entry for entry in listing.entries}

        async def read(files: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
            by_path = {file.path: file for file in files}
            async for entry, content in source.read(entries[path] for path in by_path):
                yield by_path[entry.path], content

        pace = Pace()

        def tell(now: Progress) -> None:
            files_per_s, left_s = pace.measure(
                at_s=self._parts.clock().timestamp(),
                files=now.done,
                done_bytes=now.done_bytes,
                total_bytes=now.total_bytes,
            )
            told = replace(progress, stage=now.stage, done=now.done, total=now.total, passages=now.passages)
            told = replace(told, files_per_s=files_per_s, left_s=left_s)
            if now.stage != "done":  # told once the run is recorded
                self._parts.board.publish(told)

        target = Shown(row.id, listing.head.ref, listing.head.commit, self._parts.clock())
        run = partial(self._parts.indexing.run, room_to_write=partial(self._demand_room, row.id))
        if plan.is_one_change:
            return await run(row.project, target, plan, read, on_progress=tell)
        self._parts.board.publish(replace(progress, stage="waiting", total=len(plan.changed)))
        async with self._large:
            return await run(row.project, target, plan, read, on_progress=tell)

    async def _demand_room(self, source: str) -> None:
        """Raise DiskLow when too little disk space is free, SourceGone when the source was forgotten meanwhile."""
        if source not in self._turns:
            raise SourceGone("expected a source that is followed, got one that was removed while it was read")
        free, least = await asyncio.to_thread(self._parts.free_bytes), self._parts.min_free_bytes
        if free < least:
            raise DiskLow(
                f"expected {least // 1_000_000} MB of free disk space, got {free // 1_000_000} MB: "
                "free some, indexing then goes on by itself"
            )

    async def _counts(self, row: Source, listing: Listing, plan: Plan, done: Outcome) -> dict[str, Any]:
        """What /status shows of a source: files, passages, skipped by reason, keys and tokens taken out."""
        held = await self._parts.store.counts(row.project)
        return {
            "files": plan.unchanged + done.files,
            "passages": held.per_source.get(row.id, 0),
            "skipped": dict(Counter(listing.skipped) + Counter(done.skipped)),
            "redacted": plan.redacted + done.redacted,
            "reading": {name: list(far) for name, far in listing.reading.items()},
            "vanished": done.vanished,
            "compared": self._stamp(row),
            "absent": await asyncio.to_thread(absent_of, listing, sources.folders_of(row)),
        }

    async def settle(self, row: Source, ran: Ran) -> Ran:
        """Record how a look at a source went, hide what is gone, show again what is back; gives the same with that."""
        now = self._parts.clock()
        state = "hidden" if ran.outcome == "gone" else "active" if ran.is_ok else row.state
        ran = replace(ran, is_back=ran.is_ok and row.state == "hidden")
        is_kept = await show(self._parts.store, row, ran)
        wait_s = wait_after(ran, interval_s=row.interval_s, failures=row.failures, spread=self._parts.spread())
        wait_s = wait_s if is_kept else STORE_WAIT_S
        counts = {**ran.counts} if ran.is_ok else {**row.counts, "problem": ran.problem}
        counts = {name: value for name, value in counts.items() if name != "problem" or not ran.is_ok}

        async def record(session: AsyncSession) -> None:
            if state != row.state:
                await sources.set_state(session, row.id, state, reason=ran.problem, now=now)
            if (made := ran.difference) is not None:
                await changes.add(session, row.id, at=now, **asdict(made))
            await sources.record_run(
                session,
                row.id,
                error=None if ran.is_ok else ran.error,
                counts=counts,
                next_due_at=now + timedelta(seconds=wait_s),
                now=now,
            )

        await self._parts.db.write(record)
        tell = _log.debug if ran.outcome == "unchanged" else _log.info
        tell("source refreshed", source=row.id, outcome=ran.outcome, error=ran.error, wait_s=round(wait_s))
        return ran


async def _list(source: CodeSource, head: Head, *, is_hint: bool) -> Listing:
    """List the tree of a head; when that was only a hint and is not there any more, of what is there now."""
    try:
        return await source.listing(head)
    except (SourceGone, SourceRefused):
        if not is_hint:
            raise
        return await source.listing(await source.head())


def _is_at(shown: Shown | None, head: Head) -> bool:
    return shown is not None and shown.updating_to is None and (shown.ref, shown.commit) == (head.ref, head.commit)


def _listed(listing: Listing, folders: Sequence[str]) -> list[Listed]:
    """The files below the wanted folders (all when none is named), as indexing takes them."""
    inside = tuple(folder.rstrip("/") + "/" for folder in folders)
    return [
        Listed(entry.path, entry.blob, entry.size_bytes, entry.mode, listing.marked.get(entry.path, ""))
        for entry in listing.entries
        if not inside or (entry.path + "/").startswith(inside)
    ]
