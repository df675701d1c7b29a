"""Say whether a passage supports a sentence, by words, names, numbers and negation. No model is asked.

A sentence is supported when the passage has nearly all it says, close together: every number and identifier, most of
its telling words in a window of lines, and the same negation. Changed numbers, names and negations therefore fail.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipelines.components.blocks import lines_of
from pipelines.components.keywords import STOP_WORDS, terms
from pipelines.components.query import bounded, read_query, squashed

FENCED: Final = re.compile(r"^ {0,3}(`{3,}+|~{3,}+)[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
"""A fenced code block of Markdown, from its first fence to its last or to the end."""
ENOUGH: Final = 0.7
"""At least this share of a sentence's telling words must stand together in a passage."""
_WINDOW_LINES: Final = 4
_ABOUT: Final = 0.6
_VERBATIM_CHARS: Final = 2000  # no passage has a longer sentence

_MARKS: Final = re.compile(r"(?:(?<!\s)\s+)?\[\d+\]")
_SENTENCE_END: Final = re.compile(
    r"(?<=[.!?…])(?P<marks>(?:\s*\[\d+\])*)\s+(?!\[\d+\])(?=[\"'“„*_`(\[]*[A-Z0-9ÄÖÜ`])|\n\s*\n|\n(?=\s*(?:[-*+]|\d{1,3}[.)])\s)"
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
_UNIT_NAMES: Final = (
    "ms millisecond millisekunde|second sec sekunde sekunden|minute min minuten|hour stunde stunden|day tag tage tagen|"
    "week woche wochen|month monat monate monaten|year jahr jahre jahren|byte|kb kilobyte kib|mb megabyte mib|gb gigabyte gib"
    "|% percent prozent|line zeile zeilen|token|character zeichen|file datei dateien"
)
_UNITS: Final = {name: group.split()[0] for group in _UNIT_NAMES.split("|") for name in group.split()}
_AMOUNT: Final = re.compile(r"\b(\d+(?:[.,]\d+)*|[a-zü]{2,6})[\s-]*(%|[a-z]+)")
_TICKED: Final = re.compile(r"`([^`\n]+)`")
_TICKED_NAME: Final = re.compile(r"[\w-]+(?:[./][\w-]+)+")
_NEGATION: Final = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|\w+n['’]t|nicht|kein\w*|nie|niemals|ohne|weder)\b",
    re.IGNORECASE,
)
_OPPOSITES: Final = (
    ("enabl", "disabl"), ("allow", "forbid"), ("allow", "deni"), ("alway", "never"), ("befor", "after"),
    ("add", "remov"), ("increas", "decreas"), ("maximum", "minimum"), ("first", "last"), ("true", "fals"),
    ("requir", "option"), ("public", "privat"), ("sync", "async"), ("on", "off"), ("more", "less"), ("most", "least"),
    ("at most", "at least"), ("accept", "refus"), ("open", "close"), ("start", "stop"), ("encrypt", "decrypt"),
    ("onlin", "offlin"), ("up", "down"), ("read", "write"), ("client", "server"), ("upload", "download"),
)  # fmt: skip


def sentences_of(markdown: str) -> list[str]:
    """Split an answer into sentences and list items, code blocks left out; citation marks stay with their sentence."""
    text = FENCED.sub("\n\n", markdown)
    return [sentence for sentence in _split(text) if re.search(r"\w{2}", _MARKS.sub("", sentence))]


def code_of(markdown: str) -> list[str]:
    """Give the insides of an answer's fenced code blocks."""
    insides = ("\n".join(lines_of(block.group())[1:-1]) for block in FENCED.finditer(markdown))
    return [inside for inside in insides if inside.strip()]


def without_marks(sentence: str) -> str:
    """Take the citation marks out of a sentence."""
    return _MARKS.sub("", sentence).strip()


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
    amounts: frozenset[tuple[str, str]]  # numbers with their units, as ("30", "second")
    is_negated: bool
    stems: frozenset[str]


def read_claim(sentence: str) -> Claim:
    """Take a sentence apart; citation marks are no part of it."""
    text = bounded(_MARKS.sub("", sentence))
    query = read_query(text)
    return Claim(
        words=tuple(concept.stems for concept in query.concepts if not concept.word.isdigit()),
        names=frozenset(map(squashed, (*query.identifiers, *_TICKED_NAME.findall(text), *_ticked_words(text)))) - {""},
        numbers=_numbers(text),
        amounts=_amounts(text),
        is_negated=_negations(text) % 2 == 1,
        stems=frozenset(terms(text)),
    )


def supporting_lines(claim: Claim, text: str, *, context: str = "") -> tuple[int, int] | None:
    """Find lines of `text` that together say what the claim says: (start, end), from 0, end not included.

    `context` (headings, path) may supply words, but neither numbers nor negation. None when nothing supports it.
    """
    lines = lines_of(text)
    above = frozenset(terms(context))
    best: tuple[float, int, int] | None = None
    for size in range(1, _WINDOW_LINES + 1):
        for start in range(max(len(lines) - size + 1, 1)):
            window = "\n".join(lines[start : start + size])
            if lines[start].strip() and _window_supports(claim, window, above):
                share = support_share(claim, window) - 0.05 * size
                best = max(best or (share, start, 0), (share, start, start + size))
    return best[1:] if best and best[2] else None


def verbatim_lines(sentence: str, text: str) -> tuple[int, int] | None:
    """Find where a sentence stands in `text` word for word, signs and line breaks aside.

    It must begin with a line or after another sentence, and no word may follow it in its line. Comes out as (start, end) like
    supporting_lines.
    """
    words = re.findall(r"\w+", sentence[:_VERBATIM_CHARS])
    if not words or len(sentence) > _VERBATIM_CHARS:
        return None
    run = r"\W+".join(words)
    form = rf"(?:^|[.!?:;…]\s)[^\w\n]*({run})(?![^\S\n]*\w)"
    found = re.search(form, text, re.MULTILINE)
    return (text.count("\n", 0, found.start(1)), text.count("\n", 0, found.end(1)) + 1) if found else None


def supporting_code(code: str, text: str) -> tuple[int, int] | None:
    """Find where the lines of a code block stand in `text`, spaces aside: nine in ten of them must.

    Comes out as (start, end) like supporting_lines.
    """
    wanted = [squeezed for line in lines_of(code) if (squeezed := "".join(line.split()))]
    there = ["".join(line.split()) for line in lines_of(text)]
    places = [there.index(line) for line in wanted if line in there]
    if not wanted or len(places) < 0.9 * len(wanted):
        return None
    return min(places), max(places) + 1


def support_share(claim: Claim, text: str) -> float:
    """Give the share (0..1) of the claim's telling words that stand in `text`."""
    there = set(terms(text))
    return sum(1 for word in claim.words if word & there) / len(claim.words) if claim.words else 0.0


def _window_supports(claim: Claim, window: str, above: frozenset[str]) -> bool:
    there = set(terms(window))
    if not claim.words or not there:
        return False
    said = sum(1 for word in claim.words if word & there)
    share = sum(1 for word in claim.words if word & (there | above)) / len(claim.words)
    if said < min(2, len(claim.words)) or share < ENOUGH or not claim.numbers <= _numbers(window):
        return False
    squeezed = squashed(window)
    if not claim.amounts <= _amounts(window) or not all(name in squeezed or name in above for name in claim.names):
        return False
    return not _is_turned_round(claim, window, there)


def _is_turned_round(claim: Claim, window: str, there: set[str]) -> bool:
    for one, other in _OPPOSITES:
        for said, meant in ((one, other), (other, one)):
            if said in claim.stems and said not in there and meant in there:
                return True
    return claim.is_negated != _is_negated_nearby(claim, window)


def _is_negated_nearby(claim: Claim, window: str) -> bool:
    """Look for a negation in the sentences of the window that speak of what the claim speaks of."""
    sentences = re.split(r"(?<=[.!?:;])\s+|\n\s*\n|\n(?=\s*[-*+]\s)", window)
    # A heading names a matter and denies nothing.
    about = [sentence for sentence in sentences if not sentence.startswith("#") and _is_about(claim, sentence)]
    nearest = about or [max(sentences, key=lambda sentence: support_share(claim, sentence))]
    kinds = {_negations(sentence) % 2 == 1 for sentence in nearest}
    return claim.is_negated if claim.is_negated in kinds else not claim.is_negated


def _is_about(claim: Claim, sentence: str) -> bool:
    """Say whether most of what a sentence speaks of is in the claim."""
    words = [concept.stems for concept in read_query(sentence).concepts]
    return bool(words) and sum(1 for word in words if word & claim.stems) >= _ABOUT * len(words)


def _negations(text: str) -> int:
    return len(_NEGATION.findall(text))


def _numbers(text: str) -> frozenset[str]:
    digits = {
        found.lower().lstrip("v").replace(",", "").rstrip("abcdefghijklmnopqrstuvwxyz%")
        for found in _NUMBER.findall(text)
    }
    return frozenset(
        digits
        | {
            _NUMBER_WORDS[word]
            for word in re.findall(r"\w+", text.casefold())
            if word in _NUMBER_WORDS and word not in STOP_WORDS
        }
    )


def _amounts(text: str) -> frozenset[tuple[str, str]]:
    return frozenset(
        (number, unit)
        for said, word in _AMOUNT.findall(text.casefold())
        if (number := _NUMBER_WORDS.get(said, said.replace(",", ""))) and (unit := _UNITS.get(word.rstrip("s"), ""))
    )


def _ticked_words(text: str) -> Iterator[str]:
    for phrase in _TICKED.findall(text):
        yield from phrase.split()
