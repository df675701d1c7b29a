"""Telling rooms what happened to their project while nobody asked."""

from adapters.chat import Refused, Reply, Stage
from bot.delivery import Delivery
from bot.outbox import Parcel
from bot.state.database import Database
from bot.state.queries import rooms, sources
from bot.state.tables import Room, Source
from config.texts import best_language, say


class Announcing:
    """Says a thing once to every room that it concerns; the network of a room may be away, then it comes later."""

    def __init__(self, db: Database, delivery: Delivery, *, default_language: str, purge_after_days: int) -> None:
        self._db = db
        self._delivery = delivery
        self._default_language = default_language
        self._purge_after_days = purge_after_days

    async def source_is_gone(self, source: str) -> None:
        """Tell the rooms of a project that one of its sources was taken out of the answers; each time it goes, once."""
        row = await self._db.read(lambda session: sources.get(session, source))
        if row is None or row.state != "hidden":
            return
        bound = await self._db.read(lambda session: rooms.list_of(session, row.project))
        for room in bound:
            if not room.is_silent:
                await self._tell(room, row)

    async def _tell(self, room: Room, row: Source) -> None:
        language = best_language(room.language, default=self._default_language)
        text = say("announce.source_gone", language, name=row.name, days=self._purge_after_days)
        since = row.state_at.isoformat() if row.state_at else ""
        parcel = Parcel(room.id, Reply(text, stage=Stage.NOTICE), key=f"gone/{row.id}/{since}/{room.id}")
        try:
            await self._delivery.send(parcel)
        except Refused:
            return  # the network of this room is not set up any more
