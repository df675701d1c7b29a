"""A GitHub Enterprise Server on 127.0.0.1, over HTTPS with a certificate of its own, on a thread of its own."""

import asyncio
import contextlib
import functools
import os
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import trustme
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from tests.fakes.github import graphql_api, rest_apps, rest_hooks, rest_repositories, rest_threads, smart_http
from tests.fakes.github.answers import ApiError, Moved, moved_answer
from tests.fakes.github.front import Front, Scope
from tests.fakes.github.graphql_api import graphql_schema
from tests.fakes.github.hub import Hub


@contextlib.asynccontextmanager
async def running_emulator(folder: Path) -> AsyncIterator[Hub]:
    """Run an emulator whose files lie below `folder`, and stop it at the end, whatever it still does.

    Raises ExceptionGroup when the emulator itself was at fault. The caller trusts `hub.ca_file`: SSL_CERT_FILE for Python, GIT_SSL_CAINFO for git; `trusting(hub)` sets both.
    """
    root = folder / "github"
    (root / "git").mkdir(parents=True)
    await asyncio.to_thread(graphql_schema)  # takes seconds the first time, for which no client should have to wait
    hub = Hub(root)
    context = _certificate(hub.ca_file)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0), backlog=512)) as listening:
        hub.host = f"localhost:{listening.getsockname()[1]}"
        server = _server(hub, context)
        thread = threading.Thread(target=_run, args=(server, listening), name="github")
        thread.start()
        try:
            await asyncio.to_thread(server.ready.wait)
            hub.busy_s = functools.partial(_cpu_s, thread)
            yield hub
        finally:
            server.should_exit = server.force_exit = True
            await asyncio.to_thread(thread.join)
    if hub.crashes:
        raise ExceptionGroup("expected the emulator to answer everything, got faults of its own", hub.crashes)


class _Server(uvicorn.Server):
    """One that tells other threads when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _run(server: uvicorn.Server, listening: socket.socket) -> None:
    """Serve until told to stop; answers that are still being given are cancelled with the loop."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(server.serve([listening]))


def _cpu_s(thread: threading.Thread) -> float:
    """How long a thread has kept a core busy, where the system can say; git's processes are not in it."""
    if sys.platform == "win32" or thread.ident is None:
        return 0.0
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def _certificate(ca_file: Path) -> ssl.SSLContext:
    """Make an authority, which is written to a file, and a certificate for this machine."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


def _server(hub: Hub, context: ssl.SSLContext) -> _Server:
    holder: list[_Server] = []

    def abort(scope: Scope) -> None:
        """Reset the connection that a request came by."""
        for protocol in list(holder[0].server_state.connections):
            if getattr(protocol, "client", None) == scope["client"]:
                transport = protocol.transport
                with contextlib.suppress(OSError):
                    linger = struct.pack("ii", 1, 0)
                    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                transport.abort()

    config = uvicorn.Config(
        Front(application(hub), hub, abort),
        http="h11",
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        date_header=False,
        timeout_graceful_shutdown=1,
        ssl_context_factory=lambda _config, _default: context,
    )
    holder.append(_Server(config))
    return holder[0]


def application(hub: Hub) -> FastAPI:
    """Put the interfaces together."""
    app = FastAPI(openapi_url=None)
    app.state.hub = hub

    @app.exception_handler(ApiError)
    async def refuse(_request: Request, error: ApiError) -> JSONResponse:
        return error.answer()

    @app.exception_handler(Moved)
    async def redirect(request: Request, error: Moved) -> JSONResponse:
        rest = request.url.path.removeprefix("/api/v3/repos/").split("/", 2)[2:]
        body = moved_answer(hub, error)
        location = "/".join([body["url"], *rest]) + (f"?{request.url.query}" if request.url.query else "")
        return JSONResponse({**body, "url": location}, 301, {"location": location})

    @app.exception_handler(404)
    async def nothing(_request: Request, _error: Exception) -> JSONResponse:
        return ApiError(404, "Not Found").answer()

    app.include_router(graphql_api.router)
    for router in (rest_repositories.router, rest_hooks.router, rest_apps.router, rest_threads.router):
        app.include_router(router, prefix="/api/v3")
    app.include_router(smart_http.router)
    return app


@contextlib.contextmanager
def trusting(hub: Hub) -> Iterator[None]:
    """Let Python and git of this process and its children trust the emulator."""
    names = ("SSL_CERT_FILE", "GIT_SSL_CAINFO")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(hub.ca_file)))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
