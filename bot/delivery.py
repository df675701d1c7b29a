"""Every message we send is recorded before and after, so that it arrives once, whatever is cut off in between.

What was on its way when the program or the connection died is sent again under the same key where the network knows
keys, looked for where it can be probed, else sent again with a visible mark. A message that is known is edited, which
may be repeated. The rows are bot.outbox's.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

import structlog

from adapters.chat import Refused, Reply, RoomAddress, Sent, Unreachable
from adapters.network import ChatAdapter
from bot.envelope import pack_reply
from bot.outbox import Alongside, Outbox, Outgoing, OwnLog, Parcel
from bot.state.database import Database
from bot.state.queries import deliveries
from bot.state.tables import Delivery as Row
from bot.state.tables import Room
from bot.state.vault import Vault
from config.texts import best_language, say

log = structlog.get_logger(__name__)

_RETRIES_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_IN_FLIGHT_S: Final = 3.0  # a request whose answer was lost may still arrive for so long


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
        self._outbox = Outbox(vault, adapters, clock, logs or {})
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._wake = asyncio.Event()

    def adapter_of(self, room: Room) -> ChatAdapter:
        """The adapter that serves a room. Raises Refused when its network is not configured any more."""
        return self._outbox.adapter_of(room)

    async def send(
        self, parcel: Parcel, *, then: Sequence[Parcel] = (), alongside: Alongside | None = None
    ) -> str | None:
        """Record a parcel and the parts that come after it, together with what `alongside` writes, and bring them out.

        Returns the network's message id. None: it was dropped (the room was rebound, or the message had ended), or it
        waits for the network and `run` brings it out later. Raises Unreachable when an earlier try cannot be cleared
        up now, StateUnavailable, and Refused when the room's network is not configured any more; then nothing was
        recorded.
        """
        async with self._lock(parcel.key):
            outgoing = await self._record(parcel, then, alongside)
            if outgoing is not None and outgoing.is_unclear and self.adapter_of(outgoing.room).abilities.can_probe:
                await self._clear_up(outgoing)
                outgoing = await self._record(parcel, then, alongside)
            if outgoing is None:
                return None
            message = await self._begin(outgoing)
        for part in outgoing.following:
            if parcel.room not in self._outbox.stuck:
                await self._bring_out_again(part.id, part.key)
        await self.take_back(outgoing.room, outgoing.stale)
        return message

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
        """Delete messages, those that the network lets us. Raises Unreachable; what is gone then stays gone."""
        for message in messages:
            try:
                await self.adapter_of(room).delete(_address(room, None), message)
            except Refused as error:
                log.info("delivery.not_taken_back", error=type(error).__name__)

    async def withdraw(self, room: Room, *, key: str, inbox_row: int) -> None:
        """Take back all that we said about an inbox row; what is under way goes as soon as it has arrived.

        Raises Unreachable and StateUnavailable; it may be repeated.
        """
        messages = await self._db.write(
            lambda session: self._outbox.withdraw(session, room=room.id, key=key, inbox_row=inbox_row)
        )
        await self.take_back(room, messages)

    async def clear_away(self, room: Room, *, inbox_row: int) -> None:
        """Take back a placeholder of an inbox row that gets no answer. Raises Unreachable and StateUnavailable."""
        messages = await self._db.write(lambda session: self._outbox.clear_away(session, inbox_row))
        await self.take_back(room, messages)

    async def resume(self) -> int:
        """Bring out once what was under way when the program last ended; returns how many rows were open."""
        rows = await self._db.read(deliveries.unsent)
        for row in rows:
            await self._bring_out_again(row.id, row.key)
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
                due = await self._bring_out_again(row.id, row.key) or now
            if due > now:
                blocked[row.room] = due
        self._outbox.stuck &= set(blocked)
        return min(((due - self._clock()).total_seconds() for due in blocked.values()), default=None)

    async def _bring_out_again(self, row_id: str, key: str) -> datetime | None:
        """Try an open row once more; returns when to try again, None when it is settled or somebody's work."""
        if (lock := self._lock(key)).locked():
            return None
        async with lock:
            outgoing = await self._db.write(lambda session: self._outbox.take(session, row_id))
            if outgoing is not None:
                await self._bring_out(outgoing)
                return outgoing.row.not_before
        return None

    async def _record(self, parcel: Parcel, then: Sequence[Parcel], alongside: Alongside | None) -> Outgoing | None:
        return await self._db.write(
            lambda session: self._outbox.record(session, parcel, then=then, alongside=alongside)
        )

    async def _begin(self, outgoing: Outgoing) -> str | None:
        """Bring out what was just recorded, unless recording was sending or it queues behind others."""
        if outgoing.row.state == "sent":
            own = self._outbox.log_of(outgoing.room)
            if own is not None:
                own.wake(outgoing.room.native_id)
            return outgoing.row.message
        if outgoing.row.state == "pending":
            self._wake.set()
            return None
        return await self._bring_out(outgoing)

    async def _clear_up(self, outgoing: Outgoing) -> None:
        """Find out whether an earlier try arrived. Raises Unreachable."""
        sent = await self._find(outgoing)
        await self._db.write(lambda session: self._outbox.note_found(session, outgoing.row.id, sent))

    async def _find(self, outgoing: Outgoing) -> Sent | None:
        row, room = outgoing.row, outgoing.room
        reply = self._outbox.reply_of(row)
        if reply is None:
            return None
        return await self.adapter_of(room).find(_address(room, row.thread), reply, key=row.key, after=row.after)

    async def _bring_out(self, outgoing: Outgoing) -> str | None:
        row, reply = outgoing.row, self._outbox.reply_of(outgoing.row)
        if reply is None:
            log.warning("delivery.unreadable", purpose=row.purpose, hint="was the key file replaced?")
            await self._close(outgoing, None)
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
            await self._close(outgoing, None)
            return None
        return await self._close(outgoing, sent, turn=reply.turn)

    async def _close(self, outgoing: Outgoing, sent: Sent | None, *, turn: str | None = None) -> str | None:
        """Write down how it ended; what was withdrawn while it was under way is taken back where it arrived."""
        is_wanted = await self._db.write(lambda session: self._outbox.close(session, outgoing.row.id, sent, turn=turn))
        if sent is None or is_wanted:
            return None if sent is None else sent.message_id
        with contextlib.suppress(Unreachable):
            await self.take_back(outgoing.room, (sent.message_id, *sent.more))
        return None

    async def _put(self, outgoing: Outgoing, reply: Reply) -> Sent:
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
        row.not_before = due = self._clock() + timedelta(seconds=pause_s)
        is_unclear = error.may_have_happened
        await self._db.write(
            lambda session: self._outbox.note_later(session, row.id, not_before=due, is_unclear=is_unclear)
        )
        self._outbox.stuck.add(row.room)
        self._wake.set()

    def _lock(self, key: str) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())


def _address(room: Room, thread: str | None) -> RoomAddress:
    return RoomAddress(room.network, room.account, room.native_id, thread)


def _edit_key(key: str, reply: Reply) -> str:
    """The key of an edit: the same for the same text."""
    return f"{key}/{hashlib.sha256(pack_reply(reply).encode()).hexdigest()[:12]}"
