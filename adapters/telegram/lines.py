"""The lines of a text, as the rules of blocks count them."""

from itertools import accumulate
from typing import Final

from markdown_it.rules_block import StateBlock

_BLANKS: Final = " \t"


def fill(state: StateBlock, text: str) -> None:
    """Fill a state that was made of nothing with the lines of a text, as it would have done sign by sign.

    The last line is none when it has only blanks and no line break.
    """
    lines = text.split("\n")
    if not lines[-1].strip(_BLANKS):
        lines.pop()
    starts = list(accumulate([len(line) + 1 for line in lines], initial=0))[:-1]
    indents = [line[: len(line) - len(line.lstrip(_BLANKS))] for line in lines]
    state.src = text
    state.bMarks = [*starts, len(text)]  # the last entry of each list stands for the end
    state.eMarks = [*[start + len(line) for start, line in zip(starts, lines, strict=True)], len(text)]
    state.tShift = [*map(len, indents), 0]
    state.sCount = [*[len(indent.expandtabs(4)) for indent in indents], 0]
    state.bsCount = [0] * len(state.bMarks)
    state.lineMax = len(lines)
