"""Work that is done by the clock: a fixed list, in memory. What is due lies in our tables, not in the scheduler."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.ext.asyncio import AsyncSession

from bot.errors import StateError, new_reference
from bot.state.database import Database
from bot.state.queries import jobs

_log = structlog.get_logger(__name__)

Work = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work. `work` returns what it did in a few words, '' for nothing worth keeping.

    The first run is after `every_s`, or at once when it is `at_start`.
    """

    name: str
    every_s: float
    work: Work
    at_start: bool = False


class JobRunner:
    """Runs work so that nothing it raises goes further, and records what was worth recording."""

    def __init__(self, db: Database, *, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock

    async def run(self, job: str, work: Work, *, subject: str = "") -> str:
        """Run once; a run that did something, or failed, becomes a row. Returns the reference of a failure, else ''.

        The log holds the failure under its reference.
        """
        started_at, reference = self._clock(), ""
        try:
            outcome, detail = jobs.OK, await work()
        except StateError as error:
            # Nothing can be recorded then, and the next run comes soon.
            _log.warning("job failed", job=job, subject=subject, error=str(error))
            return ""
        except Exception:  # noqa: BLE001 - the job runner is one of the three places that stop everything
            reference = new_reference()
            _log.exception("job failed", job=job, subject=subject, reference=reference)
            outcome, detail = jobs.FAILED, reference
        if detail:
            await self._record(job, subject, started_at, outcome, detail)
        return reference

    async def mark_cut(self) -> None:
        """At start: what was running when the process ended is recorded as cut off."""
        await self._db.write(lambda session: jobs.mark_cut(session, now=self._clock()))

    async def _record(self, job: str, subject: str, started_at: datetime, outcome: str, detail: str) -> None:
        async def record(session: AsyncSession) -> None:
            run = await jobs.begin(session, job, subject=subject, now=started_at)
            await jobs.end(session, run, outcome=outcome, detail=detail, now=self._clock())

        try:
            await self._db.write(record)
        except StateError as error:
            _log.warning("job not recorded", job=job, error=str(error))


class Clockwork:
    """The scheduler with all jobs. A run that is late or still under way makes the next one wait, never pile up."""

    def __init__(self, runner: JobRunner, every: Sequence[Job]) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        for job in every:
            self._scheduler.add_job(
                runner.run,
                "interval",
                args=(job.name, job.work),
                seconds=job.every_s,
                id=job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
                jitter=job.every_s / 10 if job.every_s >= 60 else None,
                **({"next_run_time": datetime.now(UTC)} if job.at_start else {}),
            )

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """End; what runs is cancelled."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
