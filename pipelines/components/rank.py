"""Order candidate passages without a model: readable features, each between 0 and 1, times a weight in one table.

Design after semble's ranking (MIT, MinishLab/semble): names of files and symbols tell more than another embedding.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from pipelines.components.candidate import Candidate
from pipelines.components.query import Concept, Query, squashed
from pipelines.types import Feature

# How much a passage of such a file counts when the question does not ask for its kind.
_PRIORS: Final[Mapping[str, float]] = {
    "tests": 0.3, "examples": 0.3, "history": 0.5, "building": 0.7, "scripts": 0.5, "legal": 0.5, "texts": 0.6, "generated": 0.4,
    "init": 0.6,
}  # fmt: skip
_BESIDE_CODE: Final[Mapping[str, float]] = {"docs": 0.3, "text": 0.5, "code": 1.0}  # by kind, when code is asked for
_BESIDE_DOCS: Final[Mapping[str, float]] = {"docs": 1.0, "text": 0.6, "code": 0.7}  # and when an explanation is
_ASKED_FOR: Final = 1.3
_OF_A_NAME: Final = frozenset({"tests", "examples"})
_BARE_SYMBOL: Final = 2.5  # a name typed alone asks for the place where it is defined
_LEAST_ALIKE: Final = 4  # characters: shorter words are not taken for beginnings
_ONLY_IMPORTS: Final = 0.8  # a passage that brings in names from elsewhere and does nothing else
_OPENING_LINES: Final = 200  # a page says what it is about at its beginning
_COHERENCE: Final = 0.3  # what a file gains at most whose passages speak of the question together
_OUTDATED: Final = 0.6  # below v3/ where a v4/ stands beside it
_DECLARED: Final = 0.9  # headers, type stubs and interfaces: the place that does it tells more


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its final score, the features behind it, and how much of the question it covers (0..1).

    `worth` and `topic` are for quotes, not for the order: the score without what its kind and its file add or take
    away, and how far a document's section is about the question (0..1.6).
    """

    candidate: Candidate
    score: float
    coverage: float
    features: tuple[Feature, ...]
    worth: float = 0.0
    topic: float = 0.0


Weights = Sequence[tuple[Concept, float]]


def concept_weights(query: Query, candidates: Sequence[Candidate]) -> Weights:
    """Weigh the question's concepts by their rarity among the candidates; a concept that none has weighs most.

    A word that says how somebody asks gains nothing by being rare.
    The candidates stand in for the whole project: a word that few of the best passages share is what tells them apart.
    """
    total = len(candidates)
    weighed = []
    for concept in query.concepts:
        holders = sum(1 for candidate in candidates if has(candidate, concept))
        rarity = math.log((total + 1) / (holders + 0.5)) / math.log((total + 1) / 0.5) if total else 1.0
        weighed.append((concept, concept.weight * (0.5 + (max(rarity, 0.0) if concept.weight == 1.0 else 0.0))))
    return weighed


def has(candidate: Candidate, concept: Concept) -> bool:
    """Say whether a passage, its path or its headings speak of a concept."""
    return not concept.stems.isdisjoint(candidate.known)


def share(weights: Weights, holds: Callable[[Concept], bool]) -> float:
    """Give the weighted share (0..1) of the concepts that `holds` is true for; 0 without concepts."""
    total = sum(weight for _, weight in weights)
    return sum(weight for concept, weight in weights if holds(concept)) / total if total else 0.0


def _asked_in(words: Callable[[Candidate], frozenset[str]]) -> Callable[[Query, Weights, Candidate], float]:
    """Measure how much of the question these words speak of."""

    def value(_query: Query, weights: Weights, candidate: Candidate) -> float:
        there = words(candidate)
        return share(weights, lambda concept: _any_alike(there, concept.stems)) if there else 0.0

    return value


def _spoken_of(words: Callable[[Candidate], frozenset[str]]) -> Callable[[Query, Weights, Candidate], float]:
    """Measure how many of these words the question speaks of."""

    def value(query: Query, _weights: Weights, candidate: Candidate) -> float:
        there = words(candidate)
        return _held(there, query.concepts) if there else 0.0

    return value


def _words_in(words: Callable[[Candidate], frozenset[str]]) -> Callable[[Query, Weights, Candidate], float]:
    asked, spoken = _asked_in(words), _spoken_of(words)

    def value(query: Query, weights: Weights, candidate: Candidate) -> float:
        found = asked(query, weights, candidate)
        return (found + spoken(query, weights, candidate)) / 2 if found else 0.0

    return value


def _held(there: frozenset[str], concepts: Sequence[Concept]) -> float:
    """Give the share (0..1) of these words that the question speaks of."""
    held = sum(1 for stem in there if any(_is_alike(stem, concept.stems) for concept in concepts))
    return held / len(there)


def _any_alike(there: frozenset[str], stems: frozenset[str]) -> bool:
    return not there.isdisjoint(stems) or any(_is_alike(stem, stems) for stem in there)


@lru_cache(maxsize=16_384)
def _is_alike(stem: str, stems: frozenset[str]) -> bool:
    """Say whether a word is one of the stems or begins like it; remembered, for many passages share a file's name."""
    return stem in stems or any(
        min(len(stem), len(other)) >= _LEAST_ALIKE and (stem.startswith(other) or other.startswith(stem))
        for other in stems
    )


def _covers(_query: Query, weights: Weights, candidate: Candidate) -> float:
    return share(weights, lambda concept: has(candidate, concept))


def _defines(query: Query, _weights: Weights, candidate: Candidate) -> float:
    if query.wants & _OF_A_NAME and candidate.role not in query.wants:
        return 0.0  # its tests or examples are asked for, not where it is defined
    asked = {
        squashed(form) for name in query.identifiers for form in (name, name.replace("::", ".").rsplit(".", 1)[-1])
    }
    if asked & candidate.symbols or (asked and squashed(candidate.section) in asked):
        return 1.0 if not query.is_bare else _BARE_SYMBOL
    return 0.0


def _is_called(query: Query, _weights: Weights, candidate: Candidate) -> float:
    plain = {squashed(concept.word) for concept in query.concepts if concept.weight == 1.0}
    return 1.0 if plain & candidate.symbols else 0.0


def _neighbour(_query: Query, _weights: Weights, candidate: Candidate) -> float:
    return candidate.beside


def _says(query: Query, _weights: Weights, candidate: Candidate) -> float:
    dotted = [name for name in query.identifiers if "." in name]
    if any(name in (candidate.document.content or "") for name in dotted):
        return 1.0
    if not query.phrases:
        return 0.0
    joined = f" {' '.join(candidate.terms)} "
    return max(_run_share(phrase, joined) for phrase in query.phrases)


def _run_share(phrase: tuple[str, ...], joined: str) -> float:
    runs = [f" {' '.join(phrase[at : at + 3])} " for at in range(len(phrase) - 2)]
    return sum(run in joined for run in runs) / len(runs) if runs else 0.0


def _opens_page(_query: Query, weights: Weights, candidate: Candidate) -> float:
    """Say how far the passage begins a document that is about the question."""
    down = int(candidate.document.meta.get("first_line") or 1)
    if candidate.document.meta.get("kind") != "docs" or down > _OPENING_LINES:
        return 0.0
    about = share(weights, lambda concept: bool(concept.stems & candidate.page_words))
    return about * (1 - down / _OPENING_LINES)


def _is_named(query: Query, _weights: Weights, candidate: Candidate) -> float:
    path = "/" + candidate.path.casefold()
    return max((1.0 for asked in query.paths if path.endswith("/" + asked.casefold().lstrip("/"))), default=0.0)


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    weight: float
    value: Callable[[Query, Weights, Candidate], float]


# The whole ranking, tuned together on questions about code, documentation, snippets and functions.
_MEASURES: Final = (
    _Measure("keywords", 1.0, lambda _query, _weights, candidate: candidate.by_words),
    _Measure("meaning", 0.8, lambda _query, _weights, candidate: candidate.by_meaning),
    _Measure("covers the question", 0.4, _covers),
    _Measure("file named by the question", 0.3, _spoken_of(lambda candidate: candidate.file_words)),
    _Measure("words in folder", 0.6, _asked_in(lambda candidate: candidate.folder_words)),
    _Measure("words in heading", 0.1, _asked_in(lambda candidate: candidate.heading_words)),
    _Measure("heading named by the question", 0.5, _spoken_of(lambda candidate: candidate.heading_words)),
    _Measure("words in symbols", 0.1, _asked_in(lambda candidate: candidate.symbol_words)),
    _Measure("defines the symbol", 0.8, _defines),
    _Measure("defines a word", 0.15, _is_called),
    _Measure("says the phrase", 0.5, _says),
    _Measure("is the file named", 1.5, _is_named),
    _Measure("beside a good passage", 0.125, _neighbour),
)


# What makes a document's passage a good answer, beside its score: the docs have the section that was asked for.
_TOPIC: Final = (
    _Measure("is the section", 0.8, _words_in(lambda candidate: candidate.section_words)),
    _Measure("opens the page", 1.2, _opens_page),
)


def rank(query: Query, candidates: Sequence[Candidate]) -> tuple[list[Ranked], Weights]:
    """Order candidates, best first; also gives the concepts' weights that were used.

    Scores are above 0 and comparable within this call only.
    """
    weights = concept_weights(query, candidates)
    outdated = outdated_folders(candidate.path for candidate in candidates)
    return _together([_scored(query, weights, candidate, outdated) for candidate in candidates]), weights


def _scored(query: Query, weights: Weights, candidate: Candidate, outdated: frozenset[str]) -> Ranked:
    features = [(measure, measure.value(query, weights, candidate)) for measure in _MEASURES]
    shown = [Feature(measure.name, round(measure.weight * value, 4)) for measure, value in features if value]
    coverage = next(value for measure, value in features if measure.value is _covers)
    total = sum(measure.weight * value for measure, value in features)
    role, beside = _role_prior(query, candidate), _kind_prior(query, candidate)
    form = _form_prior(candidate, outdated)
    for name, prior, note in (
        ("kind of file", role, candidate.role),
        ("documents or code", beside, candidate.kind),
        ("older or only declares", form, ""),
    ):
        if prior != 1.0:
            shown.append(Feature(name, round(total * (prior - 1.0), 4), note))
            total *= prior
    worth = total / beside * (_ONLY_IMPORTS if candidate.own_share < 0.5 else 1.0)
    is_asked = query.asks_how or "code" not in query.wants
    topic = role * is_asked * sum(measure.weight * measure.value(query, weights, candidate) for measure in _TOPIC)
    return Ranked(candidate, total, coverage, tuple(shown), worth, topic)


def _role_prior(query: Query, candidate: Candidate) -> float:
    """Weigh what a file is for, unless the question names it or asks for such files."""
    if candidate.role in query.wants:
        return 1.0 if query.asks_how else _ASKED_FOR  # how to run the tests stands in no test
    return 1.0 if not candidate.role or _is_named(query, (), candidate) else _PRIORS[candidate.role]


def _kind_prior(query: Query, candidate: Candidate) -> float:
    """Weigh documents against code by what the question asks for."""
    if _is_named(query, (), candidate):
        return 1.0
    return (_BESIDE_DOCS if query.leans_to_docs else _BESIDE_CODE).get(candidate.kind, 1.0)


def _form_prior(candidate: Candidate, outdated: frozenset[str]) -> float:
    """Weigh what has a successor less, and what only declares."""
    is_old = any(f"/{candidate.path}".startswith(folder) for folder in outdated)
    return (_OUTDATED if is_old else 1.0) * (_DECLARED if _DECLARES.search(candidate.path) else 1.0)


_DECLARES: Final = re.compile(r"\.(?:h|hpp|hh|pyi)$|\.d\.ts$|(?:^|/)(?:types|typings|interfaces)[/.]")
_VERSIONED: Final = re.compile(r"/v(\d{1,4})(?=/)")


def outdated_folders(paths: Iterable[str]) -> frozenset[str]:
    """List the folders named after a version ("/src/v3/") that have a later one beside them."""
    found: dict[str, set[int]] = defaultdict(set)
    for path in paths:
        for version in _VERSIONED.finditer(f"/{path}"):
            found[f"/{path}"[: version.start()]].add(int(version.group(1)))
    return frozenset(f"{base}/v{number}/" for base, held in found.items() for number in held if number < max(held))


def _together(scored: Sequence[Ranked]) -> list[Ranked]:
    """Let passages gain from others of their file: best files first, by the root of the sum of their squared scores."""
    squares: dict[str, float] = defaultdict(float)
    best: dict[str, float] = defaultdict(float)
    for one in scored:
        squares[one.candidate.file] += one.score**2
        best[one.candidate.file] = max(best[one.candidate.file], one.score)
    most = math.sqrt(max(squares.values(), default=0.0)) or 1.0
    top = max(best.values(), default=0.0)
    ordered = []
    for one in scored:
        file = one.candidate.file
        gain = _COHERENCE * top * math.sqrt(squares[file]) / most * (one.score / best[file] if best[file] else 0.0)
        shown = (*one.features, Feature("its file speaks of it", round(gain, 4)))
        ordered.append(replace(one, score=one.score + gain, features=shown))
    return sorted(ordered, key=lambda one: -one.score)
