"""Which of a question's concepts a text speaks of, found without cutting the whole text into words.

A word that gives a stem nearly always begins with the stem's first letters, and so does the part of an identifier that
gives it. So a text is looked through for those letters, fast, and only the words around them are cut into terms.
"""

import string
from collections.abc import Sequence
from typing import Final

from pipelines.components.keywords import terms_of_word, words_of
from pipelines.components.query import Concept

_NEEDLE_CHARS: Final = 5  # shorter ones are found in every text, longer ones miss "availability" for "avail" + "abl"
_LEAST_ALIKE: Final = 4  # characters: shorter words are not taken for beginnings
_BEFORE: Final = frozenset(string.ascii_letters + string.digits + "_-.")
_AFTER: Final = _BEFORE | {"+", "#"}


class Spoken:
    """Says which concepts of one question a text or a word speaks of, one bit each in their order.

    It remembers each word: the candidates of a question share most of them.
    """

    def __init__(self, concepts: Sequence[Concept]) -> None:
        self._by_term: dict[str, int] = {}
        for at, concept in enumerate(concepts):
            for stem in concept.stems:
                self._by_term[stem] = self._by_term.get(stem, 0) | 1 << at
        self._by_beginning: dict[str, list[tuple[str, int]]] = {}
        for stem, bits in self._by_term.items():
            if len(stem) >= _LEAST_ALIKE:
                self._by_beginning.setdefault(stem[:_LEAST_ALIKE], []).append((stem, bits))
        self._needles: dict[str, int] = {}
        for stem, bits in self._by_term.items():
            needle = needle_of(stem)
            self._needles[needle] = self._needles.get(needle, 0) | bits
        self._by_word: dict[str, int] = {}
        self._alike: dict[str, int] = {}

    def of(self, text: str) -> int:
        """Give the concepts that a text speaks of: those one of whose stems is among its terms."""
        if not text.isascii():
            return self._of_words(words_of(text))
        lowered = text.lower()
        bits = 0
        for needle, wanted in self._needles.items():
            if wanted & ~bits and needle in lowered:
                bits |= self._around(needle, wanted, text, lowered)
        return bits

    def alike(self, term: str) -> int:
        """Give the concepts that a term is a stem of, or that begin like it, or it like them."""
        known = self._alike.get(term)
        if known is None:
            known = self._by_term.get(term, 0)
            for stem, bits in self._by_beginning.get(term[:_LEAST_ALIKE], ()):
                if term.startswith(stem) or stem.startswith(term):
                    known |= bits
            self._alike[term] = known
        return known

    def _around(self, needle: str, wanted: int, text: str, lowered: str) -> int:
        """Cut the words around a needle into terms, until all that it may stand for is found."""
        bits, at, last = 0, lowered.find(needle), len(text)
        while at >= 0:
            start, end = at, at + len(needle)
            while start and text[start - 1] in _BEFORE:
                start -= 1
            while end < last and text[end] in _AFTER:
                end += 1
            bits |= self._of_run(text[start:end])
            if not wanted & ~bits:
                break
            at = lowered.find(needle, end)
        return bits

    def _of_run(self, run: str) -> int:
        known = self._by_word.get(run)
        if known is None:
            known = self._by_word[run] = self._of_words(words_of(run))
        return known

    def _of_words(self, words: Sequence[str]) -> int:
        bits = 0
        for word in words:
            known = self._by_word.get(word)
            if known is None:
                known = 0
                for term in terms_of_word(word):
                    known |= self._by_term.get(term, 0)
                self._by_word[word] = known
            bits |= known
        return bits


def needle_of(stem: str) -> str:
    """Give the letters that a word of this stem begins with; a last i may be a y in it ("query"), a last e is left out in
    "using"."""
    cut = stem[:_NEEDLE_CHARS]
    return cut[:-1] if cut.endswith(("i", "e")) and len(cut) > 2 else cut
