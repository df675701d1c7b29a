"""Turn a model's stream into what a reader may see: real citation numbers, known links, no mentions, no images.

The text is cut into pieces (code, bracket, address, ...). A piece is let out only when it is whole, so that nothing
slips through by being split over two tokens; what is held back is bounded by `LONGEST_CHARS`.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

LONGEST_CHARS = 1_000
"""A bracket, an address or inline code that has not ended by then is plain text."""

# Blanks are read from the first one of a run on, else a long run would cost its length squared.
_OPENING = re.compile(r"(?<![ \t])[ \t]*\\?[\[【]|!\[|<|&|`+|~{3,}|@|https?://|www\.", re.IGNORECASE)
# The end of a text that may still become one of the above.
_MAYBE_OPENING = re.compile(r"(?:(?<![ \t])[ \t]+\\?|\\|!|~+|`+|h(?:t(?:t(?:ps?(?::/?)?)?)?)?|w{1,3})$", re.IGNORECASE)
_NUMBER = r"\^?\d+(?:\s*[-–—]\s*\^?\d+)?"
_NUMBERS = re.compile(
    rf"\s*(?:(?:passages?|sources?|quellen?|nr\.|no\.)\s*)?{_NUMBER}(?:\s*[,;&]\s*{_NUMBER})*\s*(?:†[^\]】]*)?\\?",
    re.IGNORECASE,
)
_RANGE = re.compile(r"(\d+)(?:\s*[-–—]\s*\^?(\d+))?")
_MENTION = re.compile(r"@(?=(?:room|everyone|here|channel|all)\b)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\[\]`]*", re.IGNORECASE)
_AUTOLINK = re.compile(r"<((?:https?://|www\.)[^\s<>]*)>", re.IGNORECASE)
_TAIL = ".,;:!?)\"'*_"
_FENCE = re.compile(r"(`{3,}(?=[^\n`]*\n)|~{3,})[^\n]*\n")


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
        self._fence = ""  # what closes the code block we are in
        self._at_line_start = True

    def feed(self, token: str) -> str:
        """Take the next token and return what may be shown now, which is often less and may be empty."""
        self._held += token
        return self._drain(is_end=False)

    def finish(self) -> str:
        """Return what was held back. An open code block is closed."""
        rest = self._drain(is_end=True)
        if self._fence:
            rest += ("" if self._at_line_start else "\n") + self._fence
            self._fence = ""
        return rest

    def _drain(self, *, is_end: bool) -> str:
        shown: list[str] = []
        while self._held:
            piece = self._in_code(is_end) if self._fence else self._in_text(is_end)
            if piece is None:
                break
            self._held = self._held[piece.used_chars :]
            if piece.text:
                self._at_line_start = piece.text.endswith("\n")
            shown.append(piece.text)
        return "".join(shown)

    def _in_code(self, is_end: bool) -> Piece | None:  # noqa: FBT001
        line, newline, _ = self._held.partition("\n")
        if not newline and not is_end:
            return None
        bare = line.strip()
        if bare and set(bare) == {self._fence[0]} and len(bare) >= len(self._fence):
            self._fence = ""
        return Piece(defused(line) + newline, len(line) + len(newline))

    def _in_text(self, is_end: bool) -> Piece | None:  # noqa: FBT001
        opening = _OPENING.search(self._held)
        if opening is None:
            maybe = None if is_end else _MAYBE_OPENING.search(self._held)
            upto = maybe.start() if maybe else len(self._held)
            return Piece(self._held[:upto], upto) if upto else None
        if opening.start():
            return Piece(self._held[: opening.start()], opening.start())
        return self._piece(opening.group().lower(), is_end)

    def _piece(self, opening: str, is_end: bool) -> Piece | None:  # noqa: FBT001
        kinds: dict[str, Callable[[bool], Piece | None]] = {
            "[": self._bracket,
            "【": self._bracket,
            "!": self._bracket,
            "\\": self._bracket,
            "<": self._angle,
            "&": self._entity,
            "`": self._code,
            "~": self._code,
            "@": self._mention,
            "h": self._address,
            "w": self._address,
        }
        return kinds[opening.lstrip(" \t")[0]](is_end)

    def _mention(self, is_end: bool) -> Piece | None:  # noqa: FBT001
        word = re.match(r"@\w{0,12}", self._held)
        end = word.end() if word else 1
        if end == len(self._held) and not is_end:
            return None
        return Piece(defused(self._held[: end + 1])[: -1 if len(self._held) > end else None], end)

    def _address(self, is_end: bool) -> Piece | None:  # noqa: FBT001
        found = _ADDRESS.match(self._held)
        if found is None:
            return Piece(self._held[0], 1)
        if found.end() == len(self._held) < LONGEST_CHARS and not is_end:
            return None
        address = found.group().rstrip(_TAIL)
        return Piece(self._linked(address) + defused(found.group()[len(address) :]), found.end())

    def _linked(self, address: str) -> str:
        return address if _plain(address) in self._addresses else f"`{address}`"

    def _angle(self, is_end: bool) -> Piece | None:  # noqa: FBT001
        link = _AUTOLINK.match(self._held)
        if link:
            return Piece(self._linked(link.group(1)), link.end())
        if is_end or len(self._held) > LONGEST_CHARS or re.match(r"<[^\s>]*[\s>]", self._held):
            return Piece("\\<", 1)
        return None

    def _entity(self, is_end: bool) -> Piece | None:  # noqa: FBT001
        if re.fullmatch(r"&[#\w]{0,32}", self._held) and not is_end:
            return None
        return Piece("\\&" if re.match(r"&[#\w]+;", self._held) else "&", 1)

    def _code(self, is_end: bool) -> Piece | None:  # noqa: FBT001
        ticks = re.match(r"`+|~+", self._held)
        run = ticks.group() if ticks else ""
        if len(run) == len(self._held) and not is_end:
            return None
        if len(run) >= 3 and self._at_line_start:
            if fence := _FENCE.match(self._held):
                self._fence = fence.group(1)
                return Piece(fence.group(), fence.end())
            if "\n" not in self._held and not is_end:
                return None
        if run[0] == "~":
            return Piece("\\~" * len(run), len(run))
        return self._inline_code(run, is_end)

    def _inline_code(self, run: str, is_end: bool) -> Piece | None:  # noqa: FBT001
        closing = re.search(rf"(?<!`){run}(?!`)", self._held[len(run) :])
        if closing is None or (closing.end() + len(run) == len(self._held) and not is_end):
            is_over = is_end or len(self._held) > LONGEST_CHARS or "\n\n" in self._held
            # Escaped, so that later text cannot close it and hide a number inside.
            return Piece("\\`" * len(run), len(run)) if is_over else None
        end = len(run) + closing.end()
        return Piece(defused(self._held[:end]), end)

    def _bracket(self, is_end: bool) -> Piece | None:  # noqa: FBT001
        space = re.match(r"[ \t]*", self._held)
        start = space.end() if space else 0
        if self._held.startswith("\\", start):  # an escaped bracket would be shown as a bracket all the same
            self._held = self._held[:start] + self._held[start + 1 :]
        is_image = self._held.startswith("![", start)
        opened = start + is_image
        closed = _closing(self._held, opened)
        if closed is None:
            is_over = is_end or len(self._held) > LONGEST_CHARS or "\n\n" in self._held
            return (
                Piece(self._held[:opened].replace("!", "\\!") + "\\" + self._held[opened], opened + 1)
                if is_over
                else None
            )
        if closed + 1 == len(self._held) and not is_end:
            return None
        inside, end, target = self._held[opened + 1 : closed], closed + 1, ""
        if self._held.startswith("(", end):
            round_end = _closing(self._held, end)
            if round_end is None and not is_end and len(self._held) <= LONGEST_CHARS:
                return None
            if round_end is not None:
                target, end = self._held[end + 1 : round_end], round_end + 1
        return Piece(self._rewritten(self._held[:start], inside, target, is_image=is_image, end=end), end)

    def _rewritten(self, space: str, inside: str, target: str, *, is_image: bool, end: int) -> str:
        if _NUMBERS.fullmatch(inside):
            marks = self._numbered(inside)
            # "[1]: ..." at the start of a line would define a link for every later [1].
            colon = " " if marks and self._at_line_start and self._held.startswith(":", end) else ""
            return space + marks + colon if marks else ""
        text = self._whole(inside)
        address = target.strip().split(" ")[0].strip("<>")
        if is_image or target:
            known = not is_image and _plain(address) in self._addresses
            return f"{space}[{text}]({address})" if known else space + text
        guard = "\\" if self._held.startswith(":", end) else ""
        return f"{space}{guard}[{text}]"

    def _whole(self, text: str) -> str:
        nested = CitedStream(self._passages, addresses=self._addresses, dropped=self._dropped)
        nested.order, nested._at_line_start = self.order, False
        return nested.feed(text) + nested.finish()

    def _numbered(self, inside: str) -> str:
        numbers: list[int] = []
        for first, last in _RANGE.findall(inside.partition("†")[0]):
            upto = min(int(last or first), self._passages)
            numbers += [n for n in range(max(int(first), 1), upto + 1) if n not in numbers and n not in self._dropped]
        self.order += [n for n in numbers if n not in self.order]
        return "".join(f"[{self.order.index(n) + 1}]" for n in numbers)


def _closing(text: str, opened: int) -> int | None:
    """Find where the bracket at `opened` closes, over nested ones; None when it does not within a paragraph."""
    pairs = {"[": "]", "(": ")", "【": "】"}
    left, right, depth = text[opened], pairs[text[opened]], 0
    paragraph = text.find("\n\n", opened)
    for place in range(opened, min(len(text), opened + LONGEST_CHARS, paragraph if paragraph >= 0 else len(text))):
        depth += (text[place] == left) - (text[place] == right)
        if depth == 0:
            return place
    return None
