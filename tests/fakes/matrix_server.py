"""A homeserver that answers as a test scripts it, well or badly; for what no real one can be brought to do."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from tests.fakes.http_server import HttpServer, Request, read_request

API = "/_matrix/client/v3"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: JSON, or other bytes; one that `hangs` never comes, one that `drips` never ends."""

    body: Any = None
    status: int = 200
    raw: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    hangs: bool = False
    drips: bool = False
    hangs_up: bool = False


Answer = Said | Callable[[Request], Said]


class MatrixServer(HttpServer):
    """Use it as an async context manager. `answers` is by path, each list played one a request; its last one stays."""

    def __init__(self, **answers: Answer | list[Answer]) -> None:
        super().__init__()
        self._url = ""
        self.arrived = asyncio.Event()  # set with the first request
        self.answers: dict[str, list[Answer]] = {"/_matrix/client/versions": [Said({"versions": ["v1.11"]})]}
        self.asked: defaultdict[str, list[Request]] = defaultdict(list)
        for name, answer in answers.items():
            self.says(f"{API}/{name.replace('_', '/')}", answer)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._url = super().url
        return self

    @property
    def url(self) -> str:
        """The address, with no path; after the end, where it was."""
        return self._url or super().url

    def says(self, path: str, answer: Answer | list[Answer]) -> None:
        """Answer so at a path from now on."""
        self.answers[path] = list(answer) if isinstance(answer, list) else [answer]

    def bodies(self, name: str) -> list[Any]:
        """What was sent to a path below the client API, without the questions that had no body."""
        return [request.body for request in self.asked[f"{API}/{name}"] if request.body is not None]

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer as scripted; anything else is not found."""
        request = await read_request(reader)
        path = unquote(urlsplit(request.path).path)
        self.asked[path].append(request)
        self.arrived.set()
        answers = self.answers.get(path)
        if not answers:
            said = Said({"errcode": "M_NOT_FOUND", "error": "no"}, status=404)
        else:
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            said = answer if isinstance(answer, Said) else answer(request)
        if said.hangs_up:
            raise ConnectionResetError
        if said.hangs:
            await asyncio.Event().wait()
        body = json.dumps(said.body).encode() if said.raw is None else said.raw
        size = len(body) if not said.drips else 10**9
        lines = [f"HTTP/1.1 {said.status} X", f"content-length: {size}", *(": ".join(pair) for pair in said.headers)]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        while said.drips:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)
        await writer.drain()
        return True
