"""Sees to it that nothing of ours leaves in plain into a room that is encrypted, or ever was.

The protocol has no way to switch encryption off. So a room that was seen encrypted once stays so for us, whatever a
server says later; and of every other room the server is asked before each message, since encryption may have been
switched on a moment ago. What cannot be known now is not sent now.

Two things are plain in encrypted rooms by the protocol: reactions, whose key and target everybody on the way can read,
and the taking back of a message.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from adapters.chat import ChatError, Refused, Unreachable
from adapters.matrix.client import part
from adapters.matrix.faults import NotThere
from adapters.network import AdapterState

_NOTE: Final = "encrypted/"
_EVENT: Final = "m.room.encryption"
_ALWAYS_PLAIN: Final = frozenset({"m.reaction"})
SEALED: Final = "m.room.encrypted"


class Server(Protocol):
    """Asks the homeserver, as `adapters.matrix.client.Client` does."""

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Its JSON. Raises ChatError."""


class Encrypting(Protocol):
    """Encrypts for everybody in a room, as `adapters.matrix.sharing.Sharing` does."""

    def knows_encrypted(self, room: str) -> bool:
        """Whether the library's store or its memory has the room as encrypted."""

    async def encrypted(self, room: str, event_type: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of the encrypted event. Raises ChatError."""


class Secrecy:
    """Guards the rooms of one account. `encrypting` is None where encryption is off: encrypted rooms get nothing then."""

    def __init__(self, server: Server, state: AdapterState, encrypting: Encrypting | None) -> None:
        self._server = server
        self._state = state
        self._encrypting = encrypting
        self._encrypted: set[str] = set()
        self._noted: set[str] = set()  # those of them that the state has for sure

    async def must_encrypt(self, room: str) -> bool:
        """Whether what goes to a room must be encrypted.

        Raises ChatError when that cannot be known now: Unreachable, or RoomGone when we are not in the room.
        """
        if await self._was_seen_encrypted(room):
            return True
        if not await self._says_server(room):
            return room in self._encrypted  # it may have been noted while the server was asked
        await self.note(room)
        return True

    async def note(self, room: str) -> None:
        """Remember for ever that a room is encrypted. To be called before a batch that shows it is acknowledged."""
        self._encrypted.add(room)
        if room not in self._noted:
            await self._state.put(_NOTE + room, value=True)
            self._noted.add(room)

    async def outgoing(self, room: str, event_type: str, content: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """The type and content to send: encrypted when they must be.

        Raises ChatError; nothing has left us then, whatever was asked of the server on the way.
        """
        if event_type in _ALWAYS_PLAIN:
            return event_type, content
        try:
            if not await self.must_encrypt(room):
                return event_type, content
            if self._encrypting is None:
                raise Refused("the room is encrypted, and matrix.encryption is off: nothing is sent there")
            return SEALED, await self._encrypting.encrypted(room, event_type, content)
        except ChatError as error:
            raise _before_sending(error) from None

    async def _was_seen_encrypted(self, room: str) -> bool:
        if room in self._encrypted:
            return True
        if await self._state.get(_NOTE + room):
            self._encrypted.add(room)
            self._noted.add(room)
            return True
        if self._encrypting is not None and self._encrypting.knows_encrypted(room):
            await self.note(room)
            return True
        return False

    async def _says_server(self, room: str) -> bool:
        """Whether the room's state has encryption. Only a plain "not found" of a Matrix server means that it has not."""
        try:
            await self._server.call("GET", f"/rooms/{part(room)}/state/{_EVENT}/")
        except NotThere as missing:
            if not missing.is_known:
                raise Unreachable("the server does not tell whether the room is encrypted") from None
            return False
        return True


def _before_sending(error: ChatError) -> ChatError:
    """The same error, of something that has not happened: what failed came before the sending."""
    if isinstance(error, Unreachable):
        error.may_have_happened = False
    return error
