"""Tokens as text that is readable alone: in notifications, and in clients that show no HTML.

Links stand as "label (address)". Lists, quotes, code and tables keep the signs that people write them with.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from markdown_it.token import Token

from adapters.matrix.parsing import blocks_of

_FENCE: Final = re.compile("`{3,}")
_TICKS: Final = re.compile("`+")
_LANGUAGE_CHARS: Final = 32
_RULE: Final = "———"


def plain_of(tokens: Sequence[Token]) -> str:
    """The text of blocks, an empty line between them, in time that grows with its length."""
    return "\n\n".join(text for block in blocks_of(tokens) if (text := _block(block)))


def _block(block: Sequence[Token]) -> str:
    write = _BLOCKS.get(block[0].type)
    return write(block) if write is not None else ""


def _text(block: Sequence[Token]) -> str:
    return inline_of(block[1].children or ())


def _code(block: Sequence[Token]) -> str:
    (token,) = block
    content = token.content.removesuffix("\n")
    if not content.strip():
        return ""
    fence = "`" * max(3, *(len(found) + 1 for found in _FENCE.findall(content)), 0)
    language = token.info.split(maxsplit=1)[:1]
    return f"{fence}{''.join(language)[:_LANGUAGE_CHARS]}\n{content}\n{fence}"


def _rule(_: Sequence[Token]) -> str:
    return _RULE


def _quote(block: Sequence[Token]) -> str:
    return "\n".join(f"> {line}".rstrip() for line in plain_of(block[1:-1]).split("\n"))


def _list(block: Sequence[Token]) -> str:
    number = int(block[0].attrs.get("start", 1)) if block[0].type == "ordered_list_open" else None
    lines: list[str] = []
    for item in blocks_of(block[1:-1]):
        marker = "- " if number is None else f"{number}{item[0].markup or '.'} "
        inner = [text for one in blocks_of(item[1:-1]) if (text := _block(one))]
        is_tight = any(token.type == "paragraph_open" and token.hidden for token in item)
        text = ("\n" if is_tight else "\n\n").join(inner)
        lines.append((marker + text.replace("\n", "\n" + " " * len(marker))).rstrip())
        number = None if number is None else number + 1
    return "\n".join(lines)


def _table(block: Sequence[Token]) -> str:
    rows: list[list[str]] = []
    for token in block:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(inline_of(token.children or ()))
    return "\n".join(" | ".join(row) for row in rows)


_BLOCKS: Final[Mapping[str, Callable[[Sequence[Token]], str]]] = {
    "paragraph_open": _text,
    "heading_open": _text,
    "fence": _code,
    "code_block": _code,
    "hr": _rule,
    "blockquote_open": _quote,
    "bullet_list_open": _list,
    "ordered_list_open": _list,
    "table_open": _table,
}


def inline_of(tokens: Sequence[Token]) -> str:
    """The text of a line's tokens."""
    pieces: list[str] = []
    begun: list[int] = []  # where the label of each open link begins
    for token in tokens:
        if token.type == "link_open":
            begun.append(len(pieces))
        elif token.type == "link_close":
            pieces.append("")
        else:
            pieces.append(_piece(token))
        if token.type == "link_open":
            pieces.append(str(token.attrs["href"]) if token.info != "citation" else "")
        elif token.type == "link_close":
            _close(pieces, begun.pop())
    return "".join(pieces)


def _close(pieces: list[str], start: int) -> None:
    """Put the address, which waits at `start`, behind the label, unless the label is the address."""
    address = pieces[start]
    label = "".join(pieces[start + 1 :])
    is_bare = address.removeprefix("mailto:") in (label, "") or address == label
    pieces[start:] = [label or address] if is_bare else [f"{label} ({address})" if label else address]


def _piece(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    if token.type == "code_inline":
        ticks = "`" * (1 + max((len(found) for found in _TICKS.findall(token.content)), default=0))
        return f"{ticks}{token.content}{ticks}"
    if token.type in ("s_open", "s_close"):
        return "~~"
    return token.content
