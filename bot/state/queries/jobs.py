"""The record of what ran by the clock, when, and how it ended."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.tables import JobRun

OK, FAILED, CUT = "ok", "failed", "cut"


async def begin(session: AsyncSession, job: str, *, subject: str = "", now: datetime) -> int:
    """A run begins; returns its id."""
    run = JobRun(job=job, subject=subject, started_at=now)
    session.add(run)
    await session.flush()
    return run.id or 0


async def end(session: AsyncSession, run: int, *, outcome: str, detail: str = "", now: datetime) -> None:
    """A run ended; `outcome` is OK or FAILED."""
    ended = update(JobRun).where(col(JobRun.id) == run)
    await session.execute(ended.values(outcome=outcome, detail=detail[:500], ended_at=now))


async def mark_cut(session: AsyncSession, *, now: datetime) -> None:
    """At start: runs that never ended were cut off with the process."""
    left = update(JobRun).where(col(JobRun.ended_at).is_(None))
    await session.execute(left.values(outcome=CUT, ended_at=now))


async def latest(session: AsyncSession, *, limit: int = 20) -> list[JobRun]:
    """The newest runs, newest first."""
    return list(await session.scalars(select(JobRun).order_by(col(JobRun.id).desc()).limit(limit)))
