"""What ranking looks at: readable features of a candidate, each between 0 and 1, times a weight in one table.

Design after semble's ranking (MIT, MinishLab/semble): names of files and symbols tell more than another embedding.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pipelines.components.asked import Asked
from pipelines.components.candidate import Candidate

BARE_SYMBOL: Final = 2.5  # a name typed alone asks for the place where it is defined
_OPENING_LINES: Final = 200  # a page says what it is about at its beginning
_LEAST_OF_A_PHRASE: Final = 2  # concepts: three words in a row hold no fewer, save for stop words
_OF_A_NAME: Final = frozenset({"tests", "examples"})

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


def _may_be_defined(asked: Asked, candidate: Candidate) -> bool:
    """Say whether the place of definition is what is asked for: not when it is a name's tests or examples."""
    query = asked.query
    return bool(asked.names) and not (query.wants & _OF_A_NAME and candidate.role not in query.wants)


def _defines(asked: Asked, candidate: Candidate) -> float:
    if not _may_be_defined(asked, candidate) or not asked.is_defined_in(candidate):
        return 0.0
    return 1.0 if not asked.query.is_bare else BARE_SYMBOL


def _is_beside_definition(asked: Asked, candidate: Candidate) -> float:
    """Say whether the passage's file defines a name of the question: what is asked of it stands there, too."""
    return float(_may_be_defined(asked, candidate) and candidate.file in asked.defining_files)


def _is_called(asked: Asked, candidate: Candidate) -> float:
    """Say whether a plain word of the question is the name of something defined here, less where many are called so."""
    called = asked.plain & candidate.symbols if asked.definers else ()
    return max((1.0 / (1.0 + math.log(asked.definers[name])) for name in called), default=0.0)


def _says(asked: Asked, candidate: Candidate) -> float:
    text = candidate.text
    if any(name in text for name in asked.query.identifiers if "." in name):
        return 1.0
    if not asked.query.phrases or asked.concepts_in(candidate) < _LEAST_OF_A_PHRASE:
        return 0.0  # cutting a text into terms for nothing is half the cost of a search
    return max((phrase.share(candidate.text) for phrase in asked.runs), default=0.0)


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
    Measure("meaning of its file", 0.4, lambda _asked, candidate: candidate.by_file),
    Measure("covers the question", 0.4, covers),
    Measure("file named by the question", 0.3, lambda asked, candidate: asked.spoken_of(candidate.file_words)),
    Measure("words in folder", 0.6, lambda asked, candidate: asked.asked_in(candidate.folder_words)),
    Measure("words in heading", 0.1, lambda asked, candidate: asked.asked_in(candidate.heading_words)),
    Measure("heading named by the question", 0.5, lambda asked, candidate: asked.spoken_of(candidate.heading_words)),
    Measure("words in symbols", 0.1, lambda asked, candidate: asked.asked_in(candidate.symbol_words)),
    Measure("defines the symbol", 0.3, _defines),
    Measure("in the file that defines it", 0.85, _is_beside_definition),
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
