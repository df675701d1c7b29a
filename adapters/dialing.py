"""HTTP that dials checked addresses only: resolving a host, checking what it resolves to, and connecting are one act.

Nothing of the environment counts but SSL_CERT_FILE and SSL_CERT_DIR: a proxy named there would do the dialling, unchecked.
"""

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpcore
import httpx

from adapters.addresses import Resolve
from adapters.source import SourceRefused, SourceUnreachable

_CONNECT_TIMEOUT_S: Final = 5.0  # for each address of a host
_MOST_REDIRECTS: Final = 3
_CODINGS: Final = frozenset({"", "identity", "gzip"})  # several at once could blow a few bytes up to terabytes


class SourceLate(SourceUnreachable):
    """No whole answer within the time; a smaller question may be answered."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long one question may take, its redirects included, and how large an answer may be once it is unpacked."""

    timeout_s: float = 20.0
    most_bytes: int = 16_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are in lower case; `host` gave the answer, after any redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    host: str = ""

    def json(self) -> Any:
        """Read the body, None when it is no JSON: every host has pages for its own faults."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class CheckedTransport(httpx.AsyncHTTPTransport):
    """Carries requests to https on port 443, and to the `places` (host:port) besides; redirects pass here as well.

    httpx has no argument for how to connect, so the pool of connections is made here, from httpcore's public parts.
    """

    def __init__(
        self,
        addresses: Resolve,
        *,
        places: Collection[str] = (),
        schemes: Collection[str] = ("https",),
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        checked = _CheckedNetwork(addresses, network or httpcore.AnyIOBackend())
        self._places = frozenset(place.casefold() for place in places)
        self._schemes = schemes
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(), keepalive_expiry=30.0, network_backend=checked
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises SourceRefused for a place that may not be asked."""
        url = request.url
        if url.scheme not in self._schemes or url.userinfo:
            raise SourceRefused(f"expected an https address without user or password, got one for {url.host!r}")
        if url.port is not None and f"{url.host}:{url.port}".casefold() not in self._places:
            raise SourceRefused(f"expected {url.host!r} to be asked at port 443, got {url.port}: ask the operator")
        return await super().handle_async_request(request)


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to an address that was checked just before; TLS still wants the certificate of the host's name."""

    def __init__(self, addresses: Resolve, inner: httpcore.AsyncNetworkBackend) -> None:
        self._addresses = addresses
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's addresses that answers. Raises SourceRefused when one is not allowed."""
        fault: Exception = httpcore.ConnectError(f"no address of {host!r}")
        for address in await self._addresses(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault

    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore does between tries."""
        await self._inner.sleep(seconds)


class CheckedClient:
    """Asks hosts whose addresses are checked. It keeps no cookies, and a redirect to another host carries no credential."""

    def __init__(self, transport: httpx.AsyncBaseTransport, *, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._client = httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            max_redirects=_MOST_REDIRECTS,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"accept-encoding": "gzip", "user-agent": "roomwise"},
            timeout=httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S),
        )

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Answer:
        """Give the whole answer, whatever its status.

        Redirects are followed for GET alone: others would be sent on as a GET, which asks for something else. Raises SourceRefused for an address that may not be asked, SourceLate when time is up, SourceUnreachable for a
        connection that fails and an answer that is too large.
        """
        host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
        request = self._client.stream(method, url, headers=headers, content=content, follow_redirects=method == "GET")
        try:
            async with asyncio.timeout(self._bounds.timeout_s), request as response:
                body = await self._read(response, host)
                return Answer(
                    response.status_code, _lowered(response.headers), body, response.url.netloc.decode("ascii")
                )
        except httpx.ConnectTimeout:
            raise SourceUnreachable(f"expected {host!r} to take a connection, got none in time") from None
        except (TimeoutError, httpx.TimeoutException):
            raise SourceLate(f"expected an answer of {host!r} in {self._bounds.timeout_s:g} s, got none") from None
        except httpx.InvalidURL:
            raise SourceRefused(f"expected an address of a host on the network, got one for {host[:100]!r}") from None
        except httpx.HTTPError as error:
            raise SourceUnreachable(f"expected an answer of {host!r}, got {_fault(error)}") from None

    async def close(self) -> None:
        """Release connections."""
        await self._client.aclose()

    async def _read(self, response: httpx.Response, host: str) -> bytes:
        """Read and unpack until it is too much."""
        if response.headers.get("content-encoding", "").strip().lower() not in _CODINGS:
            raise SourceUnreachable(f"expected an answer of {host!r} that is plain or gzipped, got another coding")
        received = bytearray()
        async for chunk in response.aiter_bytes():
            received += chunk
            if len(received) > self._bounds.most_bytes:
                raise SourceUnreachable(
                    f"expected at most {self._bounds.most_bytes} bytes from {host!r}, got more: it was not read on"
                )
        return bytes(received)


def checked_client(addresses: Resolve, *, places: Collection[str] = (), bounds: Bounds | None = None) -> CheckedClient:
    """Make a client whose every connection goes to what `addresses` allows; `places` are host:port beside port 443."""
    return CheckedClient(CheckedTransport(addresses, places=places), bounds=bounds)


def _lowered(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _fault(error: httpx.HTTPError) -> str:
    """Name a fault without what a host may have written into it."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "a certificate that nobody vouches for: SSL_CERT_FILE can name the authority that made it"
    return type(error).__name__
