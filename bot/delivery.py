"""Every message we send is recorded before and after, so that it arrives once, whatever is cut off in between.

A row goes pending (surely not sent) -> sending (perhaps sent) -> sent, or given_up. What was on its way when the
program or the connection died is sent again under the same key where the network knows keys, looked for where it can
be probed, else sent again with a visible mark. A message that is known is edited, which may be repeated.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol
from weakref import WeakValueDictionary

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import ChatAdapter, Refused, Reply, RoomAddress, Sent, Unreachable
from bot.envelope import pack_reply, unpack_reply
from bot.state.database import Database
from bot.state.ids import new_id
from bot.state.queries import deliveries, inbox, rooms
from bot.state.tables import Delivery as Row
from bot.state.tables import Room
from bot.state.vault import Vault
from config.texts import best_language, say

log = structlog.get_logger(__name__)

Alongside = Callable[[AsyncSession], Awaitable[None]]
_RETRIES_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_IN_FLIGHT_S: Final = 3.0  # a request whose answer was lost may still arrive for so long
_GIVE_UP_AFTER: Final = timedelta(hours=24)
_WHATEVER: Final = -1  # the binding of what may be said whatever the room is bound to


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message of ours. The same `key` is the same message: first sent, later edited, never sent twice.

    `binding` is the room's at the time the reply was made; None for what may be said whatever the room is bound to.
    A parcel with `is_final` ends the message, unless a later one with `reopens` takes it up again (an edited question).
    """

    room: str
    reply: Reply
    key: str
    purpose: str = "notice"
    thread: str | None = None
    inbox: int | None = None
    binding: int | None = None
    is_final: bool = True
    reopens: bool = False


class OwnLog(Protocol):
    """A network whose messages lie in the state database itself: there recording a parcel is sending it."""

    async def put_in(self, session: AsyncSession, room: str, message: str | None, reply: Reply, *, key: str) -> str:
        """Let a message of the room with this id say `reply`, a new one under `key` when there is none; its id."""

    def wake(self, room: str) -> None:
        """Tell who looks at the room with this native id."""


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """A recorded row with its room. `is_unclear`: an earlier try may have arrived, and with another text."""

    row: Row
    room: Room
    is_unclear: bool


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
        self._logs = logs or {}
        self._db = db
        self._vault = vault
        self._adapters = adapters
        self._clock = clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._stuck: set[str] = set()  # rooms with a delivery that waits for its time: later ones queue behind it
        self._wake = asyncio.Event()

    def adapter_of(self, room: Room) -> ChatAdapter:
        """The adapter that serves a room. Raises Refused when its network is not configured any more."""
        adapter = self._adapters.get((room.network, room.account))
        if adapter is None:
            raise Refused(f"expected a configured network, got {room.network}/{room.account}")
        return adapter

    async def send(self, parcel: Parcel, *, alongside: Alongside | None = None) -> str | None:
        """Record a parcel, together with what `alongside` writes, and bring it out.

        Returns the network's message id. None: it was dropped (the room was rebound, or the message had ended), or it
        waits for the network and `run` brings it out later. Raises Unreachable when an earlier try cannot be cleared
        up now, and StateUnavailable; then nothing was recorded.
        """
        async with self._lock(parcel.key):
            outgoing = await self._db.write(lambda session: self._record(session, parcel, alongside))
            if outgoing is not None and outgoing.is_unclear and self.adapter_of(outgoing.room).abilities.can_probe:
                await self._clear_up(outgoing)
                outgoing = await self._db.write(lambda session: self._record(session, parcel, alongside))
            if outgoing is None:
                return None
            if outgoing.row.state == "sent":
                self._logs[outgoing.room.network, outgoing.room.account].wake(outgoing.room.native_id)
                return outgoing.row.message
            if outgoing.row.state == "pending":
                self._wake.set()
                return None
            return await self._bring_out(outgoing)

    async def preview(self, room: Room, message: str, parcel: Parcel) -> float:
        """Edit a message without recording it; returns the seconds to leave it alone after a failure, else 0."""
        try:
            adapter = self.adapter_of(room)
            await adapter.edit(
                _address(room, parcel.thread), message, parcel.reply, key=_edit_key(parcel.key, parcel.reply)
            )
        except Unreachable as error:
            return error.retry_after_s or 1.0
        except Refused:
            return 60.0
        return 0.0

    async def take_back(self, room: Room, messages: Sequence[str]) -> None:
        """Delete messages where the network allows it; best effort."""
        for message in messages:
            try:
                await self.adapter_of(room).delete(_address(room, None), message)
            except (Unreachable, Refused) as error:
                log.info("delivery.not_taken_back", error=type(error).__name__)

    async def resume(self) -> int:
        """Bring out once what was under way when the program last ended; returns how many rows were open."""
        rows = await self._db.read(deliveries.unsent)
        for row in rows:
            await self._bring_out_again(row.id)
        return len(rows)

    async def run(self) -> None:
        """Bring out for ever what waits for its time."""
        while True:
            self._wake.clear()
            wait_s = await self._bring_out_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    async def _bring_out_due(self) -> float | None:
        """Bring out what is due, in order within each room; returns the seconds until the next is."""
        blocked: dict[str, datetime] = {}
        for row in await self._db.read(deliveries.unsent):
            now = self._clock()
            due = max(row.not_before or now, blocked.get(row.room, now))
            if due <= now:
                due = await self._bring_out_again(row.id) or now
            if due > now:
                blocked[row.room] = due
        self._stuck &= set(blocked)
        return min(((due - self._clock()).total_seconds() for due in blocked.values()), default=None)

    async def _bring_out_again(self, row_id: str) -> datetime | None:
        """Try an open row once more; returns when to try again, None when it is settled or somebody's work."""
        row = await self._db.read(lambda session: deliveries.get(session, row_id))
        if row is None or (lock := self._lock(row.key)).locked():
            return None
        async with lock:
            outgoing = await self._db.write(lambda session: self._take(session, row_id))
            if outgoing is not None:
                await self._bring_out(outgoing)
                return outgoing.row.not_before
        return None

    async def _record(self, session: AsyncSession, parcel: Parcel, alongside: Alongside | None) -> _Outgoing | None:
        row = await deliveries.by_key(session, parcel.key)
        room = await rooms.get(session, parcel.room)
        has_ended = row is not None and (row.is_final or row.state == "given_up") and not parcel.reopens
        if room is None or has_ended:
            return None
        if parcel.binding is not None and parcel.binding != await _binding(session, room):
            if row is not None:
                deliveries.give_up(row, now=self._clock())
            return None
        can_probe = self.adapter_of(room).abilities.can_probe
        is_unclear = row is not None and row.state == "sending" and row.message is None
        if row is not None and is_unclear and can_probe:
            return _Outgoing(row, room, is_unclear)  # its old text is needed to find it; see _clear_up
        if row is None:
            row = Row(id=new_id(), key=parcel.key, room=parcel.room, purpose=parcel.purpose, created_at=self._clock())
            row.after = await _latest_known(session, parcel.room) if can_probe else None
            session.add(row)
        self._fill(row, parcel)
        if alongside is not None:
            await alongside(session)
        log_of_room = self._logs.get((room.network, room.account))
        if log_of_room is not None and row.state == "sending":
            message = await log_of_room.put_in(session, room.id, row.message, parcel.reply, key=row.key)
            await _settle(session, row, Sent(message), parcel.reply.turn, self._clock())
        await session.flush()
        return _Outgoing(row, room, is_unclear)

    def _fill(self, row: Row, parcel: Parcel) -> None:
        row.inbox, row.thread, row.is_final, row.not_before = parcel.inbox, parcel.thread, parcel.is_final, None
        row.binding = _WHATEVER if parcel.binding is None else parcel.binding
        is_queued = row.message is None and row.state == "pending" and parcel.room in self._stuck
        row.state = "pending" if is_queued else "sending"
        row.attempts += 0 if is_queued else 1
        deliveries.seal_body(row, pack_reply(parcel.reply), self._vault)

    async def _take(self, session: AsyncSession, row_id: str) -> _Outgoing | None:
        """An open row on its way again, unless it is too old or its room was rebound."""
        row = await deliveries.get(session, row_id)
        if row is None or row.state not in deliveries.UNSENT:
            return None
        room = await rooms.get(session, row.room)
        is_late = self._clock() - row.created_at > _GIVE_UP_AFTER
        if room is None or is_late or row.binding not in (_WHATEVER, await _binding(session, room)):
            deliveries.give_up(row, now=self._clock())
            return None
        is_unclear = row.state == "sending" and row.message is None
        row.state = "sending"
        row.attempts += 1
        await session.flush()
        return _Outgoing(row, room, is_unclear)

    async def _clear_up(self, outgoing: _Outgoing) -> None:
        """Find out whether an earlier try arrived. Raises Unreachable."""
        sent = await self._find(outgoing)

        async def note(session: AsyncSession) -> None:
            row = await deliveries.get(session, outgoing.row.id)
            if row is not None:
                row.state = "pending" if sent is None else "sending"
                row.message = None if sent is None else sent.message_id

        await self._db.write(note)

    async def _find(self, outgoing: _Outgoing) -> Sent | None:
        row, room = outgoing.row, outgoing.room
        reply = self._reply_of(row)
        if reply is None:
            return None
        return await self.adapter_of(room).find(_address(room, row.thread), reply, key=row.key, after=row.after)

    async def _bring_out(self, outgoing: _Outgoing) -> str | None:
        row, reply = outgoing.row, self._reply_of(outgoing.row)
        if reply is None:
            log.warning("delivery.unreadable", purpose=row.purpose, hint="was the key file replaced?")
            await self._db.write(lambda session: _close(session, row.id, None, None, self._clock()))
            return None
        try:
            sent = await self._put(outgoing, reply)
        except Unreachable as error:
            await self._try_later(row, error)
            return row.message
        except asyncio.CancelledError:
            self._wake.set()  # it stays recorded as under way, and `run` brings it out
            raise
        except Refused as error:
            log.warning("delivery.refused", purpose=row.purpose, error=str(error))
            await self._db.write(lambda session: _close(session, row.id, None, None, self._clock()))
            return None
        await self._db.write(lambda session: _close(session, row.id, sent, reply.turn, self._clock()))
        return sent.message_id

    async def _put(self, outgoing: _Outgoing, reply: Reply) -> Sent:
        row, room = outgoing.row, outgoing.room
        adapter, address, edit_key = self.adapter_of(room), _address(room, row.thread), _edit_key(row.key, reply)
        if row.message is not None:
            try:
                await adapter.edit(address, row.message, reply, key=edit_key)
            except Refused:  # somebody removed it; the answer must still be heard
                return await adapter.send(address, reply, key=edit_key)
            return Sent(row.message, tuple(row.more))
        if not outgoing.is_unclear:
            return await adapter.send(address, reply, key=row.key)
        if adapter.abilities.is_idempotent:
            sent = await adapter.send(address, reply, key=row.key)
            await adapter.edit(address, sent.message_id, reply, key=edit_key)  # the first try may have said less
            return sent
        found = await self._find(outgoing) if adapter.abilities.can_probe else None
        if found is not None:
            return found
        if not adapter.abilities.can_probe:
            mark = say("delivery.perhaps_again", best_language(room.language))
            reply = replace(reply, markdown=f"{mark}\n\n{reply.markdown}")
        return await adapter.send(address, reply, key=row.key)

    async def _try_later(self, row: Row, error: Unreachable) -> None:
        pause_s = _RETRIES_S[min(row.attempts, len(_RETRIES_S)) - 1]
        pause_s = max(error.retry_after_s or pause_s, _IN_FLIGHT_S if error.may_have_happened else 0.0)
        row.not_before = self._clock() + timedelta(seconds=pause_s)
        state = "sending" if error.may_have_happened or row.message is not None else "pending"

        async def note(session: AsyncSession) -> None:
            found = await deliveries.get(session, row.id)
            if found is not None:
                found.not_before, found.state = row.not_before, state

        await self._db.write(note)
        self._stuck.add(row.room)
        self._wake.set()

    def _reply_of(self, row: Row) -> Reply | None:
        body = deliveries.body_of(row, self._vault)
        return unpack_reply(body) if body is not None else None

    def _lock(self, key: str) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())


async def _close(session: AsyncSession, row_id: str, sent: Sent | None, turn: str | None, now: datetime) -> None:
    row = await deliveries.get(session, row_id)
    if row is None:
        return
    if sent is None:
        deliveries.give_up(row, now=now)
        return
    await _settle(session, row, sent, turn, now)


async def _settle(session: AsyncSession, row: Row, sent: Sent, turn: str | None, now: datetime) -> None:
    row.state, row.message, row.more = "sent", sent.message_id, list(sent.more)
    row.body_sealed, row.not_before, row.sent_at = None, None, now
    if turn is not None:
        await deliveries.map_answer(session, room=row.room, messages=(sent.message_id, *sent.more), turn=turn)


async def _binding(session: AsyncSession, room: Room) -> int | None:
    if room.project is not None or room.parent is None:
        return room.binding
    found = await rooms.binding_of(session, room.id)
    return found[1] if found else None


async def _latest_known(session: AsyncSession, room: str) -> str | None:
    """The highest message id that we know of in a room; what we send next lies after it."""
    known = [
        found
        for found in (await inbox.newest_message(session, room), await deliveries.newest_sent(session, room))
        if found
    ]
    return max(known, key=lambda message: (len(message), message) if message.isdigit() else (0, ""), default=None)


def _address(room: Room, thread: str | None) -> RoomAddress:
    return RoomAddress(room.network, room.account, room.native_id, thread)


def _edit_key(key: str, reply: Reply) -> str:
    """The key of an edit: the same for the same text."""
    return f"{key}/{hashlib.sha256(pack_reply(reply).encode()).hexdigest()[:12]}"
