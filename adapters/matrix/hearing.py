"""From what a sync brought to events: what was said while we were in a room, opened, and read in its order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from adapters.chat import Event
from adapters.matrix import wire
from adapters.matrix.client import Client
from adapters.matrix.cursor import Cursor
from adapters.matrix.joins import entrance_of, was_inside, while_inside
from adapters.matrix.opening import ENCRYPTED
from adapters.matrix.reading import ENCRYPTED_NOTES, Reading
from adapters.matrix.received import Received, RoomPart, is_about, membership_of
from adapters.matrix.surroundings import Clock
from adapters.network import AdapterState

_JOINED: Final = "joined"
_ENCRYPTION: Final = ("m.room.encryption", ENCRYPTED)


class Rooms(Protocol):
    """What is known of rooms, and what is done about them (`adapters.matrix.rooms.Rooms`)."""

    def new_reading(self) -> Reading:
        """A reading that knows no room and no message."""

    async def look_up(self, reading: Reading, room: str, events: Sequence[Any]) -> None:
        """Ask the server for what these events refer to and the reading does not know. Raises Unreachable."""

    async def invited(self, rooms: Mapping[str, Sequence[Any]]) -> None:
        """Note invitations durably; they are answered in the background. Raises Unreachable."""


class Keys(Protocol):
    """What is done about encrypted rooms, and messages whose key is missing (`adapters.matrix.keys.Keys`)."""

    async def note_encrypted(self, rooms: Collection[str]) -> None:
        """Remember for ever that rooms are encrypted."""

    async def read(self, room: str, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """An encrypted event as it was meant; None when it waits now, which is kept when this returns."""

    async def late(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Messages that can be read by now, each with its room; again until they are acknowledged."""

    async def overdue(self) -> Sequence[Event]:
        """What is to be said of messages whose key did not come in time; again until it is acknowledged."""

    async def acknowledged(self) -> None:
        """What `late` and `overdue` gave is stored."""


@dataclass(slots=True)
class Hearing:
    """What one account hears. `begin` comes first."""

    client: Client
    state: AdapterState
    rooms: Rooms
    keys: Keys
    clock: Clock
    _reading: Reading | None = None
    _joined: dict[str, str] = field(default_factory=dict)
    _inside: dict[str, bool] = field(default_factory=dict)
    _encrypted: set[str] = field(default_factory=set)

    async def begin(self, place: Cursor) -> None:
        """Know by which events we came into rooms, up to a place."""
        kept = await self.state.get(_JOINED)
        self._joined = dict(kept) if isinstance(kept, dict) else {}
        await self._note_joined(place)
        self._encrypted = {key.removeprefix(ENCRYPTED_NOTES) for key in await self.state.under(ENCRYPTED_NOTES)}

    def forget(self) -> None:
        """Forget what was read of rooms, before a sync that tells all of them."""
        self._reading = self.rooms.new_reading()

    def facts(self) -> dict[str, str]:
        """Lines for /status."""
        if not self.client.is_started:
            return {}
        rooms = self.client.nio.rooms.values()
        return {"rooms": str(len(rooms)), "encrypted rooms": str(sum(bool(room.encrypted) for room in rooms))}

    def may_concern(self, room: str, event: Mapping[str, Any]) -> bool:
        """Whether a message that cannot be read may be for us, by what can be seen of it.

        So in a private chat, in a thread of ours, and as an answer to a message of ours.
        """
        reading, found = self._known(), wire.read(event)
        if found is None:
            return False
        if reading.state(room).is_private_for(self.client.user):
            return True
        relation = wire.relation_of(found.content, own=found.id)
        answered = reading.known.seen(room, relation.reply_to) if relation.reply_to else None
        if answered is not None and answered.sender == self.client.user:
            return True
        return relation.thread is not None and bool(reading.known.is_our_thread(room, relation.thread))

    def entrances(self, received: Received) -> dict[str, str]:
        """By room, the event by which we came in, of those where that is new."""
        user = self.client.user
        found = {
            part.room: entrance_of(part.state_events(), user, self._joined.get(part.room)) for part in received.joined
        }
        return {room: event for room, event in found.items() if event is not None}

    def entrance(self, room: str, events: Sequence[dict[str, Any]]) -> dict[str, str]:
        """By the room, the event by which we came in, where one of a page's is that and new; else nothing."""
        event = entrance_of(events, self.client.user, self._joined.get(room))
        return {} if event is None else {room: event}

    async def note(self, received: Received, *, all_of_it: bool = False) -> None:
        """Take in the state of rooms where their timelines begin; `all_of_it` also what is in the timelines."""
        reading = self._known()
        user = self.client.user
        for part in (*received.joined, *received.left):
            reading.note_state(part.room, part.state_events() if all_of_it else part.state)
            self._inside[part.room] = was_inside(part, user, self._joined.get(part.room))
        await self._note_encrypted(part.room for part in received.joined if _is_encrypted(part))
        if received.invited:
            await self.rooms.invited(received.invited)
        await self._keep(reading)

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
        reading, told = self._known(), list[Event]()
        for room, event in await self.keys.late():
            told += await self._events_of(reading, room, [event])
        await self._keep(reading)
        return [*told, *await self.keys.overdue()]

    async def acknowledged(self, place: Cursor) -> None:
        """What was told up to a place is stored."""
        await self._note_joined(place)
        await self.keys.acknowledged()

    async def _note_joined(self, place: Cursor) -> None:
        new = {room: event for room, event in place.joined.items() if self._joined.get(room) != event}
        if new:
            self._joined |= new
            await self.state.put(_JOINED, self._joined)

    def _known(self) -> Reading:
        if self._reading is None:
            self._reading = self.rooms.new_reading()
        return self._reading

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
        reading = self._known()
        ours, others, self._inside[room] = while_inside(events, self.client.user, inside=inside)
        if others and not is_past:
            reading.note_state(room, [event for event in others if "state_key" in event])
        if any(event["type"] == ENCRYPTED for event in ours):
            await self.rooms.look_up(reading, room, ours)  # what cannot be opened is judged by the room that it is in
        told = await self._events_of(reading, room, [await self._opened(room, event) for event in ours])
        await self._keep(reading)
        return told

    async def _events_of(self, reading: Reading, room: str, events: Sequence[dict[str, Any]]) -> list[Event]:
        await self.rooms.look_up(reading, room, events)
        return reading.events_of(room, events, now=self.clock())

    async def _opened(self, room: str, event: dict[str, Any]) -> dict[str, Any]:
        """The event as it was meant, where it can be read."""
        return event if event["type"] != ENCRYPTED else await self.keys.read(room, event) or event

    async def _note_encrypted(self, rooms: Iterable[str]) -> None:
        """Have it remembered of those where that is new: at each start all rooms are told of."""
        new = set(rooms) - self._encrypted
        if new:
            await self.keys.note_encrypted(new)
            self._encrypted |= new

    async def _keep(self, reading: Reading) -> None:
        """Keep durably what must be before what was read is handed on."""
        for name, value in reading.take_notes().items():
            if name.startswith(ENCRYPTED_NOTES):
                await self._note_encrypted([name.removeprefix(ENCRYPTED_NOTES)])
            else:
                await self.state.put(name, value)


def _is_encrypted(part: RoomPart) -> bool:
    return any(event["type"] in _ENCRYPTION for event in (*part.state, *part.timeline))
