"""Brings one recorded message to its network, and writes down what came of it.

A row that may have arrived already is cleared up first, in steps that are each recorded, so that the program may end
between any two of them: found, it is edited to what it should say; not found, it is sent as if never tried.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Refused, Reply, RoomAddress, RoomGone, RoomMoved, Sent, Stage, Unreachable
from adapters.network import ChatAdapter
from bot.envelope import Body, pack_reply
from bot.ledger import chat_of
from bot.outbox import End, Outbox, Outgoing
from bot.state.database import Database
from bot.state.queries import deliveries
from bot.state.tables import Room
from config.texts import best_language, say

log = structlog.get_logger(__name__)

IN_FLIGHT_S: Final = 3.0  # a request whose answer was lost may still arrive for so long
_RETRIES_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try: the message if it is known, and when to try again (None: it is settled).

    `is_again`: something was learned and written down, and the row may be taken again at once.
    """

    message: str | None = None
    due: datetime | None = None
    is_again: bool = False


class Posting:
    """Carries out rows that the caller has locked. `may_arrive` says until when a row cut off in its sending is let be."""

    def __init__(self, db: Database, outbox: Outbox, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._outbox = outbox
        self._clock = clock
        self.may_arrive: dict[str, datetime] = {}

    async def post(self, outgoing: Outgoing) -> Tried:
        """Try a row once. Raises StateUnavailable, and CancelledError with the row left as under way."""
        row, body = outgoing.row, outgoing.body
        if body is None:
            log.warning("delivery.unreadable", purpose=row.purpose, hint="was the key file replaced?")
            return await self._close(outgoing, None)
        try:
            return await self._carry_out(outgoing, body)
        except Unreachable as error:
            return Tried(row.message, await self._later(outgoing, error))
        except asyncio.CancelledError:
            self.may_arrive[row.id] = self._clock() + timedelta(seconds=IN_FLIGHT_S)
            raise
        except RoomMoved as error:
            await self._moved(outgoing, error.room)
            return Tried(is_again=True)
        except RoomGone as error:
            log.warning("delivery.room_gone", error=str(error))
            await self._db.write(lambda session: self._outbox.silence(session, row.room))
            return Tried()
        except Refused as error:
            log.warning("delivery.refused", purpose=row.purpose, error=str(error))
            return await self._refused(outgoing, body)

    async def take_back(self, room: Room, messages: Sequence[str]) -> None:
        """Delete messages, those that the network lets us. Raises Unreachable; what is gone then stays gone."""
        for message in messages:
            try:
                await self._outbox.ledger.adapter_of(room).delete(address_of(room, None), message)
            except (Refused, RoomMoved) as error:
                log.info("delivery.not_taken_back", error=type(error).__name__)

    async def _carry_out(self, outgoing: Outgoing, body: Body) -> Tried:
        row, adapter, address = outgoing.row, self._outbox.ledger.adapter_of(outgoing.room), _address(outgoing)
        if body.reply is None:
            return await self._remove(outgoing, body)
        if row.message is not None:
            return await self._edit(outgoing, body.reply)
        if not outgoing.is_unclear:
            return await self._close(outgoing, await adapter.send(address, body.reply, key=row.key), body.reply)
        if not adapter.abilities.is_idempotent:
            return await self._clear_up(outgoing, body.reply, body.sent or body.reply)
        sent = await adapter.send(address, body.reply, key=row.key)
        if body.tried is not None:  # the first try said something else
            await adapter.edit(address, sent.message_id, body.reply, key=edit_key(row.key, body.reply))
        return await self._close(outgoing, sent, body.reply)

    async def _edit(self, outgoing: Outgoing, reply: Reply) -> Tried:
        row, adapter, address = outgoing.row, self._outbox.ledger.adapter_of(outgoing.room), _address(outgoing)
        sent = Sent(row.message or "", tuple(row.more))
        try:
            await adapter.edit(address, sent.message_id, reply, key=edit_key(row.key, reply))
        except RoomGone:
            raise
        except Refused:  # somebody removed it; the answer must still be heard
            if not adapter.abilities.is_idempotent:
                return await self._anew(outgoing)
            sent = await adapter.send(address, reply, key=edit_key(row.key, reply))
        return await self._close(outgoing, sent, reply)

    async def _refused(self, outgoing: Outgoing, body: Body) -> Tried:
        """Say in place of a whole text that the network does not take it; where it takes not even that, give up."""
        row, reply = outgoing.row, body.reply
        instead = _refusal(outgoing, reply) if reply is not None and row.is_final else None
        if instead is None or reply is None or reply.markdown == instead.markdown:
            return await self._close(outgoing, None)
        await self._db.write(lambda session: self._outbox.say_instead(session, row.id, instead))
        return Tried(is_again=True)

    async def _clear_up(self, outgoing: Outgoing, reply: Reply, tried: Reply) -> Tried:
        """Find out whether an earlier try arrived. Where nobody can tell, it is sent again and so marked."""
        can_tell, found = await self._find(outgoing, tried)
        if not can_tell:
            return await self._anew_marked(outgoing, reply)
        if found is None:
            return await self._anew(outgoing)
        if tried == reply:
            return await self._close(outgoing, found, reply)
        await self._db.write(lambda session: self._outbox.note_found(session, outgoing.row.id, found))
        return Tried(found.message_id, is_again=True)

    async def _find(self, outgoing: Outgoing, tried: Reply) -> tuple[bool, Sent | None]:
        """Whether it can be told where an earlier try arrived, and where."""
        row, room = outgoing.row, outgoing.room
        adapter: ChatAdapter = self._outbox.ledger.adapter_of(room)
        is_traceable = row.after is not None or tried.reply_to is not None or adapter.abilities.is_idempotent
        if not adapter.abilities.can_probe or not is_traceable:
            return False, None
        known = await self._db.read(lambda session: deliveries.sent_behind(session, chat_of(room), row.after))
        try:
            found = await adapter.find(_address(outgoing), tried, key=row.key, after=row.after, known=known)
        except RoomGone:
            raise
        except Refused as error:
            log.warning("delivery.not_probed", error=str(error))
            return False, None
        return True, found

    async def _remove(self, outgoing: Outgoing, body: Body) -> Tried:
        """Take back what a row said, as far as it can be found."""
        row = outgoing.row
        if row.message is None and outgoing.is_unclear and body.tried is not None:
            _, found = await self._find(outgoing, body.tried)
            if found is not None:
                await self._db.write(lambda session: self._outbox.note_found(session, row.id, found))
                return Tried(is_again=True)
        if row.message is not None:
            await self.take_back(outgoing.room, (row.message, *row.more))
        return await self._close(outgoing, None)

    async def _anew(self, outgoing: Outgoing) -> Tried:
        await self._db.write(lambda session: self._outbox.begin_anew(session, outgoing.row.id))
        return Tried(is_again=True)

    async def _anew_marked(self, outgoing: Outgoing, reply: Reply) -> Tried:
        """Send once more what may stand there already, and say so: in it, or behind it where that would be too long."""
        mark = say("delivery.perhaps_again", best_language(outgoing.room.language))
        most = self._outbox.ledger.adapter_of(outgoing.room).abilities.max_chars
        # A layout counts from the start of its text, so nothing may be put before that.
        text = f"{reply.markdown}\n\n{mark}" if reply.layout else f"{mark}\n\n{reply.markdown}"
        if mark in reply.markdown:
            return await self._anew(outgoing)
        warning = Reply(mark, stage=Stage.NOTICE) if len(text) > most else None
        marked = None if warning else replace(reply, markdown=text)
        await self._db.write(
            lambda session: self._outbox.begin_anew(session, outgoing.row.id, instead=marked, warning=warning)
        )
        return Tried(is_again=True)

    async def _close(self, outgoing: Outgoing, sent: Sent | None, reply: Reply | None = None) -> Tried:
        """Write down how it ended; what was withdrawn while it was under way is taken back where it arrived."""
        row_id, turn = outgoing.row.id, reply.turn if reply else None
        self.may_arrive.pop(row_id, None)
        end = await self._db.write(lambda session: self._outbox.close(session, row_id, sent, turn=turn))
        if sent is None or end is End.SETTLED:
            return Tried(sent.message_id if sent else None)
        if end is End.UNWANTED:
            return Tried(is_again=True)
        try:
            await self.take_back(outgoing.room, (sent.message_id, *sent.more))
        except Unreachable as error:
            log.warning("delivery.not_taken_back", error=type(error).__name__)
        return Tried()

    async def _moved(self, outgoing: Outgoing, native_id: str) -> None:
        """Follow a room to its new id. What surely was not sent is sent there; what may have been cannot be found."""
        row = outgoing.row

        async def follow(session: AsyncSession) -> None:
            await self._outbox.move(session, row.room, native_id)
            if not outgoing.is_unclear:
                await self._outbox.begin_anew(session, row.id)

        await self._db.write(follow)

    async def _later(self, outgoing: Outgoing, error: Unreachable) -> datetime:
        row = outgoing.row
        pause_s = _RETRIES_S[min(row.attempts, len(_RETRIES_S)) - 1]
        pause_s = max(error.retry_after_s or pause_s, IN_FLIGHT_S if error.may_have_happened else 0.0)
        due = self._clock() + timedelta(seconds=pause_s)
        is_unclear = error.may_have_happened or outgoing.is_unclear  # also when only the looking failed
        await self._db.write(
            lambda session: self._outbox.note_later(session, row.id, not_before=due, is_unclear=is_unclear)
        )
        return due


def address_of(room: Room, thread: str | None) -> RoomAddress:
    """Where a room's messages go."""
    return RoomAddress(room.network, room.account, room.native_id, thread)


def edit_key(key: str, reply: Reply) -> str:
    """The key of an edit: the same for the same text."""
    return f"{key}/{hashlib.sha256(pack_reply(reply).encode()).hexdigest()[:12]}"


def _address(outgoing: Outgoing) -> RoomAddress:
    return address_of(outgoing.room, outgoing.row.thread)


def _refusal(outgoing: Outgoing, reply: Reply) -> Reply:
    """What is said in place of a text that the network refuses."""
    language = reply.language if reply.turn else best_language(outgoing.room.language)
    key = "delivery.refused_answer" if outgoing.row.purpose == "answer" else "delivery.refused"
    told = say(key, language, network=outgoing.room.network.title())
    return Reply(told, reply.reply_to, Stage.FAILED, turn=reply.turn, language=language)
