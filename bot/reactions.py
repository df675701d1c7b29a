"""What people do with messages that exist: press a button, vote, edit or delete a question."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Button, Deleted, Edited, Message, Pressed, Rated, Reply, Stage
from bot.admission import answer_key
from bot.context import CommandPort, MessageContext, Parsed, QueuePort, VerifyingPort
from bot.conversation import Conversation
from bot.envelope import event_in, unpack_citations
from bot.errors import UserError
from bot.gate import Seen, look
from bot.outbox import Parcel
from bot.reply import Frame, cited, where
from bot.state.database import Database
from bot.state.queries import deliveries, inbox, turns
from bot.state.tables import Inbox, Turn
from config.texts import plain, say
from pipelines.types import Passage, Supported, quoted

EDITS_COUNT_FOR: Final = timedelta(minutes=10)
_WORDS_QUOTED: Final = 12
_VOTES: Final = {"up": 1, "down": -1}
_RATINGS: Final[Mapping[str, int | None]] = {**_VOTES, "none": None}
TYPED: Final = ("verify", "sources", "again", "rate", "answer now")


@dataclass(slots=True)
class Reactions:
    """Carries out what was pressed, voted, edited and deleted; rights are those of whoever acts, never the asker's.

    `keeping` are the networks where an answer stays when its question is deleted.
    """

    conversation: Conversation
    commands: CommandPort
    verifying: VerifyingPort
    queue: QueuePort
    keeping: Collection[str] = ()

    async def press(self, context: MessageContext, pressed: Pressed) -> str:
        """Carry out a button. Raises UserError for what the person should know."""
        if pressed.action in ("confirm", "command"):
            reply = await self.commands.press(pressed.action, pressed.data, context)
            await self._say(context, reply)
            return "command"
        if pressed.action == "cancel":
            return await self._cancel(context, pressed)
        if pressed.action == "answer_now":
            await self._allow(context, "ask")
            await self.queue.answer_now(context.room.id)
            return "answered"
        return await self._press_answer(context, pressed)

    async def type(self, context: MessageContext, parsed: Parsed) -> str:
        """Carry out a button that was typed, as networks without any have it: one of `TYPED`. Raises UserError.

        What is meant is the answer that it replies to, else the last one of its conversation.
        """
        if parsed.name == "answer now":
            await self._allow(context, "ask")
            if not await self.queue.answer_now(context.room.id):
                raise UserError("typed.none_wait")
            return "command"
        turn = await self._db.read(lambda session: self._meant(session, context))
        if turn is None:
            raise UserError("typed.which")
        if parsed.name != "rate":
            return await self._act_on(context, turn, parsed.name)
        if parsed.rest.casefold() not in _RATINGS:
            raise UserError("typed.rate_wrong", got=parsed.rest[:40])
        await self._vote(context, turn, _RATINGS[parsed.rest.casefold()])
        await self._say(context, Reply(say("typed.rated", context.language), context.message.message_id, Stage.NOTICE))
        return "command"

    async def rate(self, context: MessageContext, rated: Rated) -> str:
        """Count a thumb: one vote a person and answer."""
        turn = await self._db.read(lambda session: turns.of_message(session, context.room.id, rated.message_id))
        if turn is not None:
            await self._vote(context, turn, rated.value)
        return "rated"

    async def edit(self, context: MessageContext, edited: Edited) -> str:
        """Answer a question again that its asker has just edited, in the same message."""
        asked = await self.replaced(context.room.id, context.person.id, edited)
        if asked is None:
            return "ignored"
        same = replace(context, inbox=inbox.worked_on_as(asked), message=replace(context.message, text=edited.text))
        return await self.conversation.answer(same, edited.text, reopens=True)

    async def replaced(self, room: str, person: str | None, edited: Edited) -> Inbox | None:
        """The question that an edit by this person replaces; None when the edit counts for nothing."""
        if edited.text.lstrip().startswith("/"):
            return None  # a command is only ever a fresh message

        async def find(session: AsyncSession) -> Inbox | None:
            is_gone = await inbox.is_deleted(session, room, edited.message_id)
            return None if is_gone else await inbox.of_message(session, room, edited.message_id)

        asked = await self._db.read(find)
        if asked is not None and edited.text.strip() == await self._said(asked):
            return None  # what changed is not its text: its preview, its marks
        is_question = asked is not None and asked.person == person and asked.outcome != "command"
        return asked if asked and is_question and edited.sent_at - asked.sent_at <= EDITS_COUNT_FOR else None

    async def _said(self, asked: Inbox) -> str | None:
        """The text of a question as it was last taken up; None when it is not known."""
        event = event_in(asked, self.conversation.vault)
        if event is not None:
            return event.text.strip() if isinstance(event, Message) else None
        turn = await self._db.read(lambda session: turns.of_inbox(session, inbox.worked_on_as(asked)))
        return turns.texts_of(turn, self.conversation.vault).question if turn is not None else None

    async def delete(self, context: MessageContext, deleted: Deleted) -> str:
        """Forget a question that was taken back, and take our answer back with it, unless the network's stay."""
        room, now = context.room, self.conversation.clock()

        async def forget(session: AsyncSession) -> tuple[int, bool] | None:
            asked = await inbox.of_message(session, room.id, deleted.message_id)
            if asked is None or asked.id is None:
                return None
            await inbox.finish(session, asked.id, state="dropped", outcome="deleted", now=now)
            whole = inbox.worked_on_as(asked)
            turn = await turns.of_inbox(session, whole)
            if turn is not None:
                await turns.wipe(session, turn.id)
            return whole, turn is not None

        found = await self._db.write(forget)
        if found is None:
            return "deleted"
        row, is_answered = found
        if not (is_answered and room.network in self.keeping):
            await self.conversation.delivery.withdraw(room, key=answer_key(row), inbox_row=row)
        return "deleted"

    async def _press_answer(self, context: MessageContext, pressed: Pressed) -> str:
        turn = await self._db.read(lambda session: _answer_of(session, context.room.id, pressed))
        if turn is None and not pressed.data:
            return "ignored"  # a reaction to something of ours that is no answer
        if turn is None or turn.room != context.room.id:
            raise UserError("reply.turn_gone")
        if pressed.action in _VOTES:
            await self._vote(context, turn, _VOTES[pressed.action])
            return "rated"
        return await self._act_on(context, turn, pressed.action)

    async def _meant(self, session: AsyncSession, context: MessageContext) -> Turn | None:
        """The answer that a typed command is about."""
        message, room = context.message, context.room
        if message.reply_to is not None:
            replied = await turns.of_message(session, room.id, message.reply_to)
            if replied is not None or not message.room.thread:
                return replied
        thread = "" if room.kind in ("private", "web") and not message.room.thread else message.room.thread
        return await turns.newest(session, room.id, thread=thread, person=context.person.id)

    async def _act_on(self, context: MessageContext, turn: Turn, action: str) -> str:
        if action == "verify":
            _demand_current(turn, await self._allow(context, "verify"))
            await self._say(context, await self._verified(context, turn), binding=turn.binding)
            return "verified"
        if action == "sources":
            _demand_current(turn, await self._allow(context, "read_turn"))
            await self._say(context, self._sources(context, turn), binding=turn.binding)
            return "sources"
        if action == "again":
            question = turns.texts_of(turn, self.conversation.vault).question
            if not question:
                raise UserError("reply.turn_gone")
            return await self.conversation.answer(context, question)
        return "ignored"

    async def _vote(self, context: MessageContext, turn: Turn, value: int | None) -> None:
        await self._allow(context, "rate")
        person, now = context.person.id, self.conversation.clock()
        await self._db.write(lambda session: turns.vote(session, turn=turn.id, person=person, value=value, now=now))

    async def _cancel(self, context: MessageContext, pressed: Pressed) -> str:
        asked = await self._db.read(lambda session: _question_of(session, context.room.id, pressed))
        if asked is None or asked.room != context.room.id:
            return "ignored"
        if asked.person != context.person.id and not context.actor.is_room_admin:
            await self._allow(context, "project rename")  # an admin of the project may stop anybody's question
        await self.queue.cancel(context.room.id, asked=asked)
        return "cancelled"

    async def _verified(self, context: MessageContext, turn: Turn) -> Reply:
        texts = turns.texts_of(turn, self.conversation.vault)
        if not texts.answer:
            raise UserError("reply.turn_gone")
        checked = await self.verifying.verify(turn.project, texts.answer, room=context.room.id)
        return Reply(verified_markdown(checked, context.language), context.message.message_id, Stage.NOTICE)

    def _sources(self, context: MessageContext, turn: Turn) -> Reply:
        texts = turns.texts_of(turn, self.conversation.vault)
        is_web = context.room.kind == "web"
        viewer = "" if is_web else self.conversation.rules.viewer
        frame = Frame(turn.project, turn.id, context.language, viewer=viewer, opens_here=is_web)
        shown = tuple(cited(citation, frame) for citation in unpack_citations(texts.citations))
        if not shown:
            raise UserError("reply.no_sources")
        blocks = [f"[{one.number}] `{one.label}`\n\n{_fenced(one.quote)}" for one in shown]
        head = say("reply.sources", context.language)
        text = "\n\n".join([head, *blocks])
        return Reply(text, context.message.message_id, Stage.NOTICE, cited=shown, language=context.language)

    async def _allow(self, context: MessageContext, action: str) -> Seen:
        """The room as it is now. Raises UserError unless the one who acts may do this there."""
        now, is_admin = self.conversation.clock(), context.actor.is_room_admin
        seen = await self._db.read(
            lambda session: look(session, context.room.id, context.person.id, now=now, is_room_admin=is_admin)
        )
        decision = seen.may(action) if seen else None
        if seen is None or decision is None or not decision.allowed:
            raise UserError(decision.reason if decision and decision.reason else "rights.not_allowed")
        return seen

    async def _say(self, context: MessageContext, reply: Reply | None, *, binding: int | None = None) -> None:
        if reply is not None:
            key = answer_key(context.inbox)
            thread = context.message.room.thread
            parcel = Parcel(context.room.id, reply, key, thread=thread, inbox=context.inbox, binding=binding)
            await self.conversation.delivery.send(parcel)

    @property
    def _db(self) -> Database:
        return self.conversation.db


async def _answer_of(session: AsyncSession, room: str, pressed: Pressed) -> Turn | None:
    """The answer that a button names, or that the message is which somebody reacted to."""
    if pressed.data:
        return await turns.get(session, pressed.data)
    return await turns.of_message(session, room, pressed.message_id)


async def _question_of(session: AsyncSession, room: str, pressed: Pressed) -> Inbox | None:
    """The question that a button names, or whose answer is to stand in the message that somebody reacted to."""
    if pressed.data:
        return await inbox.get(session, int(pressed.data)) if pressed.data.isdigit() else None
    shown = await deliveries.of_message(session, room, pressed.message_id)
    return await inbox.get(session, shown.inbox) if shown is not None and shown.inbox is not None else None


def _demand_current(turn: Turn, seen: Seen) -> None:
    """Raise UserError for an answer from what the room was bound to before: it must not be shown there."""
    if turn.binding != seen.binding:
        raise UserError("reply.turn_gone")


def verified_markdown(checked: Sequence[Supported], language: str) -> str:
    """The result of a check as text: each sentence with the lines that support it, or that none were found."""
    found = sum(one.is_supported for one in checked)
    lines = [say("reply.verify.head", language, found=found, total=len(checked)), ""]
    for one in checked:
        if one.is_supported and one.passages:
            place = f"`{_place(one.passages[0], language)}`"
            lines.append(f"- {say('reply.verify.supported', language, sentence=_quoted(one.sentence), place=place)}")
        else:
            lines.append(f"- {say('reply.verify.not_found', language, sentence=_quoted(one.sentence))}")
    return "\n".join(lines) if checked else say("reply.verify.nothing", language)


def _place(best: Passage, language: str) -> str:
    if not best.converted:
        return f"{best.path}:{best.first_line}-{best.last_line}"
    return where(quoted(best), language).replace("`", "'")


def backlog_notice(count: int, language: str) -> Reply:
    """The one notice for questions that waited too long, with its button."""
    button = Button(say("reply.button.answer_now", language), "answer_now", "backlog")
    return Reply(say("reply.backlog", language, count=count), None, Stage.NOTICE, ((button,),), language=language)


def _quoted(sentence: str) -> str:
    """The first words of a sentence, without marks: a line of code would else be read as formatting."""
    words = sentence.replace("`", "").replace("*", "").split()
    return plain(" ".join(words[:_WORDS_QUOTED])) + (" …" if len(words) > _WORDS_QUOTED else "")


def _fenced(quote: str) -> str:
    fence = "```"
    while fence in quote:
        fence += "`"
    return f"{fence}\n{quote}\n{fence}"
