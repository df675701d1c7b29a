"""The connection to the homeserver: nio's client, which knows rooms, devices and keys, and beside it plain JSON.

nio retries and sleeps inside its calls, for ever by default; here it does neither, so that our own queue and loop decide.
Its answers lose fields, and an event of an unknown shape becomes none; so what we read, we read as JSON.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
from nio import AsyncClient, AsyncClientConfig
from nio.responses import ErrorResponse

from adapters.chat import Unreachable
from adapters.matrix.faults import LoginEnded, fault_of, transport_fault
from adapters.matrix.fetching import fetch_file
from adapters.matrix.machine import EncryptedClient

Query = Mapping[str, str | int | None]
NOTHING: Final[Query] = MappingProxyType({})
CLIENT_API: Final = "/_matrix/client/v3"
_CONNECTIONS: Final = 32
_CONNECT_S: Final = 10.0
ANSWER_S: Final = 30.0
_MOST_BYTES: Final = 256_000_000  # a first sync of thousands of rooms is some tens of megabytes
_CHUNK_BYTES: Final = 65_536

logging.getLogger("nio").setLevel(logging.CRITICAL)  # each message without a key is a warning to it
logging.getLogger("peewee").setLevel(logging.CRITICAL)  # it tells each query with what goes into the store of keys


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are to the server. `repr` shows no token."""

    homeserver: str
    user: str
    device: str
    token: str

    def __repr__(self) -> str:
        return f"Login({self.user!r}, device={self.device!r})"


@dataclass(frozen=True, slots=True)
class KeyStore:
    """Where nio keeps what encryption needs, the file in it, and what opens it. `repr` shows no key."""

    folder: Path
    pickle_key: str
    name: str = ""

    def __repr__(self) -> str:
        return f"KeyStore({str(self.folder / self.name)!r})"


class Client:
    """One login at one server. Nothing is asked before `open`, and until then every call raises Unreachable.

    `renewal`, if there is one, makes the next access token when the server says that this one has ended.
    """

    def __init__(self) -> None:
        self._nio: AsyncClient | None = None
        self._session: aiohttp.ClientSession | None = None
        self._login: Login | None = None
        self._renewing = asyncio.Lock()
        self.renewal: Callable[[], Awaitable[str]] | None = None

    @property
    def nio(self) -> AsyncClient:
        """The library's client. Raises Unreachable before `start`."""
        if self._nio is None:
            raise Unreachable("not connected yet")
        return self._nio

    @property
    def is_started(self) -> bool:
        """Whether the library's client is there."""
        return self._nio is not None

    @property
    def is_open(self) -> bool:
        """Whether the login is known."""
        return self._login is not None

    @property
    def user(self) -> str:
        """Our whole user id. Raises Unreachable before `open`."""
        return self._known().user

    @property
    def device(self) -> str:
        """Our device. Raises Unreachable before `open`."""
        return self._known().device

    @property
    def homeserver(self) -> str:
        """Where the server answers, without a slash at the end. Raises Unreachable before `open`."""
        return self._known().homeserver

    def open(self, login: Login) -> None:
        """Begin with a login, so that `call` works. Nothing is asked of the server."""
        self._session = new_session()
        self._login = login

    def start(self, store: KeyStore | None) -> None:
        """Make the library's client, with its keys; without `store` encryption is off. Nothing is asked of the server.

        Raises what the library and SQLite raise when the store cannot be read, and Unreachable before `open`.
        """
        login = self._known()
        config = AsyncClientConfig(
            encryption_enabled=store is not None,
            pickle_key=store.pickle_key if store else "",
            store_name=store.name if store else "",
            store_sync_tokens=False,
            max_limit_exceeded=0,
            max_timeouts=0,
            request_timeout=ANSWER_S,
        )
        folder = str(store.folder) if store else ""
        nio = EncryptedClient(login.homeserver, login.user, device_id=login.device, store_path=folder, config=config)
        nio.restore_login(login.user, login.device, login.token)
        nio.client_session = self._session
        self._nio = nio

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        answer_s: float = ANSWER_S,
        query: Query = NOTHING,
        **more: str | int | None,
    ) -> Any:
        """Ask the server; the answer is its JSON, unread. `path` begins behind /_matrix/client/v3, or is whole.

        What of the path comes from others must be quoted by `part`. `more` belongs to the query, and what is None of it
        is left out. `answer_s` is for the whole answer.
        Raises ChatError: Unreachable (also Flooded, LoginEnded), Refused (also NotThere, TooLarge, RoomGone).
        """
        token, whole = self._known().token, _with_query(path, {**query, **more})
        try:
            return await self._ask(method, whole, body, answer_s=answer_s)
        except LoginEnded as fault:
            renewal = self.renewal
            if renewal is None or not fault.is_soft:
                raise
        async with self._renewing:
            if self._known().token == token:
                self._renew(await renewal())
        return await self._ask(method, whole, body, answer_s=answer_s)

    async def _ask(self, method: str, path: str, body: Any, *, answer_s: float) -> Any:
        login, session = self._known(), self._session
        if session is None:
            raise Unreachable("not connected yet")
        url = login.homeserver + (path if path.startswith("/_matrix/") else CLIENT_API + path)
        return await ask(session, method, url, body=body, token=login.token, answer_s=answer_s)

    async def fetch(self, path: str, *, max_bytes: int) -> bytes:
        """A file's bytes; `path` is whole. Raises ChatError, TooLarge when there are more than `max_bytes`."""
        login, session = self._known(), self._session
        if session is None:
            raise Unreachable("not connected yet")
        return await fetch_file(session, login.homeserver + path, token=login.token, max_bytes=max_bytes)

    def check(self, response: object) -> None:
        """Raise what an answer of nio's own calls says when it is no success. Raises ChatError."""
        if isinstance(response, ErrorResponse):
            status = getattr(response.transport_response, "status", 0) or 500
            said = {
                "errcode": response.status_code,
                "error": response.message,
                "retry_after_ms": response.retry_after_ms,
                "soft_logout": response.soft_logout,
            }
            raise fault_of(status, said if response.status_code else None)

    async def close(self) -> None:
        """Close every connection and the store; `open` may follow."""
        nio, session = self._nio, self._session
        self._nio = self._session = self._login = None
        if session is not None:
            await session.close()
        if nio is not None and nio.store is not None:
            nio.store.database.close()

    def _renew(self, token: str) -> None:
        known = self._known()
        self._login = Login(known.homeserver, known.user, known.device, token)
        if self._nio is not None:
            self._nio.access_token = token

    def _known(self) -> Login:
        if self._login is None:
            raise Unreachable("not connected yet")
        return self._login


async def ask(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    body: Any = None,
    token: str = "",
    answer_s: float = ANSWER_S,
) -> Any:
    """Make one request of JSON for JSON. `answer_s` is for the whole of it. Raises ChatError.

    A redirect is followed only by what holds no secret.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with session.request(
            method,
            url,
            data=None if body is None else json.dumps(body, ensure_ascii=False).encode(),
            headers={**headers, "Content-Type": "application/json"},
            allow_redirects=method == "GET" and not token,
            timeout=aiohttp.ClientTimeout(total=answer_s, connect=_CONNECT_S),
        ) as response:
            status, said = response.status, _json(await _read(response))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        fault = transport_fault(error)
    else:
        if status < 300 and said is not None:
            return said
        raise fault_of(status, said)
    raise fault  # out here it has no cause and no context, whose texts may hold the request


def part(text: str) -> str:
    """A room id, an event id or anything else of others, as one part of a path."""
    return quote(text, safe="")


def new_session() -> aiohttp.ClientSession:
    """What makes connections; whoever makes it closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=ANSWER_S, connect=_CONNECT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _with_query(path: str, query: Query) -> str:
    """A path with a query; what is None is left out."""
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, up to what memory allows."""
    read = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        read += chunk
        if len(read) > _MOST_BYTES:
            raise ValueError("an answer without end")
    return bytes(read)


def _json(body: bytes) -> Any:
    """What the body holds, or None when it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
