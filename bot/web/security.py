"""Who may speak to the web server at all: Host, Origin, size of a request, forwarded headers, headers of a response.

Being on the same machine gives no rights. Signing in is `bot.web.visitors`.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.answers import failure
from config.settings import Web

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_UPLOAD_OVERHEAD_BYTES: Final = 100_000
BODY_MAX_BYTES: Final = 1_000_000
WEBHOOKS: Final = "/webhooks/"
WEBHOOK_MAX_BYTES: Final = 27_000_000  # their routes hold them to what is really sent, and say so


class ListeningRefused(Exception):
    """The service would be reachable by others in a way that is not safe; the text says what to do."""


def check_listening(settings: Web, *, has_owner: bool) -> None:
    """Raise ListeningRefused for a public address unless TLS ends in front of us and somebody owns this installation.

    An address that is published to this machine alone (a container's) counts as the machine's own.
    """
    if is_loopback(settings.host) or settings.published_locally:
        return
    if not settings.tls_in_front:
        raise ListeningRefused(
            f"expected an address of this machine only, such as 127.0.0.1, got {settings.host!r}; put a reverse proxy "
            "with TLS in front and set tls_in_front = true in [web], or go back to 127.0.0.1"
        )
    if not has_owner:
        raise ListeningRefused(
            f"expected an owner before listening on {settings.host!r}, got none; start once on 127.0.0.1 and open the "
            "login link, or run: roomwise login"
        )


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reachable from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def allowed_hosts(settings: Web) -> frozenset[str]:
    """The host names, without ports, that requests may name."""
    own = urlsplit(settings.public_url).hostname if settings.public_url else None
    names = {*LOOPBACK_NAMES, *(name.lower() for name in settings.allowed_hosts), *([own] if own else [])}
    if settings.host not in ("0.0.0.0", "::"):  # noqa: S104  (compared, not listened on)
        names.add(settings.host.strip("[]").lower())
    return frozenset(names)


def host_name(value: str) -> str | None:
    """The name in a Host header or an Origin, without port; None when it is not one."""
    try:
        parts = urlsplit(value if "//" in value else f"//{value}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if not (parts.username or parts.path or parts.query) else None


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, after what a trusted proxy says. `address` may be empty."""

    address: str
    scheme: str


def peer_of(scope: Scope, *, proxies: Sequence[str]) -> Peer:
    """The peer of a request; X-Forwarded headers count only when a configured proxy sent them."""
    client = scope.get("client")
    address = str(client[0]) if client else ""
    scheme = str(scope.get("scheme", "http"))
    if not _is_among(address, proxies):
        return Peer(address, scheme)
    headers = Headers(scope=scope)
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    while hops and _is_among(hops[-1], proxies):
        hops.pop()
    said = headers.get("x-forwarded-proto", "").split(",")[-1].strip().lower()
    return Peer(hops[-1] if hops else address, said if said in ("http", "https") else scheme)


def _is_among(address: str, proxies: Sequence[str]) -> bool:
    try:
        found = ipaddress.ip_address(address)
        return any(found in ipaddress.ip_network(proxy, strict=False) for proxy in proxies)
    except ValueError:
        return False


class Guard:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp, settings: Web, *, upload_max_bytes: int) -> None:
        self._app = app
        self._hosts = allowed_hosts(settings)
        self._proxies = settings.trusted_proxies
        self._upload_max_bytes = upload_max_bytes + _UPLOAD_OVERHEAD_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what may not come in, limit what it may send, and put our headers on what goes out."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no websocket is served
        peer = peer_of(scope, proxies=self._proxies)
        scope["scheme"] = peer.scheme
        scope["client"] = (peer.address, 0)
        outgoing = _with_headers(send, is_https=peer.scheme == "https")
        limit = self._limit(scope)
        problem = self._problem(scope, limit)
        if problem is not None:
            status, text = problem
            await failure(status, text)(scope, receive, outgoing)
            return
        await self._app(scope, _at_most(receive, limit), outgoing)

    def _limit(self, scope: Scope) -> int:
        path: str = scope["path"]
        if path.startswith(WEBHOOKS):
            return WEBHOOK_MAX_BYTES
        return self._upload_max_bytes if path.endswith("/upload") else BODY_MAX_BYTES

    def _problem(self, scope: Scope, limit: int) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or host_name(hosts[0]) not in self._hosts:
            return 421, "host"
        if scope["method"] not in _SAFE and not self._is_own(headers):
            return 403, "origin"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > limit:
            return 413, "too_large"
        return None

    def _is_own(self, headers: Headers) -> bool:
        """Whether no other site sent this request from somebody's browser."""
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        try:
            return urlsplit(origin).netloc.lower() == headers["host"].lower()
        except ValueError:
            return False


def _with_headers(send: Send, *, is_https: bool) -> Send:
    async def outgoing(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            if is_https:
                headers["Strict-Transport-Security"] = "max-age=31536000"
        await send(message)

    return outgoing


def _at_most(receive: Receive, limit: int) -> Receive:
    """Let a body of unknown length end in a disconnect once it is longer than `limit` bytes."""
    seen = 0

    async def incoming() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return message if seen <= limit else {"type": "http.disconnect"}

    return incoming


class Tries:
    """How often each address or person tried something lately; forgets the oldest of them when there are many."""

    def __init__(
        self, clock: Callable[[], datetime], *, allowed: int = 10, within: timedelta, most: int = 4096
    ) -> None:
        self._clock = clock
        self._allowed = allowed
        self._within = within
        self._most = most
        self._seen: OrderedDict[str, list[datetime]] = OrderedDict()

    def has_had_enough(self, who: str) -> bool:
        """Whether this one could not try now; counts nothing."""
        now = self._clock()
        return sum(now - at < self._within for at in self._seen.get(who, [])) >= self._allowed

    def may_try(self, who: str) -> bool:
        """Count a try of this one; false when it has had enough of them."""
        now = self._clock()
        lately = [at for at in self._seen.pop(who, []) if now - at < self._within]
        is_allowed = len(lately) < self._allowed
        self._seen[who] = [*lately, now] if is_allowed else lately
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return is_allowed
