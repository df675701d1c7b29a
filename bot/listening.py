"""Voice messages: fetched, written down by the endpoint that the operator chose, and then answered as if typed.

The sound is held in memory only while it is written down; the words are kept as any question, sealed. Words that were
spoken are never a command.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Attachment, Button, Refused, Reply, Stage, Unreachable
from bot.admission import limit_text, target_of
from bot.attachments import megabytes
from bot.context import MessageContext
from bot.delivery import Delivery
from bot.errors import UserError, new_reference
from bot.gate import look
from bot.reply import Target
from bot.state.database import Database
from bot.state.queries import limits as tallies
from bot.state.tables import Room
from config.settings import Limits, Transcription
from config.texts import say
from pipelines.components.redact import looks_like_secret
from pipelines.transcribing import Recording, Transcribing
from pipelines.types import ModelUnavailable

log = structlog.get_logger(__name__)

SPOKEN: Final = frozenset({"voice", "audio"})
_MINUTE_S: Final = 60


def is_spoken(attachments: Sequence[Attachment]) -> bool:
    """Whether a message is a voice message or a recording by itself, and so a question."""
    return len(attachments) == 1 and attachments[0].kind in SPOKEN


@dataclass(frozen=True, slots=True)
class ListeningParts:
    """What listening works with; `transcribing` is None when no model is set."""

    db: Database
    delivery: Delivery
    transcribing: Transcribing | None
    settings: Transcription
    limits: Limits
    clock: Callable[[], datetime]


class Listening:
    """Understands voice messages (`bot.context.HearingPort`)."""

    def __init__(self, parts: ListeningParts) -> None:
        self._parts = parts

    async def hear(self, context: MessageContext) -> str | None:
        """The words of the voice message that `context.message` is; None when there are none, which was said.

        Rights and limits are asked before anything is fetched. Raises Unreachable and StateUnavailable.
        """
        target = await self._admitted(context)
        if target is None:
            return None
        try:
            return await self._words(context, target, context.message.attachments[0])
        except UserError as error:
            await self._end(target, say(error.key, context.language, **error.values))
            return None

    async def _admitted(self, context: MessageContext) -> Target | None:
        """Where the answer goes; None, said where it should be, for who may not ask here, or not now."""
        room, person, now = context.room.id, context.person.id, self._parts.clock()
        is_admin = context.actor.is_room_admin
        seen = await self._parts.db.read(lambda session: look(session, room, person, now=now, is_room_admin=is_admin))
        if seen is None:
            return None
        target, decision = target_of(context, seen), seen.may("ask")
        refusal = None if decision.allowed else say(decision.reason, context.language) if decision.reason else ""
        if refusal is None and context.attempt == 1:  # the first attempt was counted if it came so far
            refusal = await self._limit(context, seen.room)
        if refusal is None:
            return target
        if refusal:
            await self._end(target, refusal)
        return None

    async def _limit(self, context: MessageContext, room: Room) -> str | None:
        """Why no more questions are answered now, "" to say nothing; None while there are some left. Counts none."""
        now, language, person = self._parts.clock(), context.language, context.person.id

        async def ask(session: AsyncSession) -> str | None:
            if await tallies.has_questions_left(session, self._parts.limits, person=person, room=room.id, now=now):
                return None
            allowance = await tallies.allow_question(session, self._parts.limits, person=person, room=room.id, now=now)
            return None if allowance.allowed else limit_text(allowance, room.kind, language, now=now)

        return await self._parts.db.write(ask)

    async def _words(self, context: MessageContext, target: Target, attachment: Attachment) -> str:
        """What was said. Raises UserError for what cannot be listened to, with what to do instead."""
        transcribing = self._parts.transcribing
        if transcribing is None:
            raise UserError("voice.not_configured")
        adapter = self._parts.delivery.adapter_of(context.room)
        most_bytes = min(self._parts.limits.attachment_max_bytes, adapter.abilities.max_upload_bytes)
        self._demand_short(attachment, most_bytes=most_bytes)
        await self._show(target)
        try:
            data = await adapter.download(attachment, max_bytes=most_bytes)
        except Unreachable as error:
            raise UserError("voice.unreachable") from error
        except Refused as error:
            raise UserError("voice.gone", most=megabytes(most_bytes)) from error
        recording = Recording(data, attachment.media_type, _spoken_language(context), attachment.seconds)
        words = await self._transcript(transcribing, recording)
        if secret := looks_like_secret(words):
            raise UserError("inbox.secret", kind=secret)
        if not any(map(str.isalnum, words)):
            raise UserError("voice.nothing")
        return words

    def _demand_short(self, attachment: Attachment, *, most_bytes: int) -> None:
        most_s = self._parts.settings.max_minutes * _MINUTE_S
        if attachment.seconds > most_s:
            minutes = -(-attachment.seconds // _MINUTE_S)
            raise UserError("voice.too_long", most=self._parts.settings.max_minutes, got=minutes)
        if attachment.size_bytes > most_bytes:
            raise UserError("voice.too_large", most=megabytes(most_bytes))
        if attachment.kind == "audio" and not attachment.seconds:
            raise UserError("voice.too_long_unknown", most=self._parts.settings.max_minutes)

    async def _transcript(self, transcribing: Transcribing, recording: Recording) -> str:
        try:
            return await transcribing.transcribe(recording)
        except ModelUnavailable as error:
            reference = new_reference()
            log.warning("voice.failed", reference=reference, kind=error.kind, detail=str(error))
            raise UserError("voice.failed", reference=reference) from error

    async def _show(self, target: Target) -> None:
        """Put up the placeholder, in whose place the answer will stand."""
        button = Button(say("reply.button.cancel", target.language), "cancel", str(target.inbox))
        waiting = Reply(say("voice.listening", target.language), target.reply_to, Stage.WAITING, ((button,),))
        await self._parts.delivery.send(target.parcel(waiting))

    async def _end(self, target: Target, text: str) -> None:
        """Say something in place of an answer."""
        parcel = target.parcel(Reply(text, target.reply_to, Stage.NOTICE), is_final=True)
        await self._parts.delivery.send(replace(parcel, purpose="notice", binding=None))


def _spoken_language(context: MessageContext) -> str:
    """The two letters of the language that a person's own client speaks, or else the room; "" when neither says so."""
    told = context.person.language or context.room.language or ""
    language = told.replace("_", "-").partition("-")[0].lower()
    return language if len(language) == 2 and language.isascii() and language.isalpha() else ""
