"""The part that fake HTTP servers share: they listen on 127.0.0.1, read requests, and end with their `async with`."""

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; `body` is its JSON, or the fields of its form, None when there is none."""

    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file of a form."""

    name: str
    media_type: str
    data: bytes


class HttpServer(ABC):
    """Use it as an async context manager. What it still does at the end is cancelled."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """The address, with no path."""
        if self._server is None:
            raise RuntimeError("expected the server inside `async with`, got one that is not started")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop_listening(self) -> None:
        """Refuse all further connections."""
        if self._server:
            self._server.close()

    @abstractmethod
    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read a request and answer it; say whether the connection goes on."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        # A cancelled server and a client that hangs up are both ends, not faults.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self.one(reader, writer):
                pass
        writer.close()


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read one request, its JSON included."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(head[0].split(" ")[1], headers, _body_of(headers.get("content-type", ""), raw) if raw else None)


def _body_of(content_type: str, raw: bytes) -> Any:
    """The JSON of a body, or the fields of a form by name: texts, and files as FormFile."""
    if not content_type.startswith("multipart/form-data"):
        return json.loads(raw)
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + raw)
    fields: dict[str, Any] = {}
    for part in form.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        file_name = part.get_filename()
        fields[name] = data.decode() if file_name is None else FormFile(file_name, part.get_content_type(), data)
    return fields
