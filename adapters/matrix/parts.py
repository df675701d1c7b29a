"""Replies as the messages that Matrix takes, and each of them as a plain text with its HTML.

An event may have 65,536 bytes in all, https://spec.matrix.org/v1.15/client-server-api/#size-limits. Encryption puts a
third on top, and an edit says its text twice, for programs that know no edits. Everything is cut so that it fits an
encrypted edit: what was cut before a room was encrypted must still go out after, and the final text of an answer edits
its placeholder. Long answers are never sent as a file: parts can be edited, cited and read without opening anything,
and go where uploads are switched off.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from markdown_it.token import Token

from adapters.bars import bar
from adapters.chat import Reply, Stage
from adapters.listing import Line, list_sources
from adapters.matrix.parsing import as_written, parse
from adapters.matrix.render import Rendered, rendered, rendered_lines, rendered_text
from adapters.matrix.splitting import split

MAX_BYTES: Final = 42_000
"""What a text may cost: twice its plain form and once its HTML, in bytes as JSON.

Measured: an event of that cost has about 58,000 bytes when it is encrypted, with relations, signatures and hashes.
"""
_GROWING: Final = (Stage.WAITING, Stage.PREVIEW)
_NOTHING: Final = "…"
_MOST_SOURCES: Final = 60
_SOURCES_BYTES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Shown:
    """What one message shows."""

    plain: str
    html: str


def parts(reply: Reply) -> list[Reply]:
    """Cut a reply into those that one message each can hold, each with its plain text and its HTML as `layout`.

    The last has the buttons, the bar and the list of sources. A text that still grows is one part: only as much of it
    is shown as a message can hold.
    """
    if reply.layout:
        return [reply]
    pages = _pages(reply)
    made = [
        replace(reply, markdown=page.plain or _NOTHING, layout=page.html, buttons=(), cited=(), progress=None)
        for page in pages
    ]
    return [*made[:-1], replace(made[-1], buttons=reply.buttons, cited=reply.cited)]


def shown(reply: Reply) -> Shown:
    """What the message of a part shows. Of a longer reply, which `parts` never makes, the beginning is shown."""
    part = parts(reply)[0]
    return Shown(part.markdown, part.layout)


def cost(page: Rendered) -> int:
    """What a text takes of an event; see MAX_BYTES."""
    return 2 * _bytes(page.plain) + _bytes(page.html)


def _bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())


def _pages(reply: Reply) -> list[Rendered]:
    """The messages of a reply, at least one."""
    cited = {one.number: one.url for one in reply.cited if one.url}
    pages = [page for tokens in _split(parse(reply.markdown, cited=cited)) if (page := rendered(tokens))]
    if not any(page.plain for page in pages):  # nothing, or nothing but definitions of links
        pages = [rendered(as_written(reply.markdown.strip() or _NOTHING))]
    if reply.stage in _GROWING:
        pages = [pages[0] if len(pages) == 1 else _joined(pages[0], rendered_text(_NOTHING))]
    if reply.progress is not None:
        _append(pages, rendered_text(bar(reply.progress)))
    _append(pages, _sources(reply, beside="\n".join(page.plain for page in pages)))
    return pages


def _split(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    # Room is left for the bar, and for what blocks cost together beyond their sum.
    yield from split(tokens, limit=MAX_BYTES - 1_000, cost=lambda part: cost(rendered(part)) + 4)


def _sources(reply: Reply, *, beside: str) -> Rendered:
    return rendered_lines(
        list_sources(
            reply.cited,
            beside=beside,
            language=reply.language,
            limit=_SOURCES_BYTES,
            most=_MOST_SOURCES,
            size=_line_bytes,
        )
    )


def _line_bytes(line: Line) -> int:
    return cost(rendered_lines([line]))


def _append(pages: list[Rendered], page: Rendered) -> None:
    """Add a text to the last page, or behind it when one message cannot hold both."""
    if not page:
        return
    both = _joined(pages[-1], page)
    if cost(both) <= MAX_BYTES:
        pages[-1] = both
    else:
        pages.append(page)


def _joined(one: Rendered, other: Rendered) -> Rendered:
    return Rendered(f"{one.plain}\n\n{other.plain}", f"{one.html}\n{other.html}")
