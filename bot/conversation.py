"""One question from its start to its recorded answer: rights, limits, history, knowledge, reply."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Abilities, Reply, Stage
from bot.admission import Admission, AnswerRules, Asked, Refusal, target_of
from bot.context import AnsweringPort, MessageContext, ProgressPort
from bot.delivery import Delivery
from bot.envelope import pack_citations
from bot.errors import new_reference
from bot.gate import Seen
from bot.reply import Frame, Looked, Presenter, Spawn, Target, answer_reply, failed_reply
from bot.state.database import Database
from bot.state.queries import inbox, limits, people, rooms, sources, turns
from bot.state.tables import Turn
from bot.state.vault import Vault
from bot.typed import with_sign
from config.texts import say
from pipelines.types import Answer, AnswerEvent, KnowledgeError, StoreUnavailable, Token, Usage

log = structlog.get_logger(__name__)

_LATE: Final = timedelta(hours=1)
_TOLD_REACTIONS: Final = "told_reactions"  # of a room's settings: it was told what reactions mean


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
    _admission: Admission = field(init=False)
    _previews: defaultdict[str, deque[float]] = field(init=False, default_factory=lambda: defaultdict(deque))

    def __post_init__(self) -> None:
        self._admission = Admission(self.vault, self.rules, self.clock)

    async def answer(self, context: MessageContext, text: str, *, reopens: bool = False) -> str:
        """Answer a question and say how it ended: answered, refused, rebound or failed.

        `reopens` lets a given answer be replaced, as for an edited question. Whatever goes wrong is said in the room.
        Raises Unreachable when the answer could not even be recorded, StateUnavailable, and asyncio.CancelledError.
        """
        asked = await self.db.write(lambda session: self._admission.admit(session, context, text))
        if asked is None:
            await self.delivery.clear_away(context.room, inbox_row=context.inbox)
            return "rebound"
        if isinstance(asked, Refusal):
            return await self._refuse(asked.target, asked.text)
        presenter = Presenter(
            delivery=self.delivery,
            target=asked.target,
            gate=lambda: self._may_still(asked),
            spawn=self.spawn,
            clock_s=self.clock_s,
            previews_at=self._previews[asked.seen.room.id],
            reopens=reopens,
            longest_s=self.rules.answers.deadline_s,
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

    async def _carry_out(self, asked: Asked, presenter: Presenter) -> str:
        presenter.begin()
        try:
            async with asyncio.timeout(self.rules.answers.deadline_s):
                answer = await _last(self.answering.answer(asked.question), presenter)
        except TimeoutError:
            return await self._fail(asked, presenter, "reply.deadline", seconds=round(self.rules.answers.deadline_s))
        except KnowledgeError as error:
            reference = new_reference()
            log.warning("answer.failed", reference=reference, error=type(error).__name__, exc_info=True)
            said = "reply.index_away" if isinstance(error, StoreUnavailable) else "reply.knowledge_failed"
            return await self._fail(asked, presenter, said, reference=reference)
        reply = answer_reply(answer, await self._frame(asked), reply_to=asked.target.reply_to)
        try:
            await presenter.finish(reply, alongside=lambda session: self._record(session, asked, answer))
        except _Withdrawn:
            return await self._drop(asked, presenter, answer.usage)
        return inbox.ANSWERED if asked.is_recorded else await self._drop(asked, presenter, answer.usage)

    async def _look(self, context: MessageContext) -> Seen | None:
        return await self.db.read(lambda session: self._admission.look(session, context))

    async def _may_still(self, asked: Asked) -> bool:
        """Whether the room is bound as it was and the asker may still ask there."""
        return _is_unchanged(asked, await self._look(asked.context))

    async def _refuse(self, target: Target, text: str) -> str:
        if text:
            reply = Reply(text, target.reply_to, Stage.NOTICE)
            await self.delivery.send(replace(target.parcel(reply, is_final=True), purpose="notice", binding=None))
        else:
            await self.delivery.clear_away(target.room, inbox_row=target.inbox)
        return "refused"

    async def _frame(self, asked: Asked) -> Frame:
        context, language = asked.context, asked.context.language
        note = await self.progress.freshness_note(asked.question.project, language)
        is_first = context.person.told_privacy_at is None
        abilities = self.delivery.adapter_of(asked.seen.room).abilities
        privacy = with_sign(say("reply.privacy_once", language), abilities.command_sign) if is_first else None
        asked.tells_reactions = _must_react(abilities) and not asked.seen.room.settings.get(_TOLD_REACTIONS)
        reactions = say("reply.reactions_once", language) if asked.tells_reactions else None
        is_web = asked.seen.room.kind == "web"
        age = self.clock() - context.message.sent_at
        followed = await self.db.read(lambda session: sources.list_of(session, asked.question.project))
        return Frame(
            project=asked.question.project,
            turn=asked.turn,
            language=language,
            viewer="" if is_web else self.rules.viewer,
            opens_here=is_web,
            asked_ago=age if age > _LATE else None,
            notes=tuple(one for one in (note, privacy, reactions) if one),
            looked={row.id: Looked(row.name, row.last_ok_at) for row in followed},
            now=self.clock(),
            heard=context.heard,
        )

    async def _record(self, session: AsyncSession, asked: Asked, answer: Answer) -> None:
        """Write the turn and close the inbox row, in the write that makes the final text durable.

        Raises _Withdrawn when the right to the answer has gone meanwhile; then nothing of that write stays.
        """
        if not _is_unchanged(asked, await self._admission.look(session, asked.context)):
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
        await self._spend(session, asked, answer.usage)
        if context.person.told_privacy_at is None:
            await people.tell_privacy_once(session, context.person.id, now=now)
        if asked.tells_reactions:
            await rooms.note(session, room, _TOLD_REACTIONS, value=True)
        await inbox.finish(session, context.inbox, state="done", outcome=inbox.ANSWERED, now=now)
        await inbox.close_parts(session, context.parts, of=context.inbox, now=now)
        asked.is_recorded = True

    async def _spend(self, session: AsyncSession, asked: Asked, usage: Usage) -> None:
        """Count what models were paid, whatever becomes of the answer."""
        tokens = usage.prompt_tokens + usage.completion_tokens
        if tokens:
            await limits.spend_tokens(session, project=asked.question.project, tokens=tokens, now=self.clock())

    async def _drop(self, asked: Asked, presenter: Presenter, usage: Usage) -> str:
        """Say that the room changed meanwhile, without a word of the answer."""
        await presenter.settle()
        await self.db.write(lambda session: self._spend(session, asked, usage))
        parcel = asked.target.parcel(failed_reply("reply.rebound", asked.target), is_final=True)
        await self.delivery.send(replace(parcel, binding=None, reopens=True))
        return "rebound"

    async def _fail(self, asked: Asked, presenter: Presenter, key: str, **values: object) -> str:
        await presenter.settle()
        parcel = asked.target.parcel(failed_reply(key, asked.target, **values), is_final=True)
        await self.delivery.send(replace(parcel, binding=None, reopens=presenter.reopens))
        return "failed"


def _must_react(abilities: Abilities) -> bool:
    """Whether people can only react to what has buttons elsewhere, with nothing there to press."""
    return abilities.can_react and not abilities.has_buttons and not abilities.offers_reactions


def _is_unchanged(asked: Asked, now: Seen | None) -> bool:
    return now is not None and now.binding == asked.seen.binding and now.may("ask").allowed


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
