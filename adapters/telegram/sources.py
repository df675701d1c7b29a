"""The list of sources below an answer: a line for each place that was cited."""

from collections.abc import Iterator, Sequence
from typing import Final

from adapters.chat import Cited
from adapters.telegram.page import Page, Sheet, is_web_address, units
from config.texts import best_language, say

_LABEL_CHARS: Final = 200  # of a path's end; what stands before it is cut


def source_list(cited: Sequence[Cited], *, beside: str, language: str, limit: int, most: int) -> Page:
    """Each source once, with all its numbers, as a link where it can be opened; at most `limit` units, `most` spans.

    Left out are those that `beside`, the text they belong to, shows in the same words. What does not fit is counted.
    """
    lines = [line for line in _lines(cited) if line.text not in beside]
    sheet = Sheet()
    left = limit
    for at, line in enumerate(lines):
        more = say("reply.more_sources", best_language(language), count=len(lines) - at)
        is_last = at == len(lines) - 1
        needed = units(line.text) + 1 + (0 if is_last else units(more) + 1)
        if needed > left + 1 or at >= most:
            sheet.feed(1)
            sheet.put(more)
            break
        left -= units(line.text) + 1
        sheet.feed(1)
        line.write(sheet)
    return sheet.page()


class _Line:
    """One place and the numbers that cite it."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.numbers: list[int] = []
        self.url = ""

    @property
    def text(self) -> str:
        """The line as people read it."""
        return f"{self._marks}{self.label}"

    @property
    def _marks(self) -> str:
        return "".join(f"[{number}]" for number in self.numbers) + " "

    def write(self, sheet: Sheet) -> None:
        """Put the line on a sheet. A place without an address is code, or Telegram takes README.md for a host."""
        sheet.put(self._marks)
        if self.url:
            sheet.link(self.url)
            sheet.put(self.label)
            sheet.end_link()
        else:
            sheet.code(self.label)


def _lines(cited: Sequence[Cited]) -> Iterator[_Line]:
    found: dict[str, _Line] = {}
    for one in cited:
        label = " ".join(one.label.split()) or " ".join(one.path.split()) or "?"
        label = label if len(label) <= _LABEL_CHARS else "…" + label[1 - _LABEL_CHARS :]
        line = found.setdefault(label, _Line(label))
        if one.number not in line.numbers:
            line.numbers.append(one.number)
        if not line.url and one.url and is_web_address(one.url):
            line.url = one.url
    yield from found.values()
