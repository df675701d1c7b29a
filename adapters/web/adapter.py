"""The web chat as a network: writes go to the log, and streams that show the room are woken.

A browser's messages do not come through `batches`: the web routes hand them to the inbox, see `translate`.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final

from adapters.chat import (
    Abilities,
    Attachment,
    Batch,
    Command,
    Finding,
    Probe,
    Refused,
    Reply,
    Rights,
    RoomAddress,
    RoomFacts,
    Sender,
    Sent,
    Stage,
)
from adapters.cutting import cut_reply
from adapters.web.log import WebLog
from adapters.web.render import entry_of
from adapters.web.uploads import UploadFolder

NETWORK: Final = "web"
ACCOUNT: Final = "web"


class WebAdapter:
    """The one account on the web chat, over a log that outlives connections."""

    network = NETWORK
    account = ACCOUNT
    abilities = Abilities(
        is_idempotent=True,
        edit_interval_s=0.15,
        edits_per_minute=600,
        skip_preview_ms=120,
        max_chars=200_000,
        max_upload_bytes=20_000_000,
    )

    def __init__(self, log: WebLog, uploads: UploadFolder | None = None) -> None:
        self._log = log
        self._uploads = uploads
        self._readers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._closed = asyncio.Event()

    async def batches(self, cursor: str | None) -> AsyncIterator[Batch]:  # noqa: ARG002
        """Yield nothing until closed: browsers speak to the web routes."""
        await self._closed.wait()
        nothing: tuple[Batch, ...] = ()
        for batch in nothing:
            yield batch

    def parts(self, reply: Reply) -> Sequence[Reply]:
        """Cut a reply at paragraphs."""
        return cut_reply(reply, self.abilities.max_chars)

    async def send(self, room: RoomAddress, reply: Reply, *, key: str) -> Sent:
        """Append to the log under `key`; the same key again finds the earlier message."""
        try:
            seq = await self._log.append(room.room, key, entry_of(reply))
        except LookupError as error:
            raise Refused(f"expected a web room, got {room.room!r}") from error
        self.wake(room.room)
        return Sent(str(seq))

    async def edit(self, room: RoomAddress, message_id: str, reply: Reply, *, key: str) -> None:  # noqa: ARG002
        """Replace a message of ours. Raises Refused when it is gone."""
        if not message_id.isdigit() or not await self._log.update(room.room, int(message_id), entry_of(reply)):
            raise Refused(f"expected a message of room {room.room!r}, got {message_id!r}")
        if reply.stage is Stage.PREVIEW:
            self.wake_room(room.room)
        else:
            self.wake(room.room)

    async def delete(self, room: RoomAddress, message_id: str) -> None:
        """Empty a message; one that is gone already is no error."""
        if message_id.isdigit() and await self._log.delete(room.room, int(message_id)):
            self.wake(room.room)

    async def react(self, room: RoomAddress, message_id: str, emoji: str) -> None:
        """Do nothing: the page shows the state of a message by itself."""

    async def typing(self, room: RoomAddress) -> None:
        """Do nothing: the placeholder says it."""

    async def download(self, attachment: Attachment, *, max_bytes: int) -> bytes:
        """Read an uploaded file. Raises Refused when it is larger, gone, or uploads are off."""
        if attachment.size_bytes > max_bytes:
            raise Refused(f"expected at most {max_bytes} bytes, got {attachment.size_bytes}")
        if self._uploads is None:
            raise Refused("this web chat takes no files")
        return await self._uploads.read(attachment.handle, max_bytes=max_bytes)

    async def rights(self, room: RoomAddress, sender: Sender) -> Rights:
        """A web room is its person's own."""
        return Rights(is_room_admin=room.room.endswith(f".{sender.id}"))

    async def describe(self, room: RoomAddress) -> RoomFacts:
        """A web room is private to one person; its title is its project's."""
        return RoomFacts(title=room.room, kind="web")

    async def set_commands(self, commands: Sequence[Command], *, scope: str, language: str) -> None:
        """Do nothing: the page asks for its commands."""

    async def find(
        self,
        room: RoomAddress,
        reply: Reply,  # noqa: ARG002
        *,
        key: str,
        after: str | None,  # noqa: ARG002
        known: Collection[str] = (),  # noqa: ARG002
    ) -> Sent | None:
        """Look a message up by its key."""
        seq = await self._log.by_key(room.room, key)
        return None if seq is None else Sent(str(seq))

    async def probe(self) -> Probe:
        """Count the open streams."""
        streams = sum(len(readers) for readers in self._readers.values())
        return Probe(is_up=not self._closed.is_set(), detail=f"{streams} open streams")

    async def examine(self, *, live_in: str = "") -> Sequence[Finding]:  # noqa: ARG002
        """Tell nothing: the service checks its own pages."""
        return ()

    async def close(self) -> None:
        """End every stream."""
        self._closed.set()
        for room in list(self._readers):
            self.wake_room(room)

    def wake(self, room: str) -> None:
        """Tell the streams of a room that its log has changed, and its person's others, which list the room."""
        self.wake_room(room)
        self.wake_person(room.rpartition(".")[2])

    def wake_person(self, person: str) -> None:
        """Tell every stream of a person to look anew at what it shows and whether it still may."""
        for room in list(self._readers):
            if room.endswith(f".{person}"):
                self.wake_room(room)

    def wake_room(self, room: str) -> None:
        """Tell the streams of a room alone."""
        for reader in self._readers.get(room, ()):
            reader.set()

    async def changes(self, room: str) -> AsyncIterator[None]:
        """Yield once at the start and after each change of a room, until closed.

        Changes while the reader is busy become one: it reads the log from where it stood, so a slow reader misses
        nothing and holds nothing up.
        """
        reader = asyncio.Event()
        reader.set()
        self._readers[room].add(reader)
        try:
            while not self._closed.is_set():
                await reader.wait()
                reader.clear()
                yield
        finally:
            self._readers[room].discard(reader)
            if not self._readers[room]:
                del self._readers[room]
