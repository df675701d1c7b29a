"""What stands before every answer: the log of requests, faults, limits and ETags."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from tests.fakes.github.answers import ApiError, caller
from tests.fakes.github.faults import Fault, FaultKind
from tests.fakes.github.hub import Hub, Kind, Seen
from tests.fakes.github.people import Limit

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Abort = Callable[[Scope], None]
"""Resets the connection of a request."""

SECONDARY = (
    "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. "
    "Please retry your request again later."
)
_SAY_WHEN = {"retry_after", "graphql_secondary"}


class Reset(Exception):
    """The connection is gone, because a fault wanted it."""


@dataclass(slots=True)
class Captured:
    """An answer that the application has made and that nobody has got yet."""

    status: int = 0
    headers: MutableHeaders = field(default_factory=MutableHeaders)
    body: bytes = b""

    async def take(self, message: Message) -> None:
        """Take a message of the application's."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = MutableHeaders(raw=list(message["headers"]))
        else:
            self.body += message.get("body", b"")


class Front:
    """The outermost ASGI application."""

    def __init__(self, inner: App, hub: Hub, abort: Abort) -> None:
        self._inner = inner
        self._hub = hub
        self._abort = abort

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; anything but HTTP goes through as it is."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        path, kind = scope["path"], _kind(scope["path"])

        async def noted(message: Message) -> None:
            # Noted before it is sent, so that whoever has the answer finds it in the log.
            if message["type"] == "http.response.start":
                date = formatdate(self._hub.now(), usegmt=True).encode()
                message["headers"] = [*message["headers"], (b"date", date)]
                self._hub.requests.append(Seen(scope["method"], path, message["status"], kind))
            await send(message)

        sender = self._spoiled(scope, noted)
        try:
            await (self._answer_git if kind == "git" else self._answer_api)(scope, receive, sender)
        except (Reset, ClientDisconnect):
            return  # a killed git is no fault of ours
        except Exception as error:
            self._hub.crashes.append(error)
            raise

    async def _answer_git(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._hub.faults.take(scope["path"], "retry_after", "exhausted", "secondary", "gateway")
        await (_spoilt(fault) if fault else self._inner)(scope, receive, send)

    async def _answer_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        limit, scopes = self._limit(scope["path"], headers)
        fault = self._fault(scope["path"], limit)
        captured = Captured()
        self._rewrite(scope)
        await (_spoilt(fault) if fault else self._inner)(scope, receive, captured.take)
        self._finish(scope, headers, captured)
        if not (fault and fault.kind == "secondary"):
            self._say_limit(scope, captured, limit)
        if fault and fault.kind in {"exhausted", "graphql_limited"}:
            captured.headers["x-ratelimit-remaining"] = "0"
            captured.headers["x-ratelimit-reset"] = str(int(self._hub.now() + fault.seconds))
        if scopes is not None:
            captured.headers["x-oauth-scopes"] = scopes
        await Response(captured.body, captured.status, dict(captured.headers.items()))(scope, receive, send)

    def _fault(self, path: str, limit: Limit) -> Fault | None:
        """Choose what happens instead of the right answer; a limit that is used up is such a thing."""
        limit.renew()
        is_graphql = path == "/api/graphql" and limit is not self._hub.anonymous
        special: tuple[FaultKind, ...] = ("graphql_limited", "graphql_secondary") if is_graphql else ("gateway",)
        fault = self._hub.faults.take(path, "retry_after", "exhausted", "secondary", *special)
        if fault is None and limit.remaining == 0 and not path.endswith("/rate_limit"):
            left_s = limit.resets_at - time.time()
            return Fault("graphql_limited" if is_graphql else "exhausted", seconds=left_s)
        return fault

    def _limit(self, path: str, headers: Headers) -> tuple[Limit, str | None]:
        """Give the limit that a request counts against, and the scopes of a classic token."""
        try:
            asking = caller(self._hub, headers.get("authorization", ""))
        except ApiError:
            return self._hub.anonymous, None
        if asking.app:
            return asking.app.limits["core"], None
        if asking.token is None:
            return self._hub.anonymous, None
        scopes = ", ".join(asking.token.scopes) if asking.token.kind == "classic" else None
        return asking.token.limits["graphql" if path == "/api/graphql" else "core"], scopes

    def _rewrite(self, scope: Scope) -> None:
        """Turn /repositories/ID into the address by name."""
        prefix = "/api/v3"
        if scope["path"].startswith(prefix):
            scope["path"] = prefix + self._hub.named_path(scope["path"].removeprefix(prefix))

    def _finish(self, scope: Scope, headers: Headers, captured: Captured) -> None:
        """Add an ETag, and answer 304 to whoever knows it."""
        if scope["method"] != "GET" or captured.status != 200:
            return
        etag = f'W/"{hashlib.sha256(captured.body).hexdigest()}"'
        captured.headers["etag"] = etag
        if headers.get("if-none-match") == etag:
            captured.status, captured.body = 304, b""
            for name in ("content-length", "content-type"):
                del captured.headers[name]

    def _say_limit(self, scope: Scope, captured: Captured, limit: Limit) -> None:
        """Count the request and tell what is left. A 304 and /rate_limit are free."""
        if captured.status != 304 and not scope["path"].endswith("/rate_limit"):
            limit.used += int(captured.headers.get("x-emulator-cost", "1"))
        del captured.headers["x-emulator-cost"]
        captured.headers["x-ratelimit-limit"] = str(limit.most)
        captured.headers["x-ratelimit-used"] = str(limit.used)
        captured.headers["x-ratelimit-remaining"] = str(limit.remaining)
        captured.headers["x-ratelimit-reset"] = str(limit.resets_at + int(self._hub.clock_ahead_s))
        captured.headers["x-ratelimit-resource"] = "graphql" if scope["path"] == "/api/graphql" else "core"

    def _spoiled(self, scope: Scope, send: Send) -> Send:
        """Send bodies slowly or not to their end, where a fault says so."""

        async def spoiling(message: Message) -> None:
            body = message.get("body", b"") if message["type"] == "http.response.body" else b""
            fault = self._hub.faults.take(scope["path"], "slow", "reset") if body else None
            if fault is None:
                await send(message)
                return
            await send({**message, "body": body[: len(body) // 2], "more_body": True})
            if fault.kind == "reset":
                self._abort(scope)
                raise Reset
            await asyncio.sleep(fault.seconds)
            await send({**message, "body": body[len(body) // 2 :]})

        return spoiling


def _kind(path: str) -> Kind:
    if path == "/api/graphql":
        return "graphql"
    return "rest" if path.startswith("/api/") else "git"


def _spoilt(fault: Fault) -> App:
    """Make the answer of a fault that happens instead of the right one."""
    if fault.kind == "gateway":
        return Response(b"<html><body><h1>Bad Gateway</h1></body></html>", fault.said_status, media_type="text/html")
    exceeded = "API rate limit exceeded for user ID 1."
    headers = {"retry-after": str(int(fault.seconds))} if fault.kind in _SAY_WHEN and fault.seconds else {}
    if fault.kind == "graphql_limited":
        return JSONResponse({"errors": [{"type": "RATE_LIMITED", "message": exceeded}]})
    if fault.kind == "graphql_secondary":
        return JSONResponse({"errors": [{"message": SECONDARY}]}, headers=headers)
    body = {
        "message": exceeded if fault.kind == "exhausted" else SECONDARY,
        "documentation_url": "https://docs.github.com/rest/overview/rate-limits",
    }
    return JSONResponse(body, fault.said_status, headers)
