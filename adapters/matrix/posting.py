"""The only way out: an event into a room, encrypted where it must be, under a transaction id."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from adapters.chat import Unreachable
from adapters.matrix.client import part
from adapters.matrix.faults import NotThere, TooLarge

MARK: Final = "roomwise.sent_as"
"""Of each event of ours: its transaction id, readable though the event is encrypted; it says nothing else."""
EVENT_BYTES: Final = 65_536


class Server(Protocol):
    """The homeserver and who we are there, as `adapters.matrix.client.Client` is."""

    @property
    def user(self) -> str:
        """Our whole user id."""
        ...

    @property
    def device(self) -> str:
        """Our device."""
        ...

    async def call(self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] = ...) -> Any:
        """Its JSON. Raises ChatError."""
        ...

    async def fetch(self, path: str, *, max_bytes: int) -> bytes:
        """The bytes of a file. Raises ChatError, Refused when there are more."""
        ...


class Guard(Protocol):
    """Decides what may leave in plain, as `adapters.matrix.secrecy.Secrecy` does."""

    async def outgoing(self, room: str, event_type: str, content: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """The type and content to send. Raises ChatError; nothing has left us then."""


def transaction_of(device: str, key: str) -> str:
    """The transaction id of what is sent under a key: the same for ever on one device, and another on each other."""
    return hashlib.sha256(json.dumps([device, key]).encode()).hexdigest()[:40]


class Posting:
    """Posts for one account."""

    def __init__(self, server: Server, guard: Guard) -> None:
        self._server = server
        self._guard = guard

    async def post(self, room: str, event_type: str, content: Mapping[str, Any], *, txn: str) -> str:
        """Send an event; gives its id. The same `txn` again gives the same event, as long as the server remembers.

        Raises ChatError: RoomGone where we are not (any more), TooLarge with what was expected.
        """
        kind, outgoing = await self._guard.outgoing(room, event_type, content)
        body = {**outgoing, MARK: txn}
        try:
            said = await self._server.call("PUT", f"/rooms/{part(room)}/send/{part(kind)}/{part(txn)}", body)
        except TooLarge:
            size = len(json.dumps(body, ensure_ascii=False).encode())
            raise TooLarge(
                f"expected an event of at most {EVENT_BYTES} bytes, got {size} without what the server adds"
            ) from None
        return _event_of(said)

    async def redact(self, room: str, event: str) -> None:
        """Take back an event; one that was taken back before is no error. Raises ChatError."""
        txn = transaction_of(self._server.device, f"redact/{event}")
        await self._server.call("PUT", f"/rooms/{part(room)}/redact/{part(event)}/{txn}", {})

    async def is_standing(self, room: str, event: str) -> bool:
        """Whether a message of ours has not been taken back by anybody. Raises ChatError."""
        try:
            said = await self._server.call("GET", f"/rooms/{part(room)}/event/{part(event)}")
        except NotThere:
            return False
        return isinstance(said, Mapping) and bool(said.get("content"))


def _event_of(said: Any) -> str:
    event = said.get("event_id") if isinstance(said, Mapping) else None
    if isinstance(event, str) and event.startswith("$"):
        return event
    raise Unreachable("what answers did not name the event", may_have_happened=True)
