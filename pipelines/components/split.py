"""Passages of a text: consecutive whole lines that belong together, none left out, none twice."""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Final

from pipelines.components.decode import lines_of
from pipelines.components.definitions import ending_of, is_code
from pipelines.components.outline import Paths, outline_of
from pipelines.components.splitting.enclosing import definitions_of
from pipelines.components.splitting.spans import HEADING, spans_of

# Bumped when the passages of a text change: files split by another version are split again.
SPLITTER_VERSION: Final = "parsed-3"
# A longer line keeps its beginning in the index and ends with this mark; its line number is right all the same.
MAX_LINE_CHARS: Final = 6000
CUT_MARK: Final = " [...]"

_MAX_SYMBOLS: Final = 32

_DOCS: Final = "md mdx markdown mkd qmd rmd rst rest txt adoc asciidoc asc org tex textile pod"
_DOCS_ENDINGS: Final = frozenset(_DOCS.split())
_UNENDED_DOCS: Final = (
    "readme changelog changes contributing license licence copying notice authors news todo install history"
)
_DOCS_NAMES: Final = frozenset(_UNENDED_DOCS.split())
_ENTRY: Final = re.compile(r"(?:docs?/)?(?:readme|index)\.\w+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """The lines of one passage, first and last counting from 1.

    With the headings above, the definitions that enclose its first line, outermost first, and the names defined in it.
    `text` is the lines joined by line feeds, without one at the end.
    """

    first_line: int
    last_line: int
    text: str
    headings: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
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

    Documents are split at headings, code before definitions, which stay whole where they fit, the rest after blank
    lines. No line is cut, except that one over MAX_LINE_CHARS keeps only its beginning; a line over MAX_CHARS is a
    passage of its own. Passages follow each other without gap or overlap; those of blank lines only are left out.
    """
    lines = lines_of(text)
    outline = outline_of(path, lines)
    defined = definitions_of(path, text, lines)
    strengths = {**defined.strengths}
    strengths |= dict.fromkeys((heading.index for heading in outline.headings), HEADING)
    sizes = [size + 1 for size in map(len, lines)]
    if max(sizes, default=0) > MAX_LINE_CHARS + 1:
        lines = [line if len(line) <= MAX_LINE_CHARS else line[:MAX_LINE_CHARS] + CUT_MARK for line in lines]
        sizes = [len(line) + 1 for line in lines]
    paths = Paths(outline.headings) if outline.headings else None
    titles = {heading.index for heading in outline.headings}
    spans = [
        (first, start, end)
        for start, end in spans_of(sizes, strengths, defined.wholes, partial(_is_after_blank, lines, outline.fenced))
        if (first := _first_filled(lines, start, end)) < end
    ]
    scopes = defined.scopes([first for first, _, _ in spans])
    return [
        Piece(
            start + 1,
            end,
            "\n".join(lines[start:end]),
            paths.at(_anchor(lines, titles, start, end)) if paths else (),
            scope,
            defined.symbols(start, end)[:_MAX_SYMBOLS],
        )
        for (_, start, end), scope in zip(spans, scopes, strict=True)
    ]


def _first_filled(lines: Sequence[str], start: int, end: int) -> int:
    return next((index for index in range(start, end) if lines[index].strip()), end)


def _is_after_blank(lines: Sequence[str], fenced: AbstractSet[int], index: int) -> bool:
    """Say whether a filled line follows a blank one, outside of code blocks."""
    return not lines[index - 1].strip() and bool(lines[index].strip()) and index not in fenced


def header_of(path: str, piece: Piece) -> str:
    """Say in one line where a passage stands: path, headings, enclosing definitions and defined names."""
    return " > ".join(part for part in (path, *piece.headings, *piece.scope, ", ".join(piece.symbols)) if part)


def _anchor(lines: Sequence[str], titles: AbstractSet[int], start: int, end: int) -> int:
    """Find the line whose headings stand for a passage: its first that is neither blank nor a heading itself."""
    return next((index for index in range(start, end) if index not in titles and lines[index].strip()), end - 1)
