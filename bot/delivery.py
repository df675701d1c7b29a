"""Every message we send is recorded before and after, so that it arrives once, whatever is cut off in between.

What was on its way when the program or the connection died is sent again under the same key where the network knows
keys, looked for where it can be probed, else sent again with a visible mark. A message that is known is edited, which
may be repeated. The rows are bot.outbox's; bot.posting brings one of them to its network.

New messages of a chat go out one at a time and in their order: a chat that waits holds up no other, and at most one
message of it is unclear, so that a probe never touches another that nobody knows of.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from weakref import WeakValueDictionary

import structlog

from adapters.chat import Abilities, Refused, RoomAddress, RoomMoved, Unreachable
from adapters.network import ChatAdapter
from bot.errors import StateUnavailable
from bot.ledger import Ledger, OwnLog, chat_of
from bot.outbox import Alongside, Outbox, Outgoing, Parcel
from bot.posting import IN_FLIGHT_S, Posting, Tried, address_of, edit_key
from bot.state.database import Database
from bot.state.queries import deliveries
from bot.state.queries.deliveries import Unsent
from bot.state.tables import Delivery as Row
from bot.state.tables import Room
from bot.state.vault import Vault

log = structlog.get_logger(__name__)

Spawn = Callable[[Coroutine[Any, Any, None]], object]
_MOST_CHATS: Final = 64  # brought out at once
_RETRY_S: Final = 2.0


class Delivery:
    """Sends parcels through the adapters; `adapters` and `logs` are by (network, account)."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        adapters: Mapping[tuple[str, str], ChatAdapter],
        clock: Callable[[], datetime],
        *,
        logs: Mapping[tuple[str, str], OwnLog] | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._adapters = adapters
        self._ledger = Ledger(vault, adapters, clock, logs or {})
        self._outbox = Outbox(self._ledger, clock)
        self._posting = Posting(db, self._outbox, clock)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._wake = asyncio.Event()
        self._busy: set[str] = set()  # chats that `run` brings out
        self._held: dict[str, datetime] = {}  # chats that failed for no fault of their network
        self._places = asyncio.Semaphore(_MOST_CHATS)

    def adapter_of(self, room: Room) -> ChatAdapter:
        """The adapter that serves a room. Raises Refused when its network is not configured any more."""
        return self._ledger.adapter_of(room)

    def abilities_at(self, place: RoomAddress) -> Abilities:
        """What the network of a place can do; the usual for one that is not configured any more."""
        adapter = self._adapters.get((place.network, place.account))
        return adapter.abilities if adapter is not None else Abilities()

    async def send(self, parcel: Parcel, *, alongside: Alongside | None = None) -> str | None:
        """Record a parcel in all its parts, together with what `alongside` writes, and bring it out.

        Returns the network's id of the first message. None: it was dropped (the room was rebound or is closed to us, or
        the message had ended), or it waits for the network and `run` brings it out later. Raises StateUnavailable, and
        Refused when the room's network is not configured any more; then nothing was recorded.
        """
        async with self._lock(parcel.key):
            outgoing, tried = await self._first_try(parcel, alongside)
            if tried.is_again:
                tried = await self._try(outgoing.row.id) if outgoing else tried
        if outgoing is None or tried.due is not None:
            self._wake.set()
            return None if outgoing is None else tried.message
        for part in outgoing.following:
            if (await self._bring_out(part)).due is not None:
                break
        if outgoing.following:
            self._wake.set()  # a part that had to queue
        await self.take_back(outgoing.room, outgoing.stale)
        return tried.message

    async def message_of(self, key: str) -> str | None:
        """The network's id of the message with this key, once it is known."""
        row = await self._db.read(lambda session: deliveries.by_key(session, key))
        return row.message if row else None

    async def preview(self, room: Room, message: str, parcel: Parcel) -> float:
        """Edit a message without recording it; returns the seconds to leave it alone after a failure, else 0."""
        try:
            adapter = self.adapter_of(room)
            reply = adapter.parts(parcel.reply)[0]
            await adapter.edit(address_of(room, parcel.thread), message, reply, key=edit_key(parcel.key, reply))
        except Unreachable as error:
            return error.retry_after_s or 1.0
        except (Refused, RoomMoved):
            return 60.0
        return 0.0

    async def take_back(self, room: Room, messages: Sequence[str]) -> None:
        """Delete messages, those that the network lets us. Raises Unreachable; what is gone then stays gone."""
        await self._posting.take_back(room, messages)

    async def withdraw(self, room: Room, *, key: str, inbox_row: int) -> None:
        """Take back all that we said about an inbox row; what is under way goes as soon as it has arrived.

        Raises Unreachable and StateUnavailable; it may be repeated.
        """
        messages = await self._db.write(
            lambda session: self._outbox.withdraw(session, room=room.id, key=key, inbox_row=inbox_row)
        )
        self._wake.set()
        await self.take_back(room, messages)

    async def clear_away(self, room: Room, *, inbox_row: int) -> None:
        """Take back a placeholder of an inbox row that gets no answer. Raises Unreachable and StateUnavailable."""
        messages = await self._db.write(lambda session: self._outbox.clear_away(session, inbox_row))
        self._wake.set()
        await self.take_back(room, messages)

    async def move(self, room: Room, native_id: str) -> None:
        """Note that the network knows a room by another id now. It may be told again. Raises StateUnavailable."""
        async with self._turn(room):
            await self._db.write(lambda session: self._outbox.move(session, room.id, native_id))
        self._wake.set()

    async def silence(self, room: str) -> None:
        """Note that nothing of ours reaches a room any more. Raises StateUnavailable."""
        await self._db.write(lambda session: self._outbox.silence(session, room))

    async def begin(self) -> int:
        """Let alone for a moment what the last process may have under way; returns how many rows are open.

        To be called before anything is sent. Raises StateUnavailable.
        """
        until = self._clock() + timedelta(seconds=IN_FLIGHT_S)
        return await self._db.write(lambda session: self._outbox.hold_unclear(session, until=until))

    async def run(self, spawn: Spawn) -> None:
        """Bring out for ever what waits for its time."""
        while True:
            self._wake.clear()
            try:
                wait_s = await self.start_due(spawn)
            except StateUnavailable:
                wait_s = _RETRY_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    async def start_due(self, spawn: Spawn) -> float | None:
        """Start work on the chats where something is due, each in a task of its own; the seconds until the next is.

        Raises StateUnavailable.
        """
        waits: list[float] = []
        for chat, waiting in (await self._waiting()).items():
            wait_s = (self._due(waiting[0]) - self._clock()).total_seconds()
            if chat in self._busy:
                continue
            if wait_s > 0:
                waits.append(wait_s)
                continue
            self._busy.add(chat)
            spawn(self._work_off(chat, waiting))
        return min(waits, default=None)

    async def _work_off(self, chat: str, waiting: Sequence[Unsent]) -> None:
        """Bring out the rows of a chat; after a failure that is not its network's they wait for a moment."""
        is_well = False
        try:
            async with self._places:
                await self._in_order(waiting)
            is_well = True
        except StateUnavailable:
            log.warning("delivery.state_unavailable")
        finally:
            self._held.pop(chat, None)
            if not is_well:
                self._held[chat] = self._clock() + timedelta(seconds=_RETRY_S)
            self._busy.discard(chat)
            self._wake.set()

    async def _in_order(self, waiting: Sequence[Unsent]) -> None:
        for row in waiting:
            if self._due(row) > self._clock() or (await self._bring_out(row)).due is not None:
                return

    async def _waiting(self) -> dict[str, list[Unsent]]:
        """What is not done, by chat."""
        chats: dict[str, list[Unsent]] = {}
        for row in await self._db.read(deliveries.unsent):
            chats.setdefault(row.chat, []).append(row)
        return chats

    def _due(self, row: Unsent) -> datetime:
        now = self._clock()
        return max(row.not_before or now, self._held.get(row.chat, now), self._posting.may_arrive.get(row.id, now))

    async def _bring_out(self, row: Unsent | Row) -> Tried:
        """Try an open row once more."""
        async with self._lock(row.key):
            return await self._try(row.id)

    async def _try(self, row_id: str) -> Tried:
        """Try an open row whose lock is held, as often as each try tells more about it."""
        while True:
            room = await self._db.read(lambda session: self._outbox.room_of_row(session, row_id))
            async with self._turn(room):
                outgoing = await self._db.write(lambda session: self._outbox.take(session, row_id))
                tried = Tried() if outgoing is None else await self._post(outgoing)
            if not tried.is_again:
                return tried

    async def _first_try(self, parcel: Parcel, alongside: Alongside | None) -> tuple[Outgoing | None, Tried]:
        key, place = parcel.key, parcel.room
        room = await self._db.read(lambda session: self._outbox.room_of_new(session, key=key, room=place))
        async with self._turn(room):
            outgoing = await self._db.write(lambda session: self._outbox.record(session, parcel, alongside=alongside))
            return outgoing, Tried() if outgoing is None else await self._begin(outgoing)

    async def _begin(self, outgoing: Outgoing) -> Tried:
        """Bring out what was just recorded, unless recording was sending or it has to wait."""
        row = outgoing.row
        if row.state == "sent":
            own = self._ledger.log_of(outgoing.room)
            if own is not None:
                own.wake(outgoing.room.native_id)
            return Tried(row.message)
        if row.state == "pending" or row.not_before is not None:
            return Tried(due=row.not_before or self._clock())
        return await self._post(outgoing)

    async def _post(self, outgoing: Outgoing) -> Tried:
        try:
            return await self._posting.post(outgoing)
        except asyncio.CancelledError:
            self._wake.set()  # it stays recorded as under way, and `run` brings it out
            raise

    @asynccontextmanager
    async def _turn(self, room: Room | None) -> AsyncIterator[None]:
        """Hold the turn of a room's chat to send a new message; None holds nothing."""
        if room is None:
            yield
            return
        async with self._lock(f"chat/{chat_of(room)}"):
            yield

    def _lock(self, key: str) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())
