"""What Matrix says of rooms, and who may steer them; and what is done about rooms beside reading their events."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.chat import Rights, RoomAddress, RoomFacts, Sender, Unreachable
from adapters.last import Last
from adapters.matrix import reactions, upgrades, wire
from adapters.matrix.client import part
from adapters.matrix.faults import NotThere
from adapters.matrix.invites import Invites
from adapters.matrix.lookups import Lookups, Server
from adapters.matrix.members import Create, administers
from adapters.matrix.reading import ENCRYPTED_NOTES, Reading
from adapters.matrix.roomstate import RoomState, whole
from adapters.matrix.surroundings import Surroundings
from config.matrix import Matrix

_RIGHTS_FOR_S: Final = 60.0
_DAYS_OF_REACTIONS: Final = 90
_CHANGE_RIGHTS: Final = frozenset({"m.room.power_levels", wire.MEMBER})


@dataclass(frozen=True, slots=True)
class _Kept:
    until_s: float
    rights: Rights


class Rooms:
    """The rooms of one account. Nothing is asked before the first event or question comes."""

    def __init__(
        self,
        server: Server,
        settings: Matrix,
        around: Surroundings,
        *,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._settings = settings
        self._around = around
        self._clock_s = clock_s
        self._creates: Last[str, Create] = Last()
        self._rights: Last[tuple[str, str], _Kept] = Last()
        self._drops = 0
        self._loaded: Reading | None = None
        self.invites = Invites(server, settings, around.state, spawn=around.spawn)
        self._lookups = Lookups(server, follow=self.invites.follow)

    def new_reading(self) -> Reading:
        """A reading that knows no room and no message; what notes hold comes with the first `look_up`."""
        return Reading(self._settings, direct=self.invites.direct, unproven=self.invites.unproven)

    async def invited(self, rooms: Mapping[str, Sequence[Any]]) -> None:
        """Note invitations durably; they are answered in the background."""
        await self.invites.invited(rooms)

    async def look_up(self, reading: Reading, room: str, events: Sequence[Any]) -> None:
        """Ask for what these events refer to and the reading does not know. Raises Unreachable."""
        if self._loaded is not reading:
            await self._load(reading)
        changed = [event for event in map(wire.read, events) if event is not None and event.type in _CHANGE_RIGHTS]
        if any(event.state_key is not None for event in changed):
            self._forget_rights(room)
        await self._lookups.complete(reading, room, events)

    async def describe(self, room: RoomAddress) -> RoomFacts:
        """Ask about a room; a thread is described as the room that it stands in. Raises ChatError.

        One that was encrypted once is so for us, whatever the server says now.
        """
        state = await self._state(room.room)
        state.is_encrypted = state.is_encrypted or bool(await self._around.state.get(ENCRYPTED_NOTES + room.room))
        state.is_direct = room.room in self.invites.direct
        return state.facts(self._settings.user)

    async def rights(self, room: RoomAddress, sender: Sender) -> Rights:
        """Ask what somebody may do to a room. Raises ChatError."""
        name = (room.room, sender.id)
        kept = self._rights.get(name)
        if kept is not None and self._clock_s() < kept.until_s:
            return kept.rights
        drops = self._drops
        found = await self._ask_rights(room.room, sender.id)
        if drops == self._drops:  # nothing changed while we asked
            self._rights.keep(name, _Kept(self._clock_s() + _RIGHTS_FOR_S, found))
        return found

    async def _ask_rights(self, room: str, user: str) -> Rights:
        create = self._creates.get(room) or (await self._state(room)).create
        if create is None:
            raise Unreachable("the server described a room without its beginning")
        membership = wire.mapping(await self._content(room, wire.MEMBER, user)).get("membership")
        power = await self._content(room, "m.room.power_levels", "")
        is_member = membership == "join"
        return Rights(is_room_admin=is_member and administers(user, power, create), is_member=is_member)

    async def _state(self, room: str) -> RoomState:
        answer = await self._server.call("GET", f"/rooms/{part(room)}/state")
        if not isinstance(answer, list):
            raise Unreachable("the server described a room in a way that is not known")
        state = whole(event for event in map(wire.read, answer) if event is not None)
        if state.create is not None:
            self._creates.keep(room, state.create)
        return state

    async def _content(self, room: str, kind: str, key: str) -> Mapping[str, Any] | None:
        try:
            answer = await self._server.call("GET", f"/rooms/{part(room)}/state/{part(kind)}/{part(key)}")
        except NotThere:
            return None
        return wire.mapping(answer)

    def _forget_rights(self, room: str) -> None:
        self._drops += 1
        for name in [name for name in self._rights if name[0] == room]:
            del self._rights[name]

    async def _load(self, reading: Reading) -> None:
        """Let a reading know what notes hold; ratings of long ago are forgotten."""
        state = self._around.state
        await self.invites.resume()
        reading.moves.update(upgrades.load(await state.under(upgrades.NOTES)))
        kept = await state.under(reactions.NOTES)
        before_ms = int(self._around.clock().timestamp() - _DAYS_OF_REACTIONS * 86_400) * 1000
        for key in reactions.too_old(kept, before_ms=before_ms):
            await state.drop(key)
        reading.thumbs.load({key.removeprefix(reactions.NOTES): value for key, value in kept.items()})
        self._loaded = reading
