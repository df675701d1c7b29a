"""Real git over HTTP on 127.0.0.1: `git http-backend` behind a tiny CGI server, with faults on request."""

import asyncio
import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class GitHttp:
    """Serves the repositories below `root`: http://127.0.0.1:<port>/<folder>.

    `answer_status` makes every request fail with that status; `location` is sent along with a redirect; `is_hanging`
    makes it take requests and never answer; `must_break` cuts answers of POST requests after 400 bytes. Requests without
    the header Authorization of `wanted` are answered 401; with `says_back` 403, and their header is the answer's text.
    """

    root: Path
    answer_status: int | None = None
    location: str = ""
    is_hanging: bool = False
    must_break: bool = False
    wanted: str = ""
    says_back: bool = False
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def url(self, folder: str) -> str:
        """The address of the repository in a folder below the root."""
        return f"http://127.0.0.1:{self.port}/{folder}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._exchange(reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _read(reader, writer)
        self.requests.append(request)
        self.asked.set()
        if self.is_hanging:
            await reader.read()
            return
        if self.wanted and request.headers.get("authorization") != self.wanted:
            answer = self._unauthorised(request)
        elif self.answer_status is not None:
            answer = (
                f"HTTP/1.1 {self.answer_status} Said\r\nLocation: {self.location}\r\nContent-Length: 0\r\n\r\n".encode()
            )
        else:
            answer = _http(await self._backend(request))
        if self.must_break and request.method == "POST":
            answer = answer[:400]
        writer.write(answer)
        await writer.drain()

    def _unauthorised(self, request: Request) -> bytes:
        text = request.headers.get("authorization", "") if self.says_back else ""
        status = "403 Not you" if self.says_back else "401 Who"
        lines = (f"HTTP/1.1 {status}", 'WWW-Authenticate: Basic realm="here"', "Content-Type: text/plain")
        return "\r\n".join([*lines, f"Content-Length: {len(text)}", "", text]).encode()

    async def _backend(self, request: Request) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *("git", "http-backend"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                **backend_environment(
                    self.root,
                    method=request.method,
                    target=request.target,
                    headers=request.headers,
                    size=len(request.body),
                ),
            },
        )
        output, _ = await process.communicate(request.body)
        return output


def backend_environment(
    root: Path, *, method: str, target: str, headers: Mapping[str, str], size: int
) -> dict[str, str]:
    """Say to `git http-backend` by the environment what is asked of the repositories below `root`."""
    asked = urlsplit(target)
    return {
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
        "PATH_INFO": unquote(asked.path),
        "QUERY_STRING": asked.query,
        "REQUEST_METHOD": method,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(size),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "REMOTE_ADDR": "127.0.0.1",
    }


def cgi_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Read the status and the headers of a CGI answer."""
    status, headers = 200, {}
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        elif name:
            headers[name] = value.strip()
    return status, headers


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "") == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


def _http(output: bytes) -> bytes:
    """Turn a CGI answer into an HTTP one."""
    head, _, body = output.partition(b"\r\n\r\n")
    status, headers = cgi_head(head)
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
