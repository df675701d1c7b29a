"""Parts that are taken out of a text before it is parsed, while its lines keep their numbers."""

from collections.abc import Iterable
from typing import NamedTuple


class Cut(NamedTuple):
    """The characters from `start` up to `end`, and what stands for them before and after the line ends among them."""

    start: int
    end: int
    before: str = ""
    after: str = ""


def without(text: str, cuts: Iterable[Cut]) -> str:
    """Take out cuts, which are in order and apart from each other; every line keeps its number."""
    parts: list[str] = []
    kept = 0
    for start, end, before, after in cuts:
        parts += text[kept:start], before, "\n" * text.count("\n", start, end), after
        kept = end
    return "".join([*parts, text[kept:]])


def outermost(cuts: Iterable[Cut]) -> list[Cut]:
    """Bring cuts in order and leave out those inside others."""
    found: list[Cut] = []
    end = -1
    for cut in sorted(cuts, key=lambda cut: (cut.start, -cut.end)):
        if cut.start >= end:
            found.append(cut)
            end = cut.end
    return found
