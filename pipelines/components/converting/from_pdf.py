"""PDF files as text, page by page, with the headings that their outline names."""

import io
import logging
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from pipelines.components.converting.converted import Converted, Patience, Unconvertible

MOST_PAGES: Final = 5_000
_MOST_TITLES: Final = 5_000
_DEEPEST: Final = 6
_LIGATURES: Final = str.maketrans({
    "\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st",
    "\u00a0": " ",
})  # fmt: skip
_CUT_WORD: Final = re.compile(r"(?<=[^\W\d_])[-\u2010]\n([^\W\d_]\S{0,60})[ ]?")
_AFTER_A_DASH: Final = frozenset("und oder bzw and or".split())  # "Ein- und Ausgabe" is cut at no word
_SECTION: Final = re.compile(r"(?:[\dA-Z]{1,3}(?:\.\d{1,3}){0,5}\.?|[IVX]{1,6}\.?)\s+")
_FEWEST_PAGES: Final = 4  # of which running heads can be told from text,
_FEWEST_LINES: Final = 3  # on pages of so many lines
# What pypdf lets through, beside its own errors, of files that break the rules.
_FAULTS: Final = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, NotImplementedError, OSError, PyPdfError,
    RuntimeError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip

# Each oddity of a file is a line there; what comes of it is told by us.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def convert(data: bytes) -> Converted:
    """Make text of a PDF, a blank line between its pages. Raises Unconvertible.

    A page that cannot be read is one without text, as long as others can.
    """
    patience = Patience()
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unconvertible("encrypted")
        if len(reader.pages) > MOST_PAGES:
            raise Unconvertible("too_complex")
        titles = _titles(reader)
    except _FAULTS as error:
        raise Unconvertible("damaged") from error
    pages = [_text(reader, number, patience) for number in range(len(reader.pages))]
    told = [page for page in pages if page is not None]
    if not any(page.strip() for page in told):
        raise Unconvertible("no_text" if len(told) == len(pages) else "damaged")
    lines = _without_running_heads([_lines(page or "") for page in pages])
    return _joined([_headed(page, titles.get(number, ())) for number, page in enumerate(lines)])


def _text(reader: PdfReader, number: int, patience: Patience) -> str | None:
    """Read a page; None when that fails. Time is looked at before each operator, where a page that takes long stops."""

    def look(*_operation: Any) -> None:
        patience.demand()

    try:
        patience.demand()
        return reader.pages[number].extract_text(visitor_operand_before=look)
    except _FAULTS:
        return None


def _lines(page: str) -> list[str]:
    """Cut a page into lines; a word that was cut at the end of a line is put together there."""
    text = page.translate(_LIGATURES).replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    return [" ".join(line.split()) for line in _CUT_WORD.sub(_whole, text).strip("\n").split("\n")]


def _whole(cut: re.Match[str]) -> str:
    end = cut[1]
    return f"{end}\n" if end[0].islower() and end not in _AFTER_A_DASH else cut[0]


def _without_running_heads(pages: list[list[str]]) -> list[list[str]]:
    """Leave out first and last lines that stand on most pages, but for their numbers: they tell nothing of the page."""
    for at in (0, -1):
        shapes = [_shape(page, at) for page in pages]
        counted = Counter(filter(None, shapes))
        often = {shape for shape, count in counted.items() if count > max(_FEWEST_PAGES - 1, counted.total() / 2)}
        pages = [_without(page, at) if shape in often else page for page, shape in zip(pages, shapes, strict=True)]
    return pages


def _without(page: list[str], at: int) -> list[str]:
    return page[1:] if at == 0 else page[:-1]


def _shape(page: list[str], at: int) -> str:
    """Give a line without its numbers where they can be those of the page and of all pages; "" where it may be the text."""
    if len(page) < _FEWEST_LINES:
        return ""
    shape, numbers = re.subn(r"\d+", "0", page[at])
    return shape if numbers <= 2 else page[at]


def _titles(reader: PdfReader) -> Mapping[int, Sequence[tuple[int, str]]]:
    """Read the outline: (level from 1, title) by the index of the page that it opens. A broken outline is none."""
    titles: dict[int, list[tuple[int, str]]] = {}
    try:
        for count, (level, entry) in enumerate(_entries(reader.outline, level=1)):
            page = reader.get_destination_page_number(entry)
            if count < _MOST_TITLES and page is not None and entry.title:
                titles.setdefault(page, []).append((level, str(entry.title)))
    except _FAULTS:
        return {}
    return titles


def _entries(outline: Any, *, level: int) -> Iterator[tuple[int, Any]]:
    for entry in outline:
        if isinstance(entry, list):
            yield from _entries(entry, level=level + 1)
        else:
            yield min(level, _DEEPEST), entry


def _headed(lines: list[str], titles: Sequence[tuple[int, str]]) -> list[str]:
    """Mark the lines that are titles in the outline as headings. Nothing is put where the page does not say it."""
    levels = {_bare(title): level for level, title in titles}
    headed: list[str] = []
    at = 0
    while at < len(lines):
        # A long title may stand on two lines.
        for count in (1, 2):
            line = " ".join(lines[at : at + count])
            level = levels.pop(_bare(line), 0) or levels.pop(_bare(_SECTION.sub("", line, count=1)), 0)
            if level:
                headed += ["", f"{'#' * level} {line}", ""]
                at += count
                break
        else:
            headed.append(lines[at])
            at += 1
    return headed


def _bare(title: str) -> str:
    return "".join(re.findall(r"\w+", title)).casefold()


def _joined(pages: Sequence[Sequence[str]]) -> Converted:
    lines: list[str] = []
    firsts: list[int] = []
    for page in pages:
        text = "\n".join(page).strip("\n")
        firsts.append(len(lines) + 1)
        lines += [*text.split("\n"), ""] if text.strip() else []
    return Converted("\n".join(lines[:-1]), "pdf", tuple(firsts))
