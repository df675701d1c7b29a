"""What is written down about each message of ours, before and after it is sent.

A row goes pending (surely not sent) -> sending (perhaps sent) -> sent, or given_up. One that is "sending" and has no
message yet is unclear: what it said may stand on the network. What a row says is exactly what is sent, one message each,
so that it can be looked for there; a newer text waits beside it until that is cleared up.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Reply, Sent
from bot.envelope import Body
from bot.ledger import Ledger, chat_of, is_unclear
from bot.state.ids import new_id
from bot.state.queries import deliveries, moves, rooms
from bot.state.tables import Delivery as Row
from bot.state.tables import Room
from bot.typed import as_typed

Alongside = Callable[[AsyncSession], Awaitable[None]]
_GIVE_UP_AFTER: Final = timedelta(hours=24)
_WHATEVER: Final = -1  # the binding of what may be said whatever the room is bound to


@dataclass(frozen=True, slots=True)
class Parcel:
    """Something we say. The same `key` is the same message: first sent, later edited, never sent twice.

    What is too long for one message goes on in others, under keys that end in their number: "key/002".
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


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A recorded row with its room, and what it says (None: that cannot be read).

    `is_unclear`: an earlier try may have arrived. `following` are the rows of the parts that come after it, `stale` the
    messages of parts that a shorter answer no longer has.
    """

    row: Row
    room: Room
    body: Body | None
    is_unclear: bool = False
    following: Sequence[Row] = ()
    stale: Sequence[str] = ()


class End(Enum):
    """How a try ended for its row."""

    SETTLED = "settled"
    UNWANTED = "unwanted"  # it was withdrawn while it was under way; its message is known now and must go
    GONE = "gone"  # nobody keeps the row any more


class Outbox:
    """The rows; everything but the look-ups happens in a session of the caller's."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self.ledger = ledger
        self._clock = clock

    async def room_of_new(self, session: AsyncSession, *, key: str, room: str) -> Room | None:
        """The room where a key will be a new message, whose turn has to come; None for one that stands there."""
        row = await deliveries.by_key(session, key)
        found = await rooms.get(session, room) if row is None or row.message is None else None
        return None if found is None or self.ledger.log_of(found) is not None else found

    async def room_of_row(self, session: AsyncSession, row_id: str) -> Room | None:
        """The same for a recorded row."""
        row = await deliveries.get(session, row_id)
        return await self.room_of_new(session, key=row.key, room=row.room) if row is not None else None

    async def record(
        self, session: AsyncSession, parcel: Parcel, *, alongside: Alongside | None = None
    ) -> Outgoing | None:
        """Write a parcel down in all its parts, with what `alongside` writes; None when it must not be sent."""
        row = await deliveries.by_key(session, parcel.key)
        room = await rooms.get(session, parcel.room)
        if room is None or room.is_silent or _has_ended(row, parcel):
            return None
        if parcel.binding is not None and parcel.binding != await _binding(session, room):
            if row is not None and not self.ledger.takes_back(row, room):
                deliveries.give_up(row, now=self._clock())
            return None
        adapter = self.ledger.adapter_of(room)
        first, *rest = adapter.parts(as_typed(parcel.reply, adapter.abilities))
        was_unclear = row is not None and is_unclear(row)
        row = await self._written(session, row, room, replace(parcel, reply=first))
        if alongside is not None:
            await alongside(session)
        await self.ledger.put_in_log(session, row, room, first)
        parts = [_part(parcel, reply, number) for number, reply in enumerate(rest, start=2)]
        stale = await self._end_parts(session, parcel, parts) if parcel.reopens and parcel.is_final else ()
        following = [await self._follow(session, room, part) for part in parts]
        await session.flush()
        waiting = [one for one in following if one is not None and one.state != "sent"]
        return Outgoing(row, room, self.ledger.body_of(row), was_unclear, waiting, stale)

    async def take(self, session: AsyncSession, row_id: str) -> Outgoing | None:
        """An open row on its way again, unless it must wait for others; one nobody may read any more is taken back."""
        row = await deliveries.get(session, row_id)
        room = await rooms.get(session, row.room) if row is not None and row.state in deliveries.UNSENT else None
        if row is None or room is None:
            return None
        if room.is_silent or not await self._may_go_on(session, row, room):
            deliveries.give_up(row, now=self._clock())
            return None
        is_unsure = is_unclear(row)
        if row.message is None and not is_unsure:
            if await deliveries.waits_before(session, chat_of(room), own=row):
                return None
            row.after = await self.ledger.latest_known(session, room)
        row.state = "sending"
        row.attempts += 1
        await session.flush()
        return Outgoing(row, room, self.ledger.body_of(row), is_unsure)

    async def hold_unclear(self, session: AsyncSession, *, until: datetime) -> int:
        """Let alone for a while what may still be under way where it will be looked for; how many rows are open."""
        open_rows = await deliveries.unsent(session)
        for one in open_rows:
            row = await deliveries.get(session, one.id) if one.is_unclear and one.not_before is None else None
            room = await rooms.get(session, row.room) if row is not None else None
            if row is not None and room is not None and self.ledger.will_look(row, room):
                row.not_before = until
        return len(open_rows)

    async def note_found(self, session: AsyncSession, row_id: str, sent: Sent) -> None:
        """Write down where an earlier try arrived; what is to be said instead is an edit now."""
        row = await deliveries.get(session, row_id)
        if row is not None and row.state in deliveries.UNSENT:
            body = self.ledger.body_of(row)
            row.message, row.more = sent.message_id, list(sent.more)
            if body is not None:
                self.ledger.say(row, Body(body.reply, None))

    async def begin_anew(
        self, session: AsyncSession, row_id: str, *, instead: Reply | None = None, warning: Reply | None = None
    ) -> None:
        """Let a row be sent as if never tried, or `instead` of what it says; `warning` is a message that comes after it.

        The message that it had is kept among its others: see `say_instead`.
        """
        row = await deliveries.get(session, row_id)
        body = self.ledger.body_of(row) if row is not None and row.state in deliveries.UNSENT else None
        if row is None or body is None:
            return
        row.more = [row.message] if row.message is not None else row.more
        row.state, row.message, row.not_before = "pending", None, None
        self.ledger.say(row, Body(body.reply and (instead or body.reply), None))
        if warning is not None and await deliveries.by_key(session, f"{row.key}/mark") is None:
            after = Row(
                **{
                    **row.model_dump(),
                    "id": new_id(),
                    "key": f"{row.key}/mark",
                    "attempts": 0,
                    "after": None,
                    "more": [],
                }
            )
            self.ledger.say(after, Body(warning, None))
            session.add(after)

    async def say_instead(self, session: AsyncSession, row_id: str, reply: Reply) -> None:
        """Let a row say something else: where its placeholder stood, if it had one, else as a new message."""
        row = await deliveries.get(session, row_id)
        if row is None or row.state not in deliveries.UNSENT:
            return
        if row.message is None and row.more:
            row.message, row.more = row.more[0], row.more[1:]
        row.state = "pending" if row.message is None else "sending"
        row.not_before = None
        self.ledger.say(row, Body(reply, None))

    async def move(self, session: AsyncSession, room: str, native_id: str) -> None:
        """Let a room be known by another id, where messages are numbered anew: what is open is sent there."""
        for row in await deliveries.unsent_in(session, [room]):
            body = self.ledger.body_of(row)
            if body is None or (body.reply is None and row.message is not None):
                deliveries.give_up(row, now=self._clock())
                continue
            row.state = "pending" if row.message is not None else row.state
            row.message, row.more, row.after, row.not_before = None, [], None, None
            there = Body(_as_first(body.reply), _as_first(body.tried))
            self.ledger.say(row, there)
        await session.flush()
        await moves.move(session, room, native_id=native_id, now=self._clock())

    async def note_later(self, session: AsyncSession, row_id: str, *, not_before: datetime, is_unclear: bool) -> None:
        """Write down when to try again."""
        row = await deliveries.get(session, row_id)
        if row is not None and row.state in deliveries.UNSENT:
            row.not_before = not_before
            row.state = "sending" if is_unclear or row.message is not None else "pending"

    async def close(self, session: AsyncSession, row_id: str, sent: Sent | None, *, turn: str | None) -> End:
        """Write down where a row arrived, or that it never will."""
        row = await deliveries.get(session, row_id)
        if row is None or row.state == "given_up":
            return End.GONE
        body = self.ledger.body_of(row)
        if sent is not None and body is not None and body.reply is None:  # it was taken back while it was under way
            row.message, row.more = sent.message_id, list(sent.more)
            return End.UNWANTED
        if sent is None:
            deliveries.give_up(row, now=self._clock())
        else:
            await self.ledger.settle(session, row, sent, turn)
        return End.SETTLED

    async def silence(self, session: AsyncSession, room: str) -> None:
        """Say nothing more in a room and its topics that do not exist for us any more, until we are back."""
        closed = await rooms.set_silent(session, room, is_silent=True)
        for row in await deliveries.unsent_in(session, closed):
            deliveries.give_up(row, now=self._clock())

    async def withdraw(self, session: AsyncSession, *, room: str, key: str, inbox_row: int) -> list[str]:
        """Let nothing more of ours about an inbox row be sent, whatever is under way; the messages that stand there."""
        found = await deliveries.of_inbox(session, inbox_row)
        if not any(row.key == key for row in found):  # so that what comes too late finds the place taken
            buried = Row(id=new_id(), key=key, room=room, purpose="answer", inbox=inbox_row, created_at=self._clock())
            session.add(buried)
            found = [*found, buried]
        return await self.ledger.end(session, found)

    async def clear_away(self, session: AsyncSession, inbox_row: int) -> list[str]:
        """Give up what still promises an answer about an inbox row; the messages that say so."""
        rows = await deliveries.of_inbox(session, inbox_row)
        return await self.ledger.end(session, [row for row in rows if row.purpose == "answer" and not row.is_final])

    async def _may_go_on(self, session: AsyncSession, row: Row, room: Room) -> bool:
        """Whether a row is young enough and its room bound as it was, or what it said can at least be taken back."""
        body, age = self.ledger.body_of(row), self._clock() - row.created_at
        if body is not None and body.reply is None:
            return age <= 2 * _GIVE_UP_AFTER
        if age <= _GIVE_UP_AFTER and row.binding in (_WHATEVER, await _binding(session, room)):
            return True
        return self.ledger.takes_back(row, room)

    async def _written(self, session: AsyncSession, row: Row | None, room: Room, parcel: Parcel) -> Row:
        waits = await self._must_wait(session, row, room)
        if row is None:
            row = Row(id=new_id(), key=parcel.key, room=parcel.room, purpose=parcel.purpose, created_at=self._clock())
            session.add(row)
        tried = self.ledger.body_of(row) if is_unclear(row) else None
        if not is_unclear(row) and row.message is None:
            row.after = await self.ledger.latest_known(session, room)
        state = "pending" if waits and not is_unclear(row) else "sending"
        self._fill(row, parcel, state=state, tried=tried.sent if tried is not None else None)
        if not waits:
            row.attempts, row.not_before = row.attempts + 1, None
        return row

    async def _must_wait(self, session: AsyncSession, row: Row | None, room: Room) -> bool:
        """Whether a new message has to queue: behind others of its chat, or for its own time."""
        if row is not None and row.message is not None:
            return False
        is_held = row is not None and row.not_before is not None and row.not_before > self._clock()
        if is_held or (row is not None and is_unclear(row)):
            return is_held
        return await deliveries.waits_before(session, chat_of(room), own=row)

    async def _follow(self, session: AsyncSession, room: Room, part: Parcel) -> Row | None:
        """A further part, surely not sent: it waits until the one before it is out."""
        row = await deliveries.by_key(session, part.key)
        if _has_ended(row, part):
            return None
        if row is None:
            row = Row(id=new_id(), key=part.key, room=part.room, purpose=part.purpose, created_at=self._clock())
            session.add(row)
        tried = self.ledger.body_of(row) if is_unclear(row) else None
        state = "pending" if row.message is None and tried is None else "sending"
        self._fill(row, part, state=state, tried=tried.sent if tried is not None else None)
        await self.ledger.put_in_log(session, row, room, part.reply)
        return row

    def _fill(self, row: Row, parcel: Parcel, *, state: str, tried: Reply | None = None) -> None:
        row.inbox, row.thread, row.is_final = parcel.inbox, parcel.thread, parcel.is_final
        row.binding = _WHATEVER if parcel.binding is None else parcel.binding
        row.state = state
        was_other = None if tried == parcel.reply else tried
        self.ledger.say(row, Body(parcel.reply, was_other))

    async def _end_parts(self, session: AsyncSession, parcel: Parcel, parts: Sequence[Parcel]) -> list[str]:
        """Give up the parts of an earlier, longer answer."""
        kept = {part.key for part in parts}
        return await self.ledger.end(
            session, [row for row in await deliveries.parts_of(session, parcel.key) if row.key not in kept]
        )


def _part(parcel: Parcel, reply: Reply, number: int) -> Parcel:
    return replace(parcel, reply=reply, key=f"{parcel.key}/{number:03d}")  # they go out in the order of their keys


def _as_first(reply: Reply | None) -> Reply | None:
    """A reply as it is said where nothing was said before."""
    return replace(reply, reply_to=None) if reply is not None else None


def _has_ended(row: Row | None, parcel: Parcel) -> bool:
    return row is not None and (row.is_final or row.state == "given_up") and not parcel.reopens


async def _binding(session: AsyncSession, room: Room) -> int | None:
    found = await rooms.binding_of(session, room.id)
    return found[1] if found else None
