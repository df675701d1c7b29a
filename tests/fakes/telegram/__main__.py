"""The emulator as a process of its own: `python -m tests.fakes.telegram --port 0` serves until it is ended.

It prints one line of JSON with its address, token and bot. A test steers it by POST /control/NAME, where NAME is a
method or a value of BotApi and the body its arguments as JSON; tests.fakes.telegram.remote does that.
"""

import argparse
import asyncio
import contextlib
import json
import signal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.fakes.telegram.api import BotApi
from tests.fakes.telegram.faults import Fault
from tests.fakes.telegram.server import TOKEN, make_bot_api, served


def control(api: BotApi) -> Route:
    """Let everything of BotApi be called over HTTP; the answer is its result."""

    async def steer(request: Request) -> JSONResponse:
        asked = await request.json()
        found = api
        for name in request.path_params["name"].split("."):
            found = getattr(found, name)
        result: Any = found(*asked.get("args", []), **asked.get("kwargs", {})) if callable(found) else found
        if "set" in asked:
            for name, value in asked["set"].items():
                setattr(found, name, value)
            result = None
        return JSONResponse(None if isinstance(result, Fault) else result)

    return Route("/control/{name}", steer, methods=["POST"])


async def run(port: int, token: str) -> None:
    """Serve until the process is told to end."""
    api = make_bot_api(token=token)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with served(api, port, control(api)):
        print(json.dumps({"base_url": api.base_url, "token": api.token, "bot": api.bot}), flush=True)
        await ended.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--token", default=TOKEN)
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(options.port, options.token))
