"""Tables as text in columns of one width each, for a font whose signs all have one width."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

WIDEST_COLUMNS: Final = 80  # a wider row wraps on every screen, and what stood below each other no longer does
_BETWEEN: Final = " | "


def in_columns(rows: Sequence[Sequence[str]], sides: Sequence[str]) -> str | None:
    """Rows of cells below each other, the first one underlined; None when a row would be too wide.

    Every row has as many cells as the first. `sides` says for each column where its text stands: left, right or center.
    """
    widths = [0] * len(sides)
    for row in rows:
        widths = [max(width, width_of(cell)) for width, cell in zip(widths, row, strict=True)]
        if sum(widths) + len(_BETWEEN) * (len(widths) - 1) > WIDEST_COLUMNS:
            return None
    lines = [
        _BETWEEN.join(_padded(cell, width, side) for cell, width, side in zip(row, widths, sides, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-+-".join("-" * width for width in widths), *lines[1:]])


def width_of(text: str) -> int:
    """How many columns a text takes: two for a sign of Chinese or an emoji, none for a combining mark."""
    return len(text) if text.isascii() else cell_len(text)


def _padded(cell: str, width: int, side: str) -> str:
    missing = width - width_of(cell)
    left = {"right": missing, "center": missing // 2}.get(side, 0)
    return " " * left + cell + " " * (missing - left)
