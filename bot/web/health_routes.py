"""Alive, ready, and the metrics."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response

from bot.web.visitors import KEY, Visitor, any_visitor, parts_of

router = APIRouter()


@router.get("/healthz", response_class=PlainTextResponse)
async def alive() -> str:
    """Say that the process answers."""
    return "ok\n"


@router.get("/readyz", response_class=PlainTextResponse)
async def ready(request: Request) -> PlainTextResponse:
    """Say whether the service can do its work; nothing more, since anybody may ask."""
    health = await parts_of(request).health()
    return PlainTextResponse("ready\n" if health.is_ready else "not ready\n", 200 if health.is_ready else 503)


@router.get("/metrics", response_class=PlainTextResponse, dependencies=[KEY])
async def metrics(request: Request, visitor: Annotated[Visitor, Depends(any_visitor)]) -> Response:
    """The figures, for an owner, an admin token of the whole installation, or this machine's own key."""
    visitor.check("metrics")
    parts = parts_of(request)
    body, media_type = await parts.metrics.exposition(parts.db, now=parts.clock())
    return Response(body, media_type=media_type)
