"""The list of sources below an answer, as Telegram shows it."""

from collections.abc import Sequence

from adapters.chat import Cited
from adapters.listing import Line, list_sources
from adapters.telegram.page import Page, Sheet, units


def source_list(cited: Sequence[Cited], *, beside: str, language: str, limit: int, most: int) -> Page:
    """Each source once, as a link where it can be opened; at most `limit` units, `most` spans (`list_sources`)."""
    sheet = Sheet()
    for line in list_sources(
        cited, beside=beside, language=language, limit=limit, most=most, size=lambda line: units(line.text)
    ):
        sheet.feed(1)
        _write(line, sheet)
    return sheet.page()


def _write(line: Line, sheet: Sheet) -> None:
    """Put a line on a sheet. A place without an address is code, or Telegram takes README.md for a host."""
    sheet.put(line.marks)
    if line.url:
        sheet.link(line.url)
        sheet.put(line.label)
        sheet.end_link()
    elif line.numbers:
        sheet.code(line.label)
    else:
        sheet.put(line.label)
