"""What is written down about each message of ours, before and after it is sent.

A row goes pending (surely not sent) -> sending (perhaps sent) -> sent, or given_up.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Refused, Reply, Sent
from adapters.network import ChatAdapter
from bot.envelope import pack_reply, unpack_reply
from bot.state.ids import new_id
from bot.state.queries import deliveries, inbox, rooms
from bot.state.tables import Delivery as Row
from bot.state.tables import Room
from bot.state.vault import Vault

log = structlog.get_logger(__name__)

Alongside = Callable[[AsyncSession], Awaitable[None]]
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
class Outgoing:
    """A recorded row with its room.

    `is_unclear`: an earlier try may have arrived, and with another text. `following` are the rows of the parts that
    come after it, `stale` the messages of parts that a shorter answer no longer has.
    """

    row: Row
    room: Room
    is_unclear: bool
    following: Sequence[Row] = ()
    stale: Sequence[str] = ()


class Outbox:
    """The rows; everything but the look-ups happens in a session of the caller's."""

    def __init__(
        self,
        vault: Vault,
        adapters: Mapping[tuple[str, str], ChatAdapter],
        clock: Callable[[], datetime],
        logs: Mapping[tuple[str, str], OwnLog],
    ) -> None:
        self._vault = vault
        self._adapters = adapters
        self._clock = clock
        self._logs = logs
        self.stuck: set[str] = set()  # rooms with a delivery that waits for its time: later ones queue behind it

    def adapter_of(self, room: Room) -> ChatAdapter:
        """The adapter that serves a room. Raises Refused when its network is not configured any more."""
        adapter = self._adapters.get((room.network, room.account))
        if adapter is None:
            raise Refused(f"expected a configured network, got {room.network}/{room.account}")
        return adapter

    def log_of(self, room: Room) -> OwnLog | None:
        """The room's log, where it lies in the state database."""
        return self._logs.get((room.network, room.account))

    def reply_of(self, row: Row) -> Reply | None:
        """What a row says; None when its text is gone or cannot be read."""
        body = deliveries.body_of(row, self._vault)
        try:
            return unpack_reply(body) if body is not None else None
        except ValueError:  # written by another version
            return None

    async def record(
        self, session: AsyncSession, parcel: Parcel, *, then: Sequence[Parcel] = (), alongside: Alongside | None = None
    ) -> Outgoing | None:
        """Write a parcel down with its further parts and what `alongside` writes; None when it must not be sent."""
        row = await deliveries.by_key(session, parcel.key)
        room = await rooms.get(session, parcel.room)
        if room is None or _has_ended(row, parcel):
            return None
        if parcel.binding is not None and parcel.binding != await _binding(session, room):
            if row is not None:
                deliveries.give_up(row, now=self._clock())
            return None
        is_unclear = row is not None and row.state == "sending" and row.message is None
        if row is not None and is_unclear and self.adapter_of(room).abilities.can_probe:
            return Outgoing(row, room, is_unclear)  # its old text is needed to find it
        row = await self._written(session, row, room, parcel)
        if alongside is not None:
            await alongside(session)
        await self._put_in_log(session, row, room, parcel)
        stale = await self._end_parts(session, parcel, then) if parcel.reopens and parcel.is_final else ()
        following = [await self._follow(session, room, part) for part in then]
        await session.flush()
        return Outgoing(row, room, is_unclear, [one for one in following if one is not None], stale)

    async def take(self, session: AsyncSession, row_id: str) -> Outgoing | None:
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
        return Outgoing(row, room, is_unclear)

    async def note_found(self, session: AsyncSession, row_id: str, sent: Sent | None) -> None:
        """Write down whether an earlier try was found."""
        row = await deliveries.get(session, row_id)
        if row is not None and row.state in deliveries.UNSENT:
            row.state = "pending" if sent is None else "sending"
            row.message = None if sent is None else sent.message_id

    async def note_later(self, session: AsyncSession, row_id: str, *, not_before: datetime, is_unclear: bool) -> None:
        """Write down when to try again."""
        row = await deliveries.get(session, row_id)
        if row is not None and row.state in deliveries.UNSENT:
            row.not_before = not_before
            row.state = "sending" if is_unclear or row.message is not None else "pending"

    async def close(self, session: AsyncSession, row_id: str, sent: Sent | None, *, turn: str | None) -> bool:
        """Write down where a row arrived, or that it never will; false when nobody wants it there any more."""
        row = await deliveries.get(session, row_id)
        if row is None or row.state == "given_up":
            return False
        if sent is None:
            deliveries.give_up(row, now=self._clock())
        else:
            await self._settle(session, row, sent, turn)
        return True

    async def withdraw(self, session: AsyncSession, *, room: str, key: str, inbox_row: int) -> list[str]:
        """Let nothing more of ours about an inbox row be sent, whatever is under way; the messages that stand there."""
        found = await deliveries.of_inbox(session, inbox_row)
        if not any(row.key == key for row in found):  # so that what comes too late finds the place taken
            buried = Row(id=new_id(), key=key, room=room, purpose="answer", inbox=inbox_row, created_at=self._clock())
            session.add(buried)
            found = [*found, buried]
        for row in found:
            deliveries.give_up(row, now=self._clock())
        return _messages(found)

    async def clear_away(self, session: AsyncSession, inbox_row: int) -> list[str]:
        """Give up what still promises an answer about an inbox row; the messages that say so."""
        rows = await deliveries.of_inbox(session, inbox_row)
        found = [row for row in rows if row.purpose == "answer" and not row.is_final]
        for row in found:
            deliveries.give_up(row, now=self._clock())
        return _messages(found)

    async def _written(self, session: AsyncSession, row: Row | None, room: Room, parcel: Parcel) -> Row:
        if row is None:
            row = Row(id=new_id(), key=parcel.key, room=parcel.room, purpose=parcel.purpose, created_at=self._clock())
            can_probe = self.adapter_of(room).abilities.can_probe
            row.after = await _latest_known(session, parcel.room) if can_probe else None
            session.add(row)
        is_queued = row.message is None and row.state == "pending" and parcel.room in self.stuck
        self._fill(row, parcel, is_queued=is_queued)
        return row

    async def _follow(self, session: AsyncSession, room: Room, part: Parcel) -> Row | None:
        """A further part, surely not sent: it waits until the one before it is out."""
        row = await deliveries.by_key(session, part.key)
        if _has_ended(row, part):
            return None
        if row is None:
            row = Row(id=new_id(), key=part.key, room=part.room, purpose=part.purpose, created_at=self._clock())
            session.add(row)
        self._fill(row, part, is_queued=row.message is None and row.state != "sending")
        await self._put_in_log(session, row, room, part)
        return row

    async def _end_parts(self, session: AsyncSession, parcel: Parcel, then: Sequence[Parcel]) -> list[str]:
        """Give up the parts of an earlier, longer answer."""
        if parcel.inbox is None:
            return []
        kept = {parcel.key, *(part.key for part in then)}
        rows = await deliveries.of_inbox(session, parcel.inbox)
        old = [row for row in rows if row.key not in kept and row.key.removeprefix(f"{parcel.key}/").isdigit()]
        for row in old:
            deliveries.give_up(row, now=self._clock())
        return _messages(old)

    def _fill(self, row: Row, parcel: Parcel, *, is_queued: bool) -> None:
        row.inbox, row.thread, row.is_final, row.not_before = parcel.inbox, parcel.thread, parcel.is_final, None
        row.binding = _WHATEVER if parcel.binding is None else parcel.binding
        row.state = "pending" if is_queued else "sending"
        row.attempts += 0 if is_queued else 1
        deliveries.seal_body(row, pack_reply(parcel.reply), self._vault)

    async def _put_in_log(self, session: AsyncSession, row: Row, room: Room, parcel: Parcel) -> None:
        own = self.log_of(room)
        if own is not None:
            message = await own.put_in(session, room.id, row.message, parcel.reply, key=row.key)
            await self._settle(session, row, Sent(message), parcel.reply.turn)

    async def _settle(self, session: AsyncSession, row: Row, sent: Sent, turn: str | None) -> None:
        row.state, row.message, row.more = "sent", sent.message_id, list(sent.more)
        row.body_sealed, row.not_before, row.sent_at = None, None, self._clock()
        if turn is not None:
            await deliveries.map_answer(session, room=row.room, messages=(sent.message_id, *sent.more), turn=turn)


def _has_ended(row: Row | None, parcel: Parcel) -> bool:
    return row is not None and (row.is_final or row.state == "given_up") and not parcel.reopens


def _messages(rows: Sequence[Row]) -> list[str]:
    return [message for row in rows if row.message for message in (row.message, *row.more)]


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
