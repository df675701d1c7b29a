"""The library's client and its encryption, with what it leaves open closed.

Anybody can send a device of ours a letter. One that the library's cryptography cannot read raises out of its sync, and
would come again with every sync from then on; here such a letter is passed over.

New one-time keys are written down before the server hears of them. The library writes them down afterwards; a crash in
between leaves keys on the server whose private halves are lost, and key ids that the server takes for no others: it
refuses every later upload.

A key that was sent anew on our asking is taken from the device that made it, not from devices of our own only.
"""

import logging
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, Self

import vodozemac
from nio import EncryptedToDeviceEvent, ForwardedRoomKeyEvent
from nio.client.async_client import AsyncClient
from nio.crypto import OlmDevice
from nio.crypto.olm_machine import Olm
from nio.events.to_device import ToDeviceEvent
from nio.store import SqliteStore

ODD: Final = (ValueError, LookupError, TypeError, AttributeError, AssertionError, StopIteration)
"""What the library and its cryptography raise for keys and letters that are not as they should be."""

_WITHHELD: Final = "m.room_key.withheld"
_MOST_NOTICES: Final = 500
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Withholding:
    """A notice that a key is kept from us. `room` and `session` are "" when it is about all of a sender's keys."""

    sender: str
    code: str
    room: str = ""
    session: str = ""

    @classmethod
    def read(cls, event: ToDeviceEvent) -> Self | None:
        """The notice in a letter, None when it is another one."""
        content = event.source.get("content")
        if event.source.get("type") != _WITHHELD or not isinstance(content, dict):
            return None
        said = [content.get(name) for name in ("code", "room_id", "session_id")]
        code, room, session = (text if isinstance(text, str) else "" for text in said)
        return cls(event.sender, code, room, session)


class Machine(Olm):  # type: ignore[misc]  # the library has no types for it
    """The encryption of one device. `withheld` are the newest notices that a key is kept from us.

    `lacks_fallback` says that the server has no key of ours for when the one-time keys have run out.
    """

    def __init__(self, user_id: str, device_id: str, store: SqliteStore) -> None:
        super().__init__(user_id, device_id, store)
        self.withheld: deque[Withholding] = deque(maxlen=_MOST_NOTICES)
        self.lacks_fallback = not self.account.shared

    def share_keys(self) -> dict[str, Any]:
        """What to upload: the device's own keys at first, one-time keys, and the one for when these have run out.

        All of them are on the disk when this returns.
        """
        made: dict[str, Any] = super().share_keys() if self.should_upload_keys else {}
        if self.lacks_fallback:
            made["fallback_keys"] = self._fallback_keys()
        self.save_account()
        return made

    def _fallback_keys(self) -> dict[str, Any]:
        """A key by which a channel to us can be opened when all one-time keys were taken while we were away."""
        account: Any = self.account._account  # noqa: SLF001 - the library has no way to it
        if not account.fallback_key:
            account.generate_fallback_key()
        made: dict[str, Any] = {}
        for name, key in account.fallback_key.items():
            bare = {"key": key.to_base64(), "fallback": True}
            signed = {self.user_id: {f"ed25519:{self.device_id}": self.sign_json(bare)}}
            made[f"signed_curve25519:{name}"] = {**bare, "signatures": signed}
        return made

    def handle_to_device_event(self, event: ToDeviceEvent) -> Any:
        """What a letter held; None when it is not for us to read. Never raises for what others wrote."""
        notice = Withholding.read(event)
        if notice is not None:
            self.withheld.append(notice)
        try:
            return super().handle_to_device_event(event)
        except vodozemac.SessionCreationException:
            # Made with a one-time key that we do not have (any more): only a new channel helps.
            if isinstance(event, EncryptedToDeviceEvent):
                self._mark_device_for_unwedging(event.sender, getattr(event, "sender_key", ""))
        except ODD as error:
            _log.info("a letter between devices cannot be read (%s)", type(error).__name__)
        return None

    def is_device_verified(self, _device: OlmDevice) -> bool:
        """No: who is trusted is nothing that we decide by device. The library asks its store, for each at each message."""
        return False

    def is_device_blacklisted(self, _device: OlmDevice) -> bool:
        """No, as above."""
        return False

    def is_device_ignored(self, _device: OlmDevice) -> bool:
        """Yes: keys of rooms are shared with devices that nobody has verified."""
        return True

    def create_group_session(
        self, sender_key: str, sender_fp_key: str, room_id: str, session_id: str, session_key: str
    ) -> None:
        """Take a room's key. One that is here already stays: when it is sent again, it may open less than before."""
        if self.inbound_group_store.get(room_id, sender_key, session_id) is None:
            super().create_group_session(sender_key, sender_fp_key, room_id, session_id, session_key)

    def _should_accept_forward(self, sender: str, sender_key: str, event: ForwardedRoomKeyEvent) -> bool:
        """Whether to take a key that was sent anew: we asked for it, and it comes from the device that made it."""
        asked = self.outgoing_key_requests.get(event.session_id)
        if asked is None or (asked.room_id, asked.algorithm) != (event.room_id, event.algorithm):
            return False
        device, content = self.device_store.device_from_sender_key(sender, sender_key), event.source["content"]
        return device is not None and (content["sender_key"], content["sender_claimed_ed25519_key"]) == (
            device.curve25519,
            device.ed25519,
        )


class EncryptedClient(AsyncClient):  # type: ignore[misc]  # as above
    """The library's client with that encryption, everything in one SQLite file."""

    def load_store(self) -> None:
        """Open the store, once. Raises what the library and SQLite raise when it cannot be read."""
        if getattr(self, "store", None) is not None or not self.config.encryption_enabled:
            return
        device = self.device_id or ""
        store = SqliteStore(self.user_id, device, self.store_path or "", self.config.pickle_key, self.config.store_name)
        self.store = store
        self.olm = Machine(self.user_id, device, store)
        self.encrypted_rooms = store.load_encrypted_rooms()
