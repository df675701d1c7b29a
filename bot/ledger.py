"""What stands in the rows of our messages: sealed and opened, settled, given up or turned into the wish to take back."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Refused, Reply, Sent
from adapters.network import ChatAdapter
from bot.envelope import Body, pack_body, unpack_body
from bot.state.queries import deliveries, inbox, rooms
from bot.state.tables import Delivery as Row
from bot.state.tables import Room
from bot.state.vault import Vault


class OwnLog(Protocol):
    """A network whose messages lie in the state database itself: there recording a parcel is sending it."""

    async def put_in(self, session: AsyncSession, room: str, message: str | None, reply: Reply, *, key: str) -> str:
        """Let a message of the room with this id say `reply`, a new one under `key` when there is none; its id."""

    def wake(self, room: str) -> None:
        """Tell who looks at the room with this native id."""


class Ledger:
    """One row at a time, in a session of the caller's; `adapters` and `logs` are by (network, account)."""

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

    def adapter_of(self, room: Room) -> ChatAdapter:
        """The adapter that serves a room. Raises Refused when its network is not configured any more."""
        adapter = self._adapters.get((room.network, room.account))
        if adapter is None:
            raise Refused(f"expected a configured network, got {room.network}/{room.account}")
        return adapter

    def log_of(self, room: Room) -> OwnLog | None:
        """The room's log, where it lies in the state database."""
        return self._logs.get((room.network, room.account))

    def body_of(self, row: Row) -> Body | None:
        """What a row says; None when its text is gone or cannot be read."""
        text = deliveries.body_of(row, self._vault)
        try:
            return unpack_body(text) if text is not None else None
        except ValueError:  # written by another version
            return None

    def say(self, row: Row, body: Body) -> None:
        """Seal what a row is to say into it."""
        deliveries.seal_body(row, pack_body(body), self._vault)

    async def end(self, session: AsyncSession, found: Sequence[Row]) -> list[str]:
        """Give rows up, and have what may have arrived looked for; the messages that are known."""
        standing = _messages(found)
        for row in found:
            room = await rooms.get(session, row.room)
            if room is None or not is_unclear(row) or not self.takes_back(row, room):
                deliveries.give_up(row, now=self._clock())
        return standing

    def takes_back(self, row: Row, room: Room) -> bool:
        """Turn a row into the wish that what it said be gone; false where nothing can stand there or be found."""
        body = self.body_of(row) if row.state in deliveries.UNSENT else None
        can_stand = row.message is not None and row.purpose == "answer"
        if body is None or not (can_stand or (is_unclear(row) and self.can_look(room))):
            return False
        row.is_final = True
        self.say(row, Body(None, body.sent))
        return True

    async def put_in_log(self, session: AsyncSession, row: Row, room: Room, reply: Reply) -> None:
        """Send a reply by recording it, where the room's log lies in the state database."""
        own = self.log_of(room)
        if own is not None:
            message = await own.put_in(session, room.id, row.message, reply, key=row.key)
            await self.settle(session, row, Sent(message), reply.turn)

    async def settle(self, session: AsyncSession, row: Row, sent: Sent, turn: str | None) -> None:
        """Write down where a row arrived; its text goes."""
        row.state, row.message, row.more = "sent", sent.message_id, list(sent.more)
        row.body_sealed, row.not_before, row.sent_at = None, None, self._clock()
        if turn is not None:
            await deliveries.map_answer(session, room=row.room, messages=(sent.message_id, *sent.more), turn=turn)

    async def latest_known(self, session: AsyncSession, room: Room) -> str | None:
        """The highest message id that we know of in a chat that must be probed; what we send next lies after it."""
        if not self.must_look(room):
            return None
        chat = chat_of(room)
        found = (await inbox.newest_message(session, chat), await deliveries.newest_sent(session, chat))
        return max((message for message in found if message and message.isdigit()), key=int, default=None)

    def can_look(self, room: Room) -> bool:
        """Whether what was cut off on its way can be looked for there."""
        adapter = self._adapters.get((room.network, room.account))
        return adapter is not None and adapter.abilities.can_probe

    def will_look(self, row: Row, room: Room) -> bool:
        """Whether the next try of an unclear row looks for it: to send it again, or to take it back."""
        body = self.body_of(row)
        return self.must_look(room) or (self.can_look(room) and body is not None and body.reply is None)

    def must_look(self, room: Room) -> bool:
        """Whether it has to be looked for before it is sent again, since the network knows no keys."""
        return self.can_look(room) and not self.adapter_of(room).abilities.is_idempotent


def is_unclear(row: Row) -> bool:
    """Whether what a row said may stand on the network as a message that nobody knows the id of."""
    return row.state == "sending" and row.message is None


def chat_of(room: Room) -> str:
    """The room, or the group of a topic: its messages are numbered and limited together."""
    return room.parent or room.id


def _messages(found: Sequence[Row]) -> list[str]:
    return [message for row in found if row.message for message in (row.message, *row.more)]
