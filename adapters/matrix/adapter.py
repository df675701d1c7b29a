"""Matrix as a network: one account, put together from its parts."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing

from adapters.chat import (
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
from adapters.matrix.abilities import abilities_of
from adapters.matrix.connection import connect
from adapters.matrix.examine import examine
from adapters.matrix.parts import parts
from adapters.matrix.surroundings import NETWORK, Surroundings
from config.matrix import Matrix


class MatrixAdapter:
    """One account on Matrix (`adapters.network.ChatAdapter`)."""

    network = NETWORK

    def __init__(self, settings: Matrix, around: Surroundings) -> None:
        self.account = settings.account
        self.abilities = abilities_of(settings)
        self._settings, self._around = settings, around
        self._connection = connect(settings, around)

    async def batches(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield what came; asking for the next batch acknowledges this one. Raises Unreachable with the time to wait."""
        async with aclosing(self._connection.syncing.batches(cursor)) as stream:
            async for batch in stream:
                yield batch
                self._connection.sending.took_up(batch.events)

    def parts(self, reply: Reply) -> Sequence[Reply]:
        """Cut a reply into those that one event each can hold, encrypted or not."""
        return parts(reply)

    async def send(self, room: RoomAddress, reply: Reply, *, key: str) -> Sent:
        """Post a reply that one message can hold; the same key never makes a second one. Raises ChatError."""
        self._connection.syncing.expect_ready()
        return await self._connection.sending.send(room, reply, key=key)

    async def edit(self, room: RoomAddress, message_id: str, reply: Reply, *, key: str) -> None:
        """Replace a message of ours. Raises ChatError."""
        self._connection.syncing.expect_ready()
        await self._connection.sending.edit(room, message_id, reply, key=key)

    async def delete(self, room: RoomAddress, message_id: str) -> None:
        """Take a message back; one that is gone already is no error. Raises ChatError."""
        self._connection.syncing.expect_ready()
        await self._connection.sending.delete(room, message_id)

    async def react(self, room: RoomAddress, message_id: str, emoji: str) -> None:
        """Put one reaction on a message, where there is room within the limit. Raises Unreachable while not connected."""
        self._connection.syncing.expect_ready()
        await self._connection.sending.react(room, message_id, emoji)

    async def typing(self, room: RoomAddress) -> None:
        """Show that we are at work. Raises Unreachable while not connected."""
        self._connection.syncing.expect_ready()
        await self._connection.sending.typing(room)

    async def download(self, attachment: Attachment, *, max_bytes: int) -> bytes:
        """Fetch an attachment, decrypted. Raises Refused when it is larger or gone, and Unreachable."""
        return await self._connection.sending.download(attachment, max_bytes=max_bytes)

    async def rights(self, room: RoomAddress, sender: Sender) -> Rights:
        """Ask what a person may do to a room. Raises ChatError."""
        return await self._connection.rooms.rights(room, sender)

    async def describe(self, room: RoomAddress) -> RoomFacts:
        """Ask about a room; a thread is described as the room it is in. Raises ChatError."""
        return await self._connection.rooms.describe(room)

    async def set_commands(self, commands: Sequence[Command], *, scope: str, language: str) -> None:
        """Matrix has no command menus."""

    async def find(
        self, room: RoomAddress, reply: Reply, *, key: str, after: str | None, known: Collection[str] = ()
    ) -> Sent | None:
        """Look for a reply whose sending was interrupted. Raises Unreachable, and Refused where nobody can tell."""
        self._connection.syncing.expect_ready()
        return await self._connection.sending.find(room, reply, key=key, after=after, known=known)

    async def probe(self) -> Probe:
        """Say how the connection is doing, from memory."""
        return self._connection.pulse.probe()

    async def examine(self, *, live_in: str = "") -> Sequence[Finding]:  # noqa: ARG002 - the same wherever it is asked
        """Ask the server all that `roomwise check` tells."""
        found = await examine(self._settings, self._around.folder, self._around.sealing)
        return [*found, *await self._connection.encryption.examine()]

    async def close(self) -> None:
        """Disconnect; nothing more is yielded."""
        await self._connection.syncing.close()
        await self._connection.client.close()
