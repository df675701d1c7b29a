"""Which rooms get a daily summary, and since when they know what changed. Nothing commits here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.queries import rooms
from bot.state.tables import Project, Room

DAY: Final = timedelta(days=1)
_ASKER: Final = "digest_by"  # in a room's settings: who wants it, for rooms of one person


@dataclass(frozen=True, slots=True)
class Listening:
    """A room with its project as it is now. What changed after `since` is news to it; `binding` as of the outbox."""

    room: Room
    project: Project
    binding: int
    since: datetime
    bound_at: datetime | None


def moment_of(minute: int, *, now: datetime) -> datetime:
    """When the minute of the day, in UTC, was last."""
    moment = now.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    return moment if moment <= now else moment - DAY


def is_due(room: Room, *, now: datetime) -> bool:
    """Whether a room's summary of today is still to come and its time is there: one a day, and a late one at once.

    A last one in the future was written by a clock that was wrong.
    """
    if room.digest_minute is None or moment_of(room.digest_minute, now=now).date() < now.date():
        return False
    last = room.digested_at
    return last is None or last > now or last.date() < now.date()


async def due(session: AsyncSession, *, now: datetime) -> list[str]:
    """The ids of the rooms whose summary is due; silent and muted ones are left out."""
    wanted = select(Room).where(col(Room.digest_minute).is_not(None), col(Room.is_silent).is_(False))
    found = await session.scalars(wanted.where(col(Room.muted_reason) == "").order_by(col(Room.id)))
    return [room.id for room in found if is_due(room, now=now)]


async def turn_on(session: AsyncSession, room: str, *, minute: int, person: str, now: datetime) -> None:
    """Give a room a summary a day at a minute of it, in UTC; the first tells of the day before it."""
    found = await session.get_one(Room, room)
    known = min(found.digested_at, now) if found.digested_at else None
    found.digest_minute = minute
    found.digested_at = max(filter(None, (known, moment_of(minute, now=now))))
    found.settings = {**found.settings, _ASKER: person}
    await session.flush()


async def turn_off(session: AsyncSession, room: str) -> None:
    """Give a room no more summaries. What it has been told stays known."""
    await rooms.change(session, room, digest_minute=None)


async def note(session: AsyncSession, room: str, *, at: datetime) -> None:
    """A room knows now what changed until then."""
    await rooms.change(session, room, digested_at=at)


def asker_of(room: Room) -> str:
    """The id of the person who turned the summary on; "" when nobody is known."""
    return str(room.settings.get(_ASKER, ""))


async def listening(session: AsyncSession, room: str, *, now: datetime) -> Listening | None:
    """A room with its project, the parent's where it has none of its own; None where nothing may be said.

    What changed before the room was bound to the project is not its own.
    """
    found = await session.get(Room, room, populate_existing=True)
    bound = await rooms.binding_of(session, room)
    if found is None or found.is_silent or found.muted_reason or bound is None or bound[0] is None:
        return None
    project = await session.get(Project, bound[0])
    if project is None or project.removed_at is not None:
        return None
    holder = found if found.project is not None or found.parent is None else await session.get(Room, found.parent)
    known = now - DAY if found.digested_at is None or found.digested_at > now else found.digested_at
    bound_at = holder.bound_at if holder is not None else None
    return Listening(found, project, bound[1], max(filter(None, (known, bound_at))), bound_at)
