"""An OpenAI-compatible server on 127.0.0.1 that behaves as well or as badly as a test asks.

It writes answers at /chat/completions, and at /audio/transcriptions what was said: its reply, whatever the sound.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.http_server import HttpServer, read_request

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the next request is answered.

    `reply` is the whole text, a list of tokens, or a function of the request's JSON. `hangs` takes the request and
    never answers; `hangs_after` and `breaks_after` stop or cut the stream after that many tokens.
    `raw` is sent as the body instead of anything sensible.
    """

    reply: str | Sequence[str] | Callable[[Body], str] = "It is in the handbook [1]."
    status: int = 200
    first_token_s: float = 0.0
    tokens_per_s: float = 0.0  # 0: as fast as possible
    hangs: bool = False
    hangs_after: int | None = None
    breaks_after: int | None = None
    raw: str | None = None
    retry_after_s: int | None = None

    def tokens(self, body: Body) -> list[str]:
        """Cut the reply into what is sent one by one."""
        text = self.reply(body) if callable(self.reply) else self.reply
        return re.findall(r"\s*\S+\s*$|\s*\S+", text) if isinstance(text, str) else list(text)


@dataclass(slots=True)
class Received:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Body
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # set when the client hung up before the end


class ModelServer(HttpServer):
    """Use it as an async context manager; `base_url` is what `llm.base_url` takes.

    `script` is played one behaviour a request, then `behaviour` holds.
    """

    def __init__(self, behaviour: Behaviour | None = None, *, script: Sequence[Behaviour] = ()) -> None:
        super().__init__()
        self.behaviour = behaviour or Behaviour()
        self.received: list[Received] = []
        self.arrived = asyncio.Event()
        self._script = list(script)

    @property
    def base_url(self) -> str:
        """The address with /v1, as OpenAI clients want it."""
        return f"{self.url}/v1"

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer as the script says, then as `behaviour` does, until the client hangs up."""
        request = await read_request(reader)
        received = Received(request.path, request.headers, request.body or {})
        self.received.append(received)
        self.arrived.set()
        act = self._script.pop(0) if self._script else self.behaviour
        if act.status != 200 or act.raw is not None:
            writer.write(_plain(act))
            await writer.drain()
            return True
        # The client sends nothing while it is answered, so the first byte or the end means that it hung up.
        hung_up = asyncio.ensure_future(reader.read(1))
        is_sound = request.path.endswith("/audio/transcriptions")
        answering = asyncio.ensure_future(_answer(writer, act, received.body, is_sound=is_sound))
        try:
            await asyncio.wait({hung_up, answering}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                received.gone.set()
        finally:
            hung_up.cancel()
            answering.cancel()
            await asyncio.gather(hung_up, answering, return_exceptions=True)
        return False


def _plain(act: Behaviour) -> bytes:
    body = (act.raw if act.raw is not None else json.dumps({"error": {"message": "as the test wants it"}})).encode()
    kind = "text/html" if act.raw is not None else "application/json"
    wait = f"retry-after: {act.retry_after_s}\r\n" if act.retry_after_s is not None else ""
    head = f"HTTP/1.1 {act.status} X\r\ncontent-type: {kind}\r\n{wait}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _answer(writer: asyncio.StreamWriter, act: Behaviour, body: Body, *, is_sound: bool) -> None:
    if act.hangs:
        await asyncio.Event().wait()
    await asyncio.sleep(act.first_token_s)
    tokens = act.tokens(body)
    if not body.get("stream"):
        text = "".join(tokens)
        whole = json.dumps({"text": text} if is_sound else _completion(text, len(tokens))).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {len(whole)}"
        writer.write(head.encode() + b"\r\n\r\n" + whole)
        await writer.drain()
        return
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    for sent, token in enumerate(tokens):
        if sent == act.breaks_after:
            writer.transport.abort()
            return
        if sent == act.hangs_after:
            await asyncio.Event().wait()
        await _event(writer, _chunk({"role": "assistant", "content": token}))
        if act.tokens_per_s:
            await asyncio.sleep(1 / act.tokens_per_s)
    await _event(writer, _chunk({}, finish="stop"))
    if (body.get("stream_options") or {}).get("include_usage"):
        await _event(writer, _chunk(None, usage=len(tokens)))
    writer.write(_framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    await writer.drain()


async def _event(writer: asyncio.StreamWriter, data: Body) -> None:
    writer.write(_framed(b"data: " + json.dumps(data).encode() + b"\n\n"))
    await writer.drain()


def _framed(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _usage(tokens: int) -> Body:
    return {"prompt_tokens": 100, "completion_tokens": tokens, "total_tokens": 100 + tokens}


def _chunk(delta: Body | None, *, finish: str | None = None, usage: int | None = None) -> Body:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "mock", "choices": choices}
    return chunk if usage is None else {**chunk, "usage": _usage(usage)}


def _completion(text: str, tokens: int) -> Body:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "mock", "choices": [choice]}
    return {**whole, "usage": _usage(tokens)}
