"""Choose what to quote: the lines of a passage that say most of what was asked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipelines.components.blocks import Block, code_windows, language_of, prose_blocks
from pipelines.components.keywords import terms
from pipelines.components.query import Query, squashed
from pipelines.components.rank import Weights
from pipelines.types import Passage

QUOTE_CHARS: Final = 700
"""A quote is shortened to about this many characters."""
_BARE_HEADING: Final = 0.2  # a heading without its text answers nothing
_NEIGHBOURS: Final = 2  # list items shown before and after the one that matches
_LEAD: Final = 3  # a block this short that ends in a colon only introduces the next one
_SYMBOL_BONUS: Final = 0.5
_LENGTH_COST: Final = 0.004  # a line: of two windows that say the same the shorter wins
_CODE_KINDS: Final = frozenset({"code"})


@dataclass(frozen=True, slots=True)
class Quoted:
    """Lines chosen from a passage. `blocks` are those lines in order, `coverage` the share of the question in them."""

    passage: Passage
    blocks: tuple[Block, ...]
    coverage: float

    @property
    def first_line(self) -> int:
        """The first quoted line."""
        return self.blocks[0].first_line

    @property
    def last_line(self) -> int:
        """The last quoted line."""
        return self.blocks[-1].last_line

    @property
    def text(self) -> str:
        """All lines from the first to the last quoted one, as they were read."""
        lines = re.split(r"\r\n|\n|\r", self.passage.text)
        start = self.first_line - self.passage.first_line
        return "\n".join(lines[start : start + self.last_line - self.first_line + 1])


def quote(passage: Passage, query: Query, weights: Weights) -> Quoted:
    """Choose the lines of a passage that say most of what was asked; a passage that says nothing gives its beginning."""
    if is_code(passage):
        return _from_code(passage, query, weights)
    blocks = [block for block in prose_blocks(passage.text, first_line=passage.first_line) if block.kind != "rule"]
    if not blocks:
        return _from_code(passage, query, weights)
    shares = [_share(block, weights) for block in blocks]
    inherited = _inherited(blocks, shares)
    best = max(range(len(blocks)), key=lambda at: (inherited[at] - (blocks[at].kind == "heading") * 0.01, -at))
    chosen = _with_company(blocks, best)
    coverage = _covered(" \n".join(block.text for block in chosen) + " \n" + " ".join(passage.headings), weights)
    if all(block.kind == "heading" for block in chosen):
        coverage *= _BARE_HEADING
    return Quoted(passage, _shortened(chosen, weights), coverage)


def is_code(passage: Passage) -> bool:
    """Say whether a passage is quoted as code."""
    return passage.kind in _CODE_KINDS or (passage.kind == "text" and bool(language_of(passage.path)))


def _from_code(passage: Passage, query: Query, weights: Weights) -> Quoted:
    names = {squashed(name.rsplit(".", 1)[-1]) for name in query.identifiers}
    windows = list(code_windows(passage.text, first_line=passage.first_line, language=language_of(passage.path)))
    if not windows:
        empty = Block("code", passage.first_line, (passage.text.split("\n", 1)[0],))
        return Quoted(passage, (empty,), 0.0)
    best = max(windows, key=lambda window: _window_worth(window, names, weights))
    return Quoted(passage, _shortened([best], weights), _share(best, weights))


def _window_worth(window: Block, names: set[str], weights: Weights) -> float:
    defines = bool(names) and any(name in squashed(window.lines[0]) for name in names)
    opens = bool(
        re.match(r"\s*(?:@|async def|def|class|func|fn|function|export|public|pub|struct|type|impl)\b", window.lines[0])
    )
    first = _covered(window.lines[0], weights)
    return (
        _share(window, weights)
        + _SYMBOL_BONUS * (defines and opens)
        + 0.1 * opens
        + 0.2 * first
        - _LENGTH_COST * len(window.lines)
    )


def _share(block: Block, weights: Weights) -> float:
    return _covered(block.text, weights)


def _covered(text: str, weights: Weights) -> float:
    there = set(terms(text))
    total = sum(weight for _, weight in weights)
    return sum(weight for concept, weight in weights if there & concept.stems) / total if total else 0.0


def _inherited(blocks: Sequence[Block], shares: Sequence[float]) -> list[float]:
    """Add to each block half of what the heading above it says: the text under a telling heading answers."""
    above = 0.0
    worth = []
    for block, own in zip(blocks, shares, strict=True):
        if block.kind == "heading":
            above = own
            worth.append(own * 0.5)
        else:
            worth.append(own + above / 2)
    return worth


def _with_company(blocks: Sequence[Block], best: int) -> list[Block]:
    """Add what a block cannot be read without: the text under a heading, the code after a colon, the lead of a list."""
    end = best
    while end + 1 < len(blocks) and _introduces(blocks[end]) and end - best < _LEAD:
        end += 1
    start = best
    while start and blocks[start].is_item and _touch(blocks[start - 1], blocks[start]) and best - start < _NEIGHBOURS:
        start -= 1
    while (
        end + 1 < len(blocks)
        and blocks[end + 1].is_item
        and _touch(blocks[end], blocks[end + 1])
        and end - best < _NEIGHBOURS
    ):
        end += 1
    if start and blocks[start].kind == "code" and blocks[start - 1].kind == "prose":
        start -= 1
    return list(blocks[start : end + 1])


def _touch(one: Block, other: Block) -> bool:
    return one.kind == "prose" and other.first_line == one.last_line + 1


def _introduces(block: Block) -> bool:
    return block.kind == "heading" or block.text.rstrip().endswith(":")


def _shortened(blocks: Sequence[Block], weights: Weights) -> tuple[Block, ...]:
    """Keep whole lines up to QUOTE_CHARS around the line that says most; one line too long alone is kept whole."""
    kept: list[Block] = []
    room = QUOTE_CHARS
    for block in blocks:
        if len(block.text) > room:
            cut = _cut(block, weights, room=room) if not kept else None
            return (*kept, cut) if cut else tuple(kept)
        kept.append(block)
        room -= len(block.text)
    return tuple(kept)


def _cut(block: Block, weights: Weights, *, room: int) -> Block:
    lines = block.lines
    best = max(range(len(lines)), key=lambda at: (_covered(lines[at], weights), -at))
    start = end = best
    length = len(lines[best]) + 1
    while True:
        after = len(lines[end + 1]) + 1 if end + 1 < len(lines) else room
        before = len(lines[start - 1]) + 1 if start else room
        if length + min(after, before) >= room:
            break
        if after <= before or not start:
            end, length = end + 1, length + after
        else:
            start, length = start - 1, length + before
    return replace(block, first_line=block.first_line + start, lines=lines[start : end + 1])


_SENTENCE: Final = re.compile(r"(?<=[.!?:;])\s+(?=\S)")


def telling_sentences(text: str, weights: Weights, *, limit_chars: int = QUOTE_CHARS) -> str:
    """Shorten a long line to its most telling sentences in their order, gaps shown as an ellipsis."""
    if len(text) <= limit_chars:
        return text
    sentences = _SENTENCE.split(text)
    order = sorted(range(len(sentences)), key=lambda at: (-_covered(sentences[at], weights), at))
    kept: set[int] = set()
    used = 0
    for at in order:
        if used + len(sentences[at]) <= limit_chars or not kept:
            kept.add(at)
            used += len(sentences[at])
    shown = []
    for at, sentence in enumerate(sentences):
        if at in kept:
            shown.append(sentence[:limit_chars])
        elif not shown or shown[-1] != "…":
            shown.append("…")
    return " ".join(shown)
