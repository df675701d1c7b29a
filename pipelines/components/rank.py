"""Order candidate passages without a model: features of each, what its kind of file counts, what its file adds."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pipelines.components.asked import Asked, Weights
from pipelines.components.candidate import Candidate
from pipelines.components.measures import MEASURES, TOPIC, covers, is_named
from pipelines.components.query import Query
from pipelines.components.roles import THREADS
from pipelines.types import Feature

# How much a passage of such a file counts when the question does not ask for its kind.
_PRIORS: Final[Mapping[str, float]] = {
    "tests": 0.3, "examples": 0.3, "history": 0.5, "building": 0.7, "scripts": 0.5, "legal": 0.5, "texts": 0.6, "generated": 0.4,
    "init": 0.6, "threads": 0.5,
}  # fmt: skip
_BESIDE_CODE: Final[Mapping[str, float]] = {"docs": 0.3, "text": 0.5, "code": 1.0}  # by kind, when code is asked for
_BESIDE_DOCS: Final[Mapping[str, float]] = {"docs": 1.0, "text": 0.6, "code": 0.9}  # and when an explanation is
_ASKED_FOR: Final = 1.3
_ONLY_IMPORTS: Final = 0.8  # a passage that brings in names from elsewhere and does nothing else
_COHERENCE: Final = 0.3  # what a file gains at most whose passages speak of the question together
_OUTDATED: Final = 0.6  # below v3/ where a v4/ stands beside it
_DECLARED: Final = 0.9  # headers, type stubs and interfaces: the place that does it tells more
_FOR_WINDOWS: Final = 0.6  # what is done once for each system is asked about for the usual server, unless it is named

_MEASURED: Final = [(measure.name, measure.weight, measure.value) for measure in MEASURES]

Part = tuple[str, float, str]
"""What a score is made of: a name, an amount and a note."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its final score, what it is made of, and how much of the question it covers (0..1).

    `worth` and `topic` are for quotes, not for the order: the score `unweighed` by what its kind and its file add or
    take away, and how far a document's section is about the question (0..2).
    """

    candidate: Candidate
    score: float
    coverage: float
    parts: tuple[Part, ...]
    unweighed: float = 0.0
    topic: float = 0.0

    @property
    def worth(self) -> float:
        """What the passage says about the question by itself; less when it only brings in names from elsewhere."""
        return self.unweighed * (_ONLY_IMPORTS if self.candidate.own_share < 0.5 else 1.0)

    @property
    def features(self) -> tuple[Feature, ...]:
        """What the score is made of, for people; the values add up to it."""
        return tuple(Feature(name, round(value, 4), note) for name, value, note in self.parts)


def rank(query: Query, candidates: Sequence[Candidate]) -> tuple[list[Ranked], Weights]:
    """Order candidates, best first; also gives the concepts' weights that were used.

    Scores are above 0 and comparable within this call only.
    """
    asked = Asked(query, candidates)
    forms = _Forms(query, {candidate.path for candidate in candidates})
    return _together(
        [_scored(asked, candidate, forms.prior(candidate.path)) for candidate in candidates]
    ), asked.weights


class _Scored(NamedTuple):
    """A candidate before its file counts."""

    candidate: Candidate
    score: float
    coverage: float
    parts: list[Part]
    unweighed: float
    topic: float


def _scored(asked: Asked, candidate: Candidate, form: float) -> _Scored:
    parts: list[Part] = []
    total = coverage = 0.0
    for name, weight, value_of in _MEASURED:
        value = value_of(asked, candidate)
        if value:
            parts.append((name, weight * value, ""))
            total += weight * value
            if value_of is covers:
                coverage = value
    role = _role_prior(asked, candidate)
    unweighed = total * role
    for name, prior, note in (
        ("kind of file", role, candidate.role),
        ("documents or code", _kind_prior(asked, candidate), candidate.kind),
        ("older, only declares or for another system", form, ""),
    ):
        if prior != 1.0:
            parts.append((name, total * (prior - 1.0), note))
            total *= prior
    topic = 0.0
    if candidate.kind == "docs" and (asked.query.asks_how or "code" not in asked.query.wants):
        topic = role * sum(measure.weight * measure.value(asked, candidate) for measure in TOPIC)
    return _Scored(candidate, total, coverage, parts, unweighed, topic)


def _role_prior(asked: Asked, candidate: Candidate) -> float:
    """Weigh what a file is for, unless the question names it or asks for such files."""
    if not candidate.role:
        return 1.0
    if candidate.role in asked.query.wants:
        return 1.0 if asked.query.asks_how else _ASKED_FOR  # how to run the tests stands in no test
    return 1.0 if is_named(asked, candidate) else _PRIORS[candidate.role]


def _kind_prior(asked: Asked, candidate: Candidate) -> float:
    """Weigh documents against code by what the question asks for."""
    is_wanted_thread = candidate.role == THREADS and THREADS in asked.query.wants
    if is_wanted_thread or is_named(asked, candidate):
        return 1.0
    return (_BESIDE_DOCS if asked.query.leans_to_docs else _BESIDE_CODE).get(candidate.kind, 1.0)


class _Forms:
    """Weighs files less that have a successor, only declare, or are for a system that nobody asked about."""

    def __init__(self, query: Query, paths: Iterable[str]) -> None:
        self._outdated = tuple(outdated_folders(paths))
        self._for_windows = 1.0 if "windows" in query.wants else _FOR_WINDOWS
        self._known: dict[str, float] = {}

    def prior(self, path: str) -> float:
        """Give what the score of a passage of this file is multiplied by, 1 when nothing is to be said against it."""
        known = self._known.get(path)
        if known is None:
            known = _OUTDATED if f"/{path}".startswith(self._outdated) else 1.0
            known *= _DECLARED if _DECLARES.search(path) else 1.0
            known *= self._for_windows if _WINDOWS.search(path.casefold()) else 1.0
            self._known[path] = known
        return known


_DECLARES: Final = re.compile(r"\.(?:h|hpp|hh|pyi)$|\.d\.ts$|(?:^|/)(?:types|typings|interfaces)[/.]")
_WINDOWS: Final = re.compile(r"(?:^|[/_-])(?:win|win32|win64|windows)(?:/|[_-][^/]*$|\.[^/]*$)")
_VERSIONED: Final = re.compile(r"/v(\d{1,4})(?=/)")


def outdated_folders(paths: Iterable[str]) -> frozenset[str]:
    """List the folders named after a version ("/src/v3/") that have a later one beside them."""
    found: dict[str, set[int]] = defaultdict(set)
    for path in paths:
        for version in _VERSIONED.finditer(f"/{path}"):
            found[f"/{path}"[: version.start()]].add(int(version.group(1)))
    return frozenset(f"{base}/v{number}/" for base, held in found.items() for number in held if number < max(held))


def _together(scored: Sequence[_Scored]) -> list[Ranked]:
    """Let passages gain from others of their file: best files first, by the root of the sum of their squared scores."""
    squares: dict[str, float] = defaultdict(float)
    best: dict[str, float] = defaultdict(float)
    for one in scored:
        squares[one.candidate.file] += one.score**2
        best[one.candidate.file] = max(best[one.candidate.file], one.score)
    most = math.sqrt(max(squares.values(), default=0.0)) or 1.0
    share = _COHERENCE * max(best.values(), default=0.0) / most
    gains = {file: share * math.sqrt(squares[file]) / best[file] if best[file] else 0.0 for file in squares}
    return sorted((_gaining(one, one.score * gains[one.candidate.file]) for one in scored), key=lambda one: -one.score)


def _gaining(one: _Scored, gain: float) -> Ranked:
    parts = (*one.parts, ("its file speaks of it", gain, ""))
    return Ranked(one.candidate, one.score + gain, one.coverage, parts, one.unweighed, one.topic)
