"""The Bot API over HTTP on 127.0.0.1."""

import asyncio
import contextlib
import inspect
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.telegram import methods_chats, methods_messages, methods_updates
from tests.fakes.telegram.api import BotApi
from tests.fakes.telegram.errors import ApiError
from tests.fakes.telegram.faults import Fault
from tests.fakes.telegram.hub import SERVED, Call, Hub, make_hub
from tests.fakes.telegram.judge import METHODS, Upload

_REGISTERED = (methods_chats, methods_messages, methods_updates)  # imported for what they register

TOKEN = "6665554443:AAEmulatedTokenOfABotThatIsNone"
USERNAME = "roomwise_bot"
FIRST_UPDATE = 800_000_000

Reset = Callable[[Request], None]


@contextlib.asynccontextmanager
async def running_bot_api(
    *, port: int = 0, token: str = TOKEN, username: str = USERNAME, reads_all: bool = False
) -> AsyncIterator[BotApi]:
    """Run an emulator in this loop; at the end it must be without fault: raises AssertionError with what was found.

    `reads_all` switches privacy mode off.
    """
    api = make_bot_api(token=token, username=username, reads_all=reads_all)
    async with served(api, port):
        yield api
    assert not api.errors, api.errors


def make_bot_api(*, token: str = TOKEN, username: str = USERNAME, reads_all: bool = False) -> BotApi:
    """An emulator that nobody serves yet."""
    flags = {"can_join_groups": True, "can_read_all_group_messages": reads_all, "supports_inline_queries": False}
    bot = {"id": int(token.partition(":")[0]), "is_bot": True, "first_name": "Roomwise", "username": username, **flags}
    return BotApi(make_hub(bot, first_update=FIRST_UPDATE), token=token)


@contextlib.asynccontextmanager
async def served(api: BotApi, port: int = 0, *more: Route) -> AsyncIterator[None]:
    """Serve an emulator on a port, or on a free one; its address is `api.base_url` from then on."""
    with contextlib.closing(socket.create_server(("127.0.0.1", port), backlog=512)) as listening:
        # asyncio does this for sockets that it makes itself; without, an answer in two pieces takes 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        api.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = _Server(api, more)
        serving = asyncio.create_task(server.serve([listening]))
        await server.ready.wait()
        try:
            yield
        finally:
            await api.close()
            server.should_exit = server.force_exit = True
            await serving


class _Server(uvicorn.Server):
    """One that tells when it listens, and leaves the signals to the process that it is in."""

    def __init__(self, api: BotApi, more: tuple[Route, ...]) -> None:
        self.ready = asyncio.Event()
        config = uvicorn.Config(
            application(api, self._reset, *more),
            http="h11",
            ws="none",
            lifespan="off",
            log_level="critical",
            access_log=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def _reset(self, request: Request) -> None:
        """Reset the connection that a request came by."""
        for protocol in list(self.server_state.connections):
            if getattr(protocol, "client", None) == request.scope["client"]:
                transport = protocol.transport
                with contextlib.suppress(OSError):
                    linger = struct.pack("ii", 1, 0)
                    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                transport.abort()


def application(api: BotApi, reset: Reset, *more: Route) -> Starlette:
    """Put the routes together."""

    async def ask(request: Request) -> Response:
        return await _answer(api, request, reset)

    async def download(request: Request) -> Response:
        number = request.path_params["path"].rpartition("/")[2]
        if api.hub.is_revoked or request.path_params["token"] != api.token or number not in api.hub.place.files:
            return JSONResponse(ApiError(404).body, 404)
        return Response(api.hub.place.files[number][1], media_type="application/octet-stream")

    bot = Route("/bot{token}/{method}", ask, methods=["GET", "POST"])
    return Starlette(routes=[bot, Route("/file/bot{token}/{path:path}", download), *more])


async def _answer(api: BotApi, request: Request, reset: Reset) -> Response:
    hub, name = api.hub, request.path_params["method"].lower()
    fault: Fault | None = None
    try:
        _admit(api, request.path_params["token"], name)
        given, files = await _parameters(request)
        fault = hub.faults.take(name, _number(given.get("chat_id")))
        await _before(fault)
        result = await _done(hub, name, given, files) if fault is None or "before" not in fault.how else None
        await _after(hub, fault)
        answer: Response = JSONResponse({"ok": True, "result": result})
    except ApiError as error:
        answer = JSONResponse(error.body, error.code)
    finally:
        hub.news.tell()
    if fault and fault.how.startswith("reset"):
        reset(request)
    return Response(b'{"ok":tru', media_type="application/json") if fault and fault.how == "malformed" else answer


def _admit(api: BotApi, token: str, name: str) -> None:
    """Raise ApiError for a wrong token, a method that does not exist, or one that this emulator does not serve."""
    if api.hub.is_revoked or token != api.token:
        raise ApiError(401)
    if name not in METHODS:
        raise ApiError(404, "method not found")
    if name not in SERVED:
        api.errors.append(f"{name} is not served here yet")
        raise ApiError(404, "method not found")


async def _parameters(request: Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Parameters from the query, a form or JSON, and the files that came with them."""
    given: dict[str, Any] = dict(request.query_params)
    files: dict[str, Upload] = {}
    kind = request.headers.get("content-type", "")
    if "json" in kind:
        given |= json.loads(await request.body())
    elif kind:
        form = await request.form()
        for key, value in form.multi_items():
            if isinstance(value, UploadFile):
                files[key] = Upload(value.filename or "", await value.read())
            else:
                given[key] = value
        await form.close()
    return _attached(given, files), files


def _attached(given: dict[str, Any], files: dict[str, Upload]) -> dict[str, Any]:
    """Let a file that a parameter names by attach:// stand under the parameter's own name."""
    for key, value in list(given.items()):
        if isinstance(value, str) and value.startswith("attach://") and value[9:] in files:
            files[key] = files.pop(value[9:])
            del given[key]
    return given


async def _before(fault: Fault | None) -> None:
    if fault and fault.how == "held":
        await fault.is_over.wait()
    if fault and fault.how == "error":
        raise fault.error


async def _after(hub: Hub, fault: Fault | None) -> None:
    if hub.is_revoked:
        raise ApiError(401)
    if fault and fault.how == "held_after":
        await fault.is_over.wait()
    if fault and fault.how == "error_after":
        raise fault.error


async def _done(hub: Hub, name: str, given: dict[str, Any], files: dict[str, Upload]) -> Any:
    arguments = hub.judge.asked(name, given, files)
    arguments = {key: _number(value) if key.endswith("_id") else value for key, value in arguments.items()}
    hub.calls.append((name, Call(time.monotonic(), arguments)))
    hub.news.tell()
    result = SERVED[name](hub, arguments, files)
    if inspect.isawaitable(result):
        result = await result
    hub.judge.answered(name, result)
    return result


def _number(value: Any) -> Any:
    """A number that a form wrote as text."""
    is_number = isinstance(value, str) and value.removeprefix("-").isdigit()
    return int(value) if is_number else value
