"""What is said when we come into a room, when it is connected with a project, and while it is not."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from adapters.chat import Button, Reply, RoomChanged, Stage
from bot.context import MessageContext
from bot.progress import ProgressBoard
from bot.standing import Standing
from bot.state.database import Database
from bot.state.queries import rooms
from bot.state.tables import Project, Room
from config.texts import best_language, plain, say


class Starters(Protocol):
    """Questions to start with, made from what a project holds."""

    async def __call__(self, project: str, *, room: str | None, language: str) -> Sequence[str]:
        """Up to three questions."""


class Onboarding:
    """The flow from joining to the first question (`bot.context.OnboardingPort`)."""

    def __init__(
        self,
        db: Database,
        standing: Standing,
        board: ProgressBoard,
        starters: Starters,
        *,
        keeps_days: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._standing = standing
        self._board = board
        self._starters = starters
        self._keeps_days = keeps_days
        self._clock = clock

    async def unbound(self, context: MessageContext) -> Reply | None:
        """The hint for a question in a room without a project, at most once a day; else nothing."""
        room = context.room.id
        if not await self._db.write(lambda session: rooms.hint_once_a_day(session, room, now=context.now)):
            return None
        return _notice(say("onboarding.unbound", context.language))

    async def room_changed(self, room: Room, change: RoomChanged) -> Reply | None:
        """Introduce ourselves when we joined; remember that we are silent when we were removed."""
        if change.kind == "left":
            await self._db.write(lambda session: rooms.change(session, room.id, is_silent=True))
            return None
        if change.kind != "joined":
            return None
        await self._db.write(lambda session: rooms.change(session, room.id, is_silent=False))
        sender = change.sender
        language = best_language(room.language, sender.language if sender else None)
        inviter = say("onboarding.invited_by", language, name=plain(sender.name)) if sender and sender.name else ""
        return _notice(say("onboarding.joined", language, inviter=inviter, days=self._keeps_days))

    async def connected(self, project: Project, room: Room, language: str) -> Reply:
        """What a freshly connected room is told: what is indexed or how far that is, and three questions."""
        running = [one for one in self._board.running(project.id) if one.is_first and one.total]
        if running:
            done, total = sum(one.done for one in running), sum(one.total for one in running)
            percent = 100 * done // total
            text = say(
                "onboarding.connected_indexing",
                language,
                project=project.name,
                percent=percent,
                done=done,
                total=total,
            )
            return Reply(text, stage=Stage.NOTICE, progress=done / total)
        lines = await self._standing.source_lines(project, language, now=self._clock())
        if not lines:
            return _notice(say("onboarding.connected_empty", language, project=project.name))
        questions = await self._starters(project.id, room=room.id, language=language)
        starters = "\n".join(say("onboarding.starter", language, question=question) for question in questions)
        text = say("onboarding.connected", language, project=project.name, sources="\n".join(lines), starters=starters)
        return _notice(text)


def _notice(markdown: str, buttons: tuple[tuple[Button, ...], ...] = ()) -> Reply:
    return Reply(markdown, stage=Stage.NOTICE, buttons=buttons)
