"""Order candidate passages without a model: readable features, each between 0 and 1, times a weight in one table.

Design after semble's ranking (MIT, MinishLab/semble): names of files and symbols tell more than another embedding.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from pipelines.components.candidate import Candidate
from pipelines.components.query import Concept, Query, squashed
from pipelines.types import Feature

# How much a passage of such a file counts when the question does not ask for its kind.
_PRIORS: Final[Mapping[str, float]] = {
    "tests": 0.4, "examples": 0.5, "history": 0.5, "building": 0.7, "scripts": 0.8, "legal": 0.5, "texts": 0.6, "generated": 0.4,
    "init": 0.6,
}  # fmt: skip
_ASKED_FOR: Final = 1.3
_BARE_SYMBOL: Final = 2.5  # a name typed alone asks for the place where it is defined
_DOCS_FOR_CODE: Final = 0.8  # a document, when the question asks for code
_LEAST_ALIKE: Final = 4  # characters: shorter words are not taken for beginnings
_ONLY_IMPORTS: Final = 0.8  # a passage that brings in names from elsewhere and does nothing else
_OPENING_LINES: Final = 200  # a page says what it is about at its beginning
_NEXT_OF_FILE: Final = 0.97  # each further passage of one file counts so much less


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its final score, the features behind it, and how much of the question it covers (0..1)."""

    candidate: Candidate
    score: float
    coverage: float
    features: tuple[Feature, ...]
    topic: float = 0.0  # how far a document's section is about the question, 0..1.6; for answers, not for the order


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


def _words_in(words: Callable[[Candidate], frozenset[str]]) -> Callable[[Query, Weights, Candidate], float]:
    def value(query: Query, weights: Weights, candidate: Candidate) -> float:
        there = words(candidate)
        if not there or not query.concepts:
            return 0.0
        asked = share(weights, lambda concept: _any_alike(there, concept.stems))
        return (asked + _held(there, query.concepts)) / 2 if asked else 0.0

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
    asked = {
        squashed(form) for name in query.identifiers for form in (name, name.replace("::", ".").rsplit(".", 1)[-1])
    }
    if asked & candidate.symbols or (asked and squashed(candidate.section) in asked):
        return 1.0 if not query.is_bare else _BARE_SYMBOL
    plain = {squashed(concept.word) for concept in query.concepts if concept.weight == 1.0}
    return 0.4 if plain & candidate.symbols else 0.0


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


# The whole ranking.
_MEASURES: Final = (
    _Measure("keywords", 1.0, lambda _query, _weights, candidate: candidate.by_words),
    _Measure("meaning", 1.0, lambda _query, _weights, candidate: candidate.by_meaning),
    _Measure("covers the question", 0.25, _covers),
    _Measure("words in file name", 0.3, _words_in(lambda candidate: candidate.file_words)),
    _Measure("words in folder", 0.15, _words_in(lambda candidate: candidate.folder_words)),
    _Measure("words in heading", 0.4, _words_in(lambda candidate: candidate.heading_words)),
    _Measure("defines the symbol", 0.8, _defines),
    _Measure("says the phrase", 0.5, _says),
    _Measure("is the file named", 1.5, _is_named),
)


# What makes a document's passage a good answer, beside its score: the docs have the section that was asked for.
_TOPIC: Final = (
    _Measure("is the section", 0.8, _words_in(lambda candidate: candidate.section_words)),
    _Measure("opens the page", 1.2, _opens_page),
)


def rank(
    query: Query, candidates: Sequence[Candidate], *, aside: Sequence[Candidate] = ()
) -> tuple[list[Ranked], list[Ranked], Weights]:
    """Order candidates, best first, and those `aside` for themselves by the same measures.

    Also gives the concepts' weights that were used. Scores are above 0 and comparable within this call only.
    """
    weights = concept_weights(query, candidates)
    lists = [
        sorted((_scored(query, weights, candidate) for candidate in pool), key=lambda one: -one.score)
        for pool in (candidates, aside)
    ]
    return _spread(lists[0]), lists[1], weights


def _scored(query: Query, weights: Weights, candidate: Candidate) -> Ranked:
    features = [(measure, measure.value(query, weights, candidate)) for measure in _MEASURES]
    prior = _prior(query, candidate)
    shown = [Feature(measure.name, round(measure.weight * value, 4)) for measure, value in features if value]
    if prior != 1.0:
        shown.append(Feature("kind of file", prior, candidate.role))
    coverage = next(value for measure, value in features if measure.value is _covers)
    if candidate.own_share < 0.5:
        prior *= _ONLY_IMPORTS
    score = prior * sum(measure.weight * value for measure, value in features)
    is_asked = query.asks_how or "code" not in query.wants
    topic = prior * is_asked * sum(measure.weight * measure.value(query, weights, candidate) for measure in _TOPIC)
    return Ranked(candidate, score, coverage, tuple(shown), topic)


def _prior(query: Query, candidate: Candidate) -> float:
    if not candidate.role:
        is_document = candidate.document.meta.get("kind") == "docs"
        return _DOCS_FOR_CODE if is_document and query.is_about_code else 1.0
    if candidate.role in query.wants:
        return 1.0 if query.asks_how else _ASKED_FOR  # how to run the tests stands in no test
    return 1.0 if _is_named(query, (), candidate) else _PRIORS[candidate.role]


def _spread(scored: Sequence[Ranked]) -> list[Ranked]:
    """Let files take turns: every further passage of a file scores less than it would alone."""
    seen: Counter[str] = Counter()
    spread = []
    for one in scored:
        key = f"{one.candidate.document.meta.get('source')}\0{one.candidate.path}"
        factor = _NEXT_OF_FILE ** seen[key]
        seen[key] += 1
        again = (
            (*one.features, Feature("further passage of the file", round(factor, 4))) if factor < 1 else one.features
        )
        spread.append(replace(one, score=one.score * factor, features=again))
    return sorted(spread, key=lambda one: -one.score)
