"""When jobs are due, and what ran."""

from functools import partial

from bot.state.database import Database
from bot.state.queries import jobs
from bot.state.tables import JobState
from tests.fakes.state import NOW, later


async def _state(db: Database, name: str = "backup") -> JobState:
    return next(state for state in await db.read(jobs.states) if state.name == name)


async def test_a_plan_is_made_once(db: Database) -> None:
    """A second start does not move what is due."""
    for minutes in (5, 50):
        await db.write(partial(jobs.plan, name="backup", due_at=later(minutes=minutes)))

    assert later(minutes=5) == (await _state(db)).next_due_at


async def test_asking_lasts_until_the_next_run_begins(db: Database) -> None:
    """Also for a job that was never planned."""
    await db.write(partial(jobs.ask, name="backup"))
    before = (await _state(db)).is_asked
    await db.write(partial(jobs.start, name="backup", now=NOW))

    assert (True, False) == (before, (await _state(db)).is_asked)


async def test_failures_in_a_row_are_counted(db: Database) -> None:
    """A good run ends them; what is due is what the end says."""
    counts = []
    for minutes, outcome in enumerate((jobs.FAILED, jobs.PAUSED, jobs.OK)):
        due = later(minutes=minutes)
        await db.write(partial(jobs.start, name="backup", now=NOW))
        end = partial(jobs.finish, name="backup", outcome=outcome, detail="x" * 900, next_due_at=due, now=NOW)
        await db.write(end)
        counts.append((await _state(db)).failures)

    state = await _state(db)
    assert ([1, 2, 0], later(minutes=2), 500) == (counts, state.next_due_at, len(state.detail))


async def test_a_job_that_never_ended_was_cut_off(db: Database) -> None:
    """It is due again, with a run on record; one that ended is left alone."""
    for name in ("backup", "purge"):
        await db.write(partial(jobs.start, name=name, now=NOW))
    end = partial(jobs.finish, name="purge", outcome=jobs.OK, detail="", next_due_at=later(hours=1), now=NOW)
    await db.write(end)

    for _ in range(2):
        await db.write(lambda session: jobs.mark_cut(session, now=later(minutes=3)))

    cut, whole = await _state(db), await _state(db, "purge")
    assert ("cut", later(minutes=3), 1) == (cut.outcome, cut.next_due_at, cut.failures)
    assert ("ok", later(hours=1)) == (whole.outcome, whole.next_due_at)
    assert [("backup", "cut", NOW)] == [(run.job, run.outcome, run.started_at) for run in await db.read(jobs.latest)]


async def test_the_last_failure_of_each_job_is_found(db: Database) -> None:
    """However many good runs came after it; those of sources are not among them."""
    for job, subject, outcome, detail in (
        ("backup", "", "failed", "first"),
        ("backup", "", "failed", "second"),
        ("backup", "", "ok", "made"),
        ("refresh", "source", "failed", "other"),
    ):
        run = await db.write(partial(jobs.begin, job=job, subject=subject, now=NOW))
        await db.write(partial(jobs.end, run=run, outcome=outcome, detail=detail, now=NOW))

    found = await db.read(jobs.last_failures)

    assert {"backup": "second"} == {job: run.detail for job, run in found.items()}


async def test_states_of_unknown_jobs_go(db: Database) -> None:
    """And a call of the start makes no exception but for what cuts the process off."""
    for name in ("old", "new"):
        await db.write(partial(jobs.plan, name=name, due_at=later(days=1)))
    await db.write(lambda session: jobs.forget_others(session, ["new"]))
    await db.write(partial(jobs.call, name="new", now=NOW))

    assert [("new", NOW)] == [(state.name, state.next_due_at) for state in await db.read(jobs.states)]
