"""One account that only listens, on a real server: the sync loop with its own parts, and plain words around it.

What it hears is kept as an inbox would, with the cursor in the same step, so that a test can stop it anywhere and start
it again.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from adapters.chat import Addressed, Batch, Event, EventId, Message, RoomAddress, Sender, Unreachable
from adapters.matrix.client import Client, KeyStore
from adapters.matrix.connecting import Connecting
from adapters.matrix.entering import Entering
from adapters.matrix.health import Pulse
from adapters.matrix.hearing import Hearing
from adapters.matrix.housekeeping import Housekeeping, KeyChores
from adapters.matrix.lease import Lease
from adapters.matrix.polling import Polling
from adapters.matrix.surroundings import NETWORK, Surroundings, account_folder
from adapters.matrix.syncing import Syncing, SyncParts
from bot.state.vault import Vault
from config.load import default_values
from config.matrix import Matrix
from tests.fakes.notes import Notes
from tests.fakes.synapse import Account

Json = Mapping[str, Any]


def settings_of(account: Account, url: str, **more: Any) -> Matrix:
    """The settings of an account with its token."""
    given = {"homeserver": url, "user": account.user, "device": account.device, "access_token": account.token}
    return Matrix.model_validate({**default_values()["matrix"], **given, **more})


class PlainReader:
    """Reads texts, and nothing else (`adapters.matrix.hearing.Reader`)."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.state: dict[str, list[Json]] = {}

    def events_of(self, room_id: str, raw_events: Sequence[Any], *, now: datetime) -> list[Event]:
        """A message for each text of others."""
        return [self._message(room_id, raw, now) for raw in raw_events if self._is_text(raw)]

    def note_state(self, room_id: str, state: Iterable[Any]) -> None:
        """Remember it."""
        self.state.setdefault(room_id, []).extend(state)

    def _is_text(self, raw: Json) -> bool:
        is_text = raw["type"] == "m.room.message" and isinstance(raw["content"].get("body"), str)
        return is_text and raw["sender"] != self.user

    def _message(self, room: str, raw: Json, now: datetime) -> Message:
        event = EventId(NETWORK, self.user, raw["event_id"])
        sender = Sender(NETWORK, raw["sender"], raw["sender"])
        where = RoomAddress(NETWORK, self.user, room)
        text = raw["content"]["body"]
        return Message(event, where, event.event, sender, text, now, Addressed.PRIVATE)


@dataclass
class PlainRooms:
    """Knows nothing of rooms but what is told (`adapters.matrix.hearing.Rooms`)."""

    user: str
    invitations: list[str] = field(default_factory=list)
    readers: list[PlainReader] = field(default_factory=list)

    async def begin(self) -> PlainReader:
        """A new reader."""
        self.readers.append(PlainReader(self.user))
        return self.readers[-1]

    async def prepare(self, reader: Any, room: str, events: Sequence[Json]) -> None:
        """Nothing is missing."""

    async def keep(self, reader: Any) -> None:
        """Nothing is kept."""

    async def invited(self, rooms: Mapping[str, Sequence[Json]]) -> None:
        """Remember them."""
        self.invitations += list(rooms)


@dataclass
class PlainKeys:
    """Remembers what could not be read (`adapters.matrix.hearing.Keys`)."""

    encrypted: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)

    async def note_encrypted(self, rooms: Collection[str]) -> None:
        """Remember them."""
        self.encrypted |= set(rooms)

    async def wait_for(self, room: str, event: Json) -> None:
        """Remember it."""
        self.waiting.append(str(event["event_id"]))

    async def late(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Nothing comes late."""
        return ()

    async def overdue(self) -> Sequence[Event]:
        """Nothing is said of it."""
        return ()

    async def acknowledged(self) -> None:
        """Nothing follows."""


@dataclass
class Kept:
    """What outlives a process: notes, files, and the inbox with its cursor."""

    folder: Path
    notes: Notes = field(default_factory=Notes)
    vault: Vault = field(default_factory=lambda: Vault([Fernet.generate_key().decode()]))
    cursor: str | None = None
    stored: dict[str, Message] = field(default_factory=dict)
    repeats: int = 0

    def store(self, batch: Batch) -> None:
        """What the inbox does: events and cursor in one step, each event once."""
        for event in batch.events:
            assert isinstance(event, Message)
            self.repeats += event.id.event in self.stored
            self.stored.setdefault(event.id.event, event)
        self.cursor = batch.cursor or self.cursor

    @property
    def texts(self) -> list[str]:
        """What was said, in the order in which it was stored."""
        return [message.text for message in self.stored.values()]


class Listener:
    """A process that listens. Make it with `listening`."""

    def __init__(self, settings: Matrix, kept: Kept, *, renew_s: float = 30.0, poll_s: float = 5.0) -> None:
        self.settings, self.kept = settings, kept
        self._tasks: set[asyncio.Task[None]] = set()
        self.around = Surroundings(kept.notes, self._spawn, kept.folder, kept.vault, poll_s=poll_s)
        self.client, self.pulse = Client(), Pulse()
        self.rooms, self.keys = PlainRooms(settings.user), PlainKeys()
        self.lease = Lease(self.client, kept.notes, renew_s=renew_s)
        connecting = Connecting(settings, self.around, self.client, self.pulse)
        self.housekeeping = Housekeeping(self._spawn, KeyChores(self.client).chores())
        self.syncing = Syncing(
            SyncParts(
                client=self.client,
                pulse=self.pulse,
                entering=Entering(connecting, self.lease, self._start, self.pulse, self._spawn),
                lease=self.lease,
                polling=Polling(self.client, self.pulse, poll_s=poll_s),
                hearing=Hearing(self.client, kept.notes, self.rooms, self.keys, lambda: datetime.now(UTC)),
                housekeeping=self.housekeeping,
            )
        )
        self.changed = asyncio.Condition()
        self.faults: list[str] = []
        self.batches = 0

    async def run(self) -> None:
        """Listen for ever, as the inbox does."""
        while True:
            try:
                async for batch in self.syncing.batches(self.kept.cursor):
                    self.kept.store(batch)
                    self.batches += 1
                    await self._tell()
                return
            except Unreachable as fault:
                self.faults.append(str(fault))
                await self._tell()
                await asyncio.sleep(min(0.2, fault.retry_after_s or 0.2))

    async def until(self, condition: Any, *, timeout_s: float = 60) -> None:
        """Wait until something holds. Raises AssertionError with what was stored when it takes too long."""
        try:
            async with asyncio.timeout(timeout_s), self.changed:
                await self.changed.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"expected it in time, got {self.kept.texts[-5:]}, {self.faults[-3:]}") from None

    async def until_ready(self) -> None:
        """Wait until a first batch was stored."""
        await self.until(lambda: self.batches > 0 and self.kept.cursor)

    async def stop(self) -> None:
        """End all of it as a kill would: nothing is told to the server."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.close()

    def begin(self) -> None:
        """Listen in the background."""
        self._spawn(self.run())

    async def _start(self, *, is_behind: bool) -> None:
        assert not is_behind
        if not self.client.is_started:
            store = None
            if self.settings.encryption:
                folder = account_folder(self.kept.folder, self.settings.user)
                folder.mkdir(parents=True, exist_ok=True)
                store = KeyStore(folder, "tests")
            self.client.start(store)

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
        with suppress(asyncio.CancelledError):
            await listener.stop()
