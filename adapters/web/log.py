"""The web chat's log of messages, as its adapter needs it; the product keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class WebRow:
    """One message of a web room.

    `seq` orders messages, `change` rises with each change in the room. `author` is a person's id, None for Roomwise.
    `body` is {"text", "attachments": [{"name", "media_type", "size_bytes"}]} of a person, or the Reply as JSON; it is
    empty when the message was deleted. `stage` is "sent" for people, else the Reply's.
    """

    seq: int
    change: int
    key: str
    author: str | None
    body: Mapping[str, Any]
    stage: str
    reply_to: int | None
    turn: str | None
    created_at: datetime
    edited_at: datetime | None = None
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What a message says now, to be written into the log."""

    body: Mapping[str, Any]
    stage: str
    author: str | None = None
    reply_to: int | None = None
    turn: str | None = None


class WebLog(Protocol):
    """Keeps the messages of web rooms, which are named by their native ids."""

    async def append(self, room: str, key: str, entry: Entry) -> int:
        """Add a message and return its `seq`; a key that is known returns the earlier message's and changes nothing.

        Raises LookupError when there is no such room.
        """

    async def update(self, room: str, seq: int, entry: Entry) -> bool:
        """Replace what a message says; false when it is gone. The same content again is no change."""

    async def delete(self, room: str, seq: int) -> bool:
        """Empty a message; false when it is gone already."""

    async def by_key(self, room: str, key: str) -> int | None:
        """The `seq` of the message with this key."""

    async def since(self, room: str, change: int, *, limit: int = 200) -> Sequence[WebRow]:
        """What changed after `change`, in the order of changes."""

    async def page(self, room: str, *, before_seq: int | None = None, limit: int = 50) -> Sequence[WebRow]:
        """The newest messages before `before_seq` (None: the newest of all), oldest first."""
