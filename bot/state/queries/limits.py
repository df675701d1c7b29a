"""Counters in windows, kept in the database so that a restart gives nothing away.

A window begins with the first thing that is counted and ends a fixed time later.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.tables import Tally
from config.settings import Limits


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether one more is allowed. If not: when it will be, and whether this is the first refusal of the window.

    Only the first refusal is said aloud. `whose` is person, room or project.
    """

    allowed: bool
    come_back_at: datetime | None = None
    is_first_refusal: bool = False
    whose: str = ""


async def check_and_count(
    session: AsyncSession, subject: str, *, most: int, window: timedelta, whose: str = "", now: datetime
) -> Allowance:
    """Count one for `subject` unless its window already holds `most`."""
    counted = update(Tally).where(col(Tally.subject) == subject, col(Tally.expires_at) > now, col(Tally.amount) < most)
    if (await session.execute(counted.values(amount=Tally.amount + 1).returning(col(Tally.amount)))).first():
        return Allowance(allowed=True, whose=whose)
    current = await _current(session, subject, now=now)
    if current is None:
        session.add(_new_window(subject, 1, until=now + window, now=now))
        await session.flush()
        return Allowance(allowed=True, whose=whose)
    told = update(Tally).where(
        col(Tally.subject) == subject, col(Tally.window) == current.window, col(Tally.told_at).is_(None)
    )
    first = (await session.execute(told.values(told_at=now).returning(col(Tally.subject)))).first()
    return Allowance(allowed=False, come_back_at=current.expires_at, is_first_refusal=first is not None, whose=whose)


async def allow_question(
    session: AsyncSession, limits: Limits, *, person: str | None, room: str, now: datetime
) -> Allowance:
    """Count a question of a person in a room, unless either has had enough; a refused one counts for neither."""
    subject = f"person/{person}"
    if person is not None:
        window = timedelta(seconds=limits.person_window_s)
        own = await check_and_count(
            session, subject, most=limits.person_questions, window=window, whose="person", now=now
        )
        if not own.allowed:
            return own
    hour = timedelta(hours=1)
    rooms = await check_and_count(
        session, f"room/{room}", most=limits.room_questions_per_hour, window=hour, whose="room", now=now
    )
    if not rooms.allowed and person is not None:
        await session.execute(
            update(Tally)
            .where(col(Tally.subject) == subject, col(Tally.expires_at) > now)
            .values(amount=Tally.amount - 1)
        )
    return rooms


async def allow_tokens(session: AsyncSession, limits: Limits, *, project: str, now: datetime) -> Allowance:
    """Whether a project may still spend tokens on models today (UTC); 0 in the settings means without limit."""
    if limits.project_tokens_per_day == 0:
        return Allowance(allowed=True, whose="project")
    current = await _current(session, _tokens_of(project), now=now)
    if current is None or current.amount < limits.project_tokens_per_day:
        return Allowance(allowed=True, whose="project")
    told = update(Tally).where(
        col(Tally.subject) == current.subject, col(Tally.window) == current.window, col(Tally.told_at).is_(None)
    )
    first = (await session.execute(told.values(told_at=now).returning(col(Tally.subject)))).first()
    return Allowance(
        allowed=False, come_back_at=current.expires_at, is_first_refusal=first is not None, whose="project"
    )


async def spend_tokens(session: AsyncSession, *, project: str, tokens: int, now: datetime) -> int:
    """Add to what a project has spent today; gives the sum."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return await add(session, _tokens_of(project), tokens, until=midnight, now=now)


async def amount(session: AsyncSession, subject: str, *, now: datetime) -> int:
    """How much the window of now holds."""
    current = await _current(session, subject, now=now)
    return 0 if current is None else current.amount


async def add(session: AsyncSession, subject: str, more: int, *, until: datetime, now: datetime) -> int:
    """Count `more` in the window of now, or in a new one that ends at `until`; gives the sum."""
    counted = update(Tally).where(col(Tally.subject) == subject, col(Tally.expires_at) > now)
    total = await session.scalar(counted.values(amount=Tally.amount + more).returning(col(Tally.amount)))
    if total is None:
        session.add(_new_window(subject, more, until=until, now=now))
        await session.flush()
        return more
    return int(total)


def _tokens_of(project: str) -> str:
    return f"project/{project}/tokens"


def _new_window(subject: str, first: int, *, until: datetime, now: datetime) -> Tally:
    return Tally(subject=subject, window=now.astimezone(UTC).isoformat(), amount=first, expires_at=until)


async def _current(session: AsyncSession, subject: str, *, now: datetime) -> Tally | None:
    wanted = select(Tally).where(col(Tally.subject) == subject, col(Tally.expires_at) > now)
    latest = wanted.order_by(col(Tally.window).desc()).limit(1)
    return (await session.scalars(latest, execution_options={"populate_existing": True})).first()
