"""A person whose client is the strict one: it reads and writes only what devices signed by their owner may."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.strict_client.installed import installed
from tests.fakes.synapse import Account


@dataclass(frozen=True, slots=True)
class Read:
    """A message as the client shows it.

    `shield` is "NONE", "GREY" or "RED" with its `reason`, and "" where nothing was encrypted; `failure` says why it
    could not be read, and `wire` is the event's type on the server.
    """

    event: str
    text: str
    wire: str
    failure: str
    shield: str
    reason: str

    @property
    def is_without_warning(self) -> bool:
        """Whether it could be read, was encrypted, and is shown without any shield."""
        return not self.failure and self.wire == "m.room.encrypted" and self.shield == "NONE" and not self.reason


class StrictClient:
    """One device, signed by its owner. `identity` is what a further device of the same person needs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.user = ""
        self.device = ""
        self.identity: dict[str, str] = {}

    async def make_room(self, *, invite: list[str], encrypted: bool = True, name: str = "") -> str:
        """Make a room; gives its id."""
        return str((await self.ask("make_room", invite=invite, encrypted=encrypted, name=name))["room"])

    async def join(self, room: str) -> None:
        """Come in."""
        await self.ask("join", room=room)

    async def meet(self, room: str, user: str) -> None:
        """Wait until somebody has come into a room."""
        await self.ask("meet", room=room, user=user)

    async def send(self, room: str, text: str, *, thread: str = "") -> str:
        """Say something; gives its event id."""
        return str((await self.ask("send", room=room, text=text, thread=thread))["event"])

    async def read(self, room: str, sender: str, *, patient: bool = False) -> Read:
        """The next message of somebody; `patient` waits until it can be read."""
        return Read(**await self.ask("read", room=room, sender=sender, patient=patient))

    async def devices(self, user: str) -> dict[str, bool]:
        """Somebody's devices, and whether their owner has signed each."""
        found: dict[str, bool] = (await self.ask("devices", user=user))["devices"]
        return found

    async def vouch(self, device: str) -> None:
        """Have this person's identity sign another device of the same account."""
        await self.ask("vouch", device=device)

    async def ask(self, act: str, *, timeout_s: float = 60, **given: Any) -> Any:
        """Let it act; gives its answer. Raises AssertionError with its own words, or when it takes too long."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"act": act, **given}).encode() + b"\n")
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), timeout_s)
        except TimeoutError:
            raise AssertionError(f"expected the strict client to {act} within {timeout_s} s") from None
        assert line, f"expected the strict client to {act}, got its end"
        answer = json.loads(line)
        assert "error" not in answer, f"expected the strict client to {act}, got {answer['error']}"
        return answer


@asynccontextmanager
async def strict_client(
    account: Account, homeserver: str, *, identity: dict[str, str] | None = None, program: Path | None = None
) -> AsyncIterator[StrictClient]:
    """A new device of an account, for the length of the block.

    The first one makes the account's identity; a further one is given it, as by a recovery key.
    """
    # An old Node has the web's crypto behind this option, a new one takes it for granted.
    process = await asyncio.create_subprocess_exec(
        "node",
        "--experimental-global-webcrypto",
        str(program or installed()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    client = StrictClient(process)
    try:
        login: dict[str, Any] = {"homeserver": homeserver, "user": account.user, "password": account.password}
        told = await client.ask("login", **login, identity=identity)
        client.user, client.device, client.identity = told["user"], told["device"], told["identity"]
        yield client
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
