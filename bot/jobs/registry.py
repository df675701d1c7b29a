"""The one registry of what runs by the clock: a decorated function over the parts that it works with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from bot.state.tables import JobState

Work = Callable[[], Awaitable[str]]
P = TypeVar("P")
F = TypeVar("F", bound=Callable[[Any], Awaitable[str]])

SPREAD: Final = 0.1  # the share of its interval by which a job's time is spread, so that not all run at once
KEPT_FROM: Final = timedelta(minutes=5)  # of shorter intervals nothing is lost when a start begins them anew
_RETRY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work. `work` returns what it did in a few words, '' for nothing worth keeping.

    `at_start`: it is due at each start. `deletes`: it takes something out for good, so running it is confirmed.
    """

    name: str
    every: timedelta
    work: Work
    at_start: bool = False
    deletes: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether what is due lies in our tables and survives a restart; else the scheduler alone has it."""
        return self.every >= KEPT_FROM


@dataclass(frozen=True, slots=True)
class _Declared(Generic[P]):
    job: Job
    run: Callable[[P], Awaitable[str]]


@dataclass(slots=True)
class Registry(Generic[P]):
    """The jobs over parts of one kind, in the order they were declared."""

    _declared: dict[str, _Declared[P]] = field(default_factory=dict)

    def job(self, name: str, *, every: timedelta, at_start: bool = False, deletes: bool = False) -> Callable[[F], F]:
        """Declare an async function of the parts as a job; it returns what it did, '' for nothing."""
        if name in self._declared:
            raise ValueError(f"expected a name that no job has, got {name!r}")

        def declare(run: F) -> F:
            self._declared[name] = _Declared(Job(name, every, _unbound, at_start, deletes), run)
            return run

        return declare

    def bind(self, parts: P, *, every: Mapping[str, timedelta | None]) -> list[Job]:
        """Give the jobs over these parts; `every` has other intervals by name, None leaves a job out."""
        jobs = []
        for name, declared in self._declared.items():
            interval = every.get(name, declared.job.every)
            if interval is not None:
                jobs.append(replace(declared.job, every=interval, work=_over(declared.run, parts)))
        return jobs

    @property
    def names(self) -> list[str]:
        """The names of all jobs."""
        return list(self._declared)


def is_due(state: JobState, *, every: timedelta, now: datetime) -> bool:
    """Whether a job is to run: its time has come, or somebody asked for it.

    A time further ahead than its interval was set by a clock that was wrong, or before the interval was shortened.
    """
    if state.is_asked or state.next_due_at is None:
        return True
    return not now < state.next_due_at <= now + every * (1 + SPREAD)


def wait_after(outcome: str, *, every: timedelta, failures: int, spread: float) -> timedelta:
    """Say how long to wait after a run. `failures` in a row were before it; `spread` is a share, such as 0.1."""
    if outcome == "ok":
        return every * (1 + spread)
    return min(every, _RETRY * (1 << min(failures, 10)))


def _over(run: Callable[[P], Awaitable[str]], parts: P) -> Work:
    async def work() -> str:
        return await run(parts)

    return work


async def _unbound() -> str:
    raise LookupError("expected a job that was bound to its parts")
