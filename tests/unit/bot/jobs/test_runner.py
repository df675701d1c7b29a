"""The job runner."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.errors import StateUnavailable
from bot.jobs.runner import JobRunner
from bot.outcome import DiskLow
from bot.state.database import Database
from bot.state.queries import jobs
from tests.fakes.state import open_state

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty state database."""
    opened = await open_state(tmp_path / "state.db", lambda: NOW)
    yield opened
    await opened.close()


async def recorded(db: Database) -> list[tuple[str, str, str, str]]:
    """The job runs on record: job, subject, outcome, detail."""
    runs = await db.read(jobs.latest)
    return [(run.job, run.subject, run.outcome, run.detail) for run in runs]


async def test_work_that_did_something_is_recorded(db: Database) -> None:
    """What a job did is on record with its subject."""

    async def work() -> str:
        return "3 rows"

    await JobRunner(db, clock=lambda: NOW).run("retention", work, subject="all")

    assert [("retention", "all", "ok", "3 rows")] == await recorded(db)


async def test_work_without_result_leaves_no_row(db: Database) -> None:
    """A tick that found nothing to do is not recorded, or the table would be full of them."""

    async def work() -> str:
        return ""

    await JobRunner(db, clock=lambda: NOW).run("tick", work)

    assert [] == await recorded(db)


async def test_failure_goes_no_further_and_has_a_reference(db: Database) -> None:
    """Whatever a job raises is caught, and the record holds the reference under which the log has it."""

    async def work() -> str:
        raise ZeroDivisionError

    reference = await JobRunner(db, clock=lambda: NOW).run("tick", work)

    assert [("tick", "", "failed", reference)] == await recorded(db)
    assert len(reference) == 8


async def test_state_that_is_away_is_waited_out(db: Database) -> None:
    """When the state database does not answer nothing can be recorded, and nothing is raised."""

    async def work() -> str:
        raise StateUnavailable("expected the database, got a lock")

    assert "" == await JobRunner(db, clock=lambda: NOW).run("tick", work)


async def test_cancelling_is_not_a_failure(db: Database) -> None:
    """A job that is cancelled at shutdown ends as cancelled and leaves no row."""
    began = asyncio.Event()

    async def work() -> str:
        began.set()
        await asyncio.Event().wait()
        return "never"

    task = asyncio.create_task(JobRunner(db, clock=lambda: NOW).run("tick", work))
    await began.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert (True, []) == (task.cancelled(), await recorded(db))


async def test_work_that_pauses_is_no_failure(db: Database) -> None:
    """A disk that is nearly full is said as what it is; nobody has to look into the log."""

    async def work() -> str:
        raise DiskLow("expected 200 MB of free disk space, got 3 MB")

    assert "" == await JobRunner(db, clock=lambda: NOW).run("backup", work)

    assert [("backup", "", "paused", "disk_low")] == await recorded(db)
