"""Cuts a page into messages that Telegram takes, where a reader minds it least."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from adapters.telegram.graphemes import whole_before
from adapters.telegram.page import Page, Span, is_visible, units

MAX_UNITS: Final = 4096  # of UTF-16, https://core.telegram.org/bots/api#sendmessage
MAX_ENTITIES: Final = 100  # what comes behind them is shown as plain text
_WHOLE: Final = ("pre", "blockquote")  # these are kept in one message where they fit


def split(page: Page, *, limit: int = MAX_UNITS, most: int = MAX_ENTITIES) -> Iterator[Page]:
    """Cut a page into pages of at most `limit` units and `most` entities, without what would show nothing.

    In order of choice a cut stands between blocks, between a list's items, between lines, between words, and
    elsewhere only inside a word that is longer than a message. Only white space at a cut is left out, and inside code
    nothing but the line break.
    """
    return _Splitting(page, limit, most).pieces()


class _Splitting:
    """One pass over a page: `_open` are the spans that have begun and not ended, `_next` is the one that comes."""

    def __init__(self, page: Page, limit: int, most: int) -> None:
        self._page = page
        self._text = page.text
        self._limit = limit
        self._most = most
        self._open: list[Span] = []
        self._next = 0

    def pieces(self) -> Iterator[Page]:
        start = 0
        while start < len(self._text):
            reach = self._reach(start)
            end = reach if reach == len(self._text) else self._cut(start, reach)
            spans = self._spans_until(end)
            behind = end
            code = _around(end, spans, ("pre",))
            if code is not None and self._text[end] == "\n":  # the message's end stands for the line's
                behind += 1
            piece = self._piece(start, end, spans)
            if is_visible(piece.text):
                yield piece
            self._open = [span for span in spans if span.end > behind]
            start = behind

    def _reach(self, start: int) -> int:
        """How far a message that begins at `start` may go."""
        window = self._text[start : start + self._limit]
        if units(window) > self._limit:
            kept = window.encode("utf-16-le")[: 2 * self._limit]
            window = kept.decode("utf-16-le", "ignore")  # half a pair at the end is dropped
        reach = start + len(window)
        beyond = self._next + self._most - len(self._open)
        if beyond < len(self._page.spans):
            reach = min(reach, max(self._page.spans[beyond].start, start + 1))
        return reach

    def _cut(self, start: int, reach: int) -> int:
        """The best place for a cut after `start` and at `reach` at the latest."""
        half = start + (reach - start) // 2
        for borders in (self._page.blocks, self._page.items):
            border = _last(borders, reach)
            if border > half:
                return border
        whole = self._before_block(start, reach)
        if whole:
            return whole
        line = self._line_end(start, reach)
        if line > half or (line > start and self._fits_line(line + 1)):
            return line
        word = self._text.rfind(" ", half, reach)
        if word > half and whole_before(self._text, word + 1, least=word) == word + 1:
            return word
        return whole_before(self._text, reach, least=start + 1)

    def _before_block(self, start: int, reach: int) -> int:
        """Where to cut so that a block which does not fit here is whole in the next message; 0 for nowhere."""
        block = _around(reach, self._spans_from(reach), _WHOLE)
        quarter = start + (reach - start) // 4
        if block is None or block.start <= quarter:
            return 0
        at = max(_last(self._page.blocks, block.start), _last(self._page.items, block.start))
        at = at if at > quarter else block.start
        return at if units(self._text[at : block.end]) <= self._limit * 3 // 4 else 0

    def _line_end(self, start: int, reach: int) -> int:
        """The last line's end, before the empty lines there: they begin the next message."""
        last = end = self._text.rfind("\n", start + 1, reach + 1)
        while end > start and self._text[end - 1] == "\n":
            end -= 1
        return end if end > start else last

    def _fits_line(self, start: int) -> bool:
        """Whether the line that begins here fits into one message."""
        line = self._text[start : start + self._limit + 1].partition("\n")[0]
        return units(line) <= self._limit

    def _spans_from(self, reach: int) -> Iterator[Span]:
        """The spans that are open or begin before `reach`."""
        yield from self._open
        at = self._next
        while at < len(self._page.spans) and self._page.spans[at].start < reach:
            yield self._page.spans[at]
            at += 1

    def _spans_until(self, end: int) -> list[Span]:
        """The spans before `end`, and go on behind them."""
        spans = list(self._spans_from(end))
        self._next += len(spans) - len(self._open)
        return spans

    def _piece(self, start: int, end: int, spans: Sequence[Span]) -> Page:
        """The text between two places with its spans, without white space around it that is no code."""
        text = self._text[start:end]
        if _around(end, spans, ("pre",)) is None:
            text = text.rstrip()
        if not any(span.kind == "pre" and span.start <= start < span.end for span in spans):
            kept = text.lstrip()
            start += len(text) - len(kept)
            text = kept
        return Page(text, tuple(_clipped(spans, start, start + len(text))))


def _around(place: int, spans: Iterator[Span] | Sequence[Span], kinds: Sequence[str]) -> Span | None:
    """The first span of some kinds that begins before a place and ends behind it."""
    return next((span for span in spans if span.kind in kinds and span.start < place < span.end), None)


def _last(borders: Sequence[int], reach: int) -> int:
    """The last border at `reach` or before; 0 when there is none."""
    at = bisect_right(borders, reach)
    return borders[at - 1] if at else 0


def _clipped(spans: Sequence[Span], start: int, end: int) -> Iterator[Span]:
    """What of the spans lies between two places, counted from the first."""
    for begins, ends, kind, url, language in spans:
        first, last = max(begins, start), min(ends, end)
        if first < last:
            yield Span(first - start, last - start, kind, url, language)
