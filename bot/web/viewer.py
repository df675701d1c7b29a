"""The cited lines of one citation, as they were cited, with the rest of the file when it is still the same."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound

from adapters.markdown import code_html, is_safe_link
from adapters.web.adapter import NETWORK
from bot.envelope import unpack_citations
from bot.reply import Frame, cited
from bot.state.queries import rooms, sources, turns
from bot.state.tables import Turn
from bot.web import pages
from bot.web.chat_routes import gone, stranger
from bot.web.parts import WebParts
from bot.web.rows import lines_of
from bot.web.visitors import Visitor, find_visitor, parts_of
from config.texts import say
from pipelines.types import Citation

_AROUND_LINES: Final = 400  # of a longer file, so many lines before and after the cited ones are shown
_VERSION_CHARS: Final = 12
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the viewer."""

    number: int
    html: Markup
    is_cited: bool


@dataclass(frozen=True, slots=True)
class View:
    """What templates/viewer.html shows."""

    project: str
    message: str
    path: str
    lines: str
    source: str
    version: str
    url: str | None
    note: str
    rows: Sequence[Line]


@router.get("/p/{project}/{turn}/{number}")
async def show(request: Request, project: str, turn: str, number: int) -> HTMLResponse:
    """A citation of an answer, for those who may read the answer."""
    visitor = await find_visitor(request)
    if visitor is None:
        return stranger(request)
    parts = parts_of(request)
    found = await parts.db.read(lambda session: turns.get(session, turn))
    if found is None or found.project != project or not await _may_read(parts, visitor, found):
        return gone(visitor.language)
    every = unpack_citations(turns.texts_of(found, parts.vault).citations)
    citation = next((one for one in every if one.number == number), None)
    if citation is None:
        return gone(visitor.language)
    view = await _view(parts, visitor, found, citation)
    return pages.page("viewer.html", visitor.language, {"view": view})


async def _may_read(parts: WebParts, visitor: Visitor, turn: Turn) -> bool:
    """Whether the gate lets this person read a turn of its project; a web room is its person's alone."""
    room = await parts.db.read(lambda session: rooms.get(session, turn.room))
    if room is None or not visitor.may("read_turn", project=turn.project, room=room.id):
        return False
    if room.network != NETWORK:
        return True
    return visitor.person is not None and room.native_id.endswith(f".{visitor.person.id}")


async def _view(parts: WebParts, visitor: Visitor, turn: Turn, citation: Citation) -> View:
    language = visitor.language
    source = await parts.db.read(lambda session: sources.get(session, citation.source))
    messages = await parts.db.read(lambda session: turns.messages_of(session, turn.id))
    is_hidden = source is not None and source.state == "hidden"
    now = await _file_now(parts, turn, citation) if source is not None and source.state == "active" else {}
    shown, is_stale = merged(citation, now)
    note = "web.hidden" if is_hidden else "web.stale" if is_stale else ""
    notes = [one for one in (note, "web.converted" if citation.converted and not is_hidden else "") if one]
    place = cited(citation, Frame(turn.project, turn.id, language))
    return View(
        project=turn.project,
        message=messages[0] if messages else "",
        path=citation.path,
        lines=lines_of(place, language),
        source=source.name if source else "",
        version=citation.version[:_VERSION_CHARS],
        url=citation.url if citation.url and citation.url.startswith("https:") and is_safe_link(citation.url) else None,
        note=" ".join(say(one, language) for one in notes),
        rows=() if is_hidden else await asyncio.to_thread(highlighted, shown, citation),
    )


async def _file_now(parts: WebParts, turn: Turn, citation: Citation) -> Mapping[int, str]:
    knowledge = parts.knowledge()
    return {} if knowledge is None else await knowledge.file_lines(turn.project, citation.source, citation.path)


def merged(citation: Citation, now: Mapping[int, str]) -> tuple[dict[int, str], bool]:
    """The cited lines among those of the file now; the cited ones alone, and True, when the file is another by now."""
    quoted = citation.quote.split("\n")[: citation.last_line - citation.first_line + 1]
    own = {citation.first_line + at: text for at, text in enumerate(quoted)}
    if any(now.get(number, "").rstrip() != text.rstrip() for number, text in own.items()):
        return own, True
    first, last = citation.first_line - _AROUND_LINES, citation.last_line + _AROUND_LINES
    around = {number: text for number, text in sorted(now.items()) if first <= number <= last}
    return around | own, False


def highlighted(lines: Mapping[int, str], citation: Citation) -> list[Line]:
    """Lines with the colours of their language; a quote or comment that began further up is coloured as it stands."""
    numbers = sorted(lines)
    html = code_html(
        "\n".join(lines[number] for number in numbers), "markdown" if citation.converted else _language(citation.path)
    ).split("\n")
    html += [""] * (len(numbers) - len(html))
    return [
        Line(number, Markup(text), citation.first_line <= number <= citation.last_line)  # noqa: S704  (code_html escapes)
        for number, text in zip(numbers, html, strict=False)
    ]


def _language(path: str) -> str:
    try:
        return str(get_lexer_for_filename(path.rpartition("/")[2]).aliases[0])
    except (ClassNotFound, IndexError):
        return ""
