"""The emulator in a process of its own, steered from here."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class RemoteBotApi:
    """What the process told of itself, and its control side."""

    base_url: str
    token: str
    bot: dict[str, Any]
    process: asyncio.subprocess.Process
    http: httpx.AsyncClient

    def settings(self) -> dict[str, Any]:
        """What stands in the section [telegram] for this bot."""
        return {"token": self.token, "base_url": self.base_url}

    async def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call something of BotApi over there, or read a value; dots lead into its parts."""
        answer = await self.http.post(f"/control/{name}", json={"args": args, "kwargs": kwargs})
        return answer.raise_for_status().json()

    async def put(self, name: str, **values: Any) -> None:
        """Set values of a part over there, such as `put("flood", is_on=True)`."""
        (await self.http.post(f"/control/{name}", json={"set": values})).raise_for_status()


@contextlib.asynccontextmanager
async def remote_bot_api(port: int = 0) -> AsyncIterator[RemoteBotApi]:
    """Start the process, and end it. Raises AssertionError with what its judges found."""
    command = [sys.executable, "-m", "tests.fakes.telegram", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        told = json.loads(await process.stdout.readline())
        async with httpx.AsyncClient(base_url=told["base_url"], timeout=60, trust_env=False) as http:
            remote = RemoteBotApi(told["base_url"], told["token"], told["bot"], process, http)
            yield remote
            errors = await remote.call("errors")
    finally:
        process.terminate()
        await process.wait()
    assert not errors, errors
