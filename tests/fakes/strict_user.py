"""A person whose client is the other Matrix implementation: matrix-js-sdk with its rust encryption, under Node.

It is what Element runs, and here it is strict: it shares no key with a device that its account has not signed, and reads
nothing from one.
"""

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Self

from tests.fakes.synapse import Account

SCRIPT = Path(__file__).parent / "strict_client" / "client.mjs"


@dataclass
class StrictUser:
    """Use it as an async context manager. `modules` is the folder with the packages, `folder` one for the program.

    `recovery` is the key by which a further device of the account is signed.
    """

    account: Account
    url: str
    modules: Path
    folder: Path
    is_strict: bool = True
    recovery: str = ""
    device: str = ""
    _process: Process | None = None
    _numbers: Any = field(default_factory=lambda: count(1))
    _answers: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    _reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True)
        shutil.copy(SCRIPT, self.folder)
        (self.folder / "node_modules").symlink_to(self.modules)
        node = shutil.which("node")
        assert node is not None
        log = (self.folder / "errors").open("wb")
        with log:
            self._process = await asyncio.create_subprocess_exec(
                node, "client.mjs", cwd=self.folder, stdin=PIPE, stdout=PIPE, stderr=log
            )
        self._reading = asyncio.create_task(self._read())
        login: dict[str, Any] = {"url": self.url, "user": self.account.user, "password": self.account.password}
        said = await self._do("login", **login, strict=self.is_strict, recovery=self.recovery)
        self.device, self.recovery = said["device"], said["recovery"]
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._process is not None
        assert self._reading is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    @property
    def id(self) -> str:
        """The whole user id."""
        return self.account.user

    async def make_room(self, *invite: str) -> str:
        """Make an encrypted room; gives its id."""
        return str((await self._do("make", invite=list(invite), encrypted=True))["room"])

    async def sees_member(self, room: str, member: str) -> None:
        """Wait until somebody is in a room."""
        await self._do("sees", room=room, member=member)

    async def say(self, room: str, text: str) -> str:
        """Send a text; gives its event id."""
        return str((await self._do("send", room=room, text=text))["event"])

    async def sees(self, event: str, *, readable: bool = True) -> Any:
        """What is shown of an event: `body`, `isEncrypted` and `shield`, or `failure` where it may be unreadable."""
        return await self._do("read", event=event, readable=readable)

    async def is_signed(self, user: str, device: str) -> bool:
        """Whether a device is signed by its account."""
        return bool((await self._do("trust", user=user, device=device))["isSigned"])

    async def _do(self, act: str, *, timeout_s: float = 60, **given: Any) -> Any:
        assert self._process is not None
        assert self._process.stdin is not None
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"number": number, "act": act, **given}).encode() + b"\n")
        async with asyncio.timeout(timeout_s):
            said = await answer
        assert "error" not in said, said
        return said

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            self._answers.pop(said.pop("number")).set_result(said)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(AssertionError((self.folder / "errors").read_text("utf-8", "replace")[-2000:]))
