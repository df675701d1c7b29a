"""An account on a real server that hears what rooms mean, by the shortest loop there can be: no gaps, no keys.

Its notes outlive it, so that a test can end it anywhere and begin again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from adapters.chat import Event, Message, Rights, RoomAddress, RoomChanged, RoomFacts, Sender
from adapters.matrix.client import Client, Login
from adapters.matrix.joins import while_inside
from adapters.matrix.rooms import Rooms
from adapters.matrix.surroundings import NETWORK, Surroundings
from bot.state.vault import Vault
from config.load import default_values
from config.matrix import Matrix
from tests.fakes.notes import Notes
from tests.fakes.synapse import Account


@dataclass
class Remembered:
    """What outlives an ear: its notes, the sync token, and what it has told."""

    notes: Notes = field(default_factory=Notes)
    since: str = ""
    told: dict[str, Event] = field(default_factory=dict)
    inside: dict[str, bool] = field(default_factory=dict)

    def changes(self, room: str) -> list[tuple[str, str]]:
        """Kind and detail of what was told of a room, in its order."""
        found = [one for one in self.told.values() if isinstance(one, RoomChanged) and one.room.room == room]
        return [(one.kind, one.detail) for one in found]

    def messages(self, room: str) -> list[Message]:
        """What was said in a room."""
        return [one for one in self.told.values() if isinstance(one, Message) and one.room.room == room]


class Ear:
    """Make it with `ear`."""

    def __init__(self, account: Account, url: str, remembered: Remembered, **settings: Any) -> None:
        given = {"homeserver": url, "user": account.user, "device": account.device, "access_token": account.token}
        self.user = account.user
        self.client, self.remembered = Client(), remembered
        self.client.open(Login(url, account.user, account.device, account.token))
        self._tasks: set[asyncio.Task[None]] = set()
        around = Surroundings(remembered.notes, self._spawn, Path(), Vault([Fernet.generate_key().decode()]))
        self.rooms = Rooms(
            self.client, Matrix.model_validate({**default_values()["matrix"], **given, **settings}), around
        )
        self.reading = self.rooms.new_reading()

    async def hear(self) -> None:
        """One sync. The first one tells of nothing but invitations: all else was before."""
        kept = self.remembered
        query = {"since": kept.since} if kept.since else {"full_state": "true"}
        answer = await self.client.call("GET", "/sync", query={"timeout": "500", **query})
        rooms = answer.get("rooms", {})
        invited = {room: part["invite_state"]["events"] for room, part in rooms.get("invite", {}).items()}
        await self.rooms.invited(invited)
        for room, part in {**rooms.get("join", {}), **rooms.get("leave", {})}.items():
            self.reading.note_state(room, part["state"]["events"])
            if kept.since:
                await self.read(room, part["timeline"]["events"])
        kept.since = answer["next_batch"]

    async def read(self, room: str, events: list[Any]) -> None:
        """Take in what of a room's timeline was said while we were there."""
        kept = self.remembered
        ours, others, kept.inside[room] = while_inside(events, self.user, inside=kept.inside.get(room, False))
        self.reading.note_state(room, [event for event in others if "state_key" in event])
        await self.rooms.look_up(self.reading, room, ours)
        for event in self.reading.events_of(room, ours, now=datetime.now(UTC)):
            self.remembered.told.setdefault(event.id.event, event)
        for key, value in self.reading.take_notes().items():
            await self.remembered.notes.put(key, value)

    async def until(self, condition: Callable[[], Any], *, timeout_s: float = 60) -> Any:
        """Sync until something holds; gives what the condition gave. Raises AssertionError when it takes too long."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (value := condition()):
                    await self.hear()
                return value
        except TimeoutError:
            last = list(self.remembered.told.values())[-5:]
            raise AssertionError(f"expected it within {timeout_s} s, got only {last}") from None

    async def changed(self, room: str, kind: str) -> RoomChanged:
        """Sync until a change of a room is told."""

        def found() -> RoomChanged | None:
            told = self.remembered.told.values()
            changes = (one for one in told if isinstance(one, RoomChanged))
            return next((one for one in changes if (one.room.room, one.kind) == (room, kind)), None)

        change: RoomChanged = await self.until(found)
        return change

    async def said(self, room: str, message: str) -> Message:
        """Sync until a message is told."""

        def found() -> Message | None:
            return next((one for one in self.remembered.messages(room) if one.message_id == message), None)

        heard: Message = await self.until(found)
        return heard

    async def describe(self, room: str) -> RoomFacts:
        """What the network says of a room."""
        return await self.rooms.describe(RoomAddress(NETWORK, self.user, room))

    async def rights(self, room: str, user: str) -> Rights:
        """What somebody may do to a room."""
        return await self.rooms.rights(RoomAddress(NETWORK, self.user, room), Sender(NETWORK, user, ""))

    async def membership(self, room: str) -> str:
        """How we stand in a room, as the server says; "" when it says nothing."""
        joined = await self.client.call("GET", "/joined_rooms")
        return "join" if room in joined["joined_rooms"] else ""

    async def close(self) -> None:
        """End it, as a kill would."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.close()

    async def settle(self) -> None:
        """Wait until nothing is done in the background any more."""
        while pending := [task for task in self._tasks if not task.done()]:
            await asyncio.wait(pending)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))


@asynccontextmanager
async def ear(account: Account, url: str, remembered: Remembered | None = None, **settings: Any) -> AsyncIterator[Ear]:
    """An account that listens, after its first sync."""
    listener = Ear(account, url, remembered or Remembered(), **settings)
    try:
        await listener.hear()
        yield listener
    finally:
        await listener.close()
