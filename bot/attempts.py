"""One row of the inbox worked on: claimed, carried out, closed; its asker hears of whatever went wrong."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Refused, Unreachable
from bot.errors import StateUnavailable, new_reference
from bot.schedule import Work
from bot.state.database import Database
from bot.state.queries import inbox
from bot.state.tables import Inbox as Row

log = structlog.get_logger(__name__)

MOST_ATTEMPTS: Final = 5
RETRY_S: Final = 2.0


class RoutingPort(Protocol):
    """What the lanes need from `bot.routing.Routing`."""

    async def plan(self, session: AsyncSession, row: Row) -> Work:
        """How a row waits."""

    async def perform(self, row: Row) -> str:
        """Do it and return how it ended."""

    async def ends_work_on(self, row: Row) -> bool:
        """Whether a row takes the place of all earlier work on its message, as an edit or a removal does."""

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


@dataclass(frozen=True, slots=True)
class Attempts:
    """Works on rows one at a time; how many at once is for the lanes to say."""

    db: Database
    routing: RoutingPort
    rules: LaneRules
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def work(self, row: Row) -> bool:
        """Carry a row out; false when a neighbour is away and it must wait again. Raises CancelledError only."""
        try:
            claimed = await self._claim(row)
            if claimed is not None:
                await self._carry_out(claimed)
        except (Unreachable, StateUnavailable) as error:
            log.warning("lanes.try_again", error=type(error).__name__, detail=str(error))
            return False
        except Exception:
            reference = new_reference()
            log.exception("lanes.failed", reference=reference)
            await self._fail(row, reference)
        return True

    async def close(self, row: Row, outcome: str) -> None:
        """End work that somebody stopped: "cancelled", which is said, or what became of its message.

        Raises StateUnavailable; then the row is still open.
        """
        if outcome == "cancelled":
            try:
                await self.routing.tell_cancelled(row)
            except (Unreachable, Refused) as error:
                log.warning("lanes.not_told", error=type(error).__name__)
        await self._finish(row, "dropped", outcome)

    async def give_back(self, row: Row) -> None:
        """Let a claimed row wait again; the attempt does not count. Raises StateUnavailable."""
        number = int(row.id or 0)
        await self.db.write(lambda session: inbox.give_back(session, number))

    async def _claim(self, row: Row) -> Row | None:
        number, owner, until = int(row.id or 0), self.rules.owner, self.clock() + self.rules.lease
        return await self.db.write(lambda session: inbox.claim(session, number, owner=owner, lease_until=until))

    async def _carry_out(self, row: Row) -> None:
        if row.attempts > MOST_ATTEMPTS:
            reference = new_reference()
            log.error("lanes.given_up", reference=reference, attempts=row.attempts - 1)
            await self._fail(row, reference)
            return
        outcome = await self.routing.perform(row)
        is_closed = outcome == inbox.ANSWERED and row.kind == "message"  # an edit's row is not its question's
        if not is_closed:
            await self._finish(row, "failed" if outcome == "failed" else "done", outcome)

    async def _fail(self, row: Row, reference: str) -> None:
        """Tell the asker and close the row; both are tried until they work, the fault itself is not."""
        while True:
            try:
                with contextlib.suppress(Refused):  # nobody can be told there any more
                    await self.routing.tell_failed(row, reference)
                await self._finish(row, "failed", reference)
            except (Unreachable, StateUnavailable) as error:
                log.warning("lanes.not_told", reference=reference, error=type(error).__name__)
                await self.sleep(RETRY_S)
            else:
                return

    async def _finish(self, row: Row, state: str, outcome: str) -> None:
        number, now = int(row.id or 0), self.clock()
        await self.db.write(lambda session: inbox.finish(session, number, state=state, outcome=outcome, now=now))
