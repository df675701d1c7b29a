"""An HTTP server on 127.0.0.1 that answers posted JSON, as well or as badly as a test asks."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.http_server import HttpServer, Request, read_request

Reply = Callable[[Any], Any]
"""Gives the JSON of an answer for the JSON of a request."""


@dataclass(frozen=True, slots=True)
class Odd:
    """A request that is not answered as it should be: with a status, with other bytes, drop by drop, or never."""

    status: int = 200
    raw: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    hangs: bool = False
    drips: bool = False
    hangs_up: bool = False


class JsonServer(HttpServer):
    """Use it as an async context manager. `script` is played one a request, None being a good answer."""

    def __init__(self, reply: Reply, *, script: Sequence[Odd | None] = ()) -> None:
        super().__init__()
        self.reply = reply
        self.script = list(script)
        self.posted: list[Request] = []
        self.arrived = asyncio.Event()  # set with the first request
        self.at_once = 0  # the most requests that were open together
        self._open = 0

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer as the script says."""
        request = await read_request(reader)
        self._open += 1
        self.at_once = max(self.at_once, self._open)
        try:
            self.posted.append(request)
            self.arrived.set()
            odd = (self.script.pop(0) if self.script else None) or Odd()
            if odd.hangs:
                await asyncio.Event().wait()
            if odd.hangs_up:
                raise ConnectionResetError
            if odd.drips:
                await _drip(writer)
            await asyncio.sleep(0)  # so that what is sent together is open together
            answer = (
                self.reply(request.body) if odd.raw is None and odd.status == 200 else {"error": "as the test wants it"}
            )
            writer.write(_answer(odd, json.dumps(answer).encode() if odd.raw is None else odd.raw))
            await writer.drain()
        finally:
            self._open -= 1
        return True


async def _drip(writer: asyncio.StreamWriter) -> None:
    """Send a byte of a long answer now and then, until the client hangs up."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


def _answer(odd: Odd, body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {odd.status} X", f"content-length: {len(body)}", *(": ".join(pair) for pair in odd.headers)]
    return "\r\n".join([*lines, "", ""]).encode() + body
