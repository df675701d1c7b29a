"""Say whether a passage supports a sentence, by words, names, numbers and negation. No model is asked.

A sentence is supported when the passage has nearly all it says, close together: every number and identifier, most of
its telling words in a window of lines, and the same negation. Changed numbers, names and negations therefore fail.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.components.blocks import lines_of
from pipelines.components.keywords import STOP_WORDS, terms
from pipelines.components.query import read_query

ENOUGH: Final = 0.7
"""At least this share of a sentence's telling words must stand together in a passage."""
_WINDOW_LINES: Final = 4

_FENCED: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_MARKS: Final = re.compile(r"\s*\[\d+\]")
_SENTENCE_END: Final = re.compile(
    r"(?<=[.!?…])(?P<marks>(?:\s*\[\d+\])*)\s+(?=[\"'“„*_`(\[]*[A-Z0-9ÄÖÜ`\[])|\n\s*\n|\n(?=\s*(?:[-*+]|\d{1,3}[.)])\s)"
)
_LINE_START: Final = re.compile(r"^\s*(?:#{1,6}\s+|[-*+]\s+|\d{1,3}[.)]\s+|>\s?)+", re.MULTILINE)
_NUMBER: Final = re.compile(r"(?<![\w.])v?\d+(?:[.,]\d+)*(?:%|[a-zA-Z]{1,3}\b)?(?!\w)")
_NUMBER_WORDS: Final = {
    word: str(value)
    for value, words in enumerate(
        "zero null|one eins|two zwei|three drei|four vier|five fünf|six sechs|seven sieben|eight acht|nine neun|ten zehn"
        "|eleven elf|twelve zwölf".split("|")
    )
    for word in words.split()
}
_NEGATION: Final = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|\w+n['’]t|nicht|kein\w*|nie|niemals|ohne|weder)\b", re.IGNORECASE
)
_OPPOSITES: Final = (
    ("enabl", "disabl"), ("allow", "forbid"), ("allow", "deni"), ("alway", "never"), ("befor", "after"),
    ("add", "remov"), ("increas", "decreas"), ("maximum", "minimum"), ("first", "last"), ("true", "fals"),
    ("requir", "option"), ("public", "privat"), ("sync", "async"), ("on", "off"), ("more", "less"), ("most", "least"),
    ("at most", "at least"), ("accept", "refus"), ("open", "close"), ("start", "stop"), ("encrypt", "decrypt"),
)  # fmt: skip


def sentences_of(markdown: str) -> list[str]:
    """Split an answer into sentences and list items, code blocks left out; citation marks stay with their sentence."""
    text = _FENCED.sub("\n\n", markdown)
    return [sentence for sentence in _split(text) if re.search(r"\w{2}", _MARKS.sub("", sentence))]


def _split(text: str) -> Iterator[str]:
    start = 0
    for end in _SENTENCE_END.finditer(text):
        upto = end.end("marks") if end.group("marks") else end.start()
        yield _LINE_START.sub("", text[start:upto]).strip()
        start = end.end()
    yield _LINE_START.sub("", text[start:]).strip()


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence taken apart for checking."""

    words: tuple[frozenset[str], ...]  # each telling word with what means the same, as stems
    names: frozenset[str]
    numbers: frozenset[str]
    is_negated: bool
    stems: frozenset[str]


def read_claim(sentence: str) -> Claim:
    """Take a sentence apart; citation marks are no part of it."""
    text = _MARKS.sub("", sentence)
    query = read_query(text)
    return Claim(
        words=tuple(concept.stems for concept in query.concepts if not concept.word.isdigit()),
        names=frozenset(_squashed_names(query.identifiers)),
        numbers=_numbers(text),
        is_negated=_negations(text) % 2 == 1,
        stems=frozenset(terms(text)),
    )


def supports(claim: Claim, text: str) -> bool:
    """Say whether lines of `text` that stand together say what the claim says."""
    if len(claim.words) < 2 and not claim.numbers and not claim.names:
        return bool(claim.words) and bool(set(terms(text)) & claim.words[0])
    lines = lines_of(text)
    windows = ["\n".join(lines[at : at + _WINDOW_LINES]) for at in range(max(len(lines) - _WINDOW_LINES + 1, 1))]
    return any(_window_supports(claim, window) for window in windows) 


def support_share(claim: Claim, text: str) -> float:
    """Give the share (0..1) of the claim's telling words that stand in `text`."""
    there = set(terms(text))
    return sum(1 for word in claim.words if word & there) / len(claim.words) if claim.words else 0.0


def _window_supports(claim: Claim, window: str) -> bool:
    if support_share(claim, window) < ENOUGH or not claim.numbers <= _numbers(window):
        return False
    there = set(terms(window))
    if not claim.names <= there | set(_squashed_names(re.findall(r"[\w.:-]+", window))):
        return False
    return not _is_turned_round(claim, window, there)


def _is_turned_round(claim: Claim, window: str, there: set[str]) -> bool:
    for one, other in _OPPOSITES:
        for said, meant in ((one, other), (other, one)):
            if said in claim.stems and said not in there and meant in there:
                return True
    return claim.is_negated != _is_negated_nearby(claim, window)


def _is_negated_nearby(claim: Claim, window: str) -> bool:
    """Look for a negation in the sentence of the window that has most of the claim's words."""
    sentences = re.split(r"(?<=[.!?:;])\s+|\n\s*\n|\n(?=\s*[-*+]\s)", window)
    best = max(sentences, key=lambda sentence: support_share(claim, sentence))
    return _negations(best) % 2 == 1


def _negations(text: str) -> int:
    return len(_NEGATION.findall(text))


def _numbers(text: str) -> frozenset[str]:
    digits = {found.lower().lstrip("v").replace(",", "").rstrip("abcdefghijklmnopqrstuvwxyz%") for found in _NUMBER.findall(text)}
    return frozenset(digits | {_NUMBER_WORDS[word] for word in re.findall(r"\w+", text.casefold()) if word in _NUMBER_WORDS and word not in STOP_WORDS})


def _squashed_names(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield from terms(name)[:1]
