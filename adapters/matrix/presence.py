"""The small signs that somebody is there: the typing notice and the read receipt. The server counts neither as a message."""

import contextlib
from collections.abc import Callable
from typing import Final

from adapters.chat import ChatError, RoomAddress
from adapters.matrix.client import part
from adapters.matrix.posting import Server

_SHOWN_S: Final = 25.0
_AGAIN_S: Final = 18.0
_MOST_ROOMS: Final = 1_000


class Presence:
    """Shows signs for one account; none of them ever fails. `ticks` counts seconds."""

    def __init__(self, server: Server, ticks: Callable[[], float]) -> None:
        self._server = server
        self._ticks = ticks
        self._shown_s: dict[str, float] = {}

    async def work(self, room: str) -> None:
        """Show that we write, for half a minute, and not more often than that needs."""
        now_s = self._ticks()
        if now_s - self._shown_s.get(room, float("-inf")) < _AGAIN_S:
            return
        if len(self._shown_s) >= _MOST_ROOMS:
            self._shown_s = {one: at_s for one, at_s in self._shown_s.items() if now_s - at_s < _SHOWN_S}
        self._shown_s[room] = now_s
        await self._type(room, {"typing": True, "timeout": int(_SHOWN_S * 1000)})

    async def rest(self, room: str) -> None:
        """Show that we write no more, where it is still shown."""
        shown_s = self._shown_s.pop(room, float("-inf"))
        if self._ticks() - shown_s < _SHOWN_S:
            await self._type(room, {"typing": False})

    async def read(self, room: RoomAddress, event: str) -> None:
        """Show that we have read up to an event, of a thread or of what stands in none."""
        body = {"thread_id": room.thread or "main"}
        with contextlib.suppress(ChatError):
            await self._server.call("POST", f"/rooms/{part(room.room)}/receipt/m.read/{part(event)}", body)

    async def _type(self, room: str, body: dict[str, object]) -> None:
        with contextlib.suppress(ChatError):
            await self._server.call("PUT", f"/rooms/{part(room)}/typing/{part(self._server.user)}", body)
