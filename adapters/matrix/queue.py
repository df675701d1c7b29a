"""The one queue of an account: everything that counts for the server's limit passes here, in the order of `line`."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from adapters.chat import Unreachable
from adapters.matrix.faults import Flooded
from adapters.matrix.line import Line, Rank, Ticket

T = TypeVar("T")
_PATIENCE_S: Final = {Rank.FINAL: 60.0, Rank.NOTICE: 60.0, Rank.PLACEHOLDER: 4.0}
"""Whoever would have to wait longer is told when to come again: an answer must not wait for its own placeholder."""


class Queue:
    """Lets callers act in their turn. `clock` counts seconds; an event is waited for by `wait`, so many seconds at most."""

    def __init__(
        self,
        line: Line,
        *,
        clock: Callable[[], float],
        wait: Callable[[asyncio.Event, float | None], Awaitable[None]] | None = None,
    ) -> None:
        self._line = line
        self._clock = clock
        self._wait = wait or _wait
        self._called: dict[Ticket, asyncio.Event] = {}

    async def carry(self, rank: Rank, room: str, act: Callable[[], Awaitable[T]], *, message: str = "") -> T:
        """Do something in its turn; when the server says that it is too much, once more when it says that it may.

        Raises what `act` raises, and Unreachable with the time to come again: at once for what may be dropped and finds
        no room now, else for what would have to wait for too long.
        """
        ticket = self._enter(rank, room, message)
        try:
            return await self._until_taken(ticket, act)
        finally:
            self._end(ticket)

    def promise(self, message: str) -> None:
        """A placeholder stands: a final text will come in its place, and finds room."""
        self._line.promise(message, self._clock())

    def keep(self, message: str) -> None:
        """The final text has come, or never will."""
        self._line.keep(message)
        self._call()

    def previews_of(self, message: str) -> int:
        """How many previews of a message have gone out."""
        return self._line.previews_of(message)

    def _enter(self, rank: Rank, room: str, message: str) -> Ticket:
        if rank < Rank.PREVIEW:
            return self._line.join(rank, room, message=message)
        ticket = self._line.try_now(rank, room, self._clock(), message=message)
        if isinstance(ticket, Ticket):
            return ticket
        raise Unreachable("no room for that within the server's limit now", retry_after_s=ticket)

    async def _until_taken(self, ticket: Ticket, act: Callable[[], Awaitable[T]]) -> T:
        while True:
            await self._turn(ticket)
            try:
                return await self._counted(ticket, act)
            except Flooded:
                if ticket.rank >= Rank.PREVIEW:
                    raise

    async def _counted(self, ticket: Ticket, act: Callable[[], Awaitable[T]]) -> T:
        """Act, and tell the line what the server did not count."""
        try:
            return await act()
        except Flooded as flood:
            self._line.flood(ticket, self._clock(), flood.retry_after_s or 0.0)
            raise
        except Unreachable as error:
            if not error.may_have_happened:
                self._line.leave(ticket)
            raise

    def _end(self, ticket: Ticket) -> None:
        if ticket.goes:
            self._line.done(ticket)
        else:
            self._line.leave(ticket)
        self._called.pop(ticket, None)
        self._call()

    async def _turn(self, ticket: Ticket) -> None:
        """Wait until a ticket goes. Raises Unreachable when that takes too long, and gives back what it got then."""
        called = self._called.setdefault(ticket, asyncio.Event())
        patience_ends_s = self._clock() + _PATIENCE_S.get(ticket.rank, 0.0)
        try:
            self._call()
            while not ticket.goes:
                now_s = self._clock()
                expected_s = self._line.expected_s(ticket, now_s)
                if now_s + expected_s > patience_ends_s:
                    raise Unreachable(
                        f"expected room within the server's limit, got {expected_s:.0f} s to wait",
                        retry_after_s=max(1.0, expected_s),
                    )
                called.clear()
                await self._wait(called, self._line.wait_s(now_s))
                self._call()
        except asyncio.CancelledError:
            self._line.leave(ticket)
            raise

    def _call(self) -> None:
        """Wake all whose turn it is, and the next in line, who watches the time."""
        for ticket in self._line.grant(self._clock()):
            if ticket in self._called:
                self._called[ticket].set()


async def _wait(called: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await called.wait()
