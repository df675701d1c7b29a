"""Counters in windows, kept in the database so that a restart gives nothing away.

A window begins with the first thing that is counted and ends a fixed time later.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import case, literal, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.tables import Tally
from bot.state.types import UtcTime
from bot.state.upsert import insert_or_update
from config.settings import Limits

RUNNING = ""  # names the window that runs; one row a subject, so that counting is a single statement


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
    if await _count(session, subject, 1, until=now + window, now=now, most=most) is not None:
        return Allowance(allowed=True, whose=whose)
    return await _refusal(session, subject, whose=whose, now=now)


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


async def has_questions_left(session: AsyncSession, limits: Limits, *, person: str, room: str, now: datetime) -> bool:
    """Whether a question of a person in a room would be allowed now; nothing is counted."""
    own, here = [await amount(session, subject, now=now) for subject in (f"person/{person}", f"room/{room}")]
    return own < limits.person_questions and here < limits.room_questions_per_hour


async def allow_tokens(session: AsyncSession, limits: Limits, *, project: str, now: datetime) -> Allowance:
    """Whether a project may still spend tokens on models today (UTC); 0 in the settings means without limit."""
    if limits.project_tokens_per_day == 0:
        return Allowance(allowed=True, whose="project")
    current = await _current(session, _tokens_of(project), now=now)
    if current is None or current.amount < limits.project_tokens_per_day:
        return Allowance(allowed=True, whose="project")
    return await _refusal(session, current.subject, whose="project", now=now)


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
    total = await _count(session, subject, more, until=until, now=now)
    return more if total is None else total


def _tokens_of(project: str) -> str:
    return f"project/{project}/tokens"


async def _count(
    session: AsyncSession, subject: str, more: int, *, until: datetime, now: datetime, most: int | None = None
) -> int | None:
    """The sum after counting, in one statement; None when the window held `most` already."""
    is_over = col(Tally.expires_at) <= now
    counted = insert_or_update(
        session,
        Tally,
        {"subject": subject, "window": RUNNING, "amount": more, "told_at": None, "expires_at": until},
        unique=("subject", "window"),
        change={
            "amount": case((is_over, more), else_=col(Tally.amount) + more),
            "told_at": case((is_over, null()), else_=col(Tally.told_at)),
            "expires_at": case((is_over, literal(until, UtcTime)), else_=col(Tally.expires_at)),
        },
        only_if=None if most is None else or_(is_over, col(Tally.amount) < most),
    )
    total: int | None = await session.scalar(counted.returning(col(Tally.amount)))
    return total


async def _refusal(session: AsyncSession, subject: str, *, whose: str, now: datetime) -> Allowance:
    told = update(Tally).where(col(Tally.subject) == subject, col(Tally.told_at).is_(None))
    first = (await session.execute(told.values(told_at=now).returning(col(Tally.subject)))).first()
    current = await _current(session, subject, now=now)
    come_back_at = None if current is None else current.expires_at
    return Allowance(allowed=False, come_back_at=come_back_at, is_first_refusal=first is not None, whose=whose)


async def _current(session: AsyncSession, subject: str, *, now: datetime) -> Tally | None:
    wanted = select(Tally).where(
        col(Tally.subject) == subject, col(Tally.window) == RUNNING, col(Tally.expires_at) > now
    )
    return (await session.scalars(wanted, execution_options={"populate_existing": True})).first()
