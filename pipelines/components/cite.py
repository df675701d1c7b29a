"""Turn a model's stream into what a reader may see: real citation numbers, known links, no mentions, no images.

The text is cut into pieces (code, bracket, address, ...). A piece is let out only when it is whole, so that nothing
slips through by being split over two tokens; what is held back is bounded by `LONGEST_CHARS`, in a code block by its
line. The work grows with the length of the text and no faster, whatever is in it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

LONGEST_CHARS: Final = 1_000
"""A bracket, an address or inline code that has not ended by then is plain text."""
DEEPEST: Final = 3
"""Brackets inside so many others are left out, and what is in them is text: no link is nested as deep."""

# One blank before a bracket is read with it, so that it goes away with a number that cites nothing.
_OPENING: Final = re.compile(r"[ \t]?\\?[\[【]|[ \t]?\\\Z|\\|!\[|<|&|`+|~{3,}|@|https?://|www\.", re.IGNORECASE)
# The end of a text that may still become one of the above.
_MAYBE_OPENING: Final = re.compile(r"(?:[ \t!]|~{1,2}|h(?:t(?:t(?:ps?(?::/?)?)?)?)?|w{1,3})\Z", re.IGNORECASE)
_NUMBER: Final = r"\^?\d+(?:\s*[-–—]\s*\^?\d+)?"
_NUMBERS: Final = re.compile(
    rf"\s*(?:(?:passages?|sources?|quellen?|nr\.|no\.)\s*)?{_NUMBER}(?:\s*[,;&]\s*{_NUMBER})*\s*(?:†[^\]】]*)?\\?",
    re.IGNORECASE,
)
_RANGE: Final = re.compile(r"(\d+)(?:\s*[-–—]\s*\^?(\d+))?")
# What a reader does not see between a bracket and its number.
_UNSEEN: Final = re.compile("[*_\u00ad\u200b-\u200f\u2060\ufeff]")
_MENTION: Final = re.compile(r"@(?=(?:room|everyone|here|channel|all)\b)", re.IGNORECASE)
_ESCAPE: Final = re.compile(r"[ \t]?\\[\\<&`~!]?")
_AT_WORD: Final = re.compile(r"@\w{0,12}")
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)[^\s<>\[\]`]*", re.IGNORECASE)
_AUTOLINK: Final = re.compile(r"<((?:https?://|www\.)[^\s<>]*)>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^\s>]*[\s>]")
_ENTITY: Final = re.compile(r"&[#\w]+;")
_MAYBE_ENTITY: Final = re.compile(r"&[#\w]{0,32}\Z")
# Code inside a line never goes on into another paragraph, list item, heading or fence: Markdown would not see it as one.
_BLOCK_END: Final = re.compile(r"\n[ \t]*(?:\n|[-*+>#|=<]|\d+[.)]|```|~~~)")
_RUN: Final = re.compile(r"`+|~+")
_TAIL: Final = ".,;:!?)\"'*_"
_FENCE: Final = re.compile(r"(`{3,}+(?=[^\n`]*\n)|~{3,}+)[^\n]*\n")
_BRACKETS: Final = re.compile(r"[\[\]【】]")
_PAIRS: Final = {"]": "[", ")": "(", "】": "【"}
_PAIRED: Final = re.compile(r"[\[\](【】)]|\n\n")


@dataclass(frozen=True, slots=True)
class Filtered:
    """A filtered text with the passages that it cites, counted from 1, in order of first use."""

    markdown: str
    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """What a stretch of the held text becomes, and how many characters of it were used up."""

    text: str
    used_chars: int


def known_addresses(texts: Iterable[str]) -> frozenset[str]:
    """Collect the web addresses that stand in these texts, without what punctuation trails them."""
    return frozenset(_plain(found) for text in texts for found in _ADDRESS.findall(text))


def defused(text: str) -> str:
    """Put a zero-width space into words that would call everybody in a room."""
    return _MENTION.sub("@\u200b", text)


def filtered(text: str, *, passages: int, addresses: Collection[str] = (), dropped: Collection[int] = ()) -> Filtered:
    """Filter a whole text at once."""
    stream = CitedStream(passages, addresses=addresses, dropped=dropped)
    return Filtered(stream.feed(text) + stream.finish(), tuple(stream.order))


def _plain(address: str) -> str:
    return address.rstrip(_TAIL).rstrip("/")


class CitedStream:
    """Filters one answer as it arrives; `order` holds the passages cited so far, in order of first use.

    Passages count from 1 as the prompt numbered them. The reader sees 1, 2, 3... by first use. Numbers in `dropped`
    stand for passages that may not be cited.
    """

    def __init__(self, passages: int, *, addresses: Collection[str] = (), dropped: Collection[int] = ()) -> None:
        self.order: list[int] = []
        self._dropped = dropped
        self._passages = passages
        self._addresses = addresses
        self._held = ""
        self._at = 0  # what is held before this is read already
        self._is_end = False
        self._closings: Mapping[int, int] | None = None  # of the brackets in what is held; None until one is asked for
        self._fence = ""  # what closes the code block we are in
        self._at_line_start = True
        self._last = ""  # the last character that was let out
        self._depth = 0  # in how many brackets this text stands

    def feed(self, token: str) -> str:
        """Take the next token and return what may be shown now, which is often less and may be empty."""
        self._held += token
        return self._drain()

    def finish(self) -> str:
        """Return what was held back. An open code block is closed."""
        self._is_end = True
        rest = self._drain()
        if self._fence:
            rest += ("" if self._at_line_start else "\n") + self._fence
            self._fence = ""
        return rest

    @property
    def _is_over(self) -> bool:
        """Whether no more is waited for: the text has ended, or what is held is too long to be one piece."""
        return self._is_end or len(self._held) - self._at > LONGEST_CHARS

    def _drain(self) -> str:
        shown: list[str] = []
        self._closings = None
        while self._at < len(self._held):
            piece = self._in_code() if self._fence else self._in_text()
            if piece is None:
                break
            self._at += piece.used_chars
            if piece.text:
                # Two codes side by side would be read as one longer run of ticks, which closes neither.
                shown.append(" " if self._last == piece.text[0] == "`" else "")
                self._last = piece.text[-1]
                self._at_line_start = self._last == "\n"
            shown.append(piece.text)
        self._held, self._at = self._held[self._at :], 0
        return "".join(shown)

    def _in_code(self) -> Piece | None:
        end = self._held.find("\n", self._at) + 1
        if not end and not self._is_end:
            return None
        line = self._held[self._at : end or len(self._held)]
        bare = line.strip()
        if bare and set(bare) == {self._fence[0]} and len(bare) >= len(self._fence):
            self._fence = ""
        return Piece(defused(line), len(line))

    def _in_text(self) -> Piece | None:
        opening = _OPENING.search(self._held, self._at)
        if opening is None:
            maybe = None if self._is_end else _MAYBE_OPENING.search(self._held, self._at)
            text = self._held[self._at : maybe.start() if maybe else len(self._held)]
            return Piece(text, len(text)) if text else None
        if opening.start() > self._at:
            text = self._held[self._at : opening.start()]
            return Piece(text, len(text))
        return self._piece(opening.group().lower())

    def _piece(self, opening: str) -> Piece | None:
        kinds: dict[str, Callable[[], Piece | None]] = {
            "[": self._bracket,
            "【": self._bracket,
            "\\": self._escape,
            "<": self._angle,
            "&": self._entity,
            "`": self._code,
            "~": self._code,
            "@": self._mention,
            "/": self._address,
            ".": self._address,
        }
        return kinds[opening[-1]]()

    def _escape(self) -> Piece | None:
        """Read a backslash with the sign that it takes the meaning of, so that we never take it back by our own."""
        found = _ESCAPE.match(self._held, self._at)
        end = found.end() if found else self._at + 1
        if end == len(self._held) and self._held[end - 1] in "\\!" and not self._is_end:
            return None
        text = self._held[self._at : end]
        return Piece(text, len(text))

    def _mention(self) -> Piece | None:
        word = _AT_WORD.match(self._held, self._at)
        end = word.end() if word else self._at + 1
        if end == len(self._held) and not self._is_end:
            return None
        following = self._held[end : end + 1]  # says whether the word is over
        text = defused(self._held[self._at : end] + following)
        return Piece(text[: len(text) - len(following)], end - self._at)

    def _address(self) -> Piece | None:
        found = _ADDRESS.match(self._held, self._at)
        if found is None:
            return Piece(self._held[self._at], 1)
        if found.end() == len(self._held) and not self._is_over:
            return None
        address = found.group().rstrip(_TAIL)
        return Piece(self._linked(address) + defused(found.group()[len(address) :]), len(found.group()))

    def _linked(self, address: str) -> str:
        return address if _plain(address) in self._addresses else f"`{address}`"

    def _angle(self) -> Piece | None:
        link = _AUTOLINK.match(self._held, self._at)
        if link:
            return Piece(self._linked(link.group(1)), len(link.group()))
        return Piece("\\<", 1) if self._is_over or _TAG.match(self._held, self._at) else None

    def _entity(self) -> Piece | None:
        if _MAYBE_ENTITY.match(self._held, self._at) and not self._is_end:
            return None
        return Piece("\\&" if _ENTITY.match(self._held, self._at) else "&", 1)

    def _code(self) -> Piece | None:
        ticks = _RUN.match(self._held, self._at)
        run = ticks.group() if ticks else ""
        if self._at + len(run) == len(self._held) and not self._is_over:
            return None
        if len(run) >= 3 and self._at_line_start:
            if fence := _FENCE.match(self._held, self._at):
                self._fence = fence.group(1)
                return Piece(fence.group(), len(fence.group()))
            if self._held.find("\n", self._at) < 0 and not self._is_over:
                return None
        if run[0] == "~":
            return Piece("\\~" * len(run), len(run))
        return self._inline_code(run)

    def _inline_code(self, run: str) -> Piece | None:
        block_end = _BLOCK_END.search(self._held, self._at)
        upto = block_end.start() if block_end else len(self._held)
        closing = re.compile(rf"(?<!`){run}(?!`)").search(self._held, self._at + len(run), upto)
        if closing is None or (closing.end() == len(self._held) and not self._is_end):
            # Escaped, so that later text cannot close it and hide a number inside.
            return Piece("\\`" * len(run), len(run)) if self._is_over or block_end else None
        text = self._held[self._at : closing.end()]
        return Piece(defused(text), len(text))

    def _bracket(self) -> Piece | None:
        start = self._at + (self._held[self._at] in " \t")
        space, is_image = self._held[self._at : start], self._held[start] == "!"
        opened = start + (self._held[start] in "!\\")  # an escaped bracket would be shown as a bracket all the same
        closed = self._closing(opened)
        if closed is None:
            text = space + ("\\!" if is_image else "") + "\\" + self._held[opened]
            is_over = self._is_over or "\n\n" in self._held[self._at :]
            return Piece(text, opened + 1 - self._at) if is_over else None
        inside, end, target = self._held[opened + 1 : closed], closed + 1, ""
        if self._held.startswith("(", end):
            round_end = self._closing(end)
            if round_end is None and not self._is_over:
                return None
            if round_end is not None:
                target, end = self._held[end + 1 : round_end], round_end + 1
        if end == len(self._held) and not self._is_end:
            return None  # what follows may belong to it
        return Piece(self._rewritten(space, inside, target, is_image=is_image, end=end), end - self._at)

    def _closing(self, opened: int) -> int | None:
        """Find where the bracket at `opened` closes, over nested ones; None when it does not within a paragraph."""
        if self._closings is None:
            self._closings = _closings(self._held)
        closed = self._closings.get(opened)
        return closed if closed is not None and closed - opened < LONGEST_CHARS else None

    def _rewritten(self, space: str, inside: str, target: str, *, is_image: bool, end: int) -> str:
        if _names_numbers(inside):
            marks = self._numbered(inside)
            # "[1]: ..." at the start of a line would define a link for every later [1].
            colon = " " if marks and self._at_line_start and self._held.startswith(":", end) else ""
            return space + marks + colon if marks else ""
        text = self._whole(inside)
        if text != inside and (not text or _names_numbers(text)):
            return ""  # only what was taken out told it from a number
        address = target.strip().split(" ")[0].strip("<>")
        if is_image or target:
            known = not is_image and _plain(address) in self._addresses
            return f"{space}[{text}]({address})" if known else space + text
        guard = "\\" if self._held.startswith(":", end) else ""
        return f"{space}{guard}[{text}]"

    def _whole(self, text: str) -> str:
        nested = CitedStream(self._passages, addresses=self._addresses, dropped=self._dropped)
        nested.order, nested._at_line_start, nested._depth = self.order, False, self._depth + 1
        return nested.feed(text if nested._depth <= DEEPEST else _BRACKETS.sub("", text)) + nested.finish()

    def _numbered(self, inside: str) -> str:
        numbers: list[int] = []
        for first, last in _RANGE.findall(_UNSEEN.sub("", inside.partition("†")[0])):
            upto = min(int(last or first), self._passages)
            numbers += [n for n in range(max(int(first), 1), upto + 1) if n not in numbers and n not in self._dropped]
        self.order += [n for n in numbers if n not in self.order]
        return "".join(f"[{self.order.index(n) + 1}]" for n in numbers)


def _names_numbers(inside: str) -> bool:
    """Say whether a reader takes what stands in a bracket for the number of a source."""
    return bool(_NUMBERS.fullmatch(_UNSEEN.sub("", inside)))


def _closings(text: str) -> dict[int, int]:
    """Map the place of each opening bracket to that of its closing one; none is closed by another paragraph."""
    closings: dict[int, int] = {}
    opened: defaultdict[str, list[int]] = defaultdict(list)
    for found in _PAIRED.finditer(text):
        sign = found.group()
        if sign == "\n\n":
            opened.clear()
        elif sign not in _PAIRS:
            opened[sign].append(found.start())
        elif opened[_PAIRS[sign]]:
            closings[opened[_PAIRS[sign]].pop()] = found.start()
    return closings
