"""An account of ours on a server, and what outlives its process.

What it hears is kept as an inbox would, with the cursor in the same step, so that a test can stop it anywhere and start
it again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from adapters.chat import Batch, Event, Message, Unreachable
from adapters.matrix.adapter import MatrixAdapter
from adapters.matrix.surroundings import Surroundings
from bot.state.vault import Vault
from config.load import default_values
from config.matrix import Matrix
from tests.fakes.notes import Notes
from tests.fakes.synapse import Account


def settings_of(account: Account, url: str, **more: Any) -> Matrix:
    """The settings of an account with its token."""
    given = {"homeserver": url, "user": account.user, "device": account.device, "access_token": account.token}
    return Matrix.model_validate({**default_values()["matrix"], **given, **more})


@dataclass
class Kept:
    """What outlives a process: notes, files, and the inbox with its cursor."""

    folder: Path
    notes: Notes = field(default_factory=Notes)
    vault: Vault = field(default_factory=lambda: Vault([Fernet.generate_key().decode()]))
    cursor: str | None = None
    stored: dict[str, Event] = field(default_factory=dict)
    repeats: int = 0

    def store(self, batch: Batch) -> None:
        """What the inbox does: events and cursor in one step, each event once."""
        for event in batch.events:
            self.repeats += event.id.event in self.stored
            self.stored.setdefault(event.id.event, event)
        self.cursor = batch.cursor or self.cursor

    @property
    def texts(self) -> list[str]:
        """What was said, in the order in which it was stored."""
        return [event.text for event in self.stored.values() if isinstance(event, Message)]


class NotStored(Exception):
    """The inbox cannot store now."""


class Listener:
    """A process that listens. Make it with `listening`."""

    def __init__(self, settings: Matrix, kept: Kept, *, renew_s: float = 30.0, poll_s: float = 5.0) -> None:
        self.kept = kept
        self._tasks: set[asyncio.Task[None]] = set()
        around = Surroundings(kept.notes, self._spawn, kept.folder, kept.vault, poll_s=poll_s, renew_s=renew_s)
        self.adapter = MatrixAdapter(settings, around)
        self.changed = asyncio.Condition()
        self.faults: list[str] = []
        self.batches = 0

    async def run(self) -> None:
        """Listen for ever, as the inbox does."""
        while True:
            try:
                async for batch in self.adapter.batches(self.kept.cursor):
                    self.kept.store(batch)
                    self.batches += 1
                    await self._tell()
                return
            except (Unreachable, NotStored) as fault:
                self.faults.append(str(fault) or "not stored")
                await self._tell()
                await asyncio.sleep(min(0.2, getattr(fault, "retry_after_s", None) or 0.2))

    async def until(self, condition: Callable[[], Any], *, timeout_s: float = 60) -> None:
        """Wait until something holds. Raises AssertionError with what was stored when it takes too long."""
        try:
            async with asyncio.timeout(timeout_s), self.changed:
                await self.changed.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"expected it in time, got {self.kept.texts[-5:]}, {self.faults[-3:]}") from None

    async def until_ready(self) -> None:
        """Wait until a first batch was stored."""
        await self.until(lambda: self.batches > 0 and self.kept.cursor)

    @property
    def problem(self) -> str:
        """What health says is wrong, "" when nothing is."""
        return self.adapter._connection.pulse.problem

    async def watch(self, condition: Callable[[], Any], *, timeout_s: float = 60) -> None:
        """Wait until something holds that no batch tells of, such as what health says."""
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - health tells nobody when it changes
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End all of it as a kill would: nothing is told to the server."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.adapter._connection.client.close()

    def begin(self) -> None:
        """Listen in the background."""
        self._spawn(self.run())

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)


@asynccontextmanager
async def listening(settings: Matrix, kept: Kept, **more: Any) -> AsyncIterator[Listener]:
    """A process that listens, ended as by a kill."""
    listener = Listener(settings, kept, **more)
    listener.begin()
    try:
        yield listener
    finally:
        await listener.stop()
