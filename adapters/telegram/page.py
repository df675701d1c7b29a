"""A text with its spans, as Telegram shows it: `Sheet` is one that is being written, `Page` one that is done.

Places count code points here. Telegram counts UTF-16 units, and gets them from `rendered` at the very end.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

_TWO_UNITS: Final = re.compile("[\U00010000-\U0010ffff]")
# What a message may hold and still count as empty: white space, marks without width, blanks of some scripts.
_VISIBLE: Final = re.compile(
    r"[^\s\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffc\U000e0000-\U000e0fff]"
)
_SEPARATE: Final = ("pre", "blockquote")  # two that touch are two all the same


class Span(NamedTuple):
    """A stretch of text that is shown in its own way; `kind` is the type of Telegram's MessageEntity."""

    start: int
    end: int
    kind: str
    url: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A text with its spans, in order. A cut is best before a place of `blocks`, next best before one of `items`."""

    text: str
    spans: tuple[Span, ...] = ()
    blocks: tuple[int, ...] = ()
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text and its entities as the Bot API takes them: offsets and lengths in UTF-16 units, in order."""

    text: str
    entities: tuple[dict[str, Any], ...] = ()


class Sheet:
    """Text and spans that grow at the end.

    `marker` waits to stand before whatever is put next: the bullet or the indent of a list's line.
    """

    def __init__(self) -> None:
        self.length = 0
        self.marker = ""
        self.blocks: list[int] = []
        self.items: list[int] = []
        self._pieces: list[str] = []
        self._newlines = 2  # at the end; before the first sign there is nothing to break
        self._spans: list[Span] = []
        self._latest: dict[str, int] = {}  # by kind, the place of its last span
        self._depth: dict[str, int] = {}  # of kinds that are open
        self._since: dict[str, int] = {}
        self._url = ""

    @property
    def is_introduced(self) -> bool:
        """Whether the last line announces what comes: it ends with a colon."""
        last = next((piece for piece in reversed(self._pieces[-3:]) if not piece.isspace()), "")
        return last.endswith(":")

    def put(self, text: str) -> None:
        """Add text that ends no line, behind the marker that waits."""
        if self.marker:
            text, self.marker = self.marker + text, ""
        if text:
            self._pieces.append(text)
            self.length += len(text)
            self._newlines = 0

    def feed(self, lines: int) -> None:
        """Let the text end with at least so many line breaks."""
        missing = lines - self._newlines
        if missing > 0:
            self._pieces.append("\n" * missing)
            self.length += missing
            self._newlines = lines

    def begin(self, kind: str) -> None:
        """Open a kind of span, once more if it is open."""
        self.put("")
        depth = self._depth[kind] = self._depth.get(kind, 0) + 1
        if depth == 1:
            self._since[kind] = self.length

    def begin_quote(self) -> None:
        """Open a quote: in it there is nothing yet to break a line after."""
        self.begin("blockquote")
        self._newlines = 2

    def end(self, kind: str) -> None:
        """Close what `begin` opened."""
        depth = self._depth[kind] = self._depth[kind] - 1
        if not depth:
            self._add(kind, self._since.pop(kind))

    def code(self, text: str) -> None:
        """Put a code span. It overlaps with no style, and inside a link the link is kept."""
        self.put("")
        if self._url:
            self.put(text)
            return
        paused = [kind for kind in self._since if kind != "blockquote"] if self._since else ()
        for kind in paused:
            self._add(kind, self._since[kind])
        start = self.length
        self.put(text)
        self._add("code", start)
        for kind in paused:
            self._since[kind] = self.length

    def pre(self, text: str, language: str = "") -> None:
        """Put a block of code, or of text in columns, on lines of its own."""
        start = self.length
        self.put(text)
        self._add("pre", start, language=language)

    def link(self, url: str) -> None:
        """Begin a link; a link inside a link is none."""
        self.put("")
        self._depth["text_link"] = self._depth.get("text_link", 0) + 1
        if self._depth["text_link"] == 1:
            self._url, self._since["text_link"] = url, self.length

    def end_link(self) -> None:
        """End what `link` began."""
        self._depth["text_link"] -= 1
        if not self._depth["text_link"]:
            self._add("text_link", self._since.pop("text_link"), url=self._url)
            self._url = ""

    def page(self) -> Page:
        """What stands here, without white space at the end."""
        text = "".join(self._pieces).rstrip()
        end = len(text)
        spans = [span if span.end <= end else span._replace(end=end) for span in self._spans if span.start < end]
        spans.sort(key=_place)
        return Page(text, tuple(spans), tuple(self.blocks), tuple(self.items))

    def _add(self, kind: str, start: int, *, url: str = "", language: str = "") -> None:
        if self.length == start:
            return
        latest = self._latest.get(kind)
        if latest is not None and kind not in _SEPARATE:
            before = self._spans[latest]
            if before.end == start and before.url == url:
                self._spans[latest] = before._replace(end=self.length)
                return
        self._latest[kind] = len(self._spans)
        self._spans.append(Span(start, self.length, kind, url, language))


def _place(span: Span) -> tuple[int, int, bool]:
    return span.start, -span.end, span.kind != "blockquote"  # what holds others comes before them


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def is_visible(text: str) -> bool:
    """Whether there is anything to see; Telegram refuses a message without."""
    return _VISIBLE.search(text) is not None


def joined(pages: Sequence[Page], *, between: str) -> Page:
    """Pages one after the other as a single one; places for cuts are forgotten."""
    spans: list[Span] = []
    start = 0
    for page in pages:
        spans += (span._replace(start=span.start + start, end=span.end + start) for span in page.spans)
        start += len(page.text) + len(between)
    return Page(between.join(page.text for page in pages), tuple(spans))


def rendered(page: Page) -> Rendered:
    """A page with its places in UTF-16 units."""
    twos = [found.start() for found in _TWO_UNITS.finditer(page.text)]
    return Rendered(page.text, tuple(_entities(page.spans, twos)))


def _entities(spans: Iterable[Span], twos: Sequence[int]) -> Iterable[dict[str, Any]]:
    for start, end, kind, url, language in spans:
        offset = start + bisect_left(twos, start)
        entity: dict[str, Any] = {"type": kind, "offset": offset, "length": end + bisect_left(twos, end) - offset}
        if url:
            entity["url"] = url
        if language:
            entity["language"] = language
        yield entity
