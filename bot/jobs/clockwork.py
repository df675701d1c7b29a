"""Runs jobs when they are due, each once at a time. What is due lies in our tables, not in the scheduler."""

import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.ext.asyncio import AsyncSession

from bot.context import JobView
from bot.errors import StateError
from bot.jobs.registry import SPREAD, Job, is_due, wait_after
from bot.jobs.runner import Ended, JobRunner
from bot.state.database import Database
from bot.state.queries import jobs
from bot.state.tables import JobState

LOOK_EVERY_S: Final = 15.0
_LOOK: Final = "look"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Clock:
    """The time, and by which share of its interval the next run of a job is moved."""

    now: Callable[[], datetime]
    spread: Callable[[], float] = lambda: random.uniform(-SPREAD, SPREAD)  # noqa: S311 - not a secret


class Clockwork:
    """Has the jobs run. `spawn` starts a task that lives as long as the service.

    The scheduler holds the jobs of short intervals, and one look at our tables for all others.
    """

    def __init__(
        self,
        db: Database,
        runner: JobRunner,
        every: Sequence[Job],
        *,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._db = db
        self._runner = runner
        self._clock = clock
        self._spawn = spawn
        self._jobs = {job.name: job for job in every}
        self._running: set[str] = set()
        self._short = {job.name: JobState(name=job.name) for job in every if not job.is_kept}
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    async def begin(self) -> None:
        """Mark what was cut off by the end of the process, and plan what was never planned."""
        now = self._clock.now()
        first = {job.name: job.every * (1 + self._clock.spread()) for job in self._jobs.values()}

        async def plan(session: AsyncSession) -> None:
            await jobs.mark_cut(session, now=now)
            await jobs.forget_others(session, self._jobs)
            for job in self._kept:
                await jobs.plan(session, job.name, due_at=now + first[job.name])
                if job.at_start:
                    await jobs.call(session, job.name, now=now)
            for state in await jobs.states(session):
                if state.name in self._short:
                    self._short[state.name] = JobState(**state.model_dump())

        await self._db.write(plan)

    def start(self) -> None:
        """Begin; needs a running event loop."""
        for name in self._short:
            self._add(name, self._jobs[name].every.total_seconds(), self._run_short, self._jobs[name])
        self._add(_LOOK, LOOK_EVERY_S, self.look)
        self._scheduler.modify_job(_LOOK, next_run_time=datetime.now(UTC))
        self._scheduler.start()

    def stop(self) -> None:
        """End; nothing more is begun."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def look(self) -> None:
        """Start every job that is due and not under way. Returns at once."""
        try:
            states = {state.name: state for state in await self._db.read(jobs.states)}
        except StateError as error:
            _log.warning("jobs not looked at", error=str(error))
            return
        now = self._clock.now()
        for job in self._kept:
            state = states.get(job.name, JobState(name=job.name))
            if job.name not in self._running and is_due(state, every=job.every, now=now):
                self._running.add(job.name)
                self._spawn(self._run_kept(job, state.failures))

    async def ask(self, name: str) -> None:
        """Run a job now; one that is under way runs once more after it. Raises KeyError, StateUnavailable."""
        job = self._jobs[name]
        if job.is_kept:
            await self._db.write(lambda session: jobs.ask(session, name))
            await self.look()
        else:
            self._spawn(self._run_short(job))

    async def views(self) -> list[JobView]:
        """How each job stands, in the order of their names."""
        kept = {state.name: state for state in await self._db.read(jobs.states)}
        return [self._view(self._jobs[name], {**kept, **self._short}.get(name)) for name in sorted(self._jobs)]

    def _view(self, job: Job, state: JobState | None) -> JobView:
        state = state or JobState(name=job.name)
        planned = None if job.is_kept else self._scheduler.get_job(job.name)
        next_at = state.next_due_at if planned is None else planned.next_run_time
        is_running = job.name in self._running
        return JobView(
            job.name, job.every, is_running, job.deletes, state.ended_at, state.outcome, state.detail, next_at
        )

    @property
    def _kept(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.is_kept]

    def _add(self, name: str, every_s: float, run: Callable[..., Any], *arguments: Any) -> None:
        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        jitter = every_s * SPREAD if every_s >= 60 else None
        self._scheduler.add_job(run, "interval", args=arguments, seconds=every_s, id=name, jitter=jitter, **options)

    async def _run_kept(self, job: Job, failures: int) -> None:
        """Run a job of our tables. One whose beginning or end cannot be written down stays due."""
        try:
            started_at = self._clock.now()
            await self._db.write(lambda session: jobs.start(session, job.name, now=started_at))
            ended = await self._runner.attempt(job.name, job.work)
            wait = wait_after(ended.outcome, every=job.every, failures=failures, spread=self._clock.spread())
            await self._record(job, ended, self._clock.now() + wait)
        except StateError as error:
            _log.warning("job not recorded", job=job.name, error=str(error))
            return
        finally:
            self._running.discard(job.name)
        await self.look()  # somebody may have asked for it meanwhile

    async def _run_short(self, job: Job) -> None:
        """Run a job that only the scheduler knows; only what changed something, or failed, is written down."""
        if job.name in self._running:
            return
        self._running.add(job.name)
        try:
            ended = await self._runner.attempt(job.name, job.work)
            before, state = self._short[job.name], JobState(name=job.name)
            state.started_at, state.ended_at = ended.started_at, self._clock.now()
            state.outcome, state.detail = ended.outcome, ended.detail
            self._short[job.name] = state
            if ended.outcome != jobs.OK or before.outcome not in {"", jobs.OK}:
                await self._record(job, ended, None)
            elif ended.detail:
                await self._runner.record(job.name, "", ended)
        except StateError as error:
            _log.warning("job not recorded", job=job.name, error=str(error))
        finally:
            self._running.discard(job.name)

    async def _record(self, job: Job, ended: Ended, next_due_at: datetime | None) -> None:
        if ended.detail:
            await self._runner.record(job.name, "", ended)

        async def finish(session: AsyncSession) -> None:
            await jobs.plan_if_missing(session, job.name)
            await jobs.finish(
                session,
                job.name,
                outcome=ended.outcome,
                detail=ended.detail,
                next_due_at=next_due_at,
                now=self._clock.now(),
            )

        await self._db.write(finish)
