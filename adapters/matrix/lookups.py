"""Asks the server for what events leave out: a room's state, whose message was answered, and where a room went on.

Each is asked for once. What the server does not have, or does not show us, is remembered as unknown.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from adapters.chat import Refused, Unreachable
from adapters.last import Last
from adapters.matrix import changes, wire
from adapters.matrix.client import part
from adapters.matrix.faults import Flooded, LoginEnded
from adapters.matrix.reading import Reading
from adapters.matrix.roomstate import RoomState
from adapters.matrix.upgrades import TOMBSTONE, move_between, replacement_of
from adapters.matrix.wire import Raw

_AT_ONCE: Final = 8
_MOST_MESSAGES: Final = 200  # of one batch of a room; who answers more unknown ones at once is not a person
_TRIES: Final = 5


class Server(Protocol):
    """Asks the homeserver, as `adapters.matrix.client.Client` does."""

    async def call(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] = ..., answer_s: float = ...
    ) -> Any:
        """Its JSON. Raises ChatError."""


class Lookups:
    """Completes what a reading knows. `follow` is told of a room and the one that its tombstone names."""

    def __init__(self, server: Server, *, follow: Callable[[str, str, str], Awaitable[None]]) -> None:
        self._server = server
        self._follow = follow
        self._failures: Last[str, int] = Last()

    async def complete(self, reading: Reading, room: str, raw_events: Sequence[Any]) -> None:
        """Let a reading know what it lacks to read these events of a room.

        Raises Unreachable. What cannot be asked time and again is taken for unknown, so that no event stops all others.
        """
        events = [event for event in map(wire.read, raw_events) if event is not None]
        if not events:
            return
        await self._complete_room(reading, room, events)
        wanted = reading.wanted(room, raw_events)
        asked = [*sorted(wanted.threads), *sorted(wanted.messages)][:_MOST_MESSAGES]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def look_up(message: str) -> None:
            async with gate:
                found = await self._ask(f"/rooms/{part(room)}/event/{part(message)}")
            reading.note_message(room, message, found)

        ends = await asyncio.gather(*map(look_up, asked), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _complete_room(self, reading: Reading, room: str, events: Iterable[Raw]) -> None:
        """Ask for the room's state where it is not known, and anew where we came in or where the room went on."""
        came_in = any(changes.joins(event, reading.user) for event in events)
        went_on = any(event.type == TOMBSTONE and event.state_key == "" for event in events)
        state = reading.state(room)
        if came_in or went_on or not state.is_whole:
            state = await self._whole(reading, room) or state
        if came_in and state.create is not None and state.create.predecessor:
            old = await self._whole(reading, state.create.predecessor)
            self._confirm(reading, (state.create.predecessor, old), (room, state))
        if went_on and (replacement := replacement_of(state)) and replacement != room:
            new = await self._whole(reading, replacement)
            if not self._confirm(reading, (room, state), (replacement, new)) and new is None:
                await self._follow(room, replacement, state.tombstone.sender if state.tombstone else "")

    @staticmethod
    def _confirm(reading: Reading, old: tuple[str, RoomState | None], new: tuple[str, RoomState | None]) -> bool:
        if old[1] is None or new[1] is None:
            return False
        move = move_between(old[0], old[1], new[0], new[1])
        if move is not None:
            reading.confirm(move)
        return move is not None

    async def _whole(self, reading: Reading, room: str) -> RoomState | None:
        """All of a room's state as it is now; None when we may not know it."""
        found = await self._ask(f"/rooms/{part(room)}/state")
        return reading.note_whole(room, found) if isinstance(found, list) else None

    async def _ask(self, path: str) -> Any | None:
        """The answer; None when there is none for us. Raises Unreachable, but not for ever for the same question."""
        try:
            answer = await self._server.call("GET", path)
        except Refused:
            return None
        except (Flooded, LoginEnded):
            raise
        except Unreachable:
            failed = self._failures.get(path, 0) + 1
            self._failures.keep(path, failed)
            if failed < _TRIES:
                raise
            return None
        self._failures.pop(path, None)
        return answer
