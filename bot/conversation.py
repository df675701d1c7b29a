"""One question from its start to its recorded answer: rights, limits, history, knowledge, reply."""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Addressed, Reply, Stage
from bot.context import AnsweringPort, MessageContext, ProgressPort
from bot.delivery import Delivery
from bot.envelope import pack_citations
from bot.errors import new_reference
from bot.gate import Seen, look
from bot.reply import Frame, Presenter, Spawn, Target, answer_reply, failed_reply
from bot.state.database import Database
from bot.state.ids import new_id
from bot.state.queries import inbox, limits, people, turns
from bot.state.tables import Room, Turn
from bot.state.vault import Vault
from config.settings import Answers, Limits
from config.texts import say
from pipelines.types import Answer, AnswerEvent, Exchange, KnowledgeError, Question, Token

log = structlog.get_logger(__name__)

_LATE: Final = timedelta(hours=1)
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
class _Asked:
    """A question on its way to its answer."""

    context: MessageContext
    seen: Seen
    target: Target
    question: Question
    turn: str
    thread: str
    conversation: str | None
    is_recorded: bool = False


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a question is not answered; "" to say nothing."""

    target: Target
    text: str


class _Withdrawn(Exception):
    """The room was bound anew, or the asker lost the right, while the answer was made."""


@dataclass(slots=True)
class Conversation:
    """Answers questions. `spawn` starts a task that the composition root owns; `clock_s` is monotonic."""

    db: Database
    vault: Vault
    delivery: Delivery
    answering: AnsweringPort
    progress: ProgressPort
    rules: AnswerRules
    clock: Callable[[], datetime]
    clock_s: Callable[[], float]
    spawn: Spawn
    _previews: defaultdict[str, deque[float]] = field(init=False, default_factory=lambda: defaultdict(deque))

    async def answer(self, context: MessageContext, text: str, *, reopens: bool = False) -> str:
        """Answer a question and say how it ended: answered, refused, rebound or failed.

        `reopens` lets a given answer be replaced, as for an edited question. Whatever goes wrong is said in the room.
        Raises Unreachable when the answer could not even be recorded, StateUnavailable, and asyncio.CancelledError.
        """
        text = _ESCAPES.sub("", text).translate(_CONTROLS).strip()
        asked = await self.db.write(lambda session: self._admitted(session, context, text))
        if asked is None:
            return "rebound"
        if isinstance(asked, _Refusal):
            return await self._refuse(asked.target, asked.text)
        presenter = Presenter(
            delivery=self.delivery,
            target=asked.target,
            gate=lambda: self._may_still(asked),
            spawn=self.spawn,
            clock_s=self.clock_s,
            previews_at=self._previews[asked.seen.room.id],
            reopens=reopens,
        )
        try:
            return await self._carry_out(asked, presenter)
        finally:
            await presenter.settle()

    async def say_cancelled(self, context: MessageContext) -> None:
        """Put "cancelled" where the answer would have stood."""
        seen = await self._look(context)
        if seen is not None:
            target = target_of(context, seen)
            parcel = target.parcel(failed_reply("reply.cancelled", target), is_final=True)
            await self.delivery.send(replace(parcel, binding=None))

    async def say_failed(self, context: MessageContext, reference: str) -> None:
        """Put a reference where the answer would have stood."""
        seen = await self._look(context)
        if seen is not None:
            target = target_of(context, seen)
            parcel = target.parcel(failed_reply("reply.failed", target, reference=reference), is_final=True)
            await self.delivery.send(replace(parcel, binding=None, reopens=True))

    async def _carry_out(self, asked: _Asked, presenter: Presenter) -> str:
        presenter.begin()
        try:
            async with asyncio.timeout(self.rules.answers.deadline_s):
                answer = await _last(self.answering.answer(asked.question), presenter)
        except TimeoutError:
            return await self._fail(asked, presenter, "reply.deadline", seconds=round(self.rules.answers.deadline_s))
        except KnowledgeError as error:
            reference = new_reference()
            log.warning("answer.failed", reference=reference, error=type(error).__name__, exc_info=True)
            return await self._fail(asked, presenter, "reply.knowledge_failed", reference=reference)
        reply = answer_reply(answer, await self._frame(asked), reply_to=asked.target.reply_to)
        try:
            await presenter.finish(reply, alongside=lambda session: self._record(session, asked, answer))
        except _Withdrawn:
            return await self._drop(asked, presenter)
        return inbox.ANSWERED if asked.is_recorded else await self._drop(asked, presenter)

    async def _look(self, context: MessageContext) -> Seen | None:
        return await self.db.read(lambda session: self._look_in(session, context))

    async def _look_in(self, session: AsyncSession, context: MessageContext) -> Seen | None:
        is_admin = context.actor.is_room_admin
        return await look(session, context.room.id, context.person.id, now=self.clock(), is_room_admin=is_admin)

    async def _may_still(self, asked: _Asked) -> bool:
        """Whether the room is bound as it was and the asker may still ask there."""
        return _is_unchanged(asked, await self._look(asked.context))

    async def _admitted(self, session: AsyncSession, context: MessageContext, text: str) -> "_Asked | _Refusal | None":
        """The question, counted and ready to be answered; None when its room or person is gone or it is unbound.

        All in one write: what is counted was allowed in the same moment.
        """
        seen = await self._look_in(session, context)
        if seen is None or seen.project is None:
            return None
        refusal = await self._refusal(session, context, seen, text)
        if refusal is not None:
            return _Refusal(target_of(context, seen), refusal)
        return await self._asked(session, context, seen, text)

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
        if allowance.allowed:
            return None
        if not allowance.is_first_refusal and seen.room.kind != "web":
            return ""
        minutes = max(1, -(-int(((allowance.come_back_at or now) - now).total_seconds()) // 60))
        return say(f"ask.limit_{allowance.whose}", language, minutes=minutes)

    async def _refuse(self, target: Target, text: str) -> str:
        if text:
            reply = Reply(text, target.reply_to, Stage.NOTICE)
            await self.delivery.send(replace(target.parcel(reply, is_final=True), purpose="notice", binding=None))
        return "refused"

    async def _asked(self, session: AsyncSession, context: MessageContext, seen: Seen, text: str) -> _Asked:
        """The question as knowledge gets it."""
        now, room = self.clock(), seen.room
        thread, known = await self._place(session, context, room.kind, now=now)
        past = await turns.recent(session, known, limit=self.rules.answers.history_turns) if known else ()
        texts = [turns.texts_of(turn, self.vault) for turn in past if turn.binding == seen.binding]
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
        return _Asked(context, seen, target_of(context, seen), question, turn, thread, known)

    async def _place(
        self, session: AsyncSession, context: MessageContext, kind: str, *, now: datetime
    ) -> tuple[str, str | None]:
        """The thread that tells this conversation apart in its room, and the conversation if it is open."""
        message, room = context.message, context.room.id
        if kind in ("private", "web"):
            known = await turns.open_conversation(session, room, thread="", now=now, idle=self.rules.idle)
            return "", known.id if known else None
        if message.room.thread and message.addressed is not Addressed.REPLY:
            thread = message.room.thread
            known = await turns.open_conversation(session, room, thread=thread, now=now, idle=None)
            return thread, known.id if known else None
        turn = await turns.of_message(session, room, message.reply_to) if message.reply_to else None
        return f"message/{message.message_id}", turn.conversation if turn else None

    async def _frame(self, asked: _Asked) -> Frame:
        context, language = asked.context, asked.context.language
        note = await self.progress.freshness_note(asked.question.project, language)
        is_first = context.person.told_privacy_at is None
        privacy = say("reply.privacy_once", language) if is_first else None
        is_web = asked.seen.room.kind == "web"
        age = self.clock() - context.message.sent_at
        return Frame(
            project=asked.question.project,
            turn=asked.turn,
            language=language,
            viewer="" if is_web else self.rules.viewer,
            opens_here=is_web,
            asked_ago=age if age > _LATE else None,
            notes=tuple(one for one in (note, privacy) if one),
        )

    async def _record(self, session: AsyncSession, asked: _Asked, answer: Answer) -> None:
        """Write the turn and close the inbox row, in the write that makes the final text durable.

        Raises _Withdrawn when the right to the answer has gone meanwhile; then nothing of that write stays.
        """
        if not _is_unchanged(asked, await self._look_in(session, asked.context)):
            raise _Withdrawn
        now, context, room = self.clock(), asked.context, asked.seen.room.id
        conversation = await turns.continue_conversation(
            session, room, thread=asked.thread, known=asked.conversation, now=now
        )
        turn = Turn(
            id=asked.turn,
            project=asked.question.project,
            room=room,
            conversation=conversation,
            person=context.person.id,
            inbox=context.inbox,
            binding=asked.seen.binding,
            verdict=answer.verdict.value,
            fallback=answer.fallback or "",
            sources=sorted({citation.source for citation in answer.citations}),
            model=answer.usage.model,
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
            cost_usd=answer.usage.cost_usd,
            timings=dict(answer.timings),
            created_at=now,
        )
        texts = turns.TurnTexts(asked.question.text, answer.markdown, pack_citations(answer.citations))
        await turns.add(session, turn, texts, vault=self.vault)
        spent = answer.usage.prompt_tokens + answer.usage.completion_tokens
        if spent:
            await limits.spend_tokens(session, project=asked.question.project, tokens=spent, now=now)
        if context.person.told_privacy_at is None:
            await people.tell_privacy_once(session, context.person.id, now=now)
        await inbox.finish(session, context.inbox, state="done", outcome=inbox.ANSWERED, now=now)
        asked.is_recorded = True

    async def _drop(self, asked: _Asked, presenter: Presenter) -> str:
        """Say that the room changed meanwhile, without a word of the answer."""
        await presenter.settle()
        parcel = asked.target.parcel(failed_reply("reply.rebound", asked.target), is_final=True)
        await self.delivery.send(replace(parcel, binding=None, reopens=True))
        return "rebound"

    async def _fail(self, asked: _Asked, presenter: Presenter, key: str, **values: object) -> str:
        await presenter.settle()
        parcel = asked.target.parcel(failed_reply(key, asked.target, **values), is_final=True)
        await self.delivery.send(replace(parcel, binding=None, reopens=presenter.reopens))
        return "failed"


def _style_of(room: Room) -> str:
    """How long this room wants its answers: short or detailed; "" for what is usual."""
    style = str(room.settings.get("style", "normal"))
    return "" if style == "normal" else style


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


def _is_unchanged(asked: _Asked, now: Seen | None) -> bool:
    return now is not None and now.binding == asked.seen.binding and now.may("ask").allowed


def answer_key(row: int) -> str:
    """The delivery key of the answer to an inbox row: one message, however often it is worked on."""
    return f"answer/{row}"


async def _last(events: AsyncIterator[AnswerEvent], presenter: Presenter) -> Answer:
    """The answer, after showing what came before it. Raises KnowledgeError when none comes."""
    text = ""
    async with aclosing(events) as stream:  # type: ignore[type-var]  # generators in practice; closing stops the model
        async for event in stream:
            if isinstance(event, Answer):
                return event
            if isinstance(event, Token):
                text += event.text
                presenter.preview(text)
    raise KnowledgeError("expected an Answer as the last event, got none")
