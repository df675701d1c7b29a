"""The registry of jobs, and when one is due."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.jobs.chores import registry
from bot.jobs.registry import Registry, is_due, wait_after
from bot.state.tables import JobState
from config.texts import LANGUAGES, say

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


async def test_decorated_functions_run_over_the_parts() -> None:
    """A job is a function of its parts; settings may give it another interval, or leave it out."""
    declared: Registry[list[str]] = Registry()

    @declared.job("tidy", every=DAY, deletes=True)
    async def tidy(parts: list[str]) -> str:
        return f"{len(parts)} gone"

    @declared.job("other", every=DAY)
    async def other(parts: list[str]) -> str:
        return ""

    (job,) = declared.bind(["a", "b"], every={"tidy": timedelta(hours=6), "other": None})

    assert ("tidy", timedelta(hours=6), True, "2 gone") == (job.name, job.every, job.deletes, await job.work())


def test_two_jobs_have_two_names() -> None:
    """Their state would be one row."""
    declared: Registry[None] = Registry()
    declared.job("tidy", every=DAY)(_nothing)

    with pytest.raises(ValueError, match="'tidy'"):
        declared.job("tidy", every=DAY)


async def _nothing(_: None) -> str:
    return ""


@pytest.mark.parametrize(
    ("is_asked", "ahead", "due"),
    [
        (False, None, True),
        (False, timedelta(hours=-3), True),
        (False, timedelta(0), True),
        (False, timedelta(minutes=1), False),
        (False, timedelta(hours=26), False),
        (False, timedelta(hours=27), True),
        (True, timedelta(minutes=1), True),
    ],
)
def test_what_is_due(ahead: timedelta | None, *, is_asked: bool, due: bool) -> None:
    """What was asked for, and what should have run; a time beyond the interval was set by a clock that was wrong."""
    state = JobState(name="backup", is_asked=is_asked, next_due_at=None if ahead is None else NOW + ahead)

    assert due == is_due(state, every=DAY, now=NOW)


@pytest.mark.parametrize(
    ("outcome", "failures", "minutes"),
    [("ok", 0, 1440), ("failed", 0, 5), ("failed", 3, 40), ("paused", 0, 5), ("failed", 900, 1440)],
)
def test_a_failure_is_tried_again_sooner(outcome: str, failures: int, minutes: int) -> None:
    """After five minutes, then ever later, up to the interval."""
    assert timedelta(minutes=minutes) == wait_after(outcome, every=DAY, failures=failures, spread=0.0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_job_says_what_it_does(language: str) -> None:
    """In words, for /jobs."""
    said = [say(f"job.what_{name}", language) for name in registry.names]

    assert all(said)
    assert 12 >= len(said)
