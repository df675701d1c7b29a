"""A question beside the candidates found for it: what each of them speaks of, and how much that tells."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from pipelines.components.candidate import Candidate
from pipelines.components.keywords import STOP_WORDS, spaced_terms
from pipelines.components.query import Concept, Query, last_part, squashed
from pipelines.components.spoken import Spoken, needle_of

_NEAR_CHARS: Final = 100  # three words in a row, quotes and a line's margin between them, take no more
_MOST_PLACES: Final = 2  # are cut into terms for each run
_TELLING: Final = 2  # of three words in a row; "of the route" stands everywhere

Weights = Sequence[tuple[Concept, float]]


def concept_weights(query: Query, candidates: Sequence[Candidate]) -> Weights:
    """Weigh the question's concepts by their rarity among the candidates; a concept that none has weighs most.

    A word that says how somebody asks gains nothing by being rare.
    The candidates stand in for the whole project: a word that few of the best passages share is what tells them apart.
    """
    return Asked(query, candidates).weights


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
        self._candidates = candidates
        self._spoken = Spoken(query.concepts)
        self._held = {id(one): self._spoken.of(f"{one.text}\n{one.place}") for one in candidates}
        self.weights = _weighed(query, list(self._held.values()))
        self._total = sum(weight for _, weight in self.weights) or 1.0
        self._shares: dict[int, float] = {}
        self._both: dict[frozenset[str], tuple[float, float]] = {}

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that the question speaks of, squashed: whole and their last part."""
        names = self.query.identifiers
        return frozenset(squashed(form) for name in names for form in (name, last_part(name)))

    @cached_property
    def plain(self) -> frozenset[str]:
        """The plain words of the question that tell what it is about, squashed."""
        return frozenset(squashed(concept.word) for concept in self.query.concepts if concept.weight == 1.0)

    @cached_property
    def definers(self) -> Counter[str]:
        """How many candidates define each of the plain words."""
        return Counter(name for one in self._candidates for name in self.plain & one.symbols)

    @cached_property
    def defining_files(self) -> frozenset[str]:
        """The files of the candidates that define a name of the question."""
        return frozenset(one.file for one in self._candidates if self.is_defined_in(one))

    @cached_property
    def runs(self) -> "tuple[_Phrase, ...]":
        """The question's phrases, made ready to be looked for."""
        return tuple(_Phrase(phrase) for phrase in self.query.phrases)

    def is_defined_in(self, candidate: Candidate) -> bool:
        """Say whether a passage defines a name of the question, or is the section of that name."""
        names = self.names
        return bool(names) and bool(names & candidate.symbols or squashed(candidate.section) in names)

    def concepts_in(self, candidate: Candidate) -> int:
        """Count the question's concepts that a candidate speaks of."""
        return self._held[id(candidate)].bit_count()

    def covered(self, candidate: Candidate) -> float:
        """Give the weighted share (0..1) of the question's concepts that a candidate speaks of."""
        return self._share(self._held[id(candidate)])

    def share(self, words: frozenset[str]) -> float:
        """Give the weighted share (0..1) of the question's concepts that these words hold, beginnings not counted."""
        return sum(weight for one, weight in self.weights if not one.stems.isdisjoint(words)) / self._total

    def asked_in(self, words: frozenset[str]) -> float:
        """Give the weighted share (0..1) of the question's concepts that one of these words speaks of."""
        return self._compared(words)[0]

    def spoken_of(self, words: frozenset[str]) -> float:
        """Give the share (0..1) of these words that the question speaks of."""
        return self._compared(words)[1]

    def _compared(self, words: frozenset[str]) -> tuple[float, float]:
        known = self._both.get(words)
        if known is None:
            alike = [self._spoken.alike(word) for word in words]
            bits = 0
            for one in alike:
                bits |= one
            spoken = sum(map(bool, alike)) / len(words) if words else 0.0
            known = self._both[words] = (self._share(bits), spoken)
        return known

    def _share(self, bits: int) -> float:
        known = self._shares.get(bits)
        if known is None:
            known = sum(weight for at, (_, weight) in enumerate(self.weights) if bits >> at & 1) / self._total
            self._shares[bits] = known
        return known


class _Phrase:
    """Words that may stand somewhere in a row: all runs of three terms of a phrase, two of which say something."""

    def __init__(self, terms: Sequence[str]) -> None:
        telling = [term not in STOP_WORDS for term in terms]
        places = [at for at in range(len(terms) - 2) if sum(telling[at : at + 3]) >= _TELLING]
        self._runs = [(f" {' '.join(terms[at : at + 3])} ", list(map(needle_of, terms[at : at + 3]))) for at in places]
        self._needles = {needle for _, needles in self._runs for needle in needles}

    def share(self, text: str) -> float:
        """Give the share (0..1) of the runs that a text has."""
        lowered = text.lower()
        if not lowered.isascii():
            joined = f" {spaced_terms(text)} "
            found = sum(run in joined for run, _ in self._runs)
        else:
            absent = {needle for needle in self._needles if needle not in lowered}
            found = sum(
                _stands(run, needles, text, lowered) for run, needles in self._runs if absent.isdisjoint(needles)
            )
        return found / len(self._runs) if self._runs else 0.0


def _stands(run: str, needles: Sequence[str], text: str, lowered: str) -> bool:
    """Look for a run of terms where its needles stand closely together; only there words are cut into terms.

    In any order: an identifier gives its whole before its parts.
    """
    longest = max(needles, key=len)
    at, places = lowered.find(longest), 0
    while at >= 0 and places < _MOST_PLACES:
        start, end = max(at - _NEAR_CHARS, 0), at + _NEAR_CHARS
        around = lowered[start:end]
        if all(needle in around for needle in needles):
            if run in f" {spaced_terms(text[start:end])} ":
                return True
            places += 1
        at = lowered.find(longest, at + _NEAR_CHARS // 2)
    return False
