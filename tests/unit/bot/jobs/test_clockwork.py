"""The clockwork: what is due runs, once at a time, also over a restart."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.errors import StateUnavailable
from bot.jobs.clockwork import Clock, Clockwork
from bot.jobs.registry import Job
from bot.jobs.runner import JobRunner
from bot.state.database import Database
from bot.state.queries import jobs
from bot.state.tables import JobState
from tests.fakes.state import open_state

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(seconds=15)


@dataclass
class House:
    """A state database, a clock that a test moves, and work that counts. `gate` holds it when it is clear."""

    db: Database
    now: datetime = NOW
    ran: list[str] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def job(self, name: str = "backup", every: timedelta = DAY, **more: Any) -> Job:
        """A job that takes down its name, says "done", and fails with the next of `faults`."""

        async def work() -> str:
            self.began.set()
            await self.gate.wait()
            self.ran.append(name)
            if self.faults:
                raise self.faults.pop(0)
            return "done"

        return Job(name, every, work, **more)

    async def started(self, *every: Job) -> Clockwork:
        """A clockwork as after the start of the service."""
        runner = JobRunner(self.db, clock=lambda: self.now)
        made = Clockwork(self.db, runner, every, clock=Clock(lambda: self.now, lambda: 0.0), spawn=self.spawn)
        await made.begin()
        return made

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task, as the app does."""
        self.tasks.append(asyncio.create_task(work))

    async def looks(self, clockwork: Clockwork, **later: float) -> list[str]:
        """Let time pass and the clockwork look; what ran."""
        self.now += timedelta(**later)
        await clockwork.look()
        await asyncio.gather(*self.tasks)
        ran, self.ran = self.ran, []
        return ran

    async def killed(self) -> None:
        """End what runs as a kill does: nothing more is written."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()

    async def state(self, name: str = "backup") -> JobState:
        """The row of a job."""
        return next(state for state in await self.db.read(jobs.states) if state.name == name)

    async def runs(self) -> list[tuple[str, str]]:
        """The runs on record, oldest first: job and outcome."""
        return [(run.job, run.outcome) for run in reversed(await self.db.read(jobs.latest))]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """An installation of which nothing ever ran."""
    db = await open_state(tmp_path / "state.db", lambda: NOW)
    made = House(db)
    made.gate.set()
    yield made
    await made.killed()
    await db.close()


async def test_a_job_runs_once_an_interval(house: House) -> None:
    """First when its interval is over; a job of every start runs at once as well."""
    clockwork = await house.started(house.job(), house.job("leftovers", at_start=True))

    seen = [await house.looks(clockwork, hours=hours) for hours in (0, 23, 1, 0, 23, 1)]

    assert [["leftovers"], [], ["backup", "leftovers"], [], [], ["backup", "leftovers"]] == [
        sorted(ran) for ran in seen
    ]


async def test_a_job_that_was_due_while_the_service_was_down_runs_at_the_start(house: House) -> None:
    """And not a day later: what is due lies in the tables."""
    await house.started(house.job())
    house.now += timedelta(hours=30)

    again = await house.started(house.job())

    assert ["backup"] == await house.looks(again)
    assert NOW + timedelta(hours=54) == (await house.state()).next_due_at


async def test_a_restart_is_no_reason_to_run(house: House) -> None:
    """A service that is started anew every few hours runs its daily job once a day all the same."""
    ran = []
    for _ in range(8):
        ran += await house.looks(await house.started(house.job()), hours=6)

    assert 2 == len(ran)


async def test_a_job_that_was_cut_off_is_due_again(house: House) -> None:
    """Its run is marked as cut; the third in a row waits for an hour, since it may be what ends the process."""
    clockwork = await house.started(house.job())
    house.gate.clear()
    house.now += DAY
    outcomes = []
    for _ in range(jobs.MOST_CUTS):
        house.began.clear()
        await clockwork.look()
        await house.began.wait()
        await house.killed()
        clockwork = await house.started(house.job())
        outcomes.append((await house.state()).outcome)
    house.gate.set()

    assert (["cut"] * 3, [("backup", "cut")] * 3) == (outcomes, await house.runs())
    assert ([], ["backup"]) == (await house.looks(clockwork), await house.looks(clockwork, hours=1))


async def test_a_job_is_never_under_way_twice(house: House) -> None:
    """Whoever asks for it meanwhile gets one more run, however often he asks."""
    clockwork = await house.started(house.job())
    house.gate.clear()
    house.now += DAY
    await clockwork.look()
    await house.began.wait()
    for _ in range(3):
        await clockwork.ask("backup")
    house.gate.set()
    while not all(task.done() for task in house.tasks):
        await asyncio.gather(*house.tasks)

    assert ["backup", "backup"] == house.ran


async def test_asking_runs_a_job_now(house: House) -> None:
    """The next run is an interval later; an unknown name is a fault of the caller's."""
    clockwork = await house.started(house.job(), house.job("tick", TICK))
    house.now += timedelta(hours=1)
    await clockwork.ask("backup")
    await clockwork.ask("tick")
    await asyncio.gather(*house.tasks)

    assert {"backup", "tick"} == set(house.ran)
    assert NOW + timedelta(hours=25) == (await house.state()).next_due_at
    with pytest.raises(KeyError):
        await clockwork.ask("backups")


async def test_what_was_asked_for_before_a_kill_runs_after_it(house: House) -> None:
    """The wish lies in the tables."""
    await house.started(house.job())
    await house.db.write(partial(jobs.ask, name="backup"))

    assert ["backup"] == await house.looks(await house.started(house.job()))


async def test_a_failure_is_kept_with_its_reference_and_tried_again(house: House) -> None:
    """After five minutes, then ten; when it is well again, that is kept as well."""
    clockwork = await house.started(house.job())
    house.faults = [ZeroDivisionError(), ZeroDivisionError()]

    ran = [await house.looks(clockwork, minutes=minutes) for minutes in (24 * 60, 4, 1, 9, 1)]
    (view,) = await clockwork.views()

    assert [1, 0, 1, 0, 1] == [len(one) for one in ran]
    assert [("backup", "failed"), ("backup", "failed"), ("backup", "ok")] == await house.runs()
    failure = (await house.db.read(jobs.last_failures))["backup"]
    assert (8, "ok", 0) == (len(failure.detail), view.outcome, (await house.state()).failures)


async def test_a_clock_that_was_wrong_keeps_no_job_from_running(house: House) -> None:
    """It ran by a clock that was a year ahead; put right, the job is due and not a year away."""
    house.now += timedelta(days=365)
    clockwork = await house.started(house.job())
    await house.looks(clockwork, days=1)
    house.now = NOW

    assert ["backup"] == await house.looks(clockwork)


async def test_a_tick_writes_nothing_but_what_changed_or_failed(house: House) -> None:
    """A row every 15 seconds would be 2 million a year; a failure is kept until the next good run."""

    async def quiet() -> str:
        house.ran.append("tick")
        if house.faults:
            raise house.faults.pop(0)
        return ""

    clockwork = await house.started(Job("tick", TICK, quiet))

    async def tick() -> tuple[list[str], list[str]]:
        await clockwork.ask("tick")
        await asyncio.gather(*house.tasks)
        return [state.outcome for state in await house.db.read(jobs.states)], [run[1] for run in await house.runs()]

    assert ([], []) == await tick()
    house.faults = [ZeroDivisionError()]
    assert (["failed"], ["failed"]) == await tick()
    assert (["ok"], ["failed"]) == await tick()
    assert "ok" == (await clockwork.views())[0].outcome
    assert 3 == len(house.ran)


async def test_state_that_is_away_leaves_a_job_due(house: House) -> None:
    """Nothing is raised, nothing spins, and the next look tries again."""
    clockwork = await house.started(house.job())
    house.faults = [StateUnavailable("expected the database, got a lock")]

    assert ["backup"] == await house.looks(clockwork, days=1)
    assert ["backup"] == await house.looks(clockwork)
    assert [] == await house.looks(clockwork)


async def test_jobs_that_are_gone_are_forgotten(house: House) -> None:
    """After an update the state of a job of the older program is not shown for ever."""
    await house.started(house.job("old"))
    await house.started(house.job("new"))

    assert ["new"] == [state.name for state in await house.db.read(jobs.states)]


async def test_the_scheduler_looks_at_the_start_and_runs_short_jobs_again_and_again(house: House) -> None:
    """Until it is stopped, twice if need be."""
    ticks: asyncio.Queue[None] = asyncio.Queue()

    async def tick() -> str:
        ticks.put_nowait(None)
        return ""

    clockwork = await house.started(Job("tick", timedelta(seconds=0.02), tick), house.job("leftovers", at_start=True))
    clockwork.start()
    await house.began.wait()
    await ticks.get()
    await ticks.get()
    views = {view.name: view for view in await clockwork.views()}
    clockwork.stop()
    clockwork.stop()

    assert views["tick"].next_due_at is not None
    assert ["leftovers", "tick"] == list(views)
