"""A question beside the candidates found for it: what each of them speaks of, and how much that tells."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from pipelines.components.candidate import Candidate
from pipelines.components.keywords import STOP_WORDS
from pipelines.components.query import Concept, Query, squashed
from pipelines.components.spoken import Spoken

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
        self._held = {id(one): self._spoken.of(f"{one.document.content or ''}\n{one.place}") for one in candidates}
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
        return tuple(_Phrase(phrase, self._spoken) for phrase in self.query.phrases)

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

    def __init__(self, terms: Sequence[str], spoken: Spoken) -> None:
        self._terms = terms
        self._may_hold = spoken.may_hold(terms)
        telling = [term not in STOP_WORDS for term in terms]
        self._places = [at for at in range(len(terms) - 2) if sum(telling[at : at + 3]) >= _TELLING]

    def share(self, candidate: Candidate) -> float:
        """Give the share (0..1) of the runs that the text of a passage has."""
        lowered = candidate.lowered
        runs = self._possible(lowered) if lowered.isascii() else self._places
        if not runs:
            return 0.0
        joined = f" {' '.join(candidate.terms)} "
        return sum(f" {' '.join(self._terms[at : at + 3])} " in joined for at in runs) / len(self._places)

    def _possible(self, lowered: str) -> list[int]:
        held = self._may_hold(lowered)
        return [at for at in self._places if held[at] and held[at + 1] and held[at + 2]]


def last_part(name: str) -> str:
    """Give what is called: "send" of "HTTPAdapter.send" and of "HTTPAdapter::send"."""
    return name.replace("::", ".").rsplit(".", 1)[-1]
