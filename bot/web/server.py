"""The web server: every route, who may come in, and how errors look. `bot.app` runs it."""

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from bot.desk import DeskError, UnknownProject
from bot.errors import StateError, UserError, new_reference
from bot.version import PROGRAM
from bot.web import (
    bodies,
    chat_routes,
    desk_routes,
    document_routes,
    health_routes,
    login_routes,
    pages,
    room_routes,
    telegram_routes,
    viewer,
    webhook_routes,
)
from bot.web.answers import ApiError, failure, told
from bot.web.parts import WebParts
from bot.web.security import Guard, ListeningRefused, Tries, check_listening
from bot.web.visitors import language_of
from config.settings import Web
from config.texts import say

__all__ = ["ListeningRefused", "build_app", "check_listening", "server_config"]
log = structlog.get_logger(__name__)
_API: Final = ("/api/", "/metrics", "/openapi.json", "/webhooks/")
_ROUTES: Final = (
    document_routes,
    health_routes,
    login_routes,
    chat_routes,
    viewer,
    room_routes,
    desk_routes,
    webhook_routes,
    telegram_routes,
)
_FOR_EVER: Final = "public, max-age=31536000, immutable"

# Addresses of pages hold ids of rooms; whatever the environment sets up, none of them leaves this process.
_NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}

Handler = Callable[[Request, Exception], Awaitable[Response]]


def build_app(parts: WebParts) -> FastAPI:
    """The whole web application over `parts`."""
    app = _Guarded(
        title="Roomwise", version=PROGRAM, docs_url=None, redoc_url=None, openapi_url=None, telemetry=_NO_TELEMETRY
    )
    app.state.parts = parts
    app.state.tries = Tries(parts.clock, within=login_routes.TRIES_WINDOW)
    app.state.uploads = Tries(parts.clock, allowed=room_routes.UPLOADS, within=room_routes.UPLOADS_WINDOW)
    app.state.wrong_deliveries = Tries(parts.clock, allowed=webhook_routes.WRONG, within=webhook_routes.WRONG_WINDOW)
    app.state.large_deliveries = asyncio.Semaphore(bodies.LARGE_AT_ONCE)
    for module in _ROUTES:
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


class _Guarded(FastAPI):
    """An application with the guard around all of it, so that its headers stand on unforeseen errors too."""

    def build_middleware_stack(self) -> ASGIApp:
        parts: WebParts = self.state.parts
        limit = parts.limits.attachment_max_bytes
        return Guard(super().build_middleware_stack(), parts.settings, upload_max_bytes=limit)


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
    return _refused(request, error.status, error.name, error.values)


async def _user_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, UserError):
        raise error
    return told(400, say(error.key, language_of(request), **error.values))


async def _desk_error(_: Request, error: Exception) -> Response:
    return told(404 if isinstance(error, UnknownProject) else 400, str(error))


async def _state_error(request: Request, error: Exception) -> Response:
    reference = new_reference()
    log.error("web.state", reference=reference, error=str(error))
    return _broken(request, 503, "unavailable", reference)


async def _unicode_error(request: Request, error: Exception) -> Response:
    """Half a surrogate pair: JSON can name it, but no text can hold it."""
    reason = error.reason if isinstance(error, UnicodeEncodeError) else "no Unicode"
    return _refused(request, 400, "wrong", {"problem": reason})


async def _validation_error(request: Request, error: Exception) -> Response:
    problem = str(error)
    if isinstance(error, RequestValidationError) and error.errors():
        first = error.errors()[0]
        problem = f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"
    return _refused(request, 422 if _is_api(request) else 400, "wrong", {"problem": problem[:200]})


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status in (404, 405):
        return _refused(request, status, "no_page")
    problem = str(error.detail)[:200] if isinstance(error, HTTPException) else ""
    return _refused(request, status, "wrong", {"problem": problem})


async def _unforeseen(request: Request, error: Exception) -> Response:
    reference = new_reference()
    log.error("web.failed", reference=reference, path=request.url.path.split("/")[1], exc_info=error)
    return _broken(request, 500, "failed", reference)


def _refused(request: Request, status: int, name: str, values: Mapping[str, object] = MappingProxyType({})) -> Response:
    """What the asker can mend: JSON for a program, a page for a person."""
    language = language_of(request)
    if _is_api(request):
        return failure(status, name, values, language=language)
    if status == 401:
        return chat_routes.stranger(request)
    if status in (404, 405):
        return chat_routes.gone(language, status=status)
    return pages.refusal(language, name, values, status=status)


def _broken(request: Request, status: int, name: str, reference: str) -> Response:
    """What the operator must mend; the log has more under the reference."""
    language = language_of(request)
    if _is_api(request):
        return failure(status, name, language=language, reference=reference)
    fine = say("web.card.action.reference", language, reference=reference)
    return pages.card(language, "failed", status=status, link=pages.home(language), fine=fine)
