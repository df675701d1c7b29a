"""Answers invitations: joins where whoever invites us is on the list, refuses all others, and leaves spaces alone.

What is to be done is noted before the sync that told of it is acknowledged, and forgotten when it is done. So neither
a restart nor a server that cannot be reached loses an invitation, and one that came while we were down is like any other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from adapters.chat import ChatError, Refused, Unreachable
from adapters.matrix import wire
from adapters.matrix.client import part
from adapters.matrix.invitations import Invitation, is_allowed, read_invitation
from adapters.matrix.lookups import Server
from adapters.matrix.members import read_create
from adapters.matrix.reading import DIRECT_NOTES
from adapters.matrix.surroundings import Spawn
from adapters.network import AdapterState
from config.matrix import Matrix

NOTES: Final = "invitation/"
_JOIN_S: Final = 180.0  # a server that joins a large room of others may take minutes
_PAUSES_S: Final = (1.0, 5.0, 30.0, 120.0, 600.0, 3_600.0, 3_600.0, 3_600.0)
_JOIN, _REFUSE, _JUDGE = "join", "refuse", "judge"


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be done about a room: `join` it by way of a server, `refuse` it, or `judge` what it says of itself.

    `replaces` is the room that it is said to replace: by a tombstone that sent us there without an invitation, or by the
    invitation itself. Whoever did not say so must say the same.
    """

    act: str
    via: str
    is_direct: bool = False
    replaces: str = ""


class Invites:
    """The invitations of one account. `direct` and `unproven` are those of `Reading`, and kept here."""

    def __init__(
        self,
        server: Server,
        settings: Matrix,
        state: AdapterState,
        *,
        spawn: Spawn,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._server = server
        self._settings = settings
        self._state = state
        self._spawn = spawn
        self._sleep = sleep
        self._running: set[str] = set()
        self.direct: set[str] = set()
        self.unproven: set[str] = set()

    async def resume(self) -> None:
        """Go on with what was to be done before a restart. Called again, nothing is done twice."""
        self.direct |= {key.removeprefix(DIRECT_NOTES) for key in await self._state.under(DIRECT_NOTES)}
        for key, kept in (await self._state.under(NOTES)).items():
            errand = _read(kept)
            if errand is not None:
                self._begin(key.removeprefix(NOTES), errand)

    async def invited(self, rooms: Mapping[str, Sequence[Any]]) -> None:
        """Note invitations by the rooms' stripped state; they are answered in the background."""
        for room, invite_state in rooms.items():
            found = read_invitation(room, invite_state, me=self._settings.user)
            if found is not None and not found.is_space:
                await self._note(room, self._errand_of(found))

    async def follow(self, old: str, new: str, sender: str) -> None:
        """Go where a tombstone points, if we may come in without an invitation."""
        await self._note(new, Errand(_JOIN, wire.server_of(sender), replaces=old))

    def _errand_of(self, invitation: Invitation) -> Errand:
        via = wire.server_of(invitation.inviter)
        if is_allowed(invitation.inviter, self._settings.invite_from, me=self._settings.user):
            return Errand(_JOIN, via, invitation.is_direct)
        # Whoever is not on the list may still ask us into the new room of one that we are in.
        return Errand(_JUDGE, via, replaces=invitation.replaces) if invitation.replaces else Errand(_REFUSE, via)

    async def _note(self, room: str, errand: Errand) -> None:
        await self._state.put(NOTES + room, asdict(errand))
        if errand.is_direct and errand.act == _JOIN:
            await self._state.put(DIRECT_NOTES + room, value=True)
            self.direct.add(room)
        self._begin(room, errand)

    def _begin(self, room: str, errand: Errand) -> None:
        if errand.act == _JOIN and errand.replaces:
            self.unproven.add(room)
        else:
            self.unproven.discard(room)
        if room not in self._running:
            self._running.add(room)
            self._spawn(self._run(room, errand))

    async def _run(self, room: str, errand: Errand) -> None:
        """Do what is noted, and what comes to be noted meanwhile."""
        try:
            todo: Errand | None = errand
            while todo is not None and await self._try(room, todo):
                noted = _read(await self._state.get(NOTES + room))
                if noted == todo:
                    await self._state.drop(NOTES + room)
                todo = None if noted == todo else noted
        finally:
            self._running.discard(room)

    async def _try(self, room: str, errand: Errand) -> bool:
        """Try until it is done or cannot be done; False when it is given up until the next start."""
        for pause_s in _PAUSES_S:
            try:
                await self._perform(room, errand)
            except Unreachable as error:
                await self._sleep(max(pause_s, error.retry_after_s or 0.0))
            except ChatError:
                return True  # withdrawn, or closed to us: a new invitation may come
            else:
                return True
        return False

    async def _perform(self, room: str, errand: Errand) -> None:
        if errand.act == _REFUSE or (errand.act == _JUDGE and not await self._goes_on_there(errand.replaces, room)):
            await self._leave(room)
            return
        # Room ids name no server since version 12; old servers ask for it by another word.
        query = {"via": errand.via, "server_name": errand.via} if errand.via else {}
        await self._server.call("POST", f"/join/{part(room)}", {}, query=query, answer_s=_JOIN_S)
        if errand.act == _JOIN and errand.replaces and not await self._says_it_replaces(room, errand.replaces):
            await self._leave(room)  # and that we do is not told either
            return
        self.unproven.discard(room)

    async def _says_it_replaces(self, room: str, old: str) -> bool:
        state = wire.sequence(await self._server.call("GET", f"/rooms/{part(room)}/state"))
        creates = [event for event in map(wire.read, state) if event is not None and event.type == "m.room.create"]
        return any(read_create(event).predecessor == old for event in creates)

    async def _goes_on_there(self, old: str, room: str) -> bool:
        """Whether an old room's tombstone names a room; we see that only where we are, or were."""
        try:
            stone = await self._server.call("GET", f"/rooms/{part(old)}/state/m.room.tombstone")
        except Refused:
            return False
        return wire.mapping(stone).get("replacement_room") == room

    async def _leave(self, room: str) -> None:
        await self._server.call("POST", f"/rooms/{part(room)}/leave", {})


def _read(kept: object) -> Errand | None:
    value = wire.mapping(kept)
    if value.get("act") not in (_JOIN, _REFUSE, _JUDGE):
        return None
    via, replaces = wire.text(value.get("via")), wire.name(value.get("replaces"), "!")
    return Errand(str(value["act"]), via, is_direct=value.get("is_direct") is True, replaces=replaces)
