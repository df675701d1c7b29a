"""From what a sync brought to events: what was said while we were in a room, opened, and read in its order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from adapters.chat import Event
from adapters.matrix.client import Client
from adapters.matrix.cursor import Cursor
from adapters.matrix.joins import entrance_of, was_inside, while_inside
from adapters.matrix.opening import ENCRYPTED, opened
from adapters.matrix.received import Json, Received, RoomPart, is_about, membership_of
from adapters.matrix.surroundings import Clock
from adapters.network import AdapterState

_JOINED: Final = "joined"
_ENCRYPTION: Final = ("m.room.encryption", ENCRYPTED)


class Reader(Protocol):
    """Says what events of rooms mean (`adapters.matrix.reading.Reading`)."""

    def events_of(self, room_id: str, raw_events: Sequence[Any], *, now: datetime) -> list[Event]:
        """What events of a room mean to us, in their order."""

    def note_state(self, room_id: str, state: Iterable[Any]) -> None:
        """Take in state events that are not told of."""


class Rooms(Protocol):
    """What is known of rooms, and what is done about them."""

    async def begin(self) -> Reader:
        """A reader that knows nothing but what was noted durably."""

    async def prepare(self, reader: Reader, room: str, events: Sequence[Json]) -> None:
        """Ask the server for what these events refer to and the reader does not know. Raises Unreachable."""

    async def keep(self, reader: Reader) -> None:
        """Keep durably what must be before what was read is handed on."""

    async def invited(self, rooms: Mapping[str, Sequence[Json]]) -> None:
        """Remember invitations durably; they are answered by and by."""


class Keys(Protocol):
    """What is done about encrypted rooms, and about messages whose key is missing."""

    async def note_encrypted(self, rooms: Collection[str]) -> None:
        """Remember for ever that rooms are encrypted."""

    async def wait_for(self, room: str, event: Json) -> None:
        """Keep a message durably until its key comes."""

    async def late(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Messages that can be read by now, each with its room; they come again until they are acknowledged."""

    async def overdue(self) -> Sequence[Event]:
        """What is to be said of messages whose key did not come in time."""

    async def acknowledged(self) -> None:
        """What was given by `late` and `overdue` is stored."""


@dataclass(slots=True)
class Hearing:
    """What one account hears. `begin` comes first."""

    client: Client
    state: AdapterState
    rooms: Rooms
    keys: Keys
    clock: Clock
    _reader: Reader | None = None
    _joined: dict[str, str] = field(default_factory=dict)
    _inside: dict[str, bool] = field(default_factory=dict)

    async def begin(self, place: Cursor) -> None:
        """Know by which events we came into rooms, up to a place."""
        kept = await self.state.get(_JOINED)
        self._joined = dict(kept) if isinstance(kept, dict) else {}
        await self.acknowledged(place)

    async def forget(self) -> None:
        """Forget what was read of rooms, before a sync that tells all of them."""
        self._reader = await self.rooms.begin()

    def entrances(self, received: Received) -> dict[str, str]:
        """By room, the event by which we came in, of those where that is new."""
        user = self.client.user
        found = {
            part.room: entrance_of(part.state_events(), user, self._joined.get(part.room)) for part in received.joined
        }
        return {room: event for room, event in found.items() if event is not None}

    async def note(self, received: Received, *, all_of_it: bool = False) -> None:
        """Take in the state of rooms where their timelines begin; `all_of_it` also what is in the timelines."""
        reader = await self._known()
        user = self.client.user
        for part in (*received.joined, *received.left):
            reader.note_state(part.room, part.state_events() if all_of_it else part.state)
            self._inside[part.room] = was_inside(part, user, self._joined.get(part.room))
        await self.keys.note_encrypted({part.room for part in received.joined if _is_encrypted(part)})
        if received.invited:
            await self.rooms.invited(received.invited)
        await self.rooms.keep(reader)

    async def events_in(self, parts: Iterable[RoomPart]) -> list[Event]:
        """What the timelines of rooms tell."""
        told: list[Event] = []
        for part in parts:
            told += await self._read(part.room, part.timeline, inside=self._is_inside(part))
        return told

    async def page_events(self, room: str, events: Sequence[dict[str, Any]]) -> list[Event]:
        """What a page of a room's gap tells; pages come in their order."""
        return await self._read(room, events, inside=self._inside.get(room, True), is_past=True)

    async def late(self) -> list[Event]:
        """What is told by messages whose keys came, and of those whose keys did not come in time."""
        reader, told = await self._known(), list[Event]()
        for room, event in await self.keys.late():
            told += await self._events_of(reader, room, [event])
        await self.rooms.keep(reader)
        return [*told, *await self.keys.overdue()]

    async def acknowledged(self, place: Cursor) -> None:
        """Keep what belongs to a place that is stored."""
        new = {room: event for room, event in place.joined.items() if self._joined.get(room) != event}
        if new:
            self._joined |= new
            await self.state.put(_JOINED, self._joined)
        await self.keys.acknowledged()

    async def _known(self) -> Reader:
        if self._reader is None:
            self._reader = await self.rooms.begin()
        return self._reader

    def _is_inside(self, part: RoomPart) -> bool:
        """Whether we were in a room where its timeline begins."""
        user = self.client.user
        ours = [event for event in part.state if is_about(event, user)]
        if ours:
            return membership_of(ours[-1]) == "join"
        return self._inside.get(part.room, True)

    async def _read(
        self, room: str, events: Sequence[dict[str, Any]], *, inside: bool, is_past: bool = False
    ) -> list[Event]:
        """What events tell that were said while we were in. Of `is_past` ones the state is known already."""
        reader = await self._known()
        ours, others, self._inside[room] = while_inside(events, self.client.user, inside=inside)
        if others and not is_past:
            reader.note_state(room, [event for event in others if "state_key" in event])
        told = await self._events_of(reader, room, [await self._opened(room, event) for event in ours])
        await self.rooms.keep(reader)
        return told

    async def _events_of(self, reader: Reader, room: str, events: Sequence[dict[str, Any]]) -> list[Event]:
        await self.rooms.prepare(reader, room, events)
        return reader.events_of(room, events, now=self.clock())

    async def _opened(self, room: str, event: dict[str, Any]) -> dict[str, Any]:
        """The event as it was meant; one whose key is missing is kept until that comes."""
        if event["type"] != ENCRYPTED:
            return event
        found = opened(self.client.nio, room, event)
        if found is None:
            await self.keys.wait_for(room, event)
        return found or event


def _is_encrypted(part: RoomPart) -> bool:
    return any(event["type"] in _ENCRYPTION for event in (*part.state, *part.timeline))
