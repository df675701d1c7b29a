"""Make a follow-up question stand alone without a model, by adding what the one before it was about."""

import re
from collections.abc import Sequence
from typing import Final

from pipelines.components.query import read_query
from pipelines.types import Exchange

_DEEPEST: Final = 3
_LEANING: Final = re.compile(
    r"^\W*(?:and|but|so|then|also|what about|how about|why(?:\s+(?:not|so|is that))?\W*$|und|aber|dann|auch|was ist mit|wie ist es mit|warum\W*$|wieso\W*$)\b"
    r"|\b(?:it|its|that|this|these|those|they|them|their|there|one|former|latter|same|above"
    r"|es|dies|diese[rsmn]?|das(?=\s*(?:\?|$|auch|noch|dann|denn|genau|machen|ändern))|davon|dafür|damit|dort|ihn|ihm|deren|dessen|gleiche[rsn]?)\b",
    re.IGNORECASE,
)


def leans_on_history(text: str) -> bool:
    """Say whether a question can only be understood with the one before it."""
    query = read_query(text)
    telling = [concept for concept in query.concepts if concept.weight == 1.0]
    if len(telling) > 4 or query.identifiers:
        return False
    return (len(telling) < 2 and len(text.split()) < 4) or bool(_LEANING.search(text))


def standing_alone(text: str, history: Sequence[Exchange]) -> str:
    """Add the telling words of the last question to one that leans on it; other questions come out as they are."""
    if not history or not leans_on_history(text):
        return text
    before = standing_alone(history[-1].question, history[-1 - _DEEPEST : -1] if len(history) <= _DEEPEST else ())
    there = {stem for concept in read_query(text).concepts for stem in concept.stems}
    words = [
        concept.word for concept in read_query(before).concepts if concept.weight == 1.0 and not concept.stems & there
    ]
    return " ".join((text, *dict.fromkeys(words)))
