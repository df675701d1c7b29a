"""What happens to a room itself: it moves, we are removed, it becomes public, something in it cannot be read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Reply, RoomChanged, Stage, Unreadable
from bot.admission import answer_key
from bot.context import OnboardingPort
from bot.conversation import Conversation
from bot.gate import follow_visibility
from bot.outbox import Parcel
from bot.state.queries import rooms
from bot.state.tables import Inbox as Row
from bot.state.tables import Room
from config.texts import best_language, say

_UNREADABLE: Final = ("no_key", "withheld", "before_us", "unencryptable")


@dataclass(frozen=True, slots=True)
class RoomEvents:
    """Follows them. `conversation` carries the database and the delivery."""

    conversation: Conversation
    onboarding: OnboardingPort
    default_language: str
    clock: Callable[[], datetime]

    async def unreadable(self, row: Row, event: Unreadable) -> str:
        """Say that something could not be read and what helps, at most once a day for each reason and thread."""
        room = await self.treated(row.room)
        if room is None or event.reason not in _UNREADABLE:
            return "ignored"
        language = best_language(room.language, default=self.default_language)
        reply = Reply(say(f"unreadable.{event.reason}", language), stage=Stage.NOTICE, language=language)
        day, thread = self.clock().date().isoformat(), event.room.thread
        key = f"unreadable/{row.room}/{thread or ''}/{event.reason}/{day}"
        await self.conversation.delivery.send(Parcel(row.room, reply, key, thread=thread, inbox=row.id))
        return "notice"

    async def changed(self, row: Row, change: RoomChanged) -> str:
        """Follow a change of a room, and say there what has to be said of it; how the row ended."""
        db = self.conversation.db
        if change.kind == "moved_to" and change.detail:
            await self._move(row.room, change.detail)
        if change.kind == "left":
            await self.conversation.delivery.silence(row.room)
        room = await self.treated(row.room)
        if room is None:
            return "ignored"
        reply = await self.onboarding.room_changed(room, change)
        if change.kind == "visibility" and await db.write(lambda session: follow_visibility(session, row.room)):
            language = best_language(room.language, default=self.default_language)
            reply = Reply(say("rights.room_muted", language), stage=Stage.NOTICE)
        if reply is not None:
            key = answer_key(int(row.id or 0))
            await self.conversation.delivery.send(Parcel(row.room, reply, key, inbox=row.id))
        return "notice"

    async def treated(self, room: str) -> Room | None:
        """A room as it is treated: a topic without a mode or a language of its own has its group's."""

        async def read(session: AsyncSession) -> Room | None:
            found = await rooms.get(session, room)
            return None if found is None else await rooms.as_it_is_treated(session, found)

        return await self.conversation.db.read(read)

    async def _move(self, room: str, native_id: str) -> None:
        found = await self.conversation.db.read(lambda session: rooms.get(session, room))
        if found is not None:
            await self.conversation.delivery.move(found, native_id)
