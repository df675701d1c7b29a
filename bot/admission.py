"""Whether a question is answered, and what knowledge gets to know of it: rights, limits, history."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Addressed
from bot.context import MessageContext
from bot.gate import Seen, look
from bot.reply import Target
from bot.state.ids import new_id
from bot.state.queries import limits, turns
from bot.state.tables import Room
from bot.state.vault import Vault
from config.settings import Answers, Limits
from config.texts import say
from pipelines.types import Exchange, Question

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[@-~]")  # the colours of a terminal, when its output is pasted
_CONTROLS: Final = dict.fromkeys((*range(9), *range(11, 32), 127))  # all but tab and line feed


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """What the settings say about answering; `viewer` is the address of our pages, None when nobody can open them."""

    answers: Answers
    limits: Limits
    idle: timedelta
    viewer: str | None = None


@dataclass(slots=True)
class Asked:
    """A question on its way to its answer."""

    context: MessageContext
    seen: Seen
    target: Target
    question: Question
    turn: str
    thread: str
    conversation: str | None
    is_recorded: bool = False
    tells_reactions: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a question is not answered; "" to say nothing."""

    target: Target
    text: str


@dataclass(frozen=True, slots=True)
class Admission:
    """Looks at a question in one write: what is counted was allowed in the same moment."""

    vault: Vault
    rules: AnswerRules
    clock: Callable[[], datetime]

    async def admit(self, session: AsyncSession, context: MessageContext, text: str) -> Asked | Refusal | None:
        """The question, counted and ready to be answered; None when its room or person is gone or
        it is unbound, or nothing can be said there.
        """
        text = _ESCAPES.sub("", text).translate(_CONTROLS).strip()
        seen = await self.look(session, context)
        if seen is None or seen.project is None or seen.room.is_silent:
            return None
        refusal = await self._refusal(session, context, seen, text)
        if refusal is not None:
            return Refusal(target_of(context, seen), refusal)
        return await self._asked(session, context, seen, text)

    async def look(self, session: AsyncSession, context: MessageContext) -> Seen | None:
        """How the room and the asker stand now."""
        is_admin = context.actor.is_room_admin
        return await look(session, context.room.id, context.person.id, now=self.clock(), is_room_admin=is_admin)

    async def _refusal(self, session: AsyncSession, context: MessageContext, seen: Seen, text: str) -> str | None:
        """Why nothing is answered, in words ("" to say nothing); None when the question is in order and counted."""
        language, most = context.language, self.rules.limits.question_max_chars
        decision = seen.may("ask")
        if not decision.allowed:
            return say(decision.reason, language) if decision.reason else ""
        if not any(map(str.isalnum, text)):
            return say("ask.empty", language)
        if len(text) > most:
            return say("ask.too_long", language, limit=most, got=len(text))
        if context.attempt > 1:
            return None  # counted at the first attempt
        now, person, room = self.clock(), context.person.id, seen.room.id
        allowance = await limits.allow_question(session, self.rules.limits, person=person, room=room, now=now)
        return None if allowance.allowed else limit_text(allowance, seen.room.kind, language, now=now)

    async def _asked(self, session: AsyncSession, context: MessageContext, seen: Seen, text: str) -> Asked:
        """The question as knowledge gets it."""
        now, room = self.clock(), seen.room
        thread, known = await self._place(session, context, room.kind, now=now)
        past = await turns.recent(session, known, limit=self.rules.answers.history_turns) if known else ()
        past = [turn for turn in past if turn.binding == seen.binding and turn.inbox != context.inbox]
        texts = [turns.texts_of(turn, self.vault) for turn in past]
        earlier = await turns.of_inbox(session, context.inbox)
        project = seen.project or ""
        tokens = await limits.allow_tokens(session, self.rules.limits, project=project, now=now)
        question = Question(
            text=text,
            project=project,
            room=room.id,
            history=tuple(Exchange(one.question, one.answer) for one in texts if one.question and one.answer),
            language=context.language,
            style=_style_of(room),
            model_allowed=tokens.allowed,
        )
        turn = earlier.id if earlier else new_id()
        return Asked(context, seen, target_of(context, seen), question, turn, thread, known)

    async def _place(
        self, session: AsyncSession, context: MessageContext, kind: str, *, now: datetime
    ) -> tuple[str, str | None]:
        """The thread that tells this conversation apart in its room, and the conversation if it is open."""
        message, room, thread = context.message, context.room.id, context.message.room.thread
        if kind in ("private", "web") and not thread:
            known = await turns.open_conversation(session, room, thread="", now=now, idle=self.rules.idle)
            return "", known.id if known else None
        # A topic is a room of its own, where a reply goes on with its own chain; a thread is one conversation.
        if thread and not (kind == "topic" and message.addressed is Addressed.REPLY):
            known = await turns.open_conversation(session, room, thread=thread, now=now, idle=None)
            return thread, known.id if known else None
        if message.reply_to:
            turn = await turns.of_message(session, room, message.reply_to)
        else:
            turn = await turns.of_inbox(session, context.inbox)  # of an edited question, which goes on where it was
        return f"message/{message.message_id}", turn.conversation if turn else None


def answer_key(row: int) -> str:
    """The delivery key of the answer to an inbox row: one message, however often it is worked on."""
    return f"answer/{row}"


def limit_text(allowance: limits.Allowance, room_kind: str, language: str, *, now: datetime) -> str:
    """What is said of a question over a limit: when to come back, once; "" after that."""
    if not allowance.is_first_refusal and room_kind != "web":
        return ""
    minutes = max(1, -(-int(((allowance.come_back_at or now) - now).total_seconds()) // 60))
    return say(f"ask.limit_{allowance.whose}", language, minutes=minutes)


def target_of(context: MessageContext, seen: Seen) -> Target:
    """Where the answer to a message goes."""
    return Target(
        room=seen.room,
        key=answer_key(context.inbox),
        inbox=context.inbox,
        binding=seen.binding,
        language=context.language,
        reply_to=context.message.message_id,
        thread=context.message.room.thread,
    )


def _style_of(room: Room) -> str:
    """How long this room wants its answers: short or detailed; "" for what is usual."""
    style = str(room.settings.get("style", "normal"))
    return "" if style == "normal" else style
