"""Asking what has moved: one tick takes all sources that are due, and starts refreshes of those that have news."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.forge import Forge, Seen
from adapters.source import Head, SourceError, SourceGone, SourceUnreachable
from bot.lifecycle import Lifecycle
from bot.outcome import failed
from bot.refresh import Refresh
from bot.refreshing import Refreshing
from bot.rests import Rests
from bot.rounds import AHEAD_S, Batch, Way, plan_round, remote_place
from bot.state.database import Database
from bot.state.queries import polls, repositories, sources
from bot.state.queries.polls import ARCHIVED_WAIT_S, Due, Quiet

SPREAD: Final = 0.1
# Sources that are asked each for itself: at once in all, and of one host.
_MOST_ALONE: Final = 8
_MOST_OF_A_HOST: Final = 2
# So many sources of a host without an answer, and none with one, mean that the host is away.
_SILENT: Final = 2
# After how long git is asked whether a repository is gone, when nothing else of its host could be read either.
_DOUBT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class PollingParts:
    """What a poll works with.

    `forge` tells the heads of many repositories of a host, if it can; `credential` names what opens (host, owner/name),
    '' nothing; `refresh_now` refreshes one source, given where it is if that is known, and never raises; `run` takes
    work and what it is about, never raises either, and gives the reference of a fault of our own, '' for none.
    """

    db: Database
    refresh: Refresh
    lifecycle: Lifecycle
    forge: Callable[[str], Forge | None]
    credential: Callable[[str, str], str]
    refresh_now: Callable[[str, Head | None], Awaitable[None]]
    run: Callable[[Callable[[], Awaitable[str]], str], Awaitable[str]]
    spawn: Callable[[Coroutine[Any, Any, None]], object]
    clock: Callable[[], datetime]
    spread: Callable[[], float] = lambda: random.uniform(-SPREAD, SPREAD)  # noqa: S311 - not a secret


@dataclass(slots=True)
class _Tally:
    """How a host answers in one round, for sources that are asked each for itself."""

    answers: int = 0
    silent: list[tuple[Due, SourceUnreachable]] = field(default_factory=list)

    @property
    def is_away(self) -> bool:
        return not self.answers and len(self.silent) >= _SILENT


class Polling:
    """Asks sources of each kind in its way, and settles what has not moved without opening it.

    That a repository is gone is believed at once when others of the same answer could be read. Else its host may be in
    trouble, and say so of everything: then git is asked within a minute, and only when it says the same is the source
    hidden. An outage hides nothing.
    """

    def __init__(self, parts: PollingParts) -> None:
        self._parts = parts
        self._rests = Rests(parts.db, parts.forge, parts.clock)
        self._refreshing = Refreshing(parts.refresh_now, ended=self._ended, spawn=parts.spawn)
        self._asking: Counter[str] = Counter()  # keys of hosts and credentials, and ids of sources
        self._doubted: set[str] = set()
        self._room = asyncio.Semaphore(_MOST_ALONE)
        self._host_rooms: dict[str, asyncio.Semaphore] = {}
        self._looking = asyncio.Lock()

    async def tick(self) -> None:
        """Begin to ask every source that is due; returns before the answers are there."""
        async with self._looking:
            await self._rests.restore()
            now = self._parts.clock()
            due = await self._parts.db.read(lambda session: polls.due(session, now=now, ahead_s=AHEAD_S))
            planned = plan_round(
                [one for one in due if not self._is_busy(one.source.id)],
                now=now,
                way_of=self.way_of,
                is_resting=lambda key: key in self._asking or self._rests.is_resting(key),
                doubted=self._doubted,
            )
            asked = [one for batches in planned.batches.values() for batch in batches for one in _all(batch.waiting)]
            asked += _all(planned.alone.values())
            await self._take_up(asked)
            for key, batches in planned.batches.items():
                self._begin([key, *(one.source.id for batch in batches for one in _all(batch.waiting))])
                self._parts.spawn(self._ask_together(key, batches))
            for host, rows in planned.alone.items():
                self._begin([one.source.id for one in rows])
                self._parts.spawn(self._ask_each(host, rows))

    def way_of(self, one: Due) -> Way:
        """Say how a source is asked."""
        host, repository = remote_place(one.source)
        credential = self._parts.credential(host, repository) if host else ""
        is_batched = bool(credential) and one.source.kind == "git" and self._parts.forge(host) is not None
        return Way(host, repository, credential, is_batched)

    def _is_busy(self, source: str) -> bool:
        return source in self._asking or source in self._refreshing or self._parts.refresh.is_under_way(source)

    def _begin(self, names: Sequence[str]) -> None:
        self._asking.update(names)

    def _end(self, names: Sequence[str]) -> None:
        for name in names:
            self._asking.pop(name, None)

    async def _take_up(self, asked: Sequence[Due]) -> None:
        """Take the marks of dirtiness off before anything is asked: a push from now on sets them again."""
        dirty, now = [one.source.id for one in asked if one.source.is_dirty], self._parts.clock()
        if dirty:
            await self._parts.db.write(lambda session: polls.take_up(session, dirty, now=now))

    async def _ask_together(self, key: str, batches: Sequence[Batch]) -> None:
        """Ask one batch after the other; one that is not answered at all ends the round, what is left stays due."""

        async def ask() -> str:
            for batch in batches:
                if not await self._ask(batch):
                    break
            return ""

        ids = [one.source.id for batch in batches for one in _all(batch.waiting)]
        try:
            if await self._parts.run(ask, key):
                await self._put_off(ids)
        finally:
            self._end([key, *ids])
        await self._look_again()

    async def _ask(self, batch: Batch) -> bool:
        forge = self._parts.forge(batch.host)
        if forge is None:
            return False
        try:
            results = await forge.heads(batch.asked, credential=batch.credential)
        except SourceUnreachable as error:
            await self._rests.failed(batch.host, batch.credential, retry_after_s=error.retry_after_s)
            return False
        except SourceError as error:
            results = [error for _ in batch.asked]
        if all(isinstance(result, SourceUnreachable) for result in results):
            await self._rests.failed(batch.host, batch.credential)
            return False
        await self._rests.went_well(batch.host, batch.credential)
        await self._sort(batch, results)
        return True

    async def _sort(self, batch: Batch, results: Sequence[Seen | SourceError]) -> None:
        """Do what each answer asks for; what has not moved is settled in one write for all of it."""
        has_readable = any(isinstance(result, Seen) for result in results)
        spread, found = self._parts.spread(), list[tuple[Due, Head]]()
        waiting = await self._linked(batch, results)
        for rows, asked, result in zip(waiting, batch.asked, results, strict=True):
            if isinstance(result, Seen):
                self._doubted.difference_update(one.source.id for one in rows)
                way = Way(batch.host, asked.repository, batch.credential, is_batched=True)
                left = await self._parts.lifecycle.follow(rows, result, way)
                found += [(_archived(one, result), result.head) for one in left]
            else:
                await self._failed(rows, result, is_sure=has_readable)
        await self._compare(found, spread)

    async def _linked(self, batch: Batch, results: Sequence[Seen | SourceError]) -> list[list[Due]]:
        """The sources of a batch, each with the row of its repository; what is new of those is kept in one write."""
        new = [
            (one, result)
            for rows, result in zip(batch.waiting, results, strict=True)
            for one in rows
            if one.repository is None or (one.repository.node_id is None and isinstance(result, Seen))
        ]

        async def link(session: AsyncSession) -> dict[str, Due]:
            made = {}
            for one, result in new:
                row = await repositories.get_or_add(session, one.source.location, host=batch.host)
                if isinstance(result, Seen) and row.node_id is None:
                    row.node_id, row.default_branch = result.node_id or None, result.default_branch
                    row.is_private, row.is_archived = result.is_private, result.is_archived
                made[one.source.id] = replace(one, repository=row)
            for one in made.values():
                if one.repository is not None and one.source.repository is None:
                    await sources.link(session, [one.source.id], one.repository.id)
            return made

        made = await self._parts.db.write(link) if new else {}
        return [[made.get(one.source.id, one) for one in rows] for rows in batch.waiting]

    async def _failed(self, rows: Sequence[Due], error: SourceError, *, is_sure: bool) -> None:
        """Record what is wrong with sources; what may not be gone at all is looked at again soon."""
        is_gone = isinstance(error, SourceGone)
        is_sure = is_sure or (isinstance(error, SourceGone) and error.reason == "branch")
        for one in rows:
            source = one.source
            if is_gone and not is_sure and source.state == "active" and source.id not in self._doubted:
                await self._doubt(source.id)
            elif is_gone:
                self._doubted.discard(source.id)
                await self._parts.lifecycle.gone(source, failed(source, error))
            else:
                await self._parts.refresh.settle(source, failed(source, error))

    async def _doubt(self, source: str) -> None:
        self._doubted.add(source)
        await self._put_off([source])

    async def _put_off(self, ids: Sequence[str]) -> None:
        until = self._parts.clock() + timedelta(seconds=_DOUBT_S)
        await self._parts.db.write(lambda session: polls.put_off(session, ids, until=until))

    async def _compare(self, found: Sequence[tuple[Due, Head]], spread: float) -> None:
        """Settle, in one write, what has not moved; have the rest refreshed. All of a batch are due together again.

        Those that stay together fill the next batch, too.
        """
        known = await self._parts.refresh.known([one.source for one, _ in found])
        now, quiet = self._parts.clock(), []
        for one, head in found:
            if one.source.state == "active" and _is_same(known.get(one.source.id), head):
                quiet.append(_quiet(one, now=now, spread=spread))
            else:
                self._refreshing.add(one, None if _is_empty(head) else head)
        seen = {one.repository.id for one, _ in found if one.repository is not None}

        async def settle(session: AsyncSession) -> None:
            await polls.settle(session, quiet, now=now)
            await repositories.mark_seen(session, sorted(seen), now=now)

        if found:
            await self._parts.db.write(settle)

    async def _ask_each(self, host: str, rows: Sequence[Due]) -> None:
        """Ask sources of one host each for itself, a few at once."""
        tally = _Tally()
        await asyncio.gather(*(self._ask_alone(host, one, tally) for one in rows))
        if not host or tally.answers:
            for one, error in tally.silent:
                await self._failed([one], error, is_sure=False)
        elif tally.silent:
            waits = [error.retry_after_s for _, error in tally.silent if error.retry_after_s]
            await self._rests.failed(host, retry_after_s=max(waits, default=None))
        if host and tally.answers:
            await self._rests.went_well(host)
        await self._look_again()

    async def _ask_alone(self, host: str, one: Due, tally: _Tally) -> None:
        most = _MOST_OF_A_HOST if host else _MOST_ALONE
        try:
            async with self._host_rooms.setdefault(host, asyncio.Semaphore(most)), self._room:
                if host and tally.is_away:
                    return
                reference = await self._parts.run(lambda: self._ask_itself(host, one, tally), one.source.id)
            if reference:
                await self._parts.refresh.put_off(one.source.id, reference)
        finally:
            self._end([one.source.id])

    async def _ask_itself(self, host: str, one: Due, tally: _Tally) -> str:
        try:
            head = await (await self._parts.refresh.opened(one.source)).head()
        except SourceUnreachable as error:
            tally.silent.append((one, error))
            return ""
        except SourceError as error:
            await self._failed([one], error, is_sure=not host or bool(tally.answers))
            return ""
        tally.answers += 1
        self._doubted.discard(one.source.id)
        await self._compare([(one, head)], self._parts.spread())
        return ""

    async def _look_again(self) -> None:
        """After a round: what was pushed while its host was asked need not wait for the clock."""
        if await self._parts.db.read(polls.is_any_dirty):
            await self.tick()

    async def _ended(self, source: str) -> None:
        """A push that came during a refresh is looked at as soon as that has ended."""
        row = await self._parts.db.read(lambda session: sources.get(session, source))
        if row is not None and row.is_dirty:
            await self.tick()


def _all(groups: Any) -> list[Due]:
    return [one for group in groups for one in group]


def _archived(one: Due, seen: Seen) -> Due:
    """The source with what its host has just said about the archive; the row is of before."""
    if one.repository is None or one.repository.is_archived == seen.is_archived:
        return one
    return replace(one, repository=one.repository.model_copy(update={"is_archived": seen.is_archived}))


def _is_empty(head: Head) -> bool:
    return not head.commit.strip("0")


def _is_same(known: Head | None, head: Head) -> bool:
    """Say whether an index is at a head; one without commits has no branch that would count."""
    if known is None or _is_empty(head):
        return known is not None and _is_empty(known)
    return known == head


def _quiet(one: Due, *, now: datetime, spread: float) -> Quiet:
    is_archived = one.repository is not None and one.repository.is_archived
    wait_s = max(ARCHIVED_WAIT_S if is_archived else 0.0, float(one.source.interval_s)) * (1 + spread)
    counts = one.source.counts
    cleared = {name: value for name, value in counts.items() if name != "problem"} if "problem" in counts else None
    return Quiet(one.source.id, now + timedelta(seconds=wait_s), cleared)
