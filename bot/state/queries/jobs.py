"""When jobs are due and how they last went, and the record of what ran. Nothing commits here."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.tables import JobRun, JobState
from bot.state.upsert import insert_or_leave

OK, FAILED, CUT, PAUSED = "ok", "failed", "cut", "paused"
MOST_CUTS: Final = 3  # so often in a row a job that was cut off is due again at once: it may be what ends the process
CUT_PAUSE: Final = timedelta(hours=1)


async def begin(session: AsyncSession, job: str, *, subject: str = "", now: datetime) -> int:
    """A run begins; returns its id."""
    run = JobRun(job=job, subject=subject, started_at=now)
    session.add(run)
    await session.flush()
    return run.id or 0


async def end(session: AsyncSession, run: int, *, outcome: str, detail: str = "", now: datetime) -> None:
    """A run ended; `outcome` is OK, FAILED or PAUSED."""
    ended = update(JobRun).where(col(JobRun.id) == run)
    await session.execute(ended.values(outcome=outcome, detail=detail[:500], ended_at=now))


async def latest(session: AsyncSession, *, limit: int = 20) -> list[JobRun]:
    """The newest runs, newest first."""
    return list(await session.scalars(select(JobRun).order_by(col(JobRun.id).desc()).limit(limit)))


async def last_failures(session: AsyncSession) -> dict[str, JobRun]:
    """The newest failed run of each job that is no source's."""
    failed = select(func.max(JobRun.id)).where(col(JobRun.outcome) == FAILED, col(JobRun.subject) == "")
    found = await session.scalars(select(JobRun).where(col(JobRun.id).in_(failed.group_by(col(JobRun.job)))))
    return {run.job: run for run in found}


async def states(session: AsyncSession) -> list[JobState]:
    """How every job stands, by name."""
    return list(await session.scalars(select(JobState).order_by(col(JobState.name))))


async def plan(session: AsyncSession, name: str, *, due_at: datetime) -> None:
    """Say when a job is due for the first time; one that is known keeps its time."""
    new = JobState(name=name, next_due_at=due_at)
    await session.execute(insert_or_leave(session, JobState, new.model_dump(), unique=("name",)))


async def call(session: AsyncSession, name: str, *, now: datetime) -> None:
    """Let a job be due now, as those are that run at each start, unless it may be what ends the process."""
    wanted = update(JobState).where(col(JobState.name) == name, col(JobState.failures) < MOST_CUTS)
    await session.execute(wanted.values(next_due_at=now))


async def ask(session: AsyncSession, name: str) -> None:
    """Have a job run out of turn, once more if it is under way."""
    await plan_if_missing(session, name)
    await session.execute(update(JobState).where(col(JobState.name) == name).values(is_asked=True))


async def start(session: AsyncSession, name: str, *, now: datetime) -> None:
    """A job begins: whoever asks for it from now on gets another run. It stays due until it has ended."""
    await plan_if_missing(session, name)
    begun = update(JobState).where(col(JobState.name) == name)
    await session.execute(begun.values(started_at=now, ended_at=None, is_asked=False))


async def plan_if_missing(session: AsyncSession, name: str) -> None:
    """Make the row of a job that has none."""
    await session.execute(insert_or_leave(session, JobState, JobState(name=name).model_dump(), unique=("name",)))


async def finish(
    session: AsyncSession, name: str, *, outcome: str, detail: str, next_due_at: datetime | None, now: datetime
) -> None:
    """A job ended; `failures` counts those in a row."""
    values = {"outcome": outcome, "detail": detail[:500], "next_due_at": next_due_at, "ended_at": now}
    failures = 0 if outcome == OK else JobState.failures + 1
    ended = update(JobState).where(col(JobState.name) == name)
    await session.execute(ended.values(**values, failures=failures))


async def mark_cut(session: AsyncSession, *, now: datetime) -> None:
    """At start: what never ended was cut off with the process. It is recorded, and due again."""
    left = update(JobRun).where(col(JobRun.ended_at).is_(None))
    await session.execute(left.values(outcome=CUT, ended_at=now))
    cut = select(JobState).where(col(JobState.started_at).is_not(None), col(JobState.ended_at).is_(None))
    for state in await session.scalars(cut):
        session.add(JobRun(job=state.name, started_at=state.started_at or now, ended_at=now, outcome=CUT))
        state.outcome, state.detail, state.ended_at = CUT, "", now
        state.failures += 1
        state.next_due_at = now if state.failures < MOST_CUTS else now + CUT_PAUSE
    await session.flush()


async def forget_others(session: AsyncSession, names: Collection[str]) -> None:
    """Delete the state of jobs that there are no more."""
    await session.execute(delete(JobState).where(col(JobState.name).not_in(names)))
