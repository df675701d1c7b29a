"""Questions to start with, made from a project's headings and main symbols, each one that the sources can answer."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from config.texts import say
from pipelines.stores.passages import PassageStore, Scope

STARTERS: Final = 3
_SAMPLE: Final = 24
_MAX_CHARS: Final = 60
_MIN_CHARS: Final = 4
# Headings that every project has and nobody asks about.
_DULL: Final = frozenset(
    "license licence contents content todo misc other notes links badges overview introduction index readme credits "
    "acknowledgements acknowledgments authors contributors unreleased changelog see also references table".split()
)
_MARKUP: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*_`#<>|\\]|^\s*\d+(?:\.\d+)*[.)]?\s+")


async def starters(store: PassageStore, project: str, scope: Scope, language: str) -> list[str]:
    """Make up to three questions: two from headings, one from a symbol; fewer when the project holds too little.

    Raises StoreUnavailable.
    """
    sample = await store.headings(project, scope=scope, limit=_SAMPLE)
    headings = _fit(sample, "heading")
    symbols = _fit(sample, "symbol")
    asked_headings = headings[: STARTERS - 1] if symbols else headings[:STARTERS]
    questions = [say("starter.heading", language, heading=heading) for heading in asked_headings]
    questions += [say("starter.symbol", language, symbol=symbol) for symbol in symbols]
    return questions[:STARTERS]


def _fit(sample: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    cleaned = (_MARKUP.sub(r"\1", str(item[key])).strip(" :.-") for item in sample if item.get(key))
    return [text for text in dict.fromkeys(cleaned) if _is_telling(text)]


def _is_telling(text: str) -> bool:
    words = re.findall(r"\w+", text.casefold())
    return _MIN_CHARS <= len(text) <= _MAX_CHARS and any(word not in _DULL and not word.isdigit() for word in words)
