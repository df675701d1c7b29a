"""How good one ranking is, by what is known to answer the question."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipelines.evaluation.questions import Target

DEPTH: Final = 10
MEASURES: Final = ("nDCG@10", "R@3", "R@5", "R@10", "P@3", "P@10", "MRR@3", "MRR")


class Level(StrEnum):
    """What a place in a ranking is: a whole file, its best passage counting, or each passage for itself."""

    FILE = "file"
    LINES = "lines"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a found passage stands: the key of its row or the path of its file, and its lines."""

    key: str
    first_line: int = 1
    last_line: int = 1


@dataclass(frozen=True, slots=True)
class _Step:
    """One rank: whether it answers at all, and how many targets it is the first to meet."""

    answers: bool
    met: int


def measured(found: Sequence[Place], targets: Sequence[Target], *, level: Level) -> Mapping[str, float]:
    """Score one ranking, best first, by every measure; each lies between 0 and 1.

    With Level.FILE each file stands where its best passage stands, and lines do not matter. With Level.LINES every
    passage has a rank, and lines are met by the first passage that shares one of them.
    A rank counts for nDCG when it meets something that no rank above has met; the best order there could be meets one
    target at each rank. MRR looks at ten ranks. Source of nDCG: Jaervelin, Kekaelaeinen, "Cumulated gain-based
    evaluation of IR techniques", TOIS 2002, with gains 0 and 1 and log2(rank + 1).
    """
    wanted = list(dict.fromkeys(Target(one.key) for one in targets)) if level is Level.FILE else list(targets)
    ranked = list(dict.fromkeys(Place(one.key) for one in found)) if level is Level.FILE else list(found)
    steps = _steps(ranked[:DEPTH], wanted)
    first = next((rank for rank, step in enumerate(steps, start=1) if step.answers), math.inf)
    gained = sum(1 / math.log2(rank + 1) for rank, step in enumerate(steps, start=1) if step.met)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(DEPTH, len(wanted)) + 1))
    recall = {f"R@{depth}": sum(step.met for step in steps[:depth]) / len(wanted) for depth in (3, 5, 10)}
    precision = {f"P@{depth}": sum(step.answers for step in steps[:depth]) / depth for depth in (3, 10)}
    reciprocal = {"MRR@3": 1 / first if first <= 3 else 0.0, "MRR": 1 / first}
    return {"nDCG@10": gained / ideal} | recall | precision | reciprocal


def _steps(ranked: Sequence[Place], wanted: Sequence[Target]) -> list[_Step]:
    steps, unmet = [], set(wanted)
    for place in ranked:
        met = {one for one in wanted if _meets(place, one)}
        steps.append(_Step(bool(met), len(met & unmet)))
        unmet -= met
    return steps


def _meets(place: Place, target: Target) -> bool:
    if place.key != target.key:
        return False
    is_whole = target.last_line == 0
    return is_whole or (place.first_line <= target.last_line and place.last_line >= target.first_line)
