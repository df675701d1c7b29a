"""Which part of the product an event is for, and how it has to wait: commands, questions, buttons, changes of a room."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, cast

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import (
    Addressed,
    ChatError,
    Deleted,
    Edited,
    Event,
    Message,
    Pressed,
    Rated,
    Reply,
    RoomChanged,
    Sender,
    Stage,
    Unreadable,
)
from bot.admission import answer_key, target_of
from bot.albums import Albums
from bot.context import CommandPort, HearingPort, MessageContext, OnboardingPort, Parsed, UploadPort
from bot.conversation import Conversation
from bot.envelope import event_in
from bot.errors import UserError
from bot.gate import Seen, look
from bot.listening import is_spoken
from bot.loops import PAUSE, Heed, Loops
from bot.outbox import Parcel
from bot.reactions import TYPED, Reactions, backlog_notice
from bot.reply import queue_reply
from bot.room_events import RoomEvents
from bot.schedule import Kind, Work
from bot.state.queries import inbox, rooms, turns
from bot.state.tables import Inbox as Row
from config.texts import best_language, say

log = structlog.get_logger(__name__)

_WORKING_BUTTONS: Final = ("again", "verify")
_NAME_CHARS: Final = 40
_NOBODY: Final = Sender("", "", "")


@dataclass(slots=True)
class Routing:
    """Plans and performs what the lanes hold. `conversation` carries the database, vault and delivery."""

    conversation: Conversation
    reactions: Reactions
    commands: CommandPort
    onboarding: OnboardingPort
    uploads: UploadPort | None
    default_language: str
    clock: Callable[[], datetime]
    albums: Albums
    hearing: HearingPort | None = None
    loops: Loops = field(default_factory=lambda: Loops(0))
    _events: RoomEvents = field(init=False)

    def __post_init__(self) -> None:
        self._events = RoomEvents(self.conversation, self.onboarding, self.default_language, self.clock)

    async def plan(self, session: AsyncSession, row: Row) -> Work:
        """How a row waits, and in which lane."""
        event = self.event_of(row)
        number = int(row.id or 0)
        if event is None or isinstance(event, Unreadable | Rated | Deleted):
            return Work(number, row.room, "", Kind.FREE)
        if isinstance(event, RoomChanged):
            return Work(number, row.room, "", Kind.BARRIER)
        if isinstance(event, Pressed):
            return Work(number, row.room, f"press/{number}", _kind_of_button(event))
        parsed = self._parsed(event) if isinstance(event, Message) else None
        if parsed is not None and parsed.name in _WORKING_BUTTONS:
            return Work(number, row.room, f"press/{number}")
        if parsed is not None and parsed.name != "ask":
            is_free = self.commands.is_read_only(parsed)
            return Work(number, row.room, "", Kind.FREE if is_free else Kind.BARRIER)
        return Work(number, row.room, await self._lane(session, row, event))

    async def perform(self, row: Row) -> str:
        """Do what a row asks for and return how it ended. The asker is told of every UserError.

        Raises Unreachable and StateUnavailable, after which the row may be tried again.
        """
        event = self.event_of(row)
        if event is None:
            return "unreadable"
        if isinstance(event, RoomChanged):
            return await self._events.changed(row, event)
        if isinstance(event, Unreadable):
            return await self._events.unreadable(row, event)
        context = await self.context_of(row, event)
        if context is None:
            return "ignored"
        if not await self._is_heeded(context, row, event):
            return "loop"
        try:
            return await self._route(context, row, event)
        except UserError as error:
            await self._say(context, Reply(say(error.key, context.language, **error.values), stage=Stage.NOTICE))
            return "refused"

    async def ends_work_on(self, row: Row) -> bool:
        """Whether a row takes the place of all earlier work on its message: a removal, or an edit that counts.

        An edit of an album's caption does not: it waits behind the album, whose files must be taken all the same.
        """
        event = self.event_of(row) if row.kind in ("edited", "deleted") and not row.outcome else None
        if isinstance(event, Edited):
            asked = await self.reactions.replaced(row.room, row.person, event)
            return asked is not None and not self._album_of(asked)
        return isinstance(event, Deleted)

    async def tell_place(self, row: Row, place: int) -> None:
        """Let the placeholder of a waiting question say its place in the queue."""
        event = self.event_of(row)
        is_whole = isinstance(event, Message) and not event.album  # of an album one part stands for all
        context = await self.context_of(row, event) if event and is_whole else None
        seen = await self._look(row, is_room_admin=False)
        if context is not None and seen is not None and seen.may("ask").allowed:
            target = target_of(context, seen)
            await self.conversation.delivery.send(target.parcel(queue_reply(place, target)))

    async def tell_failed(self, row: Row, reference: str) -> None:
        """Tell the asker that something broke, with the reference that the log holds."""
        context = await self._answered_at(row)
        if context is not None:
            await self.conversation.say_failed(context, reference)
            await self._close_album(row, context.message)

    async def tell_cancelled(self, row: Row) -> None:
        """Say where the answer would have stood that it was cancelled."""
        context = await self._answered_at(row)
        if context is None or (context.message.album and not await self.albums.speaks(row, context.message)):
            return
        await self.conversation.say_cancelled(context)
        await self._close_album(row, context.message)

    async def tell_backlog(self, room: str, rows: list[int]) -> None:
        """One notice for questions of a room that waited too long."""
        found = await self._events.treated(room)
        language = best_language(found.language if found else None, default=self.default_language)
        parcel = Parcel(room, backlog_notice(len(rows), language), f"backlog/{room}/{max(rows)}")
        await self.conversation.delivery.send(parcel)

    def event_of(self, row: Row) -> Event | None:
        """The event that a row holds; None when its text is gone or cannot be read."""
        return event_in(row, self.conversation.vault)

    async def context_of(self, row: Row, event: Event) -> MessageContext | None:
        """Everything known about an event; None when its room or person is gone."""
        is_admin = await self._is_room_admin(row, event)
        seen = await self._look(row, is_room_admin=is_admin)
        if seen is None:
            return None
        if seen.room.parent is not None:
            own = seen.room
            seen = replace(seen, room=await self.conversation.db.read(lambda s: rooms.as_it_is_treated(s, own)))
        return MessageContext(
            inbox=int(row.id or 0),
            room=seen.room,
            person=seen.person,
            actor=seen.actor,
            message=_as_message(event),
            language=best_language(seen.room.language, seen.person.language, default=self.default_language),
            now=self.clock(),
            attempt=row.attempts,
        )

    async def _is_heeded(self, context: MessageContext, row: Row, event: Event) -> bool:
        """Whether an event is worked on: not one of too many within a minute, which is said once."""
        is_counted = isinstance(event, Message | Edited | Pressed) and not _is_file_alone(event)
        if not is_counted or context.room.kind == "web" or row.attempts > 1:
            return True
        name = (event.album if isinstance(event, Message) else "") or event.id.event
        heed = self.loops.heed(context.person.id, name, at=min(row.sent_at, row.received_at))
        if heed is Heed.ANSWER:
            return True
        if heed is Heed.STOP:
            minutes = int(PAUSE.total_seconds() // 60)
            text = say("ask.loop", context.language, most=self.loops.most, minutes=minutes)
            log.warning("routing.loop", network=row.network, most=self.loops.most)
            await self._say(context, Reply(text, stage=Stage.NOTICE), part="/loop")
        await self.conversation.delivery.clear_away(context.room, inbox_row=context.inbox)
        return False

    async def _answered_at(self, row: Row) -> MessageContext | None:
        """What is known about a row, with `inbox` naming where its answer stands: an edit's is its question's."""
        event = self.event_of(row)
        context = await self.context_of(row, event) if isinstance(event, Message | Edited | Pressed) else None
        if context is None or not isinstance(event, Edited):
            return context
        asked = await self.conversation.db.read(lambda session: inbox.of_message(session, row.room, row.message))
        return replace(context, inbox=inbox.worked_on_as(asked)) if asked and asked.id else context

    async def _route(self, context: MessageContext, row: Row, event: Event) -> str:
        if isinstance(event, Message):
            return await self._message(context, row, event)
        if isinstance(event, Edited):
            return "ignored" if row.outcome else await self.reactions.edit(context, event)
        if isinstance(event, Pressed):
            return await self.reactions.press(context, event)
        if isinstance(event, Rated):
            return await self.reactions.rate(context, event)
        return await self.reactions.delete(context, cast("Deleted", event))

    async def _message(self, context: MessageContext, row: Row, message: Message) -> str:
        if row.outcome.startswith(inbox.HELD_BACK):
            return await self._secret(context, row)
        parsed = self._parsed(message)
        if parsed is not None and parsed.name in TYPED:
            return await self.reactions.type(context, parsed)
        if parsed is not None and parsed.name != "ask":
            await self._say(context, await self.commands.run(parsed, context))
            return "command"
        text = message.text if parsed is None else parsed.rest
        if parsed is None and text.startswith("/") and not message.attachments:
            return await self._unknown_command(context)
        if context.room.kind == "private" and not context.actor.roles:
            await self._say(context, await self.onboarding.stranger(context))
            await self.conversation.delivery.clear_away(context.room, inbox_row=context.inbox)
            return "stranger"
        if message.album:
            return await self._album(context, row, message)
        return await self._with_files(context, text)

    async def _album(self, context: MessageContext, row: Row, message: Message) -> str:
        """Work on all parts of an album as on one message; they end with it."""
        whole = await self.albums.gather(row, message)
        parsed = self._parsed(whole.message)
        text = whole.message.text if parsed is None else parsed.rest
        outcome = await self._with_files(replace(context, message=whole.message, parts=whole.rest), text)
        await self.albums.close(context.inbox, whole.rest)  # those that no answer has closed
        return outcome

    def _album_of(self, row: Row) -> str:
        """The album that a row is a part of; "" for none, or when its text is gone."""
        event = self.event_of(row)
        return event.album if isinstance(event, Message) else ""

    async def _close_album(self, row: Row, message: Message) -> None:
        if message.album:
            await self.albums.close_rest(row, message)

    async def _with_files(self, context: MessageContext, text: str) -> str:
        """Take what came with a message, then answer what it asks, typed or spoken."""
        attachments = context.message.attachments
        if attachments and text.startswith("/"):
            refused = say(
                "upload.command", context.language, name=text.split(maxsplit=1)[0].replace("`", "'")[:_NAME_CHARS]
            )
            await self._say(context, Reply(refused, stage=Stage.NOTICE))
            return "refused"
        if is_spoken(attachments) and self.hearing is not None:
            heard = await self.hearing.hear(context) if context.room.project is not None else ""
            return "unheard" if heard is None else await self._answer(replace(context, heard=heard), f"{text}\n{heard}")
        if attachments and self.uploads is not None:
            told = await self.uploads.take(context)
            await self._say(context, told, part="/files")
            if not text.strip() or (told is not None and told.buttons):  # it asks first: the question waits for that
                return "upload"
        return await self._answer(context, text)

    async def _answer(self, context: MessageContext, text: str) -> str:
        if context.room.project is None:
            await self._say(context, await self.onboarding.unbound(context))
            await self.conversation.delivery.clear_away(context.room, inbox_row=context.inbox)
            return "unbound"
        return await self.conversation.answer(context, text)

    async def _secret(self, context: MessageContext, row: Row) -> str:
        """Say that a secret must be revoked, and take it out of the room where we may."""
        kind = row.outcome.removeprefix(inbox.HELD_BACK)
        if context.room.kind != "web":  # the web chat's own log never held it
            await self.conversation.delivery.take_back(context.room, [context.message.message_id])
        await self._say(context, Reply(say("inbox.secret", context.language, kind=kind), stage=Stage.NOTICE))
        return f"{inbox.HELD_BACK}{kind}"

    async def _unknown_command(self, context: MessageContext) -> str:
        if context.room.kind in ("private", "web"):
            await self._say(context, Reply(say("inbox.unknown_command", context.language), stage=Stage.NOTICE))
        return "ignored"

    async def _lane(self, session: AsyncSession, row: Row, event: Message | Edited) -> str:
        room = await rooms.get(session, row.room)
        if room is None or (room.kind in ("private", "web") and not event.room.thread):
            return ""
        asked = await inbox.of_message(session, row.room, row.message) if isinstance(event, Edited) else row
        if asked is not None and (album := self._album_of(asked)):
            return f"album/{album}"
        if event.room.thread:
            return f"thread/{event.room.thread}"
        if isinstance(event, Message) and event.reply_to:
            turn = await turns.of_message(session, row.room, event.reply_to)
            return f"conversation/{turn.conversation}" if turn else f"message/{event.message_id}"
        return f"message/{event.message_id}"

    def _parsed(self, message: Message) -> Parsed | None:
        """The command that a message is: only what a person has typed afresh, never a forward or a file.

        A file's caption may ask with /ask, which does no more than a question without it.
        """
        may_be = message.sender.is_person and not message.is_forwarded and message.text.startswith("/")
        has_buttons = self.conversation.delivery.abilities_at(message.room).has_buttons
        parsed = self.commands.parse(message.text, has_buttons=has_buttons) if may_be else None
        return None if parsed is not None and message.attachments and parsed.name != "ask" else parsed

    async def _is_room_admin(self, row: Row, event: Event) -> bool:
        is_act = isinstance(event, Pressed) or (isinstance(event, Message) and event.text.startswith("/"))
        room = await self.conversation.db.read(lambda session: rooms.get(session, row.room)) if is_act else None
        if room is None or room.kind in ("private", "web") or not isinstance(event, Pressed | Message):
            return False
        try:
            rights = await self.conversation.delivery.adapter_of(room).rights(event.room, event.sender)
        except ChatError:
            return False
        return rights.is_room_admin

    async def _look(self, row: Row, *, is_room_admin: bool) -> Seen | None:
        now, person = self.clock(), row.person
        if person is None and row.kind == "deleted":  # networks do not say who deleted
            asked = await self.conversation.db.read(lambda session: inbox.of_message(session, row.room, row.message))
            person = asked.person if asked else None
        if person is None:
            return None
        return await self.conversation.db.read(
            lambda session: look(session, row.room, person, now=now, is_room_admin=is_room_admin)
        )

    async def _say(self, context: MessageContext, reply: Reply | None, *, part: str = "") -> None:
        if reply is None:
            return
        answered = replace(reply, reply_to=reply.reply_to or context.message.message_id)
        key, thread = answer_key(context.inbox) + part, context.message.room.thread
        await self.conversation.delivery.send(
            Parcel(context.room.id, answered, key, thread=thread, inbox=context.inbox)
        )


def _is_file_alone(event: Event) -> bool:
    """Whether an event is a file without a word: people send many at once, and programs answer with words."""
    if not isinstance(event, Message) or not event.attachments:
        return False
    return not event.text.strip() and not is_spoken(event.attachments)


def _kind_of_button(pressed: Pressed) -> Kind:
    if pressed.action == "confirm":
        return Kind.BARRIER  # "command" offers only what reads
    return Kind.QUESTION if pressed.action in _WORKING_BUTTONS else Kind.FREE


def _as_message(event: Event) -> Message:
    if isinstance(event, Message):
        return event
    if not isinstance(event, Pressed | Rated | Edited | Deleted):
        raise TypeError(f"expected an event about a message, got {type(event).__name__}")
    sender = event.sender if not isinstance(event, Deleted) else _NOBODY
    reply_to = event.reply_to if isinstance(event, Edited) else None
    addressed = event.addressed if isinstance(event, Edited) else Addressed.PRIVATE
    return Message(event.id, event.room, event.message_id, sender, "", event.sent_at, addressed, reply_to)
