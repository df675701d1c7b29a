"""Works the inbox off: starts what may start, in its order, and leaves no row and no asker behind."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import ChatError
from bot.attempts import RETRY_S, Attempts, LaneRules, RoutingPort
from bot.errors import StateUnavailable
from bot.reply import Spawn
from bot.schedule import Late, Schedule, Work, postponed
from bot.state.database import Database
from bot.state.queries import inbox
from bot.state.tables import Inbox as Row

log = structlog.get_logger(__name__)

_TELL_PLACES_OVER: Final = 2  # the first two waiting questions of a room come soon enough
_LET_GO_S: Final = 2.0  # for work that was told to end; what needs longer is taken up by the next start
_PAGE: Final = 500


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
    _attempts: Attempts = field(init=False)
    _rows: dict[int, Row] = field(init=False, default_factory=dict)
    _tasks: dict[int, asyncio.Task[None]] = field(init=False, default_factory=dict)
    _cancelled: dict[int, str] = field(init=False, default_factory=dict)  # row -> outcome, for tasks told to end
    _loaded_up_to: int = field(init=False, default=0)  # rows above it are new
    _looks_back: bool = field(init=False, default=True)  # rows below it wait as well
    _begun: set[int] = field(init=False, default_factory=set)
    _places: dict[int, int] = field(init=False, default_factory=dict)  # place last shown
    _news: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _is_stopping: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._schedule = Schedule(room_parallel=self.rules.room_parallel, total_parallel=self.rules.total_parallel)
        self._attempts = Attempts(self.db, self.routing, self.rules, self.clock, self.sleep)

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
                await self.sleep(RETRY_S)
        while not self._is_stopping:
            self._news.clear()
            try:
                await self._load()
            except StateUnavailable:
                log.warning("lanes.state_unavailable")
                await self.sleep(RETRY_S)
                continue
            await self._news.wait()

    async def stop(self, grace_s: float) -> None:
        """Start nothing more, let what runs end within `grace_s`, give the rest back to the inbox, 2 s later at most."""
        self._is_stopping = True
        self._news.set()
        running = list(self._tasks.values())
        if running:
            await asyncio.wait(running, timeout=grace_s)
        left = [task for task in running if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_LET_GO_S)

    async def cancel(self, room: str, *, person: str | None = None, asked: Row | None = None) -> int:
        """Stop waiting and running questions of a room, only one person's or those about one row; how many."""
        chosen = [
            number
            for number, row in self._rows.items()
            if row.room == room and person in (None, row.person) and (asked is None or _is_about(row, asked))
            if self._schedule.is_question(number)  # /cancel would else stop itself
        ]
        stopped = [number for number in chosen if await self._end(number, "cancelled")]
        return len(stopped)

    async def answer_now(self, room: str) -> int:
        """Put the room's postponed questions back into the queue; how many."""
        count = await self.db.write(lambda session: inbox.answer_now(session, room))
        self._look_back()
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
        """Set questions aside once their room knows it; where it cannot be told, they are worked on as any other."""
        try:
            await self.routing.tell_backlog(room, numbers)
        except ChatError as error:
            log.warning("lanes.backlog_not_told", error=type(error).__name__)
            return
        await self.db.write(lambda session: inbox.postpone(session, numbers))

    async def _load(self) -> None:
        """Plan every waiting row that is not known yet."""
        after, self._looks_back = 0 if self._looks_back else self._loaded_up_to, False
        try:
            found = await self.db.read(lambda session: self._plans(session, after))
            for row, work in found:
                if await self.routing.ends_work_on(row):
                    await self._supersede(row)
                if self._schedule.add(work):
                    self._rows[work.id] = row
                self._loaded_up_to = max(self._loaded_up_to, work.id)
        except StateUnavailable:
            self._looks_back = True
            raise
        self._pump()

    async def _plans(self, session: AsyncSession, after: int) -> Sequence[tuple[Row, Work]]:
        found: list[tuple[Row, Work]] = []
        is_full = True
        while is_full:
            rows = await inbox.waiting(session, after=after, limit=_PAGE)
            is_full = len(rows) == _PAGE
            after = int(rows[-1].id or 0) if rows else after
            new = [row for row in rows if not self._schedule.knows(int(row.id or 0))]
            found += [(row, await self.routing.plan(session, row)) for row in new]
        return found

    def _look_back(self) -> None:
        """Look at all that waits: rows that were known before wait again."""
        self._looks_back = True
        self.wake()

    async def _supersede(self, change: Row) -> None:
        """End the work on a message that was edited or deleted, and on earlier edits of it."""
        place = (change.room, change.message)
        for number, row in list(self._rows.items()):
            is_work = row.kind in ("message", "edited") and self._schedule.is_question(number)
            if is_work and number < int(change.id or 0) and (row.room, row.message) == place:
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
        try:
            await self._attempts.close(row, outcome)
        except StateUnavailable:
            self._look_back()
            raise
        self._pump()
        return True

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
            except (ChatError, StateUnavailable) as error:
                log.info("lanes.place_not_told", error=type(error).__name__)
                return

    async def _work(self, row: Row) -> None:
        number = int(row.id or 0)
        is_settled = True
        self._begun.add(number)
        try:
            if number in self._cancelled:
                raise asyncio.CancelledError  # noqa: TRY301  (the same way out as for a running one)
            is_settled = await self._attempts.work(row)
        except asyncio.CancelledError:
            is_settled = await self._interrupted(row)
        finally:
            self._tasks.pop(number, None)
            self._begun.discard(number)
            if is_settled:
                self._forget(number)
                self._pump()
            else:
                self.spawn(self._later(row))

    async def _interrupted(self, row: Row) -> bool:
        """Cancelled by somebody, or because the program stops; false when that could not be written down."""
        outcome = self._cancelled.pop(int(row.id or 0), None)
        try:
            if outcome is None:
                await self._attempts.give_back(row)
            else:
                await self._attempts.close(row, outcome)
        except StateUnavailable as error:
            log.warning("lanes.not_closed", detail=str(error))
            return False
        return True

    async def _later(self, row: Row) -> None:
        """Let a row wait again after a pause; a neighbour's outage is no crash, so the attempt does not count."""
        await self.sleep(RETRY_S)
        try:
            await self._attempts.give_back(row)
        except StateUnavailable:
            self.spawn(self._later(row))
            return
        self._forget(int(row.id or 0))
        self._look_back()

    def _forget(self, number: int) -> None:
        self._schedule.finish(number)
        self._rows.pop(number, None)
        self._places.pop(number, None)
        self._cancelled.pop(number, None)


def _is_about(row: Row, asked: Row) -> bool:
    """Whether a row is `asked` or an edit of its message, whose answer stands in the same place."""
    return row.id == asked.id or (asked.kind == "message" and row.kind == "edited" and row.message == asked.message)
