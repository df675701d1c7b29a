"""The web server: every route, who may come in, and how errors look. `bot.app` runs it."""

import mimetypes
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from bot.desk import DeskError, UnknownProject
from bot.errors import StateError, UserError, new_reference
from bot.version import PROGRAM
from bot.web import chat_routes, desk_routes, document_routes, health_routes, login_routes, pages, room_routes, viewer
from bot.web.answers import ApiError, failure, told
from bot.web.parts import WebParts
from bot.web.security import Guard, ListeningRefused, Tries, check_listening
from bot.web.visitors import language_of
from config.settings import Web
from config.texts import say

__all__ = ["ListeningRefused", "build_app", "check_listening", "server_config"]
log = structlog.get_logger(__name__)
_API: Final = ("/api/", "/metrics", "/openapi.json")
_FOR_EVER: Final = "public, max-age=31536000, immutable"

# Addresses of pages hold ids of rooms; whatever the environment sets up, none of them leaves this process.
_NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}

Handler = Callable[[Request, Exception], Awaitable[Response]]


def build_app(parts: WebParts) -> FastAPI:
    """The whole web application over `parts`."""
    app = FastAPI(
        title="Roomwise", version=PROGRAM, docs_url=None, redoc_url=None, openapi_url=None, telemetry=_NO_TELEMETRY
    )
    app.state.parts = parts
    app.state.tries = Tries(parts.clock, within=login_routes.TRIES_WINDOW)
    for module in (document_routes, health_routes, login_routes, chat_routes, viewer, room_routes, desk_routes):
        app.include_router(module.router)
    mimetypes.add_type("text/javascript", ".js")  # a Windows registry may say otherwise
    app.mount(pages.asset("").rstrip("/"), _Assets(directory=pages.STATIC))
    handlers: dict[Any, Handler] = {
        ApiError: _api_error,
        UserError: _user_error,
        DeskError: _desk_error,
        StateError: _state_error,
        UnicodeError: _unicode_error,
        RequestValidationError: _validation_error,
        HTTPException: _http_error,
        Exception: _unforeseen,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(Guard, settings=parts.settings, upload_max_bytes=parts.limits.attachment_max_bytes)
    return app


def server_config(app: ASGIApp, settings: Web) -> uvicorn.Config:
    """How uvicorn serves us: it believes no forwarded header by itself, and logs no addresses."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=3,
        limit_concurrency=2_000,
    )


class _Assets(StaticFiles):
    """Static files whose address changes with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = _FOR_EVER
        return response


def _is_api(request: Request) -> bool:
    return request.url.path.startswith(_API)


async def _api_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    if not _is_api(request):
        if error.status == 401:
            return chat_routes.stranger(request)
        return _page(request, "gone" if error.status == 404 else "failed", error.status)
    return failure(error.status, error.name, error.values, language=language_of(request))


async def _user_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, UserError):
        raise error
    return told(400, say(error.key, language_of(request), **error.values))


async def _desk_error(_: Request, error: Exception) -> Response:
    return told(404 if isinstance(error, UnknownProject) else 400, str(error))


async def _state_error(request: Request, error: Exception) -> Response:
    reference = new_reference()
    log.error("web.state", reference=reference, error=str(error))
    if not _is_api(request):
        return _page(request, "failed", 503, reference=reference)
    return failure(503, "unavailable", language=language_of(request), reference=reference)


async def _unicode_error(request: Request, error: Exception) -> Response:
    """Half a surrogate pair: JSON can name it, but no text can hold it."""
    reason = error.reason if isinstance(error, UnicodeEncodeError) else "no Unicode"
    return failure(400, "wrong", {"problem": reason}, language=language_of(request))


async def _validation_error(request: Request, error: Exception) -> Response:
    problem = str(error)
    if isinstance(error, RequestValidationError) and error.errors():
        first = error.errors()[0]
        problem = f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"
    if not _is_api(request):
        return _page(request, "failed", 400)
    return failure(422, "wrong", {"problem": problem[:200]}, language=language_of(request))


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if not _is_api(request):
        return _page(request, "gone" if status == 404 else "failed", status)
    if status in (404, 405):
        return failure(status, "no_page", language=language_of(request))
    problem = str(error.detail)[:200] if isinstance(error, HTTPException) else ""
    return failure(status, "wrong", {"problem": problem}, language=language_of(request))


async def _unforeseen(request: Request, error: Exception) -> Response:
    reference = new_reference()
    log.error("web.failed", reference=reference, path=request.url.path.split("/")[1], exc_info=error)
    if not _is_api(request):
        return _page(request, "failed", 500, reference=reference)
    return failure(500, "failed", language=language_of(request), reference=reference)


def _page(request: Request, name: str, status: int, *, reference: str = "") -> HTMLResponse:
    language = language_of(request)
    link = {"href": "/", "label": say("web.card.action.home", language)}
    fine = say("web.card.action.reference", language, reference=reference) if reference else None
    return pages.card(language, name, status=status, link=link, fine=fine)
