"""What ranking looks at: readable features of a candidate, each between 0 and 1, times a weight in one table.

Design after semble's ranking (MIT, MinishLab/semble): names of files and symbols tell more than another embedding.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.components.candidate import Candidate
from pipelines.components.keywords import terms_of_word, words_of
from pipelines.components.query import Concept, Query, squashed

Weights = Sequence[tuple[Concept, float]]

BARE_SYMBOL: Final = 2.5  # a name typed alone asks for the place where it is defined
_LEAST_ALIKE: Final = 4  # characters: shorter words are not taken for beginnings
_OPENING_LINES: Final = 200  # a page says what it is about at its beginning
_LEAST_OF_A_PHRASE: Final = 2  # concepts: three words in a row hold no fewer, save for stop words
_OF_A_NAME: Final = frozenset({"tests", "examples"})


def concept_weights(query: Query, candidates: Sequence[Candidate]) -> Weights:
    """Weigh the question's concepts by their rarity among the candidates; a concept that none has weighs most.

    A word that says how somebody asks gains nothing by being rare.
    The candidates stand in for the whole project: a word that few of the best passages share is what tells them apart.
    """
    spoken = _Spoken(query)
    return _weighed(query, [spoken.of(candidate) for candidate in candidates])


class _Spoken:
    """Says which concepts words speak of, one bit each, and remembers it: the candidates of a question share words."""

    def __init__(self, query: Query) -> None:
        self._by_term: dict[str, int] = {}
        for at, concept in enumerate(query.concepts):
            for stem in concept.stems:
                self._by_term[stem] = self._by_term.get(stem, 0) | 1 << at
        self._by_word: dict[str, int] = {}

    def of(self, candidate: Candidate) -> int:
        """Give the concepts of a passage, its path, its headings and its symbols."""
        bits = 0
        for word in {*words_of(candidate.document.content or ""), *words_of(candidate.place)}:
            known = self._by_word.get(word)
            if known is None:
                known = 0
                for term in terms_of_word(word):
                    known |= self._by_term.get(term, 0)
                self._by_word[word] = known
            bits |= known
        return bits


def _weighed(query: Query, held: Sequence[int]) -> Weights:
    total = len(held)
    weighed = []
    for at, concept in enumerate(query.concepts):
        holders = sum(bits >> at & 1 for bits in held)
        rarity = math.log((total + 1) / (holders + 0.5)) / math.log((total + 1) / 0.5) if total else 1.0
        weighed.append((concept, concept.weight * (0.5 + (max(rarity, 0.0) if concept.weight == 1.0 else 0.0))))
    return weighed


class Asked:
    """A question beside its candidates. Words are compared with it once each, for many passages share them."""

    def __init__(self, query: Query, candidates: Sequence[Candidate]) -> None:
        self.query = query
        spoken = _Spoken(query)
        self._held = {id(one): spoken.of(one) for one in candidates}
        self.weights = _weighed(query, list(self._held.values()))
        self.names = {
            squashed(form) for name in query.identifiers for form in (name, name.replace("::", ".").rsplit(".", 1)[-1])
        }
        self.plain = {squashed(concept.word) for concept in query.concepts if concept.weight == 1.0}
        self.definers = Counter(name for one in candidates for name in self.plain & one.symbols)
        self._total = sum(weight for _, weight in self.weights) or 1.0
        self._alike: dict[str, frozenset[int]] = {}
        self._shares: dict[frozenset[str], tuple[float, float]] = {}

    def concepts_in(self, candidate: Candidate) -> int:
        """Count the question's concepts that a candidate speaks of."""
        return self._held[id(candidate)].bit_count()

    def covered(self, candidate: Candidate) -> float:
        """Give the weighted share (0..1) of the question's concepts that a candidate speaks of."""
        bits = self._held[id(candidate)]
        return sum(weight for at, (_, weight) in enumerate(self.weights) if bits >> at & 1) / self._total

    def share(self, words: frozenset[str]) -> float:
        """Give the weighted share (0..1) of the question's concepts that these words hold, beginnings not counted."""
        return sum(weight for one, weight in self.weights if not one.stems.isdisjoint(words)) / self._total

    def asked_in(self, words: frozenset[str]) -> float:
        """Give the weighted share (0..1) of the question's concepts that one of these words speaks of."""
        return self._both(words)[0]

    def spoken_of(self, words: frozenset[str]) -> float:
        """Give the share (0..1) of these words that the question speaks of."""
        return self._both(words)[1]

    def _both(self, words: frozenset[str]) -> tuple[float, float]:
        if words not in self._shares:
            found = [self._like(word) for word in words]
            held = frozenset[int]().union(*found)
            asked = sum(self.weights[at][1] for at in held) / self._total
            self._shares[words] = (asked, sum(map(bool, found)) / len(words) if words else 0.0)
        return self._shares[words]

    def _like(self, word: str) -> frozenset[int]:
        """List the concepts that a word is one of the stems of, or begins like."""
        if word not in self._alike:
            self._alike[word] = frozenset(
                at for at, concept in enumerate(self.query.concepts) if _is_alike(word, concept.stems)
            )
        return self._alike[word]


def _is_alike(word: str, stems: frozenset[str]) -> bool:
    if word in stems:
        return True
    return len(word) >= _LEAST_ALIKE and any(
        len(other) >= _LEAST_ALIKE and (word.startswith(other) or other.startswith(word)) for other in stems
    )


Value = Callable[[Asked, Candidate], float]


def covers(asked: Asked, candidate: Candidate) -> float:
    """Measure how much of the question a passage, its path and its headings speak of."""
    return asked.covered(candidate)


def is_named(asked: Asked, candidate: Candidate) -> float:
    """Say whether the question names the passage's file."""
    if not asked.query.paths:
        return 0.0
    path = "/" + candidate.path.casefold()
    return max((1.0 for one in asked.query.paths if path.endswith("/" + one.casefold().lstrip("/"))), default=0.0)


def _defines(asked: Asked, candidate: Candidate) -> float:
    query = asked.query
    if not asked.names or (query.wants & _OF_A_NAME and candidate.role not in query.wants):
        return 0.0  # nothing is named, or its tests or examples are asked for, not where it is defined
    if asked.names & candidate.symbols or squashed(candidate.section) in asked.names:
        return 1.0 if not query.is_bare else BARE_SYMBOL
    return 0.0


def _is_called(asked: Asked, candidate: Candidate) -> float:
    """Say whether a plain word of the question is the name of something defined here, less where many are called so."""
    called = asked.plain & candidate.symbols if asked.definers else ()
    return max((1.0 / (1.0 + math.log(asked.definers[name])) for name in called), default=0.0)


def _says(asked: Asked, candidate: Candidate) -> float:
    query = asked.query
    text = candidate.document.content or ""
    if any(name in text for name in query.identifiers if "." in name):
        return 1.0
    if not query.phrases or asked.concepts_in(candidate) < _LEAST_OF_A_PHRASE:
        return 0.0  # cutting a text into terms for nothing is half the cost of a search
    joined = f" {' '.join(candidate.terms)} "
    return max(_run_share(phrase, joined) for phrase in query.phrases)


def _run_share(phrase: tuple[str, ...], joined: str) -> float:
    runs = [f" {' '.join(phrase[at : at + 3])} " for at in range(len(phrase) - 2)]
    return sum(run in joined for run in runs) / len(runs) if runs else 0.0


def _is_the_section(asked: Asked, candidate: Candidate) -> float:
    found = asked.asked_in(candidate.section_words)
    return (found + asked.spoken_of(candidate.section_words)) / 2 if found else 0.0


def _opens_page(asked: Asked, candidate: Candidate) -> float:
    """Say how far the passage begins a document that is about the question."""
    if candidate.kind != "docs" or candidate.first_line > _OPENING_LINES:
        return 0.0
    return asked.share(candidate.page_words) * (1 - candidate.first_line / _OPENING_LINES)


@dataclass(frozen=True, slots=True)
class Measure:
    """A feature: its name as `search --explain` shows it, its weight, and how it is measured (0..1)."""

    name: str
    weight: float
    value: Value


# The whole ranking, tuned together on questions about code, documentation, snippets and functions.
MEASURES: Final = (
    Measure("keywords", 1.0, lambda _asked, candidate: candidate.by_words),
    Measure("meaning", 0.8, lambda _asked, candidate: candidate.by_meaning),
    Measure("covers the question", 0.4, covers),
    Measure("file named by the question", 0.3, lambda asked, candidate: asked.spoken_of(candidate.file_words)),
    Measure("words in folder", 0.6, lambda asked, candidate: asked.asked_in(candidate.folder_words)),
    Measure("words in heading", 0.1, lambda asked, candidate: asked.asked_in(candidate.heading_words)),
    Measure("heading named by the question", 0.5, lambda asked, candidate: asked.spoken_of(candidate.heading_words)),
    Measure("words in symbols", 0.1, lambda asked, candidate: asked.asked_in(candidate.symbol_words)),
    Measure("defines the symbol", 0.8, _defines),
    Measure("defines a word", 0.18, _is_called),
    Measure("says the phrase", 0.5, _says),
    Measure("is the file named", 1.5, is_named),
    Measure("beside a good passage", 0.125, lambda _asked, candidate: candidate.beside),
)


# What makes a document's passage a good answer, beside its score: the docs have the section that was asked for.
TOPIC: Final = (
    Measure("is the section", 0.8, _is_the_section),
    Measure("opens the page", 1.2, _opens_page),
)
