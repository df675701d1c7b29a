"""Devices of people and ours, with real cryptography and no server between them."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nio import AsyncClientConfig, KeysQueryResponse
from nio.crypto import OlmDevice
from nio.events import ToDeviceEvent

from adapters.chat import ChatError
from adapters.matrix.client import Client
from adapters.matrix.machine import EncryptedClient, Machine

US = "@roomwise:example.org"
ANN = "@ann:example.org"
ROOM = "!room:example.org"
BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class Device:
    """Somebody's device; `folder` keeps its keys."""

    def __init__(self, user: str, name: str, folder: Path, *, pickle_key: str = "tests", store_name: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config = AsyncClientConfig(
            encryption_enabled=True, store_sync_tokens=False, pickle_key=pickle_key, store_name=store_name
        )
        self.nio = EncryptedClient("http://127.0.0.1:9", user, device_id=name, store_path=str(folder), config=config)
        self.nio.restore_login(user, name, "a token")
        self.user, self.name = user, name
        self.number = 0
        self.sent_ms = int(BEGIN.timestamp() * 1000)

    @property
    def machine(self) -> Machine:
        """Its encryption."""
        machine: Machine = self.nio.olm
        return machine

    @property
    def published(self) -> dict[str, Any]:
        """What the server has of the device."""
        keys = {
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "device_id": self.name,
            "user_id": self.user,
            "keys": {
                f"{kind}:{self.name}": self.machine.account.identity_keys[kind] for kind in ("ed25519", "curve25519")
            },
        }
        signed = {self.user: {f"ed25519:{self.name}": self.machine.sign_json(keys)}}
        return {**keys, "signatures": signed}

    def knows(self, *others: "Device") -> None:
        """Learn of devices, as by asking the server."""
        for other in others:
            answer = KeysQueryResponse({other.user: {other.name: other.published}}, {})
            self.machine.handle_response(answer)

    def letter(self, to: "Device", kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """An encrypted letter to another device; the first one opens a channel with one of its one-time keys."""
        device = OlmDevice(to.user, to.name, dict(to.machine.account.identity_keys))
        session = self.machine.session_store.get(device.curve25519)
        if session is None:
            session = self.machine.create_session(one_time_key(to), device.curve25519)
        sealed = self.machine._olm_encrypt(session, device, kind, dict(content))
        return {"type": "m.room.encrypted", "sender": self.user, "content": sealed}

    def key_letter(self, to: "Device", room: str = ROOM) -> dict[str, Any]:
        """The letter with the key that the next message to a room is encrypted with."""
        session = self._session(room)
        content = {
            "algorithm": "m.megolm.v1.aes-sha2",
            "room_id": room,
            "session_id": session.id,
            "session_key": session.session_key,
        }
        return self.letter(to, "m.room_key", content)

    def says(self, text: str, room: str = ROOM, **more: Any) -> dict[str, Any]:
        """An encrypted message, as a sync or a fetch brings it."""
        return self.seals("m.room.message", {"msgtype": "m.text", "body": text}, room, **more)

    def seals(self, kind: str, content: Mapping[str, Any], room: str = ROOM, **more: Any) -> dict[str, Any]:
        """Any event, encrypted."""
        self._session(room).mark_as_shared()
        sealed = self.machine.group_encrypt(room, {"type": kind, "content": content})
        self.number += 1
        return {
            "type": "m.room.encrypted",
            "sender": self.user,
            "event_id": f"${self.user}-{self.number}",
            "origin_server_ts": self.sent_ms + self.number,
            "content": {**sealed, **more},
        }

    def reads(self, letter: Mapping[str, Any]) -> Any:
        """Have a letter, as a sync brings it."""
        return self.machine.handle_to_device_event(ToDeviceEvent.parse_event(dict(letter)))

    def session_id(self, room: str = ROOM) -> str:
        """The id of the key that the next message is encrypted with."""
        return str(self._session(room).id)

    def rotate(self, room: str = ROOM) -> None:
        """Use another key for the next message."""
        self.machine.create_outbound_group_session(room)

    def _session(self, room: str) -> Any:
        if room not in self.machine.outbound_group_sessions:
            self.machine.create_outbound_group_session(room)
        return self.machine.outbound_group_sessions[room]


def one_time_key(device: Device) -> str:
    """Take one of a device's one-time keys."""
    account = device.machine.account
    if not account.one_time_keys["curve25519"]:
        account.generate_one_time_keys(5)
    keys: dict[str, str] = account.one_time_keys["curve25519"]
    taken = next(iter(keys.values()))
    account.mark_keys_as_published()
    device.machine.save_account()
    return taken


class Connection(Client):
    """Our device's connection to a server that has `events`, and `says` other things by the path; errors are raised.

    `asked` is what was called, with the bodies.
    """

    def __init__(self, device: Device) -> None:
        super().__init__()
        self.own = device
        self.events: dict[str, Any] = {}
        self.says: dict[str, Any] = {}
        self.asked: list[tuple[str, Any]] = []

    @property
    def nio(self) -> EncryptedClient:
        """The library's client of the device."""
        return self.own.nio

    @property
    def user(self) -> str:
        """Whose device it is."""
        return self.own.user

    async def call(self, method: str, path: str, body: Any = None, **_more: Any) -> Any:
        """Answer by what there is."""
        self.asked.append((f"{method} {path}", body))
        name = unquote(path.rpartition("/")[2])
        said = self.says.get(path, self.events.get(name, {}))
        if callable(said):
            said = said(body)
        if isinstance(said, ChatError):
            raise said
        return copy.deepcopy(said)
