"""An HTTP server on 127.0.0.1 that answers posted JSON, as well or as badly as a test asks."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

Reply = Callable[[Any], Any]
"""Gives the JSON of an answer for the JSON of a request."""


@dataclass(frozen=True, slots=True)
class Odd:
    """A request that is not answered as it should be: with a status, with other bytes, or never."""

    status: int = 200
    raw: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    hangs: bool = False
    hangs_up: bool = False


@dataclass(frozen=True, slots=True)
class Posted:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Any


class JsonServer:
    """Use it as an async context manager. `script` is played one a request, None being a good answer."""

    def __init__(self, reply: Reply, *, script: Sequence[Odd | None] = ()) -> None:
        self.reply = reply
        self.script = list(script)
        self.posted: list[Posted] = []
        self.arrived = asyncio.Event()  # set with the first request
        self.at_once = 0  # the most requests that were open together
        self._open = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """The address, with no path."""
        if self._server is None:
            raise RuntimeError("expected the server inside `async with`, got one that is not started")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await self._one(reader, writer)
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        self._open += 1
        self.at_once = max(self.at_once, self._open)
        try:
            body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))) or b"null")
            self.posted.append(Posted(head[0].split(" ")[1], headers, body))
            self.arrived.set()
            odd = (self.script.pop(0) if self.script else None) or Odd()
            if odd.hangs:
                await asyncio.Event().wait()
            if odd.hangs_up:
                raise ConnectionResetError
            await asyncio.sleep(0)  # so that what is sent together is open together
            answer = self.reply(body) if odd.raw is None and odd.status == 200 else {"error": "as the test wants it"}
            writer.write(_answer(odd, json.dumps(answer).encode() if odd.raw is None else odd.raw))
            await writer.drain()
        finally:
            self._open -= 1


def _answer(odd: Odd, body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {odd.status} X", f"content-length: {len(body)}", *(": ".join(pair) for pair in odd.headers)]
    return "\r\n".join([*lines, "", ""]).encode() + body
