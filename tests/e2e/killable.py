"""A service that is killed again and again: its process, and the key that it leaves for commands of this machine."""

import asyncio
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.e2e.forked import Forked

FIRST = asyncio.FIRST_COMPLETED
START_WITHIN_S = 180  # a machine that does much else takes its time to start a program


@dataclass(slots=True)
class Killable:
    """The process under test, started anew after each kill on the same folder and port. `probe` is what it answers."""

    command: Sequence[str]
    environment: Mapping[str, str]
    probe: str
    process: Forked | None = None
    is_up: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)  # set by whoever has just given it something to do

    async def start(self, http: httpx.AsyncClient) -> None:
        """Start it and wait until it answers."""
        self.process = await asyncio.to_thread(Forked, self.command, self.environment)
        async with asyncio.timeout(START_WITHIN_S):
            while True:
                try:
                    await http.get(self.probe)
                    break
                except httpx.TransportError:
                    assert self.process.poll() is None, "the service ended by itself"
                    await asyncio.sleep(0.05)  # until another process listens, there is no event to wait on
        self.is_up.set()

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self.is_up.clear()
        if self.process is not None:
            self.process.kill()
            self.process.wait()


async def shell_headers(folder: Path) -> dict[str, str]:
    """What a command of this machine says to the service over `folder`/data, once that has told its key."""
    async with asyncio.timeout(START_WITHIN_S):
        while True:
            try:
                told = json.loads((folder / "data" / "service.json").read_text("utf-8"))
            except (OSError, ValueError):
                told = {}
            if told.get("key"):
                return {"Authorization": f"Bearer {told['key']}"}
            await asyncio.sleep(0.05)  # another process writes the file, and tells nobody


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
