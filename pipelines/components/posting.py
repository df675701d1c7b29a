"""What is posted to a model's endpoint, again when it is busy; errors never hold a key or what a server said."""

import asyncio
import email.utils
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from pipelines.types import ModelUnavailable

_MOST_BYTES: Final = 64_000_000
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 60.0
_PASSING: Final = frozenset({408, 425, 429})  # and all from 500 on

Sleep = Callable[[float], Awaitable[None]]
"""Waits so many seconds."""


class RequestRefused(ModelUnavailable):
    """The endpoint does not take this very request; asking again is useless. `status` is 400, 404, 413, 422, ..."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message, kind="failed")
        self.status = status


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one try may take, and how many follow a first one that failed for a reason that may pass.

    None follows when the endpoint asks for a wait of more than `longest_wait_s`.
    """

    timeout_s: float
    retries: int = 0
    longest_wait_s: float = _LONGEST_WAIT_S


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is posted; `name` is what the endpoint gets to know of its name."""

    name: str
    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where to post: the base with /v1 or what there is, the key or "", and the section of the settings for cures."""

    base_url: str
    api_key: str
    section: str


class JsonEndpoint:
    """Posts to one endpoint, which answers in JSON. Close it before its event loop ends."""

    def __init__(self, address: Address, *, sleep: Sleep = asyncio.sleep) -> None:
        """Make the client. Raises ModelUnavailable for a key that no header can hold; what is wrong with it is not shown."""
        self._address = address
        self._sleep = sleep
        if not (address.api_key.isascii() and address.api_key.isprintable()):
            raise ModelUnavailable(
                f"expected letters, digits and signs of ASCII in {address.section}.api_key, got others: copy it anew",
                kind="unauthorised",
            )
        headers = {"Authorization": f"Bearer {address.api_key}"} if address.api_key else {}
        # Time is kept by `Patience`; a redirect could carry the key elsewhere, so none is followed.
        self._client = httpx.AsyncClient(headers=headers, timeout=None)  # noqa: S113

    async def post(self, path: str, body: Mapping[str, Any], patience: Patience) -> bytes:
        """Give the body of the answer.

        Raises RequestRefused, or ModelUnavailable with its kind when the last try failed.
        """
        # Questions and file names may hold half a surrogate pair, which no UTF-8 has.
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        request = {"content": content, "headers": {"Content-Type": "application/json"}}
        return await self._post(path, request, patience)

    async def post_file(self, path: str, fields: Mapping[str, str], file: File, patience: Patience) -> bytes:
        """Post a file with fields, as a form; gives and raises what `post` does."""
        request = {"data": fields, "files": {"file": (file.name, file.data, file.media_type)}}
        return await self._post(path, request, patience)

    async def close(self) -> None:
        """Release connections."""
        await self._client.aclose()

    async def _post(self, path: str, request: Mapping[str, Any], patience: Patience) -> bytes:
        for tried in range(patience.retries):
            try:
                return await self._once(path, request, patience.timeout_s)
            except _Passing as fault:
                wait_s = fault.wait_s
                if wait_s is None:
                    wait_s = random.uniform(0.5, 1.0) * min(_FIRST_WAIT_S * 2**tried, _LONGEST_WAIT_S)  # noqa: S311
                if wait_s > patience.longest_wait_s:
                    raise
            await self._sleep(wait_s)
        return await self._once(path, request, patience.timeout_s)

    async def _once(self, path: str, request: Mapping[str, Any], timeout_s: float) -> bytes:
        url = f"{self._address.base_url.rstrip('/')}/{path}"
        posting = self._client.stream("POST", url, **request)
        try:
            async with asyncio.timeout(timeout_s), posting as response:
                self._check(response)
                return await self._read(response)
        except TimeoutError:
            raise _Passing(self._message(f"none within {timeout_s:g} s"), kind="timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            name = type(error).__name__
            message = self._message(f"{name}; check {self._address.section}.base_url, and that it runs")
            raise _Passing(message, kind="unreachable") from None

    async def _read(self, response: httpx.Response) -> bytes:
        received = bytearray()
        async for chunk in response.aiter_bytes():
            received += chunk
            if len(received) > _MOST_BYTES:
                raise ModelUnavailable(self._message(f"more than {_MOST_BYTES} bytes"), kind="garbage")
        return bytes(received)

    def _check(self, response: httpx.Response) -> None:
        """Raise what a status means."""
        status = response.status_code
        if response.is_success:
            return
        section = self._address.section
        if status in (401, 403):
            raise ModelUnavailable(self._message(f"HTTP {status}; check {section}.api_key"), kind="unauthorised")
        if status in _PASSING or status >= 500:
            kind = "rate_limited" if status == 429 else "failed"
            raise _Passing(self._message(f"HTTP {status}"), kind=kind, wait_s=_wait_s(response))
        message = self._message(f"HTTP {status}; check {section}.base_url and {section}.model")
        raise RequestRefused(message, status=status)

    def _message(self, came: str) -> str:
        host = httpx.URL(self._address.base_url).host if "//" in self._address.base_url else self._address.base_url
        return f"expected an answer of {host!r}, got {came}"


class _Passing(ModelUnavailable):
    """A fault that may be over soon; `wait_s` is what the server asked for, None when it did not say."""

    def __init__(self, message: str, *, kind: str, wait_s: float | None = None) -> None:
        super().__init__(message, kind=kind)
        self.wait_s = wait_s


def parsed(raw: bytes) -> Any:
    """Read JSON. Raises ModelUnavailable for anything else."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise ModelUnavailable("expected JSON of the endpoint, got something else", kind="garbage") from None


def _wait_s(response: httpx.Response) -> float | None:
    """Read Retry-After: seconds or a date; None when it is missing or senseless."""
    told = response.headers.get("retry-after", "")
    try:
        if told.strip().isdigit():
            return float(told)
        return max(0.0, (email.utils.parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
