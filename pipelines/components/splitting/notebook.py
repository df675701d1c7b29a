"""Cells of a Jupyter notebook, found in the lines of its JSON as Jupyter writes it: one string a line of source."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

_CELLS: Final = re.compile(r"[ \t]*\"cells\"[ ]*:[ ]*\[[ ]*$")
_TYPE: Final = re.compile(r"[ \t]*\"cell_type\"[ ]*:[ ]*\"(\w+)\"")
_SOURCE: Final = re.compile(r"([ \t]*)\"source\"[ ]*:[ ]*\[[ ]*$")
_STRING: Final = re.compile(r"[ \t]*(\"(?:[^\"\\]|\\.)*\")[ ]*,?[ \t]*$")
_MAX_SOURCE_CHARS: Final = 2000


@dataclass(slots=True)
class Cell:
    """A cell that begins in the line with index `first`, the first cell with that of the file; `source` holds the index and text of its lines."""

    first: int
    kind: str = ""
    source: list[tuple[int, str]] = field(default_factory=list)


def cells_of(lines: Sequence[str]) -> list[Cell]:
    """List the cells of a notebook; none when its JSON is written in another way."""
    found: list[Cell] = []
    opening = None
    indent: str | None = None
    for index, line in enumerate(lines):
        if opening is None:
            opening = "" if _CELLS.match(line) else None
        elif line.strip() == "{" and opening in {"", line.rstrip()}:
            opening = line.rstrip()
            found.append(Cell(index if found else 0))
        elif found:
            indent = _take(found[-1], index, line, indent)
    return found


def _take(cell: Cell, index: int, line: str, indent: str | None) -> str | None:
    """Read a line of a cell; gives the indentation of its source while that lasts, else None."""
    if indent is None:
        kind, source = _TYPE.match(line), _SOURCE.match(line)
        cell.kind = kind[1] if kind and not cell.kind else cell.kind
        return source[1] if source else None
    string = _STRING.match(line[:_MAX_SOURCE_CHARS])
    if string:
        cell.source.append((index, _unquoted(string[1])))
    return None if line.strip() in {"]", "],"} else indent


def _unquoted(string: str) -> str:
    try:
        return str(json.loads(string)).rstrip("\n")
    except ValueError:
        return ""


def titles_of(cells: Sequence[Cell]) -> Iterator[tuple[int, str]]:
    """Give the lines of text cells that begin with a hash; that at the top of a cell counts as the cell's first."""
    for cell in cells:
        numbered = enumerate(cell.source) if cell.kind == "markdown" else ()
        yield from ((index if number else cell.first, text) for number, (index, text) in numbered if text[:1] == "#")
