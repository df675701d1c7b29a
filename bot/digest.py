"""The daily summary of what changed in a project's sources, posted to the rooms that want it, once a day each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Refused, Reply, Stage
from adapters.registry import compare_of
from bot.delivery import Delivery
from bot.gate import look
from bot.outbox import Parcel
from bot.state.database import Database
from bot.state.queries import changes, deliveries, digests, sources
from bot.state.queries.digests import DAY, Listening
from bot.state.tables import Room, Source
from bot.summary import Told, summary_of
from config.texts import best_language, plain, say

_ALONE = ("private", "web")  # rooms of one person, whose right to the project may have ended


@dataclass(frozen=True, slots=True)
class DigestParts:
    """What the summary works with. `clock` gives UTC; `github_hosts` are those whose changes have GitHub's links."""

    db: Database
    delivery: Delivery
    clock: Callable[[], datetime]
    default_language: str
    github_hosts: Sequence[str]


class Digest:
    """Looks which rooms are due. The delivery's key and the room's own time, written together, make it once a day."""

    def __init__(self, parts: DigestParts) -> None:
        self._parts = parts

    async def post_due(self) -> int:
        """Post what is due; to how many rooms. A room whose network is away gets it when that is back."""
        now = self._parts.clock()
        rooms = await self._parts.db.read(lambda session: digests.due(session, now=now))
        return sum([await self._post(room, now=now) for room in rooms])

    async def preview(self, room: str, language: str) -> str | None:
        """What changed within a day, for somebody who asks now; None when nothing did. Nothing is recorded."""
        now = self._parts.clock()

        async def find(session: AsyncSession) -> tuple[Listening, str] | None:
            seen = await digests.listening(session, room, now=now)
            if seen is None:
                return None
            since = max(filter(None, (now - DAY, seen.bound_at)))
            text = await self._summary(session, seen, since, language)
            return None if text is None else (seen, text)

        found = await self._parts.db.read(find)
        return None if found is None else _titled(found[0], found[1], language)

    async def _post(self, room: str, *, now: datetime) -> bool:
        found = await self._parts.db.read(lambda session: self._look(session, room, now))
        if found is None:
            return False
        seen, text = found
        if text is None:
            await self._parts.db.write(lambda session: digests.note(session, room, at=now))
            return False
        key = f"digest/{room}/{now:%Y-%m-%d}"
        parcel = Parcel(seen.room.id, Reply(text, stage=Stage.NOTICE), key=key, binding=seen.binding)

        async def note(session: AsyncSession) -> None:
            await digests.note(session, room, at=now)

        try:
            sent = await self._parts.delivery.send(parcel, alongside=note)
        except Refused:  # its network is not set up any more
            return False
        if sent is None:
            await self._parts.db.write(lambda session: _note_if_recorded(session, room, key, now))
        return sent is not None

    async def _look(self, session: AsyncSession, room: str, now: datetime) -> tuple[Listening, str | None] | None:
        """The room with its text, None for a day without changes; None altogether where nothing may be said."""
        seen = await digests.listening(session, room, now=now)
        if seen is None or not await _may_know(session, seen.room, now=now):
            return None
        language = best_language(seen.room.language, default=self._parts.default_language)
        text = await self._summary(session, seen, seen.since, language)
        return seen, None if text is None else _titled(seen, text, language)

    async def _summary(self, session: AsyncSession, seen: Listening, since: datetime, language: str) -> str | None:
        followed = [row for row in await sources.list_of(session, seen.project.id) if row.kind != "upload"]
        changed = await changes.since(session, seen.project.id, since)
        return summary_of(followed, changed, Told(language, since, self._link))

    def _link(self, source: Source, before: str, after: str) -> str | None:
        hosts = self._parts.github_hosts
        return compare_of(source.kind, source.location, before=before, after=after, github_hosts=hosts)


def _titled(seen: Listening, text: str, language: str) -> str:
    return f"{say('digest.title', language, project=plain(seen.project.name))}\n\n{text}"


async def _may_know(session: AsyncSession, room: Room, *, now: datetime) -> bool:
    """Whether the one person of a room alone with us may still read the project; a shared room is bound by its admin."""
    if room.kind not in _ALONE:
        return True
    seen = await look(session, room.id, digests.asker_of(room), now=now)
    return seen is not None and seen.may("read_project").allowed


async def _note_if_recorded(session: AsyncSession, room: str, key: str, now: datetime) -> None:
    """Today's was recorded before: nothing more is to come today. One dropped since the room was rebound is not."""
    if await deliveries.by_key(session, key) is not None:
        await digests.note(session, room, at=now)
