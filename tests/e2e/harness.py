"""The web server in a process of its own, over a folder that outlives it.

`python -m tests.e2e.harness FOLDER PORT` serves until it is killed and prints one line of JSON: address, login link
and service key.
"""

import asyncio
import contextlib
import json
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from bot.web.server import build_app, server_config
from tests.fakes.web import SERVICE_KEY, make, now


class Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        self.listening.set()


async def serve(folder: Path, port: int) -> None:
    """Serve until cancelled."""
    async with asyncio.TaskGroup() as group:
        parts = await make(folder, group.create_task)
        app: FastAPI = build_app(parts)
        config = server_config(app, parts.settings.model_copy(update={"port": port}))
        server = Server(config)
        group.create_task(server.serve())
        await server.listening.wait()
        link = await parts.people.make_login(now=now())
        at = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        print(json.dumps({"address": at, "link": f"{at}/login/{link}", "key": SERVICE_KEY}), flush=True)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
