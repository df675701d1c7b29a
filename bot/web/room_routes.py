"""The API of a web room: messages, the live stream, thumbs, buttons, files, what was read."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from adapters.chat import Attachment
from adapters.web.translate import Draft
from bot.state.queries import webrooms
from bot.web import pages
from bot.web.answers import ApiError
from bot.web.chat_routes import clipped, row_views
from bot.web.live import Stream
from bot.web.security import Tries
from bot.web.shapes import Posted, ShownMessages, SuggestedCommands, Taken, answers, streams
from bot.web.visitors import Visitor, acting_visitor, any_visitor, own_room, parts_of
from config.settings import Limits
from config.texts import say

UPLOADS: Final = 60  # in one window, by one person
UPLOADS_WINDOW: Final = timedelta(minutes=10)
router = APIRouter(prefix="/api", tags=["web chat"], responses=answers())
Reader = Annotated[Visitor, Depends(any_visitor)]
Doer = Annotated[Visitor, Depends(acting_visitor)]


class Body(BaseModel):
    """What is posted; keys that nobody reads are refused."""

    model_config = ConfigDict(extra="forbid")


# What a number of a message or a change may be; SQLite's integers end at 2**63.
Number = Annotated[int, Field(ge=0, lt=2**53)]
Key = Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[!-~]+$")]


class SentFile(Body):
    """A file that was uploaded before, as the upload answered."""

    handle: Annotated[str, Field(max_length=64)]
    name: Annotated[str, Field(max_length=255)]
    media_type: Annotated[str, Field(max_length=255)] = "application/octet-stream"
    size_bytes: Annotated[int, Field(ge=0)] = 0


class NewMessage(Body):
    """A message. The same `key` again is the same message."""

    key: Key
    text: str = ""
    reply_to: Number | None = None
    attachments: Annotated[Sequence[SentFile], Field(max_length=20)] = ()


class Press(Body):
    """A pressed button, as the message offered it."""

    key: Key
    message: Number
    action: Annotated[str, Field(max_length=32)]
    data: Annotated[str, Field(max_length=200)] = ""


class Rate(Body):
    """A thumb: 1, -1, or null to take it back."""

    key: Key
    message: Number
    value: Annotated[int, Field(ge=-1, le=1)] | None


class Seen(Body):
    """Everything up to this message was seen."""

    seq: Number


_FILE_PART: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


@router.post("/rooms/{room}/messages", status_code=202, response_model=None, responses=answers(Posted, status=202))
async def post(request: Request, room: str, body: NewMessage, visitor: Doer) -> dict[str, int]:
    """Take a message: durable when this answers, and one message however often it is sent."""
    own_room(visitor, room)
    parts = parts_of(request)
    if not body.text.strip() and not body.attachments:
        raise ApiError(400, "empty")
    clipped(body.text, parts)
    files = [Attachment(one.handle, one.name, one.media_type, one.size_bytes) for one in body.attachments]
    if files:
        visitor.check("upload", project=room.partition(".")[0], room=room)
    draft = _draft(visitor, room, body.key, text=body.text, reply_to=body.reply_to, attachments=files)
    try:
        posted = await parts.messages.post(draft)
    except LookupError as error:  # nobody has opened its page yet
        raise ApiError(404, "not_allowed") from error
    return {"seq": posted.seq}


@router.get("/rooms/{room}/messages", response_model=None, responses=answers(ShownMessages))
async def older(
    request: Request,
    room: str,
    visitor: Reader,
    before: Annotated[int | None, Query(ge=1, lt=2**53)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
) -> dict[str, Any]:
    """Messages before one, oldest first, each as the element of the page."""
    project = own_room(visitor, room)
    views = await row_views(parts_of(request), visitor, room, project, before=before, limit=limit)
    shown = [
        {"seq": view.seq, "change": view.change, "html": pages.render("row.html", visitor.language, {"row": view})}
        for view in views
    ]
    return {"messages": shown, "has_more": len(views) == limit}


@router.get("/rooms/{room}/stream", response_class=StreamingResponse, responses=streams("text/event-stream"))
async def stream(
    request: Request, room: str, visitor: Reader, after: Annotated[int, Query(ge=0, lt=2**53)] = 0
) -> StreamingResponse:
    """Server-sent events from `after` (or Last-Event-ID) on: row, contacts, progress, beat, out."""
    project = own_room(visitor, room)
    parts = parts_of(request)
    last = request.headers.get("last-event-id", "")
    start = max(after, int(last)) if last.isdecimal() and len(last) < len(str(2**53)) else after
    live = Stream(parts, visitor, room, project, start, checked_at=parts.clock())
    headers = {"X-Accel-Buffering": "no"}  # asks a proxy not to hold events back
    return StreamingResponse(live.events(), media_type="text/event-stream", headers=headers)


@router.post("/rooms/{room}/press", status_code=202, response_model=None, responses=answers(Taken, status=202))
async def press(request: Request, room: str, body: Press, visitor: Doer) -> dict[str, bool]:
    """Take a pressed button; what it means is decided where it is worked on."""
    own_room(visitor, room)
    messages = parts_of(request).messages
    draft = _draft(visitor, room, body.key)
    await messages.press(draft, seq=body.message, action=body.action, data=body.data)
    return {"taken": True}


@router.post("/rooms/{room}/rate", status_code=202, response_model=None, responses=answers(Taken, status=202))
async def rate(request: Request, room: str, body: Rate, visitor: Doer) -> dict[str, bool]:
    """Take a thumb."""
    visitor.check("rate", project=own_room(visitor, room), room=room)
    await parts_of(request).messages.rate(_draft(visitor, room, body.key), seq=body.message, value=body.value or None)
    return {"taken": True}


@router.post(
    "/rooms/{room}/upload",
    status_code=201,
    response_model=None,
    responses={**answers(), 201: {"model": SentFile}},
    openapi_extra=_FILE_PART,
)
async def upload(request: Request, room: str, visitor: Doer) -> dict[str, Any]:
    """Keep a file until a message brings it into the room; multipart/form-data with the part `file`."""
    visitor.check("upload", project=own_room(visitor, room), room=room)
    parts = parts_of(request)
    if parts.uploads is None:
        raise ApiError(404, "no_uploads")
    uploads: Tries = request.app.state.uploads
    if not uploads.may_try(room.partition(".")[2]):
        raise ApiError(429, "too_many_files")
    sent, content = await _file_of(request, parts.limits)
    handle = await parts.uploads.keep(content)
    kept = SentFile(
        handle=handle,
        name=_plain_name(sent.filename or ""),
        media_type=(sent.content_type or "application/octet-stream")[:255],
        size_bytes=len(content),
    )
    return kept.model_dump()


async def _file_of(request: Request, limits: Limits) -> tuple[UploadFile, bytes]:
    """The part `file`; read only now, so that nobody without the right to it fills the disk. Raises ApiError."""
    most = limits.attachment_max_bytes
    try:
        async with request.form(max_files=1, max_fields=1) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise ApiError(400, "wrong", problem="file: expected a file")
            content = await file.read(most + 1)
    except ClientDisconnect as error:  # of an unknown length, and longer than the guard lets through
        raise ApiError(413, "file_too_large", limit=limits.attachment_max_mb) from error
    if len(content) > most:
        raise ApiError(413, "file_too_large", limit=limits.attachment_max_mb)
    return file, content


@router.post("/rooms/{room}/read", response_model=None, responses=answers(Taken))
async def read(request: Request, room: str, body: Seen, visitor: Doer) -> dict[str, bool]:
    """Keep what was seen, for the numbers in the list of projects."""
    own_room(visitor, room)
    await parts_of(request).db.write(lambda session: webrooms.mark_read(session, room, body.seq))
    return {"taken": True}


@router.get("/commands", response_model=None, responses=answers(SuggestedCommands))
async def commands(request: Request, room: str, visitor: Reader) -> dict[str, list[dict[str, str]]]:
    """The commands that this person may type in this room."""
    project = own_room(visitor, room)
    every = (one for one in parts_of(request).commands if one.is_listed and one.is_for_web)
    mine = (one.name for one in every if visitor.may(one.action, project=project, room=room))
    return {"commands": [{"name": name, "summary": _summary(name, visitor.language)} for name in mine]}


def _summary(name: str, language: str) -> str:
    return say(f"command.{name.replace(' ', '_')}", language)


def _draft(
    visitor: Visitor,
    room: str,
    key: str,
    *,
    text: str = "",
    reply_to: int | None = None,
    attachments: Sequence[Attachment] = (),
) -> Draft:
    person = visitor.person
    if person is None:
        raise ApiError(404, "not_allowed")
    return Draft(room, key, person.id, person.name, text, visitor.language, reply_to, attachments)


def _plain_name(name: str) -> str:
    """A file's name without folders and control characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable()).strip()[:200] or "file"
