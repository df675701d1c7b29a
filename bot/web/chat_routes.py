"""Pages of the chat: the list of projects, a conversation, the language, and posting without scripts."""

import asyncio
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from adapters.web.translate import Draft
from bot.state.queries import people, projects, sources, turns, webrooms
from bot.state.tables import Project
from bot.web import pages
from bot.web.answers import ApiError
from bot.web.contacts import contacts_of
from bot.web.live import progress_of
from bot.web.parts import WebParts
from bot.web.rows import Around, RowView, answered_by, view_of
from bot.web.visitors import Visitor, find_visitor, is_same, language_of, parts_of, room_name
from config.texts import LANGUAGES, say

PAGE_ROWS = 50
router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(request: Request) -> HTMLResponse:
    """The list of projects; for a stranger, how to get in."""
    visitor = await find_visitor(request)
    if visitor is None or visitor.person is None:
        return stranger(request)
    return await _chat(request, visitor, None)


@router.get("/chat/{project}")
async def chat(request: Request, project: str) -> HTMLResponse:
    """A conversation with a project."""
    visitor = await find_visitor(request)
    if visitor is None or visitor.person is None:
        return stranger(request)
    found = await _project(parts_of(request), visitor, project)
    if found is None:
        return gone(visitor.language)
    return await _chat(request, visitor, found)


@router.post("/chat/{project}")
async def post(
    request: Request,
    project: str,
    csrf: Annotated[str, Form()],
    key: Annotated[str, Form(min_length=8, max_length=64, pattern=r"^[!-~]+$")],
    text: Annotated[str, Form()] = "",
) -> Response:
    """Take a message from a browser without scripts."""
    visitor = await _signed_in_form(request, csrf)
    parts = parts_of(request)
    found = await _project(parts, visitor, project)
    if found is None or visitor.person is None:
        return gone(visitor.language)
    if text.strip():
        room = room_name(project, visitor.person.id)
        draft = Draft(room, key, visitor.person.id, visitor.person.name, clipped(text, parts), visitor.language)
        try:
            await parts.messages.post(draft)
        except LookupError:  # nobody has opened its page yet
            return gone(visitor.language)
    return RedirectResponse(f"/chat/{project}", 303)


@router.post("/language")
async def language(
    request: Request, csrf: Annotated[str, Form()], language: Annotated[str, Form()], back: Annotated[str, Form()] = "/"
) -> Response:
    """Keep the language that a person wishes."""
    visitor = await _signed_in_form(request, csrf)
    if visitor.person is not None and language in LANGUAGES:
        person = visitor.person.id
        await parts_of(request).db.write(lambda session: people.set_language(session, person, language))
    return RedirectResponse(back if back.startswith("/chat/") and "\\" not in back else "/", 303)


def clipped(text: str, parts: WebParts) -> str:
    """The text, if it is not too long. Raises ApiError 413."""
    if len(text) > parts.limits.question_max_chars:
        raise ApiError(413, "too_long", got=len(text), limit=parts.limits.question_max_chars)
    return text


def stranger(request: Request) -> HTMLResponse:
    """What people see who are not signed in."""
    language = language_of(request)
    fine = say("web.card.stranger_fine.text", language)
    return pages.card(language, "stranger", status=401, command="roomwise login", fine=fine)


def gone(language: str, *, status: int = 404) -> HTMLResponse:
    """No such page, or not for this person: the same to see."""
    return pages.card(language, "gone", status=status, link=pages.home(language))


async def _signed_in_form(request: Request, csrf: str) -> Visitor:
    visitor = await find_visitor(request)
    if visitor is None:
        raise ApiError(401, "not_signed_in")
    if not is_same(csrf, visitor.csrf):
        raise ApiError(403, "csrf")
    return visitor


async def _project(parts: WebParts, visitor: Visitor, project: str) -> Project | None:
    found = await parts.db.read(lambda session: projects.get(session, project))
    try:
        visitor.check("read_project", project=project)
    except ApiError:
        return None
    return found


async def _chat(request: Request, visitor: Visitor, project: Project | None) -> HTMLResponse:
    parts = parts_of(request)
    values: dict[str, Any] = {
        "csrf": visitor.csrf,
        "person": visitor.person.id if visitor.person else "",
        "texts": pages.script_texts(visitor.language),
        "here": request.url.path,
        "can_upload": parts.uploads is not None,
        "max_chars": parts.limits.question_max_chars,
        "room": None,
        "rows": [],
        "starters": [],
        "progress": None,
    }
    if project is not None and visitor.person is not None:
        values |= await _room_values(parts, visitor, project, visitor.person.id)
    values["contacts"] = await contacts_of(parts, visitor, current=project.id if project else None)
    return pages.page("chat.html", visitor.language, values)


async def _room_values(parts: WebParts, visitor: Visitor, project: Project, person: str) -> dict[str, Any]:
    name = room_name(project.id, person)
    now = parts.clock()
    opened = await parts.db.write(lambda session: webrooms.open_room(session, project, person, now=now))
    change = await parts.db.read(lambda session: webrooms.newest_change(session, name))
    rows = await row_views(parts, visitor, name, project.id)
    knowledge = parts.knowledge()
    starters = await knowledge.starters(project.id, opened.id, visitor.language) if knowledge and not rows else ()
    starters = [question.replace("`", "") for question in starters]
    count = await parts.db.read(lambda session: sources.count(session, project.id))
    room = {
        "id": name,
        "project": project.id,
        "name": project.name,
        "initials": pages.initials(project.name),
        "hue": pages.hue(project.id),
        "about": _about(count, visitor.language),
        "change": change,
        "read": opened.settings.get("read_seq", 0),
        "has_older": len(rows) == PAGE_ROWS,
        "form_key": secrets.token_hex(16),
    }
    progress = progress_of(parts.board.running(project.id), visitor.language)
    return {"room": room, "rows": rows, "starters": starters, "progress": progress}


async def row_views(
    parts: WebParts, visitor: Visitor, room: str, project: str, *, before: int | None = None, limit: int = PAGE_ROWS
) -> list[RowView]:
    """A page of a room's messages, oldest first, with this person's votes."""
    rows = await parts.log.page(room, before_seq=before, limit=limit)
    person = visitor.person.id if visitor.person else ""
    asked = [row.turn for row in rows if row.turn]
    votes = await parts.db.read(lambda session: turns.votes(session, asked, person=person))
    around = Around(person, project, visitor.language, votes, answered_by(rows))
    return await asyncio.to_thread(lambda: [view_of(row, around) for row in rows])  # Markdown and coloured code


def _about(count: int, language: str) -> str:
    if count == 0:
        return say("web.about_none", language)
    return say("web.about_source", language) if count == 1 else say("web.about_sources", language, count=count)
