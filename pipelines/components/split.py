"""Passages of a text: consecutive whole lines that belong together, none left out, none twice."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from pipelines.components.decode import lines_of
from pipelines.components.definitions import defined_name, definition_form, ending_of, is_code
from pipelines.components.outline import outline_of, paths_by_line

# Bumped when the passages of a text change: files split by another version are split again.
SPLITTER_VERSION: Final = "lines-2"
MAX_CHARS: Final = 1500
# A longer line keeps its beginning in the index and ends with this mark; its line number is right all the same.
MAX_LINE_CHARS: Final = 6000
CUT_MARK: Final = " [...]"

# A passage that is shorter is not closed at a boundary of that strength.
_BLANK, _INNER, _OUTER, _HEADING = 1, 2, 3, 4
_LEAST_CHARS: Final = {_HEADING: 120, _OUTER: 400, _INNER: 1000}
_MAX_SYMBOLS: Final = 32
_LEAD_IN: Final = ("@", "# ", "#[", "//", "/*", "*", "--", ";", "%")
_MAX_LEAD_IN_LINES: Final = 40

_DOCS: Final = "md mdx markdown mkd qmd rmd rst rest txt adoc asciidoc asc org tex textile pod"
_DOCS_ENDINGS: Final = frozenset(_DOCS.split())
_UNENDED_DOCS: Final = (
    "readme changelog changes contributing license licence copying notice authors news todo install history"
)
_DOCS_NAMES: Final = frozenset(_UNENDED_DOCS.split())
_ENTRY: Final = re.compile(r"(?:docs?/)?(?:readme|index)\.\w+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """The lines of one passage, first and last counting from 1, with the headings above and the names defined in it.

    `text` is the lines joined by line feeds, without one at the end.
    """

    first_line: int
    last_line: int
    text: str
    headings: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()


def kind_of(path: str) -> str:
    """Say what a path holds by its name: "docs", "code" or "text" (data, settings, logs)."""
    name = path.rpartition("/")[2].lower()
    if is_code(path):
        return "code"
    return "docs" if ending_of(path) in _DOCS_ENDINGS or name.partition(".")[0] in _DOCS_NAMES else "text"


def is_entry(path: str) -> bool:
    """Say whether a page is the one that a reader opens first: the read-me or index of the root or of its docs."""
    return bool(_ENTRY.match(path))


def split(path: str, text: str) -> list[Piece]:
    """Split a decoded text into passages of up to MAX_CHARS characters.

    Documents are split at headings, code before definitions, the rest after blank lines. No line is cut, except that
    one over MAX_LINE_CHARS keeps only its beginning; a line over MAX_CHARS is a passage of its own. Passages follow
    each other without gap or overlap; those of blank lines only are left out.
    """
    lines = lines_of(text)
    outline = outline_of(path, lines)
    symbols = _symbols(path, lines)
    strengths = _strengths(lines, symbols, outline.fenced)
    for heading in outline.headings:
        strengths[heading.index] = _HEADING
    paths = paths_by_line(outline.headings, len(lines)) if outline.headings else None
    titles = {heading.index for heading in outline.headings}
    lines = [line if len(line) <= MAX_LINE_CHARS else line[:MAX_LINE_CHARS] + CUT_MARK for line in lines]
    pieces = []
    for start, end in _spans([len(line) + 1 for line in lines], strengths):
        body = "\n".join(lines[start:end])
        if body and not body.isspace():
            names = dict.fromkeys(symbols[index][1] for index in range(start, end) if index in symbols)
            headings = paths[_anchor(lines, titles, start, end)] if paths else ()
            pieces.append(Piece(start + 1, end, body, headings, tuple(names)[:_MAX_SYMBOLS]))
    return pieces


def header_of(path: str, piece: Piece) -> str:
    """Say in one line where a passage stands: path, headings and defined names."""
    return " > ".join(part for part in (path, *piece.headings, ", ".join(piece.symbols)) if part)


def _anchor(lines: Sequence[str], titles: AbstractSet[int], start: int, end: int) -> int:
    """Find the line whose headings stand for a passage: its first that is neither blank nor a heading itself."""
    return next((index for index in range(start, end) if index not in titles and lines[index].strip()), end - 1)


def _symbols(path: str, lines: Sequence[str]) -> dict[int, tuple[int, str]]:
    """Give the strength of the boundary and the name defined, for the indexes of lines that define something."""
    form = definition_form(path)
    if form is None:
        return {}
    found = {}
    for index, line in enumerate(lines):
        name = defined_name(form, line[:400]) if line and not line.isspace() else ""
        if name:
            found[index] = (_INNER if line[0].isspace() else _OUTER, name)
    return found


def _strengths(lines: Sequence[str], symbols: dict[int, tuple[int, str]], fenced: frozenset[int]) -> list[int]:
    """Say how well a passage may begin at each line: 0 is only better than nothing."""
    strengths = [0] * len(lines)
    was_blank = False
    for index, line in enumerate(lines):
        is_blank = not line or line.isspace()
        if was_blank and not is_blank and index not in fenced:
            strengths[index] = _BLANK
        was_blank = is_blank
    for index, (strength, _) in symbols.items():
        start = _lead_in(lines, index, symbols)
        strengths[start] = max(strengths[start], strength)
    return strengths


def _lead_in(lines: Sequence[str], index: int, symbols: Mapping[int, object]) -> int:
    """Find where the decorators and comments right above a definition begin."""
    start = index
    while start > max(0, index - _MAX_LEAD_IN_LINES) and start - 1 not in symbols:
        if not lines[start - 1].lstrip().startswith(_LEAD_IN):
            break
        start -= 1
    return start


def _spans(sizes: Sequence[int], strengths: Sequence[int]) -> list[tuple[int, int]]:
    """Cut lines of these sizes in characters, ends included, into half-open ranges of indexes, without gaps."""
    spans: list[tuple[int, int]] = []
    start, filled = 0, 0
    for index, size in enumerate(sizes):
        strength = strengths[index]
        if strength > _BLANK and filled >= _LEAST_CHARS[strength]:
            spans.append((start, index))
            start, filled = index, 0
        while filled and filled + size > MAX_CHARS + 1:
            cut = _best_cut(sizes, strengths, start, index)
            spans.append((start, cut))
            start, filled = cut, sum(sizes[cut:index])
        filled += size
    if start < len(sizes):
        spans.append((start, len(sizes)))
    return spans


def _best_cut(sizes: Sequence[int], strengths: Sequence[int], start: int, end: int) -> int:
    """Find the strongest boundary within half a passage before `end`, the latest of equals."""
    best, behind = end, 0
    strength = strengths[end]
    for index in range(end - 1, start, -1):
        behind += sizes[index]
        if behind > MAX_CHARS // 2:
            break
        if strengths[index] > strength:
            best, strength = index, strengths[index]
    return best
