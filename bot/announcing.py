"""Telling rooms what happened to their project while nobody asked."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from adapters.chat import Refused, Reply, Stage
from bot.delivery import Delivery
from bot.outbox import Parcel
from bot.state.database import Database
from bot.state.queries import rooms, sources
from bot.state.tables import Source
from config.texts import best_language, say

# Reasons for which a room is told what can be done; for the others it is told that a source is gone.
_TOLD_APART = frozenset({"private", "unauthorised", "replaced", "branch", "duplicate"})
# What was said is known by its delivery, whose record is kept for longer than this; until then a kill loses nothing.
_IS_NEWS_FOR: Final = timedelta(days=1)


class Announcing:
    """Says a thing once to every room that it concerns; the network of a room may be away, then it comes later."""

    def __init__(self, db: Database, delivery: Delivery, *, default_language: str, purge_after_days: int) -> None:
        self._db = db
        self._delivery = delivery
        self._default_language = default_language
        self._purge_after_days = purge_after_days

    async def source_is_gone(self, source: str) -> None:
        """Tell the rooms of a project that one of its sources was taken out of the answers; each time it goes, once.

        Rooms that were connected later have seen at once what is missing.
        """
        row = await self._row(source)
        if row is None or row.state != "hidden" or row.state_reason == "purged" or not self._is_news(row):
            return
        word = str(row.counts.get("problem", ""))
        key = f"announce.source_{word}" if word in _TOLD_APART else "announce.source_gone"
        since = row.state_at.isoformat() if row.state_at else ""
        await self._tell(row, key, once=f"gone/{row.id}/{since}", before=row.state_at, days=self._purge_after_days)

    async def source_is_back(self, source: str) -> None:
        """Tell the rooms that a source which was hidden is in the answers again."""
        row = await self._row(source)
        if row is not None and row.state == "active":
            since = row.state_at.isoformat() if row.state_at else ""
            await self._tell(row, "announce.source_back", once=f"back/{row.id}/{since}")

    async def source_was_renamed(self, source: str, *, old: str, new: str) -> None:
        """Tell the rooms that a repository has another name or owner now."""
        row = await self._row(source)
        if row is not None:
            once = f"renamed/{row.id}/{old}/{new}/{self._today()}"
            await self._tell(row, "announce.source_renamed", once=once, old=old, new=new)

    async def default_branch_is_another(self, source: str, *, old: str, new: str) -> None:
        """Tell the rooms that answers come from another branch now, the default one of today."""
        row = await self._row(source)
        if row is not None:
            once = f"branch/{row.id}/{old}/{new}/{self._today()}"
            await self._tell(row, "announce.default_branch", once=once, old=old, new=new)

    async def _row(self, source: str) -> Source | None:
        return await self._db.read(lambda session: sources.get(session, source))

    def _today(self) -> str:
        return self._db.clock().date().isoformat()

    def _is_news(self, row: Source) -> bool:
        return row.state_at is None or self._db.clock() - row.state_at <= _IS_NEWS_FOR

    async def _tell(
        self, row: Source, key: str, *, once: str, before: datetime | None = None, **values: object
    ) -> None:
        """Say a thing in every room of the source's project, each in its language; the same `once` is said once.

        With `before`, only in rooms that were connected by then.
        """
        bound = await self._db.read(lambda session: rooms.list_of(session, row.project))
        for room in bound:
            is_later = before is not None and room.bound_at is not None and room.bound_at > before
            if not room.is_silent and not is_later:
                language = best_language(room.language, default=self._default_language)
                text = say(key, language, name=row.name, **values)
                await self._send(Parcel(room.id, Reply(text, stage=Stage.NOTICE), key=f"{once}/{room.id}"))

    async def _send(self, parcel: Parcel) -> None:
        with suppress(Refused):  # the network of this room is not set up any more
            await self._delivery.send(parcel)
