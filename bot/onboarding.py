"""What is said when we come into a room, when it is connected with a project, and while it is not."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol

from adapters.chat import Reply, RoomChanged, Stage
from bot.admission import answer_key
from bot.context import MessageContext
from bot.outbox import Parcel
from bot.outcome import Ran
from bot.progress import ProgressBoard, SourceProgress, pace_of
from bot.standing import Standing
from bot.state.database import Database
from bot.state.queries import rooms
from bot.state.tables import Project, Room, Source
from config.texts import best_language, plain, say

FirstIndex = Callable[[], Awaitable[Ran | None]]
# A message that shows progress is edited when it has moved by so much.
_STEP_PERCENT: Final = 10


class Starters(Protocol):
    """Questions to start with, made from what a project holds."""

    async def __call__(self, project: str, *, room: str | None, language: str) -> Sequence[str]:
        """Up to three questions."""


@dataclass(frozen=True, slots=True)
class OnboardingParts:
    """What onboarding works with. `send` brings out or edits a message, `spawn` starts work in the background."""

    db: Database
    standing: Standing
    board: ProgressBoard
    starters: Starters
    send: Callable[[Parcel], Awaitable[object]]
    spawn: Callable[[Coroutine[Any, Any, None]], object]
    clock: Callable[[], datetime]
    keeps_days: int
    private: str = "hint"  # or silent: what strangers hear who write to us alone


class Onboarding:
    """The flow from joining to the first question (`bot.context.OnboardingPort`)."""

    def __init__(self, parts: OnboardingParts) -> None:
        self._parts = parts

    async def unbound(self, context: MessageContext) -> Reply | None:
        """The hint for a question in a room without a project, at most once a day; else nothing."""
        room, now = context.room.id, context.now
        if not await self._parts.db.write(lambda session: rooms.hint_once_a_day(session, room, now=now)):
            return None
        return _notice(say("onboarding.unbound", context.language))

    async def stranger(self, context: MessageContext) -> Reply | None:
        """How to get access, at most once a day, for somebody without a role who writes to us alone."""
        room, now, sender = context.room.id, context.now, context.message.sender
        if self._parts.private == "silent":
            return None
        if not await self._parts.db.write(lambda session: rooms.hint_once_a_day(session, room, now=now)):
            return None
        return _notice(say("onboarding.stranger", context.language, identity=f"{sender.network}:{sender.id}"))

    async def room_changed(self, room: Room, change: RoomChanged) -> Reply | None:
        """Introduce ourselves when we joined; remember that we are silent when we were removed."""
        if change.kind == "left":
            await self._parts.db.write(lambda session: rooms.set_silent(session, room.id, is_silent=True))
            return None
        if change.kind != "joined":
            return None
        await self._parts.db.write(lambda session: rooms.set_silent(session, room.id, is_silent=False))
        sender = change.sender
        language = best_language(room.language, sender.language if sender else None)
        inviter = say("onboarding.invited_by", language, name=plain(sender.name)) if sender and sender.name else ""
        return _notice(say("onboarding.joined", language, inviter=inviter, days=self._parts.keeps_days))

    async def connected(self, project: Project, context: MessageContext) -> Reply:
        """What a freshly connected room is told: what is indexed, and three questions.

        While the first index runs it is told how far that is, and the same message is edited until it is done.
        """
        reply = await self._state_of(project, context.room.id, context.language)
        if reply.progress is not None:
            self._parts.spawn(self._keep_telling(project, context, reply.progress))
        return reply

    def tell_first_index(self, source: Source, indexing: FirstIndex, context: MessageContext) -> None:
        """Let a source be indexed in the background, and tell the room where it was added once that is over."""
        self._parts.spawn(self._tell_when_over(source, indexing, context))

    async def _tell_when_over(self, source: Source, indexing: FirstIndex, context: MessageContext) -> None:
        ran = await indexing()
        if ran is None:  # it was removed meanwhile
            return
        if ran.is_ok:
            text = say("onboarding.source_ready", context.language, name=source.name, files=ran.counts.get("files", 0))
        else:
            text = say("onboarding.source_failed", context.language, name=source.name, error=ran.error)
        reply = Reply(text, reply_to=context.message.message_id, stage=Stage.NOTICE)
        thread = context.message.room.thread
        await self._parts.send(Parcel(context.room.id, reply, key=f"first/{source.id}", thread=thread))

    async def _keep_telling(self, project: Project, context: MessageContext, told: float) -> None:
        room = context.room.id
        bound = await self._parts.db.read(lambda session: rooms.binding_of(session, room))
        if bound is None or bound[0] != project.id:
            return
        async with aclosing(self._parts.board.subscribe(project.id)) as news:
            async for _ in news:
                running = self._first_runs(project)
                if running and 100 * (_share(running) - told) < _STEP_PERCENT:
                    continue
                reply = await self._state_of(project, room, context.language)
                answered = replace(reply, reply_to=context.message.message_id)
                key, thread = answer_key(context.inbox), context.message.room.thread
                await self._parts.send(
                    Parcel(room, answered, key, thread=thread, inbox=context.inbox, binding=bound[1], reopens=True)
                )
                if reply.progress is None:
                    return
                told = reply.progress

    async def _state_of(self, project: Project, room: str, language: str) -> Reply:
        running = self._first_runs(project)
        if running:
            done, total, share = sum(one.done for one in running), sum(one.total for one in running), _share(running)
            values = {"percent": int(100 * share), "done": done, "total": total, "pace": pace_of(running, language)}
            text = say("onboarding.connected_indexing", language, project=project.name, **values)
            return Reply(text, stage=Stage.NOTICE, progress=share)
        lines = await self._parts.standing.source_lines(project, language, now=self._parts.clock())
        if not lines:
            return _notice(say("onboarding.connected_empty", language, project=project.name))
        text = say("onboarding.connected", language, project=project.name, sources="\n".join(lines))
        questions = await self._parts.starters(project.id, room=room, language=language)
        if questions:
            starters = "\n".join(say("onboarding.starter", language, question=question) for question in questions)
            text += "\n\n" + say("onboarding.connected_ask", language, starters=starters)
        return _notice(text)

    def _first_runs(self, project: Project) -> list[SourceProgress]:
        """The first indexes under way whose number of files is known."""
        return [one for one in self._parts.board.running(project.id) if one.is_first and one.total]


def _share(running: Sequence[SourceProgress]) -> float:
    return sum(one.done for one in running) / sum(one.total for one in running)


def _notice(markdown: str) -> Reply:
    return Reply(markdown, stage=Stage.NOTICE)
