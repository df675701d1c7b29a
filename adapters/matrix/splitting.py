"""Cuts a text into messages where a reader minds it least: between blocks, items, rows, lines, words, in this order."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Final

from markdown_it.token import Token

from adapters.matrix.parsing import blocks_of, text_token
from adapters.matrix.plain import inline_of

Tokens = Sequence[Token]
Cost = Callable[[Tokens], int]
_PIECE_CHARS: Final = 200  # of a long word or line that is cut inside
_BREAK: Final = 12  # what a line's break may cost in all forms
_SEAM: Final = 100  # what two blocks may cost together beyond their sum, inside marks that each line shows
_CONTAINERS: Final = ("bullet_list_open", "ordered_list_open", "list_item_open", "blockquote_open")


def split(tokens: Tokens, *, limit: int, cost: Cost) -> list[list[Token]]:
    """Cut tokens into those of messages that cost at most `limit` each; what is cut inside is whole on both sides.

    A list goes on with its numbers, a table with its header, code in a fence of its own. Two blocks together must cost
    at most their sum, and two hundred characters less than `limit`.
    """
    return [[token for block in group for token in block] for group in _grouped(list(blocks_of(tokens)), limit, cost)]


def _grouped(blocks: Sequence[Tokens], limit: int, cost: Cost) -> list[list[Tokens]]:
    """Blocks in groups of at most `limit`."""
    groups: list[list[Tokens]] = []
    spent = 0
    for piece, price in _priced(blocks, limit, cost):
        if not groups or spent + price > limit:
            groups.append(_headings(groups))
            spent = sum(map(cost, groups[-1]))
        if groups[-1] and spent + price > limit:
            groups.append([])
            spent = 0
        groups[-1].append(piece)
        spent += price
    return groups


def _priced(blocks: Sequence[Tokens], limit: int, cost: Cost) -> Iterator[tuple[Tokens, int]]:
    """Blocks with their costs, in pieces where they are too large."""
    for block in blocks:
        price = cost(block)
        if price <= limit:
            yield block, price
        else:
            yield from ((piece, cost(piece)) for piece in _divided(block, limit, cost))


def _headings(groups: list[list[Tokens]]) -> list[Tokens]:
    """Take the headings from the end of the last group, since nobody wants them far from what they head."""
    carried: list[Tokens] = []
    while groups and len(groups[-1]) > 1 and groups[-1][-1][0].type == "heading_open":
        carried.insert(0, groups[-1].pop())
    return carried


def _divided(block: Tokens, limit: int, cost: Cost) -> Iterator[Tokens]:
    """The pieces of a block that is too large."""
    kind = block[0].type
    if kind in _CONTAINERS:
        yield from _container(block, limit, cost)
    elif kind == "table_open":
        yield from _table(block, limit, cost)
    elif kind in ("fence", "code_block"):
        yield from _code(block[0], limit, cost)
    elif len(block) == 3 and block[1].children is not None:
        yield from _line(block, limit, cost)
    else:
        yield block


def _container(block: Tokens, limit: int, cost: Cost) -> Iterator[Tokens]:
    """A list, an item or a quote: its inner blocks in groups, each inside the same marks."""
    start, inner, end = block[0], list(blocks_of(block[1:-1])), block[-1]
    frame = cost([start, end])
    first = int(start.attrs.get("start", 1))
    numbers = {_line_of(one): number for number, one in enumerate(inner, start=first)}
    for group in _grouped(inner, limit - frame, lambda one: cost([start, *one, end]) - frame + _SEAM):
        opening = copy(start)
        if start.type == "ordered_list_open":  # an item that is cut keeps its number
            opening.attrs = {"start": numbers[_line_of(group[0])]}
        yield [opening, *(token for one in group for token in one), end]


def _line_of(block: Tokens) -> int:
    """The line that a block begins in."""
    return block[0].map[0] if block[0].map else 0


def _table(block: Tokens, limit: int, cost: Cost) -> Iterator[Tokens]:
    """The rows of a table, the header above each group; cells as paragraphs where the rows are as large as messages."""
    at = next((at for at, token in enumerate(block) if token.type == "tbody_open"), None)
    if at is None:
        yield from _cells(block)
        return
    head, rows, tail = block[: at + 1], list(blocks_of(block[at + 1 : -2])), block[-2:]
    room = limit - cost([*head, *tail])
    frame = [block[0], block[at]]  # without the header, which may be long: a row's own cost
    prices = {id(row): cost([*frame, *row, *tail]) for row in rows}
    if room < max(prices.values()):
        yield from _cells(block)
        return
    for group in _grouped(rows, room, lambda row: prices[id(row)]):
        yield [*head, *(token for row in group for token in row), *tail]


def _cells(table: Tokens) -> Iterator[Tokens]:
    opening, closing = Token("paragraph_open", "p", 1), Token("paragraph_close", "p", -1)
    for token in table:
        if token.type == "inline":
            for atom in _atoms(token.children or ()):
                yield [opening, Token("inline", "", 0, children=list(atom)), closing]


def _code(token: Token, limit: int, cost: Cost) -> Iterator[Tokens]:
    """Code at its lines, a line that is too long anywhere."""

    def piece(lines: Sequence[str]) -> Tokens:
        part = copy(token)
        part.content = "".join(lines)
        return [part]

    frame = cost(piece(["x\n"]))
    held: list[str] = []
    spent = frame
    for line in _short_lines(token.content):
        price = cost(piece([line])) - frame + _BREAK if line.strip() else len(line) * _BREAK
        if held and spent + price > limit:
            yield piece(held)
            held, spent = [], frame
        held.append(line)
        spent += price
    if held:
        yield piece(held)


def _short_lines(text: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        for start in range(0, len(line), _PIECE_CHARS):
            yield line[start : start + _PIECE_CHARS]


def _line(block: Tokens, limit: int, cost: Cost) -> Iterator[Tokens]:
    """A paragraph or a heading between words, marks and links whole where they fit."""
    opening, inline, closing = block

    def piece(children: Tokens) -> Tokens:
        part = copy(inline)
        part.children = list(children)
        return [opening, part, closing]

    held: list[Token] = []
    spent = 0
    for atom in _atoms(inline.children or ()):
        price = cost(piece(atom))
        if held and spent + price > limit:
            yield piece(held)
            held, spent = [], 0
        held += atom
        spent += price
    if held:
        yield piece(held)


def _atoms(children: Tokens) -> Iterator[Tokens]:
    """What of a line stays together, small things in one: words, and what marks enclose."""
    held: list[Token] = []
    chars = 0
    for run in _runs(children):
        own = _chars(run)
        if held and chars + own > _PIECE_CHARS:
            yield held
            held, chars = [], 0
        held += run
        chars += own
    if held:
        yield held


def _runs(children: Tokens) -> Iterator[Tokens]:
    """A stretch of words, or what marks enclose, that without marks where it is long."""
    for run in blocks_of(children):
        if len(run) == 1 and run[0].type == "text":
            yield from ([text_token(piece)] for piece in _stretches(run[0].content))
        elif _chars(run) > _PIECE_CHARS:
            yield from ([text_token(piece)] for piece in _stretches(inline_of(run)))
        else:
            yield run


def _chars(tokens: Tokens) -> int:
    return sum(len(token.content) + len(str(token.attrs.get("href", ""))) + 10 for token in tokens)


def _stretches(text: str) -> Iterator[str]:
    """A text in pieces of at most 200 characters, the space that a cut is made at at the end of a piece."""
    while len(text) > _PIECE_CHARS:
        at = text.rfind(" ", _PIECE_CHARS // 2, _PIECE_CHARS) + 1 or _PIECE_CHARS
        yield text[:at]
        text = text[at:]
    yield text
