"""A proxy before a Matrix server that hands everything on, but for what a test lets go wrong."""

import asyncio
import contextlib
import json
import re
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from tests.fakes.http_server import HttpServer

How = Literal["refused", "html", "reset_before", "reset_after", "held", "held_after", "slow", "cut", "malformed"]
# What concerns one connection only, or what httpx has already undone.
_OWN = frozenset(
    b"connection content-length content-encoding transfer-encoding host keep-alive accept-encoding".split()
)
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass
class Fault:
    """Something that happens to the next `times` requests whose "METHOD path" `matches` is found in (-1: to all).

    refused       nothing is done; the answer is `errcode` under `status`, with `retry_after_ms` where that is not 0
    html          nothing is done; the answer is a page of HTML under `status`
    reset_before  the connection is reset, and nothing was done
    reset_after   the connection is reset, although it was done: the answer is lost
    held          nothing is done and nothing answered until `release`
    held_after    it is done, and not answered until `release`
    slow          it is done, and answered `seconds` later
    cut           it is done, and the connection ends within the answer
    malformed     it is done, and the answer is no JSON
    """

    matches: str
    how: How
    times: int = 1
    status: int = 502
    errcode: str = "M_UNKNOWN"
    retry_after_ms: int = 0
    seconds: float = 0.0
    happened: int = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let go on what is held."""
        self.is_over.set()

    @property
    def answer(self) -> httpx.Response:
        """What is answered in the server's place."""
        if self.how == "html":
            return httpx.Response(self.status, content=HTML, headers={"content-type": "text/html"})
        wait = {"retry_after_ms": self.retry_after_ms} if self.retry_after_ms else {}
        return httpx.Response(self.status, json={"errcode": self.errcode, "error": "a test's fault", **wait})


def limited(matches: str, retry_after_ms: int, *, times: int = 1) -> Fault:
    """The fault of a server that wants us to be slower."""
    status = {"status": 429, "errcode": "M_LIMIT_EXCEEDED"}
    return Fault(matches, "refused", times, retry_after_ms=retry_after_ms, **status)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Passed:
    """A request that came, and the status that it was answered with; 0 where it was not answered.

    `is_done`: the server got it. `came` and `went` are when, in seconds of `time.monotonic`.
    """

    method: str
    path: str
    body: bytes
    status: int
    is_done: bool
    came: float = 0.0
    went: float = 0.0
    answer: bytes = b""

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


class MatrixProxy(HttpServer):
    """Use it as an async context manager; `url` is what the bot is told as its homeserver.

    `passed` are the requests that came to an end, `arrived` when each one came, with its "METHOD path".
    """

    def __init__(self, homeserver: str) -> None:
        super().__init__()
        self.homeserver = homeserver
        self.passed: list[Passed] = []
        self.arrived: list[tuple[float, str]] = []
        self.faults: list[Fault] = []
        self._news = asyncio.Condition()
        # A sync may wait long; the one who asks gives up first.
        self._client = httpx.AsyncClient(verify=False, base_url=homeserver, timeout=300)

    def add(self, fault: Fault) -> Fault:
        """Let something go wrong; several happen in the order in which they were added."""
        self.faults.append(fault)
        return fault

    def clear(self) -> None:
        """Let nothing more go wrong, and let go on what is held."""
        for fault in self.faults:
            fault.release()
        self.faults.clear()

    def asked(self, matches: str) -> list[Passed]:
        """The requests so far whose "METHOD path" this is found in."""
        return [one for one in self.passed if re.search(matches, f"{one.method} {one.path}")]

    async def until(self, condition: Callable[[], Any], *, within_s: float = 60) -> None:
        """Wait until something holds, looked at whenever a request comes or has passed. Raises TimeoutError."""
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(condition)

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Hand one request on, and its answer back."""
        method, path, headers = _head(await reader.readuntil(b"\r\n\r\n"))
        body = await _body(reader, headers)
        came, fault = time.monotonic(), self._take(f"{method} {path}")
        self.arrived.append((came, f"{method} {path}"))
        await self._tell()
        answer, is_done = None, False
        try:
            if fault and fault.how == "held":
                await fault.is_over.wait()
            if fault and fault.how in {"refused", "html"}:
                answer = fault.answer
            elif not (fault and fault.how == "reset_before"):
                answer = await self._client.request(method, path, content=body, headers=_handed_on(headers))
                is_done = True
            if fault:
                await _late(fault)
            return await _answer(writer, answer, fault)
        except httpx.TransportError:
            _reset(writer)
            return False
        finally:
            is_lost = answer is None or (fault is not None and fault.how in {"reset_after", "cut"})
            status = 0 if is_lost or answer is None else answer.status_code
            answered = answer.content if answer else b""
            self.passed.append(Passed(method, path, body, status, is_done, came, time.monotonic(), answered))
            await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _take(self, what: str) -> Fault | None:
        """Take the first fault that concerns a request, and count it."""
        for fault in self.faults:
            if fault.times != 0 and re.search(fault.matches, what):
                fault.times -= 1
                fault.happened += 1
                fault.began.set()
                return fault
        return None


@asynccontextmanager
async def running_proxy(homeserver: str) -> AsyncIterator[MatrixProxy]:
    """A proxy before a server, for the length of the block."""
    async with MatrixProxy(homeserver) as proxy:
        try:
            yield proxy
        finally:
            proxy.clear()
            await proxy._client.aclose()


def _head(head: bytes) -> tuple[str, str, dict[bytes, bytes]]:
    """Method, path with its query, and headers by their small names."""
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    method, path, _ = first.decode("ascii").split(" ")
    pairs = (line.partition(b":") for line in lines)
    return method, path, {name.lower(): value.strip() for name, _, value in pairs}


async def _body(reader: asyncio.StreamReader, headers: Mapping[bytes, bytes]) -> bytes:
    """The body, whether its length stands in front or it comes in chunks."""
    if headers.get(b"transfer-encoding") != b"chunked":
        return await reader.readexactly(int(headers.get(b"content-length", b"0")))
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(parts)


def _handed_on(headers: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers.items() if name not in _OWN]


async def _late(fault: Fault) -> None:
    if fault.how == "held_after":
        await fault.is_over.wait()
    if fault.how == "slow":
        await asyncio.sleep(fault.seconds)


async def _answer(writer: asyncio.StreamWriter, answer: httpx.Response | None, fault: Fault | None) -> bool:
    """Write an answer as the fault has it; says whether the connection goes on."""
    how = fault.how if fault else ""
    if answer is None or how == "reset_after":
        _reset(writer)
        return False
    body = b'{"next_batch' if how == "malformed" else answer.content
    lines = [b"HTTP/1.1 %d %s" % (answer.status_code, answer.reason_phrase.encode())]
    lines += [name + b": " + value for name, value in _kept(answer)]
    lines += [b"content-length: %d" % len(body), b"", b""]
    writer.write(b"\r\n".join(lines) + (body[: len(body) // 2] if how == "cut" else body))
    await writer.drain()
    return how != "cut"


def _kept(answer: httpx.Response) -> Iterator[tuple[bytes, bytes]]:
    return ((name, value) for name, value in answer.headers.raw if name.lower() not in _OWN)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Reset the connection, as a machine that dies does."""
    with contextlib.suppress(OSError):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
