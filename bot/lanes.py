"""Works the inbox off: claims what may start, in its order, and leaves no row and no asker behind."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Unreachable
from bot.errors import StateUnavailable, new_reference
from bot.reply import Spawn
from bot.schedule import Late, Schedule, Work, postponed
from bot.state.database import Database
from bot.state.queries import inbox
from bot.state.tables import Inbox as Row

log = structlog.get_logger(__name__)

MOST_ATTEMPTS: Final = 5
_TELL_PLACES_OVER: Final = 2  # the first two waiting questions of a room come soon enough
_RETRY_S: Final = 2.0
_PAGE: Final = 500


class RoutingPort(Protocol):
    """What the lanes need from `bot.routing.Routing`."""

    async def plan(self, session: AsyncSession, row: Row) -> Work:
        """How a row waits."""

    async def perform(self, row: Row) -> str:
        """Do it and return how it ended."""

    async def tell_place(self, row: Row, place: int) -> None:
        """Show a place in the queue."""

    async def tell_failed(self, row: Row, reference: str) -> None:
        """Tell the asker of a fault."""

    async def tell_cancelled(self, row: Row) -> None:
        """Tell the asker that it was cancelled."""

    async def tell_backlog(self, room: str, rows: list[int]) -> None:
        """Tell a room what waits for its button."""


@dataclass(frozen=True, slots=True)
class LaneRules:
    """Bounds on what runs at once. `owner` is new with every start; `lease` is how long its claims hold."""

    owner: str
    room_parallel: int
    total_parallel: int
    lease: timedelta = timedelta(minutes=5)
    is_alone: bool = True  # only this process works on the database, so claims of others are left-overs


@dataclass(slots=True)
class Lanes:
    """The queues of all rooms in motion; also `bot.context.QueuePort`. `spawn` starts a task that app.py owns."""

    db: Database
    routing: RoutingPort
    rules: LaneRules
    clock: Callable[[], datetime]
    spawn: Spawn
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _schedule: Schedule = field(init=False)
    _rows: dict[int, Row] = field(init=False, default_factory=dict)
    _tasks: dict[int, asyncio.Task[None]] = field(init=False, default_factory=dict)
    _cancelled: dict[int, str] = field(init=False, default_factory=dict)  # row -> outcome, for tasks told to end
    _loaded_up_to: int = field(init=False, default=0)  # rows above it are new; 0 looks at all again
    _begun: set[int] = field(init=False, default_factory=set)
    _places: dict[int, int] = field(init=False, default_factory=dict)  # place last shown
    _news: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _is_stopping: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._schedule = Schedule(room_parallel=self.rules.room_parallel, total_parallel=self.rules.total_parallel)

    @property
    def waiting(self) -> int:
        """How much waits in memory."""
        return self._schedule.waiting

    @property
    def running(self) -> int:
        """How much runs now."""
        return self._schedule.running

    def wake(self) -> None:
        """Say that the inbox holds something new."""
        self._news.set()

    async def run(self) -> None:
        """Resume what the last process left, then work for ever."""
        while True:
            try:
                await self._resume()
                break
            except StateUnavailable:
                await self.sleep(_RETRY_S)
        while not self._is_stopping:
            self._news.clear()
            try:
                await self._load()
            except StateUnavailable:
                log.warning("lanes.state_unavailable")
                await self.sleep(_RETRY_S)
                continue
            await self._news.wait()

    async def stop(self, grace_s: float) -> None:
        """Start nothing more, let what runs end within `grace_s`, give the rest back to the inbox."""
        self._is_stopping = True
        self._news.set()
        running = list(self._tasks.values())
        if running:
            await asyncio.wait(running, timeout=grace_s)
        left = [task for task in running if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    async def cancel(self, room: str, *, person: str | None = None, inbox: int | None = None) -> int:
        """Stop waiting and running questions of a room, only one person's or one row's when given; how many."""
        chosen = [
            number
            for number, row in self._rows.items()
            if row.room == room and person in (None, row.person) and inbox in (None, number) and row.kind == "message"
            if self._schedule.is_question(number)  # /cancel would else stop itself
        ]
        stopped = [number for number in chosen if await self._end(number, "cancelled")]
        return len(stopped)

    async def answer_now(self, room: str) -> int:
        """Put the room's postponed questions back into the queue; how many."""
        count = await self.db.write(lambda session: inbox.answer_now(session, room))
        self._loaded_up_to = 0
        self.wake()
        return count

    async def _resume(self) -> None:
        owner, now, alone = self.rules.owner, self.clock(), self.rules.is_alone
        await self.db.write(lambda session: inbox.reopen(session, owner=owner, now=now, even_leased=alone))
        rows = await self.db.read(lambda session: inbox.waiting(session, limit=100_000))
        asked = [row for row in rows if row.kind == "message" and row.outcome != inbox.ASKED_AGAIN]
        late = [Late(int(row.id or 0), row.room, (now - row.sent_at).total_seconds()) for row in asked]
        for room, numbers in postponed(late).items():
            await self._postpone(room, numbers)

    async def _postpone(self, room: str, numbers: list[int]) -> None:
        await self.db.write(lambda session: inbox.postpone(session, numbers))
        await self.routing.tell_backlog(room, numbers)

    async def _load(self) -> None:
        """Plan every waiting row that is not known yet."""

        async def plan(session: AsyncSession) -> list[tuple[Row, Work]]:
            found: list[tuple[Row, Work]] = []
            after, is_full = self._loaded_up_to, True
            while is_full:
                rows = await inbox.waiting(session, after=after, limit=_PAGE)
                is_full = len(rows) == _PAGE
                after = int(rows[-1].id or 0) if rows else after
                new = [row for row in rows if not self._schedule.knows(int(row.id or 0))]
                found += [(row, await self.routing.plan(session, row)) for row in new]
            self._loaded_up_to = after
            return found

        for row, work in await self.db.read(plan):
            if row.kind in ("edited", "deleted"):
                await self._supersede(row)
            if self._schedule.add(work):
                self._rows[work.id] = row
        self._pump()

    async def _supersede(self, change: Row) -> None:
        """End the work on a message that was edited or deleted."""
        for number, row in list(self._rows.items()):
            if row.kind == "message" and (row.room, row.message) == (change.room, change.message):
                await self._end(number, change.kind)

    async def _end(self, number: int, outcome: str) -> bool:
        """End waiting or running work; false when it has ended by itself."""
        row = self._rows.get(number)
        if row is None or number in self._cancelled:
            return False
        task = self._tasks.get(number)
        if task is not None:
            self._cancelled[number] = outcome
            if number in self._begun:  # a task that is cancelled before its first step never sees it
                task.cancel()
            return True
        self._forget(number)
        await self._close(row, outcome)
        self._pump()
        return True

    async def _close(self, row: Row, outcome: str) -> None:
        if outcome == "cancelled":
            await self.routing.tell_cancelled(row)
        await self._finish(row, "dropped", outcome)

    def _pump(self) -> None:
        """Start everything that may start, and show the others their places."""
        if self._is_stopping:
            return
        for work in self._schedule.start_ready():
            self._tasks[work.id] = self.spawn(self._work(self._rows[work.id]))
        for room in {row.room for row in self._rows.values()}:
            self._show_places(self._schedule.places(room))

    def _show_places(self, places: dict[int, int]) -> None:
        news: list[tuple[Row, int]] = []
        for number, place in places.items():
            shown = self._places.get(number)
            is_news = (
                place > _TELL_PLACES_OVER if shown is None else place != shown and (place == 1 or place * 2 <= shown)
            )
            if is_news and self._rows[number].kind == "message":
                self._places[number] = place
                news.append((self._rows[number], place))
        if news:
            self.spawn(self._tell_places(news))

    async def _tell_places(self, news: list[tuple[Row, int]]) -> None:
        """Show places one after the other, so that the placeholders stand in the order of their questions."""
        for row, place in news:
            number = int(row.id or 0)
            if not self._schedule.knows(number) or self._schedule.is_running(number):
                continue
            try:
                await self.routing.tell_place(row, place)
            except (Unreachable, StateUnavailable) as error:
                log.info("lanes.place_not_told", error=type(error).__name__)
                return

    async def _work(self, row: Row) -> None:
        number = int(row.id or 0)
        is_retried = False
        self._begun.add(number)
        try:
            if number in self._cancelled:
                raise asyncio.CancelledError  # noqa: TRY301  (the same way out as for a running one)
            claimed = await self._claim(number)
            if claimed is not None:
                await self._attempt(claimed)
        except asyncio.CancelledError:
            await self._interrupted(row)
        except (Unreachable, StateUnavailable) as error:
            log.warning("lanes.try_again", error=type(error).__name__, detail=str(error))
            is_retried = True
        except Exception:
            reference = new_reference()
            log.exception("lanes.failed", reference=reference)
            await self._broken(row, reference)
        finally:
            self._tasks.pop(number, None)
            self._begun.discard(number)
            if is_retried:
                self.spawn(self._later(row))
            else:
                self._forget(number)
                self._pump()

    async def _claim(self, number: int) -> Row | None:
        until = self.clock() + self.rules.lease
        owner = self.rules.owner
        return await self.db.write(lambda session: inbox.claim(session, number, owner=owner, lease_until=until))

    async def _attempt(self, row: Row) -> None:
        if row.attempts > MOST_ATTEMPTS:
            reference = new_reference()
            log.error("lanes.given_up", reference=reference, attempts=row.attempts - 1)
            await self.routing.tell_failed(row, reference)
            await self._finish(row, "failed", reference)
            return
        outcome = await self.routing.perform(row)
        is_closed = outcome == inbox.ANSWERED and row.kind == "message"  # an edit's row is not its question's
        if not is_closed:
            await self._finish(row, "failed" if outcome == "failed" else "done", outcome)

    async def _interrupted(self, row: Row) -> None:
        """Cancelled: by somebody, or because the program stops; then the attempt does not count."""
        number = int(row.id or 0)
        outcome = self._cancelled.pop(number, None)
        if outcome is not None:
            await self._close(row, outcome)
        else:
            await self.db.write(lambda session: inbox.give_back(session, number))

    async def _broken(self, row: Row, reference: str) -> None:
        try:
            await self.routing.tell_failed(row, reference)
            await self._finish(row, "failed", reference)
        except (Unreachable, StateUnavailable):
            log.warning("lanes.not_told", reference=reference)

    async def _later(self, row: Row) -> None:
        """Let a row wait again after a pause; a neighbour's outage is no crash, so the attempt does not count."""
        number = int(row.id or 0)
        await self.sleep(_RETRY_S)
        try:
            await self.db.write(lambda session: inbox.give_back(session, number))
        except StateUnavailable:
            self.spawn(self._later(row))
            return
        self._forget(number)
        self._loaded_up_to = 0
        self.wake()

    async def _finish(self, row: Row, state: str, outcome: str) -> None:
        number, now = int(row.id or 0), self.clock()
        await self.db.write(lambda session: inbox.finish(session, number, state=state, outcome=outcome, now=now))

    def _forget(self, number: int) -> None:
        self._schedule.finish(number)
        self._rows.pop(number, None)
        self._places.pop(number, None)
        self._cancelled.pop(number, None)
