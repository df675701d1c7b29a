"""Runs work so that nothing it raises goes further, and records what was worth recording."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.errors import StateError, new_reference
from bot.jobs.registry import Work
from bot.outcome import DiskLow
from bot.state.database import Database
from bot.state.queries import jobs

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run went. `detail` is what it did, the reference of a failure, or why it paused."""

    outcome: str
    detail: str
    started_at: datetime


class JobRunner:
    """One of the three places that stop everything. `clock` gives UTC."""

    def __init__(self, db: Database, *, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock

    async def run(self, job: str, work: Work, *, subject: str = "") -> str:
        """Run once; a run that did something, or failed, becomes a row. Returns the reference of a failure, else ''.

        The log holds the failure under its reference.
        """
        try:
            ended = await self.attempt(job, work, subject=subject)
            if ended.detail:
                await self.record(job, subject, ended)
        except StateError as error:
            # Nothing can be recorded then, and the next run comes soon.
            _log.warning("job failed", job=job, subject=subject, error=str(error))
            return ""
        return ended.detail if ended.outcome == jobs.FAILED else ""

    async def attempt(self, job: str, work: Work, *, subject: str = "") -> Ended:
        """Run once and say how it went. Raises StateError, when nothing can be recorded either, and nothing else."""
        started_at = self._clock()
        try:
            return Ended(jobs.OK, await work(), started_at)
        except StateError:
            raise
        except DiskLow as error:
            _log.warning("job paused", job=job, subject=subject, error=str(error))
            return Ended(jobs.PAUSED, "disk_low", started_at)
        except Exception:  # noqa: BLE001 - the job runner is one of the three places that stop everything
            reference = new_reference()
            _log.exception("job failed", job=job, subject=subject, reference=reference)
            return Ended(jobs.FAILED, reference, started_at)

    async def record(self, job: str, subject: str, ended: Ended) -> None:
        """Write a run down. Raises StateError."""

        async def add(session: AsyncSession) -> None:
            run = await jobs.begin(session, job, subject=subject, now=ended.started_at)
            await jobs.end(session, run, outcome=ended.outcome, detail=ended.detail, now=self._clock())

        await self._db.write(add)
