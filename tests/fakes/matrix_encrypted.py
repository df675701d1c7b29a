"""A person whose client encrypts, on nio: the same acts as `User`, encrypted wherever the room is."""

import logging
from pathlib import Path
from typing import Any

from nio import AsyncClient, AsyncClientConfig, EncryptionError, Event, MegolmEvent, RoomSendResponse, SyncResponse
from nio.crypto import attachments

from tests.fakes.matrix_people import Json, User
from tests.fakes.synapse import Account

_FILTER: Json = {"room": {"timeline": {"limit": 200}}, "presence": {"types": []}}
# It warns of each event that has no key yet, which tests make on purpose.
logging.getLogger("nio").setLevel(logging.CRITICAL)


class EncryptedUser(User):
    """Its keys lie in `folder`: another one with the same account and folder is the same device, started again.

    `locked` are events that could not be read yet; they move to `events` when their key comes.
    """

    def __init__(self, account: Account, url: str, folder: Path) -> None:
        super().__init__(account, url)
        folder.mkdir(exist_ok=True)
        config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=False, pickle_key="tests", max_timeouts=5)
        self.nio = AsyncClient(url, account.user, device_id=account.device, store_path=str(folder), config=config)
        self.nio.restore_login(account.user, account.device, account.token)
        self.locked: dict[str, tuple[str, MegolmEvent]] = {}

    async def __aexit__(self, *error: object) -> None:
        await self.nio.close()
        await super().__aexit__(*error)

    async def sync(self, *, wait_ms: int = 1_000) -> None:
        """Bring everything up to date, keys and devices included."""
        since = self._since or None
        answer = await self.nio.sync(wait_ms, _FILTER, since, full_state=since is None)
        assert isinstance(answer, SyncResponse), answer
        joined = answer.rooms.join
        invited = {
            room: {"invite_state": {"events": [event.source for event in news.invite_state]}}
            for room, news in answer.rooms.invite.items()
        }
        self.note_rooms({"invite": invited, "join": joined, "leave": answer.rooms.leave})
        for room, news in joined.items():
            self.note(room, [self._read(room, event) for event in news.timeline.events])
        self._since = answer.next_batch
        self._unlock()
        await self._keep_house()

    async def send(self, room: str, content: Json, *, kind: str = "m.room.message") -> str:
        """Send an event, encrypted if the room is; gives its id."""
        await self.sync(wait_ms=0)
        await self.until(lambda: room in self.nio.rooms)
        if not self.nio.rooms[room].encrypted or kind == "m.reaction":
            return await self.send_plain(room, content, kind=kind)
        answer = await self.nio.room_send(room, kind, content, ignore_unverified_devices=True)
        assert isinstance(answer, RoomSendResponse), answer
        return str(answer.event_id)

    async def send_file(self, room: str, data: bytes, name: str, media_type: str = "text/plain", **more: Any) -> str:
        """Send a file, encrypted if the room is."""
        await self.sync(wait_ms=0)
        if not self.nio.rooms[room].encrypted:
            return await super().send_file(room, data, name, media_type, **more)
        sealed, keys = attachments.encrypt_attachment(data)
        file = {**keys, "url": await self.upload(sealed, "application/octet-stream", name)}
        info = {"mimetype": media_type, "size": len(data)}
        return await self.send(room, {"msgtype": "m.file", "body": name, "filename": name, "info": info, "file": file, **more})  # fmt: skip

    async def download(self, message: Json) -> bytes:
        """Fetch and decrypt the file of a message's content."""
        file = message["file"]
        path = f"/_matrix/client/v1/media/download/{file['url'].removeprefix('mxc://')}"
        answer = await self.client.get(path)
        answer.raise_for_status()
        opened: bytes = attachments.decrypt_attachment(
            answer.content, file["key"]["k"], file["hashes"]["sha256"], file["iv"]
        )
        return opened

    def _read(self, room: str, event: Event) -> Json:
        """The event as plain JSON, with "decrypted" where it was; one without its key as the server has it."""
        if isinstance(event, MegolmEvent):
            self.locked[event.event_id] = (room, event)
        return {**event.source, "decrypted": True} if event.decrypted else event.source

    def _unlock(self) -> None:
        """Read what waited for a key that has come."""
        for event_id, (room, event) in list(self.locked.items()):
            try:
                opened = self.nio.decrypt_event(event)
            except EncryptionError:
                continue
            del self.locked[event_id]
            at = next(i for i, old in enumerate(self.events[room]) if old["event_id"] == event_id)
            self.events[room][at] = {**opened.source, "decrypted": True}

    async def _keep_house(self) -> None:
        """What nio's own endless loop does after each sync."""
        await self.nio.send_to_device_messages()
        if self.nio.should_upload_keys:
            await self.nio.keys_upload()
        if self.nio.should_query_keys:
            await self.nio.keys_query()
        if self.nio.should_claim_keys:
            await self.nio.keys_claim(self.nio.get_users_for_key_claiming())
