"""Order candidate passages without a model: readable features, each between 0 and 1, times a weight in one table.

Design after semble's ranking (MIT, MinishLab/semble): names of files and symbols tell more than another embedding.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from haystack import Document

from pipelines.components.keywords import header_terms, terms
from pipelines.components.query import Concept, Query, squashed
from pipelines.components.windows import without_imports
from pipelines.types import Feature

_ROLES: Final[Mapping[str, frozenset[str]]] = {
    "tests": frozenset("test tests testing spec specs __tests__ e2e fixtures conftest testdata".split()),
    "examples": frozenset("example examples demo demos sample samples cookbook benchmarks benchmark bench".split()),
    "history": frozenset("changelog changes history news releases release_notes release-notes whatsnew".split()),
    "building": frozenset(
        ".github .gitlab .circleci contributing contribute development developing hacking maintainers maintaining".split()
    ),
    "scripts": frozenset({"scripts", "bin", "tools"}),
    "legal": frozenset(
        "license licenses licence licences copying notice authors contributors credits sponsors sponsorship".split()
    ),
    "texts": frozenset("locale locales i18n l10n texts translations lang langs".split()),
    "generated": frozenset("generated gen migrations vendor vendored third_party compat _compat legacy".split()),
}
# How much a passage of such a file counts when the question does not ask for its kind.
_PRIORS: Final[Mapping[str, float]] = {
    "tests": 0.4, "examples": 0.5, "history": 0.5, "building": 0.7, "scripts": 0.8, "legal": 0.5, "texts": 0.6, "generated": 0.4,
    "init": 0.6,
}  # fmt: skip
_ASKED_FOR: Final = 1.3
_BARE_SYMBOL: Final = 2.5  # a name typed alone asks for the place where it is defined
_DOCS_FOR_CODE: Final = 0.8  # a document, when the question asks for code
_ONLY_IMPORTS: Final = 0.5  # a passage that brings in names from elsewhere and does nothing else
_OPENING_LINES: Final = 200  # a page says what it is about at its beginning
_NEXT_OF_FILE: Final = 0.97  # each further passage of one file counts so much less


class Candidate:
    """A retrieved passage with what ranking looks at, computed once and only when needed."""

    def __init__(self, document: Document, *, by_words: float = 0.0, by_meaning: float = 0.0) -> None:
        self.document = document
        self.by_words = by_words  # BM25 as a share of the best passage's, 0..1
        self.by_meaning = by_meaning  # cosine, 0..1, scaled by how much the embedder is worth
        self.path = str(document.meta.get("path", ""))

    @cached_property
    def terms(self) -> list[str]:
        """The terms of the text, in order."""
        return terms(self.document.content or "")

    @property
    def own_share(self) -> float:
        """The share (0..1) of the text that does more than bring in names from elsewhere."""
        text = self.document.content or ""
        is_code = self.document.meta.get("kind") == "code"
        return len(without_imports(text)) / len(text) if is_code and text else 1.0

    @cached_property
    def counted(self) -> Counter[str]:
        """How often each term stands in the text."""
        return Counter(self.terms)

    @cached_property
    def header(self) -> frozenset[str]:
        """The terms of path, headings and symbols."""
        return frozenset(header_terms(self.document.meta))

    @cached_property
    def file_words(self) -> frozenset[str]:
        """The terms of the file's name without its ending."""
        name = self.path.rsplit("/", 1)[-1]
        return frozenset(terms(name.partition(".")[0] or name))

    @cached_property
    def folder_words(self) -> frozenset[str]:
        """The terms of the three nearest folders."""
        return frozenset(terms(" ".join(self.path.split("/")[-4:-1])))

    @cached_property
    def heading_words(self) -> frozenset[str]:
        """The terms of all headings above the text."""
        return frozenset(terms(" \n".join(map(str, self.document.meta.get("headings") or ()))))

    @cached_property
    def section(self) -> str:
        """The innermost heading."""
        return str((self.document.meta.get("headings") or ("",))[-1])

    @cached_property
    def section_words(self) -> frozenset[str]:
        """The terms of the innermost heading."""
        return frozenset(terms(self.section))

    @cached_property
    def page_words(self) -> frozenset[str]:
        """The terms of a document's title and of its file's name."""
        return frozenset(terms(str((self.document.meta.get("headings") or ("",))[0]))) | self.file_words

    @cached_property
    def symbols(self) -> frozenset[str]:
        """The names defined here, squashed: whole and their last part."""
        names = [str(name) for name in self.document.meta.get("symbols") or ()]
        return frozenset(
            squashed(form) for name in names for form in (name, name.replace("::", ".").rsplit(".", 1)[-1])
        )

    @cached_property
    def role(self) -> str:
        """What the file is for: tests, examples, history, generated, init, or nothing special."""
        *folders, name = self.path.casefold().split("/")
        stem = name.partition(".")[0]
        words = {*folders, stem, *name.split(".")[1:-1]}
        if stem.startswith("test_") or stem.endswith(("_test", "-test")):
            return "tests"
        found = next((role for role, names in _ROLES.items() if words & names), "")
        return found or ("init" if stem in {"__init__", "mod", "index"} and not name.endswith((".md", ".rst")) else "")


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
    return any(stem in candidate.counted or stem in candidate.header for stem in concept.stems)


def share(weights: Weights, holds: Callable[[Concept], bool]) -> float:
    """Give the weighted share (0..1) of the concepts that `holds` is true for; 0 without concepts."""
    total = sum(weight for _, weight in weights)
    return sum(weight for concept, weight in weights if holds(concept)) / total if total else 0.0


def _words_in(words: Callable[[Candidate], frozenset[str]]) -> Callable[[Query, Weights, Candidate], float]:
    def value(query: Query, weights: Weights, candidate: Candidate) -> float:
        there = words(candidate)
        if not there or not query.concepts:
            return 0.0
        held = sum(
            1 for stem in there if any(_alike(stem, other) for concept in query.concepts for other in concept.stems)
        )
        asked = share(weights, lambda concept: any(_alike(stem, other) for stem in there for other in concept.stems))
        return (asked + held / len(there)) / 2 if asked else 0.0

    return value


def _alike(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) >= 4 and (one.startswith(other) or other.startswith(one)))


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
