"""What may be cut out of code with braces before it is parsed: the insides of blocks that define nothing."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pipelines.components.splitting.cuts import Cut

_COMMENTS: Final = re.compile(r"//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?")


@dataclass(frozen=True, slots=True)
class Block:
    """What a block is by its head: whether its inside may go when it defines nothing, and whether it is a definition."""

    may_go: bool
    defines: bool = False


@dataclass(frozen=True, slots=True)
class BlockForm:
    """How a language writes blocks and definitions.

    `tokens` match comments, texts and, with groups of these names, what is "opening" or "closing" a block, a
    "directive" that defines, or "broken". `words` define when a space or brace follows, wherever they stand: that one
    in a comment counts as well only costs time. So does what `values` match. `block` reads a head, the text from the
    last statement or block to the brace, given whether what is around may go and whether there is one of the words in
    the head; without it all may.
    """

    tokens: re.Pattern[str]
    words: tuple[str, ...]
    block: Callable[[str, bool, bool], Block] | None = None
    values: tuple[re.Pattern[str], ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(slots=True)
class _Open:
    """A block that is open since `start`; `cuts` counts those made before it."""

    start: int
    block: Block
    cuts: int
    defines: bool = False


_ALL_MAY_GO: Final = Block(may_go=True)
_FILE: Final = Block(may_go=False)


@dataclass(slots=True)
class _Reader:
    """The blocks around the place where reading has come to."""

    form: BlockForm
    text: str
    words: list[int]
    defining: list[int]
    cuts: list[Cut] = field(default_factory=list)
    around: list[_Open] = field(default_factory=lambda: [_Open(0, _FILE, 0)])
    head: int = 0

    def open(self, at: int) -> None:
        """Take an opening brace."""
        block = _ALL_MAY_GO
        if self.form.block:
            head = self.text[self.head : at]
            head = _COMMENTS.sub(" ", head) if "/" in head else head
            has_word = _is_between(self.words, self.head, at)
            block = self.form.block(head[head.rfind(";") + 1 :], self.around[-1].block.may_go, has_word)
        self.around.append(_Open(at + 1, block, len(self.cuts)))
        self.head = at + 1

    def close(self, at: int) -> bool:
        """Take a closing brace; False when nothing is open."""
        inner = self.around.pop()
        if not self.around:
            return False
        self.head = at + 1
        defines = inner.defines or _is_between(self.defining, inner.start, at)
        if inner.block.may_go and not defines:
            del self.cuts[inner.cuts :]
            self.cuts.append(Cut(inner.start, at))
        is_filled = at > inner.start and not self.text[inner.start : at].isspace()
        self.around[-1].defines |= defines or (inner.block.defines and is_filled)
        return True


def _is_between(places: list[int], start: int, end: int) -> bool:
    following = bisect_left(places, start)
    return following < len(places) and places[following] < end


def cuts_in_blocks(form: BlockForm, text: str) -> list[Cut]:
    """Find the insides of blocks that define nothing, in order; none when braces or texts do not match up."""
    if any(sign in text for sign in form.refused):
        return []
    words = sorted(_words(form, text))
    values = [match.start() for value in form.values for match in value.finditer(text)]
    reader = _Reader(form, text, words, sorted([*words, *values]))
    group = form.tokens.groupindex
    opening, closing, directive = group["opening"], group["closing"], group.get("directive")
    for token in form.tokens.finditer(text):
        kind = token.lastindex
        if kind is None:
            continue
        if kind == opening:
            reader.open(token.start())
        elif kind == directive:
            reader.around[-1].defines = True
        elif kind != closing or not reader.close(token.start()):
            return []
    return reader.cuts if len(reader.around) == 1 else []


def _words(form: BlockForm, text: str) -> Iterator[int]:
    for word in form.words:
        at = text.find(word)
        while at >= 0:
            end = at + len(word)
            if text[end : end + 1] in " \n\t{":
                yield at
            at = text.find(word, end)
