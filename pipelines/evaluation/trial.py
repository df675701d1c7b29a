"""Ask every question of a set, one after the other, and score what is found."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pipelines.evaluation.measures import Level, Place, measured
from pipelines.evaluation.questions import Asked

POOL: Final = 60
"""So many passages are asked for, so that ten files are among them."""


class Finder(Protocol):
    """Searches in one place."""

    async def __call__(self, query: str, *, limit: int) -> Sequence[Place]:
        """Find up to `limit` passages, best first."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Questions of one set that are asked in one place."""

    name: str
    asked: Sequence[Asked]
    find: Finder
    level: Level = Level.FILE


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of one question: each measure, and how long the search took."""

    set: str
    project: str
    query: str
    line: int
    category: str
    values: Mapping[str, float]
    took_ms: float = 0.0


async def ask_all(trial: Trial, *, on_asked: Callable[[], None]) -> list[Scored]:
    """Ask the questions of a trial in order. Raises what the search raises."""
    scored = []
    for one in trial.asked:
        began_s = time.perf_counter()
        found = await trial.find(one.text, limit=POOL)
        took_ms = (time.perf_counter() - began_s) * 1000
        values = measured(found, one.targets, level=trial.level)
        scored.append(Scored(trial.name, one.project, one.text, one.line, one.category, values, round(took_ms, 2)))
        on_asked()
    return scored
