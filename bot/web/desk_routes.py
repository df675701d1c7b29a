"""The JSON API for programs and for the command line beside a running service: search, ask, index, status, links.

Shapes are those of `bot.desk` and docs/api.md. A token reaches only what its holder and its scope allow.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from bot.desk import Desk, DeskError, IndexProgress, Part
from bot.errors import StateError
from bot.rights import Way
from bot.state.queries import limits, projects
from bot.state.tables import Project
from bot.web.answers import ApiError, fault
from bot.web.parts import WebParts
from bot.web.room_routes import Body
from bot.web.shapes import (
    Answered,
    ClaimCode,
    ListedTokens,
    LoginLink,
    MadeBackup,
    MadeToken,
    MadeWebhook,
    RevokedToken,
    Searched,
    Stands,
    answers,
    streams,
)
from bot.web.visitors import KEY, Visitor, acting_visitor, any_visitor, parts_of
from pipelines.types import KnowledgeError

router = APIRouter(prefix="/api", tags=["questions and sources"], dependencies=[KEY], responses=answers())
Reader = Annotated[Visitor, Depends(any_visitor)]
Doer = Annotated[Visitor, Depends(acting_visitor)]
Text = Annotated[str, Field(min_length=1)]


class Search(Body):
    """A search for passages."""

    query: Text
    project: Text
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    explain: bool = False


class Ask(Body):
    """A question."""

    question: Text
    project: Text


class Index(Body):
    """Folders or repositories to follow and index now, the whole of them or some paths; from this machine only."""

    sources: Annotated[Sequence[Text], Field(min_length=1, max_length=100)]
    project: Text
    branch: str = ""
    paths: Annotated[Sequence[Text], Field(max_length=100)] = ()


@router.post("/search", response_model=None, responses=answers(Searched))
async def search(request: Request, body: Search, visitor: Doer) -> dict[str, Any]:
    """Find passages."""
    parts = parts_of(request)
    project = await _project(parts, visitor, body.project, "search_api")
    _checked(body.query, parts)
    return await _desk(parts).search(body.query, project=project, limit=body.limit, explain=body.explain)


@router.post("/ask", response_model=None, responses=answers(Answered))
async def ask(request: Request, body: Ask, visitor: Doer) -> dict[str, Any]:
    """Answer a question with citations."""
    parts = parts_of(request)
    project = await _project(parts, visitor, body.project, "ask_api")
    _checked(body.question, parts)
    await _count(parts, visitor, project)
    return await _desk(parts).ask(body.question, project=project)


@router.post("/index", response_class=StreamingResponse, responses=streams("application/x-ndjson"))
async def index(request: Request, body: Index, visitor: Doer) -> StreamingResponse:
    """Follow and index; a line of JSON {"progress": ...} for each step, the result or {"error": ...} last."""
    parts = parts_of(request)
    if visitor.actor.way is not Way.SHELL:  # paths of this machine are for its command line only
        raise ApiError(404, "not_allowed")
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    parts.spawn(_index(_desk(parts), body, lines))
    return StreamingResponse(_until_none(lines), media_type="application/x-ndjson")


@router.get("/status", response_model=None, responses=answers(Stands))
async def status(request: Request, visitor: Reader) -> dict[str, Any]:
    """How everything stands, as far as the caller may know."""
    parts = parts_of(request)
    shown = await _desk(parts).status()
    if visitor.actor.way is Way.SHELL:
        return shown
    mine = await parts.db.read(lambda session: projects.list_for(session, visitor.actor))
    names = {project.name for project in mine if visitor.may("status_api", project=project.id)}
    if not names:
        raise ApiError(404, "not_allowed")
    known = [_outside(project) for project in shown["projects"] if project["name"] in names]
    return {"version": shown["version"], "projects": known}


@router.post("/backups", status_code=201, response_model=None, responses=answers(MadeBackup, status=201))
async def backup(request: Request, visitor: Doer) -> dict[str, Any]:
    """Copy the state database now."""
    visitor.check("backup")
    return await _desk(parts_of(request)).backup()


@router.post("/login-links", response_model=None, responses=answers(LoginLink))
async def login_link(request: Request, visitor: Doer) -> dict[str, Any]:
    """Make a one-use link that signs the owner in."""
    visitor.check("login")
    return await _desk(parts_of(request)).login_link()


@router.post("/claim-codes", response_model=None, responses=answers(ClaimCode))
async def claim_code(request: Request, visitor: Doer) -> dict[str, Any]:
    """Make a code that makes its first user on a chat network an owner."""
    visitor.check("owner add")
    return await _desk(parts_of(request)).claim_code()


class MakeToken(Body):
    """A new key to this API."""

    name: Text
    project: Text
    scope: Literal["ask", "admin"] = "ask"
    days: Annotated[int, Field(ge=1, le=365)] = 90


@router.post("/tokens", status_code=201, response_model=None, responses=answers(MadeToken, status=201))
async def make_token(request: Request, body: MakeToken, visitor: Doer) -> dict[str, Any]:
    """Make a key to this API; it is shown this once."""
    visitor.check("token make")
    desk = _desk(parts_of(request))
    return await desk.make_token(body.name, project=body.project, scope=body.scope, days=body.days)


@router.get("/tokens", response_model=None, responses=answers(ListedTokens))
async def tokens(request: Request, visitor: Reader) -> dict[str, Any]:
    """List the keys to this API, without the keys themselves."""
    visitor.check("token make")
    return await _desk(parts_of(request)).tokens()


@router.delete("/tokens/{name}", response_model=None, responses=answers(RevokedToken))
async def revoke_token(request: Request, name: str, visitor: Doer) -> dict[str, Any]:
    """Take a key back."""
    visitor.check("token revoke")
    return await _desk(parts_of(request)).revoke_token(name)


class MakeWebhook(Body):
    """A repository's webhook; `renews` says that a secret that is there is to end."""

    source: Text
    project: Text
    renews: bool = False


@router.post("/webhooks", response_model=None, responses=answers(MadeWebhook))
async def make_webhook(request: Request, body: MakeWebhook, visitor: Doer) -> dict[str, Any]:
    """Make the secret of a repository's webhook, which is shown this once; from this machine only."""
    if visitor.actor.way is not Way.SHELL:
        raise ApiError(404, "not_allowed")
    return await _desk(parts_of(request)).make_webhook(body.source, project=body.project, renews=body.renews)


def _outside(project: dict[str, Any]) -> dict[str, Any]:
    """A project's status as others than the machine's own commands see it: without its paths, and what errors tell."""
    followed = [
        one | {"location": one["location"] if "://" in one["location"] else "", "last_error": ""}
        for one in project["sources"]
    ]
    return project | {"sources": followed}


def _desk(parts: WebParts) -> Desk:
    desk = parts.desk()
    if desk is None:
        raise ApiError(503, "starting")
    return desk


def _checked(text: str, parts: WebParts) -> None:
    if len(text) > parts.limits.question_max_chars:
        raise ApiError(413, "too_long", got=len(text), limit=parts.limits.question_max_chars)
    if not text.strip():
        raise ApiError(400, "empty")


async def _project(parts: WebParts, visitor: Visitor, name: str, action: str) -> str:
    """The project's name as the desk takes it. Unknown and forbidden look the same, but to the machine's own shell."""
    if visitor.actor.way is Way.SHELL:
        return name
    found: Project | None = await parts.db.read(lambda session: projects.list_named(session, visitor.actor, name))
    if found is None:
        raise ApiError(404, "not_allowed")
    visitor.check(action, project=found.id)
    return found.name


async def _count(parts: WebParts, visitor: Visitor, project: str) -> None:
    """Count the question like one in a room of its own. Raises ApiError 429 when there were too many."""
    if visitor.actor.way is Way.SHELL:
        return
    person, now = visitor.actor.person, parts.clock()
    allowance = await parts.db.write(
        lambda session: limits.allow_question(session, parts.limits, person=person, room=f"api/{project}", now=now)
    )
    if not allowance.allowed:
        until = allowance.come_back_at
        raise ApiError(429, "too_many", time=f"{until:%H:%M} UTC" if until else "")


async def _index(desk: Desk, body: Index, lines: asyncio.Queue[str | None]) -> None:
    def tell(progress: IndexProgress) -> None:
        shown = {name: getattr(progress, name) for name in ("source", "done", "total", "passages", "stage")}
        lines.put_nowait(json.dumps({"progress": shown}))

    try:
        part = Part(body.branch, tuple(body.paths))
        result = await desk.index(list(body.sources), project=body.project, part=part, on_progress=tell)
        lines.put_nowait(json.dumps(result))
    except (DeskError, StateError, KnowledgeError) as error:  # said to the operator's own shell, as without a service
        lines.put_nowait(json.dumps(fault(str(error))))
    finally:
        lines.put_nowait(None)


async def _until_none(lines: asyncio.Queue[str | None]) -> AsyncIterator[str]:
    while (line := await lines.get()) is not None:
        yield line + "\n"
