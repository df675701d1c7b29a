"""Syncs in, batches of events out.

The library would move its sync token before what came with it is stored. Here the token goes with the batch into the
inbox, in one write, and the next sync is made when the next batch is asked for. After a sync that failed, or whose batch
was not stored, the same token is used again, and all that is known in memory is built anew.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from adapters.chat import Batch, Event, Unreachable
from adapters.matrix.client import Client
from adapters.matrix.cursor import Cursor
from adapters.matrix.entering import Entering
from adapters.matrix.faults import LoginEnded
from adapters.matrix.feeding import Feeding
from adapters.matrix.gaps import Gap, LeftOut, pages_of
from adapters.matrix.health import Pulse
from adapters.matrix.hearing import Hearing
from adapters.matrix.housekeeping import Housekeeping
from adapters.matrix.lease import Lease
from adapters.matrix.polling import PlaceLost, Polling
from adapters.matrix.received import Received, RoomPart

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncParts:
    """What the loop works with. `missed` is told of each room of whose timeline a part was left out."""

    client: Client
    pulse: Pulse
    entering: Entering
    lease: Lease
    polling: Polling
    hearing: Hearing
    housekeeping: Housekeeping
    missed: Callable[[str], None]


class Syncing:
    """The one stream of what happens to our account."""

    def __init__(self, parts: SyncParts) -> None:
        self._parts = parts
        self._place = Cursor()  # all before it is stored
        self._held: str | None = None  # the token up to which memory knows the rooms; None when it must be built anew
        self._is_ready = False
        self._closed = False

    async def batches(self, cursor: str | None) -> AsyncGenerator[Batch]:
        """Yield what came; asking for the next batch acknowledges this one. Raises Unreachable with the time to wait."""
        self._place = Cursor.parse(cursor)
        while not self._closed:
            try:
                place = await self._parts.entering.enter(self._place)
                if place != self._place:  # kept at once: the note that told us of it is overwritten by now
                    self._place = place
                    yield Batch((), place.text)
                async for batch in self._stream():
                    yield batch
            except LoginEnded as ended:
                self._held, self._is_ready = None, False
                if not await self._parts.entering.wait_for_login(ended):
                    return
            except PlaceLost as lost:
                self._say_left_out(str(lost))
                self._place = Cursor()

    def expect_ready(self) -> None:
        """Raise Unreachable while nothing may be sent: not synced yet, or another installation answers."""
        self._parts.lease.expect_held()
        if not self._is_ready:
            raise Unreachable("not connected yet")

    async def close(self) -> None:
        """End the stream."""
        self._closed = True
        self._parts.housekeeping.close()
        self._parts.polling.interrupt()
        await self._parts.entering.close()

    async def _stream(self) -> AsyncIterator[Batch]:
        parts = self._parts
        feeding = Feeding(parts.client.nio)
        await parts.hearing.begin(self._place)
        whole = self._held != self._place.since or bool(self._place.gaps)
        while not self._closed:
            received = await self._next(whole=whole)
            if received is None:
                return
            self._held = None
            if whole:
                feeding.forget_rooms()
                parts.hearing.forget()
            await feeding.take(received)
            for part in received.joined:
                if part.is_limited:
                    parts.missed(part.room)
            self._is_ready = True  # all rooms are known: answers need not wait until long gaps are filled
            parts.housekeeping.wake()
            async for batch in self._told(received):
                yield batch
            await self._acknowledged(received.next_batch)
            whole = False

    async def _next(self, *, whole: bool) -> Received | None:
        """The next sync; None when we are closed meanwhile."""
        try:
            self._parts.lease.expect_held()
            received = await self._parts.polling.ask(self._place.since, whole=whole)
            self._parts.lease.expect_held()  # what came while another took our place is for that one
        except Unreachable:
            if self._closed:
                return None
            raise
        return received

    async def _told(self, received: Received) -> AsyncIterator[Batch]:
        """The batches of one sync: the rooms that came whole, then gaps page by page, then what follows these."""
        hearing, begin = self._parts.hearing, self._place.since
        after = Cursor(received.next_batch, joined=hearing.entrances(received))
        await hearing.note(received, all_of_it=not begin)
        torn = [part for part in received.joined if part.is_limited and part.prev_batch] if begin else []
        events: Sequence[Event] = ()
        if begin:  # else all of it was said before we came
            rest = [part for part in received.joined if part not in torn]
            events = [*await hearing.late(), *await hearing.events_in([*rest, *received.left])]
        if torn:
            yield Batch(tuple(events), self._place.text)
            for part in torn:
                async for page in self._filled(part):
                    yield page
            events = await hearing.events_in(torn)
        if events or received.next_batch != begin:
            yield Batch(tuple(events), after.text)
        self._place = after

    async def _filled(self, part: RoomPart) -> AsyncIterator[Batch]:
        """The pages of a gap, each with how far they go."""
        gaps = self._place.gaps
        gap = Gap(part.room, gaps.get(part.room, self._place.since), part.prev_batch)
        self._parts.pulse.happened("last gap filled")
        try:
            async for page in pages_of(self._parts.client, gap):
                self._parts.pulse.beat()
                entered = self._parts.hearing.entrance(part.room, page.events)
                events = await self._parts.hearing.page_events(part.room, page.events)
                joined = {**self._place.joined, **entered}
                gaps = {**self._place.gaps, part.room: page.at or gap.end}
                place = replace(self._place, gaps=gaps, joined=joined)
                yield Batch(tuple(events), place.text)
                self._place = place
        except LeftOut as rest:
            self._say_left_out(str(rest))

    def _say_left_out(self, why: str) -> None:
        self._parts.pulse.happened("messages were left out")
        _log.error("some messages are left out, since the server does not give them: %s", why)

    async def _acknowledged(self, token: str) -> None:
        """What follows once a sync is stored."""
        await self._parts.hearing.acknowledged(self._place)
        self._place = Cursor(token)
        self._held = self._parts.lease.cursor = token
