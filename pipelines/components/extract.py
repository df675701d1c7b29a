"""Choose what to quote: the lines of a passage that say most of what was asked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipelines.components.asked import Weights
from pipelines.components.blocks import Block, language_of, lines_of, prose_blocks
from pipelines.components.coverage import Coverage, joined
from pipelines.components.keywords import terms
from pipelines.components.query import Query, squashed
from pipelines.components.windows import Window, code_windows, import_lines
from pipelines.types import Passage

QUOTE_CHARS: Final = 700
"""A quote is shortened to about this many characters."""
QUOTE_LINES: Final = 10
"""A quote is shortened to about this many lines."""
_BARE_HEADING: Final = 0.2  # a heading without its text answers nothing
_SHORT: Final = 4  # lines: a quote that is shorter takes the next block of its section along
_NEIGHBOURS: Final = 3  # list items shown before and after the one that matches
_LEAD_LINES: Final = 5  # a longer paragraph is no lead-in of the code or list below it
_BY_HEADING: Final = 0.6  # how much of what a heading says counts for the text below it
_OF_PAGE: Final = 0.7  # and how much of what the page's title says counts for its sections
_LATER: Final = 0.05  # a section opens with what matters: each block further down counts less
_OPENS: Final = {"definition": 0.2, "part": 0.1, "middle": 0.0}
_SYMBOL_BONUS: Final = 0.6
_FIRST_LINE: Final = 0.2
_FILE_SAYS: Final = 0.15  # a file begins by saying what it is for
_LENGTH_COST: Final = 0.004  # a line: of two windows that say the same the shorter wins
_IS_THE_MATTER: Final = 0.3  # the sentence that says what something is, when that was asked
_IS: Final = re.compile(r"\b(?:is|are|means|consists|ist|sind|bedeutet|besteht)\b")
_OPENING_CHARS: Final = 80
_CODE_KINDS: Final = frozenset({"code"})


@dataclass(frozen=True, slots=True)
class Quoted:
    """Lines chosen from a passage. `blocks` are those lines in order, `coverage` the share of the question in them.

    `head` is the head of the table whose rows are quoted; it is shown above them and is no part of the lines.
    """

    passage: Passage
    blocks: tuple[Block, ...]
    coverage: float
    head: tuple[str, ...] = ()

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
        lines = lines_of(self.passage.text)
        start = self.first_line - self.passage.first_line
        return "\n".join(lines[start : start + self.last_line - self.first_line + 1])


def quote(passage: Passage, query: Query, weights: Weights) -> Quoted:
    """Choose the lines of a passage that say most of what was asked; a passage that says nothing gives its beginning."""
    if is_code(passage):
        return _from_code(passage, query, weights)
    blocks = prose_blocks(passage.text, first_line=passage.first_line, path=passage.path)
    blocks = [block for block in blocks if block.kind != "noise"]
    if not blocks:
        return _from_code(passage, query, weights)
    cover = Coverage(weights)
    worth = _worth_of_blocks(passage, blocks, query, cover)
    best = max(range(len(blocks)), key=lambda at: (worth[at], -at))
    if blocks[best].kind == "table":
        return _from_table(passage, blocks[best], cover)
    chosen = _shortened(_from_the_start(blocks, best) if query.asks_how else _with_company(blocks, best), cover)
    coverage = cover.of(" \n".join((*(block.text for block in chosen), *_place(passage))))
    if all(block.kind == "heading" for block in chosen):
        coverage *= _BARE_HEADING
    return Quoted(passage, chosen, coverage)


def is_code(passage: Passage) -> bool:
    """Say whether a passage is quoted as code."""
    return passage.kind in _CODE_KINDS or (passage.kind == "text" and bool(language_of(passage.path)))


def _place(passage: Passage) -> tuple[str, ...]:
    """Give the words that say where a passage stands: its headings and its file's name."""
    return (*passage.headings, passage.path.rsplit("/", 1)[-1].partition(".")[0])


def _from_code(passage: Passage, query: Query, weights: Weights) -> Quoted:
    windows = list(code_windows(passage.text, first_line=passage.first_line, language=language_of(passage.path)))
    if not windows:
        empty = Block("code", passage.first_line, (passage.text.split("\n", 1)[0],))
        return Quoted(passage, (empty,), 0.0)
    cover = Coverage(weights)
    names = {squashed(name.rsplit(".", 1)[-1]) for name in query.identifiers}
    said = [0 if _repeats(line, query) else cover.mask(line) for line in lines_of(passage.text)]
    best = max(
        windows,
        key=lambda window: (
            _worth_of_window(window, names, cover, _said_by(window.block, said, passage))
            + _FILE_SAYS * (window.block.first_line == 1)
        ),
    )
    chosen = _shortened([best.block], cover)
    mask = joined(_said_by(block, said, passage) for block in chosen) | cover.mask(_place(passage)[-1])
    return Quoted(passage, chosen, cover.share(mask))


def _said_by(block: Block, said: Sequence[int], passage: Passage) -> int:
    start = block.first_line - passage.first_line
    return joined(said[start : start + len(block.lines)])


def _worth_of_window(window: Window, names: set[str], cover: Coverage, said: int) -> float:
    is_definition = window.opens == "definition"
    name_line = squashed(window.name_line) if is_definition and names else ""
    return (
        cover.share(said)
        + _SYMBOL_BONUS * any(name in name_line for name in names)
        + _OPENS[window.opens]
        + _FIRST_LINE * cover.of(window.name_line) * is_definition
        - _LENGTH_COST * len(window.block.lines)
    )


def _repeats(line: str, query: Query) -> bool:
    """Say whether a line of code only holds the question itself, as tests of a bot do: that answers nothing."""
    return query.text.endswith("?") and len(query.text) > 1 and query.text in line


def _from_table(passage: Passage, table: Block, cover: Coverage) -> Quoted:
    """Quote the row that says most, with the head of the table above it."""
    head = 2 if len(table.lines) > 2 and set(table.lines[1].strip()) <= set("|-: \t") else 0
    rows = range(head, len(table.lines))
    best = max(rows, key=lambda at: (cover.of(table.lines[at]), -at))
    block = replace(table, first_line=table.first_line + best, lines=(table.lines[best],))
    shown = (*table.lines[:head], *block.lines, *_place(passage))
    return Quoted(passage, (block,), cover.of(" \n".join(shown)), head=table.lines[:head])


def _worth_of_blocks(passage: Passage, blocks: Sequence[Block], query: Query, cover: Coverage) -> list[float]:
    """Weigh each block by what it says and by what the heading above it says; text under a telling heading answers."""
    page = _OF_PAGE * cover.of(" \n".join(passage.headings[:1]))
    above = max(cover.of(" \n".join(passage.headings[-1:])), page)
    depth = 0
    worth = []
    for block in blocks:
        own = cover.of(block.text)
        if block.kind == "heading":
            above, depth = max(own, page), 0
            worth.append(own * 0.5)
            continue
        says_what = _IS_THE_MATTER if block.kind == "prose" and _says_what(block, query) else 0.0
        worth.append(own + above * _BY_HEADING + says_what - _LATER * min(depth, 8))
        depth += 1
    return worth


def _says_what(block: Block, query: Query) -> bool:
    """Say whether a paragraph begins with "X is", X being what was asked for."""
    if not query.asks_what:
        return False
    opening = _IS.search(block.text[:_OPENING_CHARS])
    subject = set(terms(block.text[: opening.start()])) if opening else set()
    return any(concept.stems & subject for concept in query.concepts)


def _with_company(blocks: Sequence[Block], best: int) -> list[Block]:
    """Add what a block cannot be read without: the text under a heading, the code after a colon, the lead of a list."""
    start = _start(blocks, best)
    end = best
    while end + 1 < len(blocks) and _goes_on(blocks, start, end, best):
        end += 1
    return list(blocks[start : end + 1])


def _from_the_start(blocks: Sequence[Block], best: int) -> list[Block]:
    """Begin where the section begins when that is near: steps are read from the first one on."""
    chosen = _with_company(blocks, best)
    if chosen[0].text.rstrip().endswith(":"):
        return chosen
    start = end = blocks.index(chosen[0])
    while start and blocks[start - 1].kind != "heading":
        start -= 1
    whole = [*blocks[start:end], *chosen]
    lines = sum(len(block.lines) for block in whole)
    return whole if lines <= QUOTE_LINES and sum(len(block.text) for block in whole) <= QUOTE_CHARS else chosen


def _start(blocks: Sequence[Block], best: int) -> int:
    start = best
    while start and blocks[start].is_item and blocks[start - 1].is_item and best - start < _NEIGHBOURS:
        start -= 1
    return start - 1 if start and _leads_in(blocks[start - 1], blocks[start]) else start


def _leads_in(block: Block, following: Block) -> bool:
    if block.kind != "prose" or block.is_item or len(block.lines) > _LEAD_LINES:
        return False
    touches = block.last_line + 1 == following.first_line
    return following.kind == "code" or (following.is_item and (touches or block.text.rstrip().endswith(":")))


def _goes_on(blocks: Sequence[Block], start: int, end: int, best: int) -> bool:
    following, last = blocks[end + 1], blocks[end]
    if following.kind == "heading":
        return (last.kind == "heading" and start == end) or last.text.rstrip().endswith(":")
    if last.kind == "heading" or last.text.rstrip().endswith(":"):
        return True
    if last.is_item and following.is_item:
        return end - best < _NEIGHBOURS
    lines = sum(len(block.lines) for block in blocks[start : end + 1] if block.kind != "heading")
    return lines < _SHORT and (following.kind in {"code", "prose"}) and not following.is_item


def _shortened(blocks: Sequence[Block], cover: Coverage) -> tuple[Block, ...]:
    """Keep whole lines up to QUOTE_CHARS and QUOTE_LINES; a block too long is cut, around what matches or at its end.

    One line that is too long alone is kept whole.
    """
    kept: list[Block] = []
    room, lines = QUOTE_CHARS, QUOTE_LINES
    for block in blocks:
        if len(block.text) > room or len(block.lines) > lines:
            cut = _beginning(block, room=room, lines=lines) if kept else _cut(block, cover, room=room, lines=lines)
            return (*kept, cut) if cut else tuple(kept)
        kept.append(block)
        room -= len(block.text)
        lines -= len(block.lines)
    return tuple(kept)


def _beginning(block: Block, *, room: int, lines: int) -> Block | None:
    """Cut off the end of a block of code; a paragraph that does not fit is left out whole."""
    least = 3 if block.kind == "code" else len(block.lines)
    free = import_lines(block.lines) if block.kind == "code" else frozenset()  # what is not shown takes no room
    end = 0
    while end < len(block.lines) and lines > 0 and len(block.lines[end]) < room:
        is_free = end in free or not block.lines[end].strip()
        room -= 0 if is_free else len(block.lines[end]) + 1
        lines -= 0 if is_free else 1
        end += 1
    while end and not block.lines[end - 1].strip():
        end -= 1
    return replace(block, lines=block.lines[:end]) if end >= least else None


def _cut(block: Block, cover: Coverage, *, room: int, lines: int) -> Block:
    """Keep the lines around the one that says most."""
    there = block.lines
    best = max(range(len(there)), key=lambda at: (cover.of(there[at]), -at))
    start = end = best
    length = len(there[best]) + 1
    while end - start + 1 < lines:
        after = len(there[end + 1]) + 1 if end + 1 < len(there) else room
        before = len(there[start - 1]) + 1 if start else room
        if length + min(after, before) >= room:
            break
        if after <= before or not start:
            end, length = end + 1, length + after
        else:
            start, length = start - 1, length + before
    return replace(block, first_line=block.first_line + start, lines=there[start : end + 1])


_SENTENCE: Final = re.compile(r"(?<=[.!?:;])\s+(?=\S)")


def telling_sentences(text: str, weights: Weights, *, limit_chars: int = QUOTE_CHARS) -> str:
    """Shorten a long line to its most telling sentences in their order, gaps shown as an ellipsis."""
    if len(text) <= limit_chars:
        return text
    cover = Coverage(weights)
    sentences = _SENTENCE.split(text)
    order = sorted(range(len(sentences)), key=lambda at: (-cover.of(sentences[at]), at))
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
