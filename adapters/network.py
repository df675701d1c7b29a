"""What every chat adapter must do, and what it may lean on."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from adapters.chat import (
    Abilities,
    Attachment,
    Batch,
    Command,
    Finding,
    Probe,
    Reply,
    Rights,
    RoomAddress,
    RoomFacts,
    Sender,
    Sent,
)


class AdapterState(Protocol):
    """What an adapter must remember besides the cursor; values are JSON."""

    async def get(self, key: str) -> Any | None:
        """Return the value last put, or None."""

    async def put(self, key: str, value: Any) -> None:
        """Keep a value durably."""

    async def drop(self, key: str) -> None:
        """Forget a value; one that is not there is no error."""

    async def under(self, prefix: str) -> Mapping[str, Any]:
        """All values whose key begins with `prefix`, by key, in the keys' order."""


class Sealing(Protocol):
    """Seals texts, so that a copy of the data folder does not show them. A place is part of what opens a text."""

    def seal(self, place: str, text: str) -> str:
        """The sealed form of a text; it opens at `place` only."""

    def open(self, place: str, token: str | None) -> str | None:
        """The text, or None when it was sealed for another place or with a key that is gone."""


@runtime_checkable
class PushedTo(Protocol):
    """An adapter that its network pushes events to over HTTP, instead of being asked for them."""

    def take(self, headers: Mapping[str, str], body: bytes) -> Batch:
        """Read a push. Only once its events are stored is it answered with success. Raises BadPush."""


@runtime_checkable
class Inviting(Protocol):
    """An adapter whose network has links that open a chat with us and bring a code, as "/start CODE"."""

    def invitation(self, code: str, *, to_group: bool) -> str:
        """The link for a code, to us alone or to a group that we are added to; "" while it cannot be told."""


class ChatAdapter(Protocol):
    """One account on one network."""

    network: str
    account: str
    abilities: Abilities

    def batches(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield what came; asking for the next batch acknowledges this one."""

    def parts(self, reply: Reply) -> Sequence[Reply]:
        """Cut a reply into those that one message each can hold, nothing lost; the last has the buttons and sources."""

    async def send(self, room: RoomAddress, reply: Reply, *, key: str) -> Sent:
        """Post a reply that one message can hold. Where `abilities.is_idempotent`, the same key never makes a second message."""

    async def edit(self, room: RoomAddress, message_id: str, reply: Reply, *, key: str) -> None:
        """Replace a message of ours; the same text again is no error."""

    async def delete(self, room: RoomAddress, message_id: str) -> None:
        """Take a message back; one that is gone already is no error."""

    async def react(self, room: RoomAddress, message_id: str, emoji: str) -> None:
        """Put one reaction on a message."""

    async def typing(self, room: RoomAddress) -> None:
        """Show that we are at work; forgotten by the network by itself."""

    async def download(self, attachment: Attachment, *, max_bytes: int) -> bytes:
        """Fetch an attachment; Refused when it is larger."""

    async def rights(self, room: RoomAddress, sender: Sender) -> Rights:
        """Ask the network what this person may do to the room."""

    async def describe(self, room: RoomAddress) -> RoomFacts:
        """Ask the network about a room."""

    async def set_commands(self, commands: Sequence[Command], *, scope: str, language: str) -> None:
        """Fill the network's command menu. scope: private, group or group_admin; language "" for every other."""

    async def find(
        self, room: RoomAddress, reply: Reply, *, key: str, after: str | None, known: Collection[str] = ()
    ) -> Sent | None:
        """Look for a reply whose sending was interrupted; None when it is not there. Needs `abilities.can_probe`.

        Looking may touch messages: it begins behind `after`, and passes over `known`, which must be all messages behind
        it that are recorded as other sends of ours, those in other topics of the same chat too. Without `after` and
        without a message that the reply answers to, nothing can be looked for and None says nothing. Raises
        Unreachable; asked again, looking goes on where it was.
        """

    async def probe(self) -> Probe:
        """Say how the connection is doing, from memory: nothing is asked of the network."""

    async def examine(self, *, live_in: str = "") -> Sequence[Finding]:
        """Ask the network all that `roomwise check` tells. `live_in` names a room where sending may be tried."""

    async def close(self) -> None:
        """Disconnect; nothing more is yielded."""
