"""Reads an encrypted event with the keys that we have, if it is from whom it says.

The library takes the server's word for who sent an event. A key belongs to the device that made it; so an event counts
as its sender's only when that device is one of the sender's, which the device itself has signed.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from nio.events import Event, MegolmEvent
from nio.exceptions import EncryptionError

from adapters.matrix.machine import ODD, Machine
from adapters.matrix.wire import REDACTION

ENCRYPTED: Final = "m.room.encrypted"
ALGORITHM: Final = "m.megolm.v1.aes-sha2"
_NEVER_SEALED: Final = frozenset({REDACTION})


class Locked(Enum):
    """Why an event cannot be read now."""

    NO_KEY = "no key"
    UNKNOWN_DEVICE = "unknown device"  # the key is here, and whose device made it is not known (yet)


def opened(machine: Machine, room: str, event: Mapping[str, Any]) -> dict[str, Any] | Locked:
    """The event with the type and content that were encrypted, and "decrypted": true.

    One that could be decrypted but holds no event of a known shape has no type and no content. Nor has one that the
    server must see to judge who may send it, such as a redaction; and none is state.
    """
    try:
        sealed = _sealed(machine, room, event)
        if isinstance(sealed, Locked):
            return sealed
    except ODD:
        return Locked.NO_KEY
    try:
        found = machine.decrypt_megolm_event(sealed, room).source
        kind, content = found["type"], found["content"]
    except EncryptionError:
        return Locked.NO_KEY
    except ODD:
        kind, content = "", {}
    is_whole = isinstance(kind, str) and kind not in _NEVER_SEALED and isinstance(content, dict)
    bare = {key: value for key, value in event.items() if key != "state_key"}
    return {**bare, "type": kind if is_whole else "", "content": content if is_whole else {}, "decrypted": True}


def _sealed(machine: Machine, room: str, event: Mapping[str, Any]) -> MegolmEvent | Locked:
    """The event as the library takes it, once we have its key from a device of its sender."""
    sealed = Event.parse_event({**_with_maker(machine, room, event), "room_id": room})
    if not isinstance(sealed, MegolmEvent):
        return Locked.NO_KEY
    session = machine.inbound_group_store.get(room, sealed.sender_key, sealed.session_id)
    if session is None:
        machine.check_if_wedged(sealed)
        return Locked.NO_KEY
    is_theirs = _is_made_by(machine, sealed.sender, session.sender_key, session.ed25519)
    return sealed if is_theirs else Locked.UNKNOWN_DEVICE


def session_of(event: Mapping[str, Any]) -> str:
    """The id of the key that an encrypted event is read with; "" for an event that no key reads."""
    content = event.get("content")
    if not isinstance(content, Mapping) or content.get("algorithm") != ALGORITHM:
        return ""
    session = content.get("session_id")
    return session if isinstance(session, str) else ""


def has_key(machine: Machine, room: str, session: str) -> bool:
    """Whether the key with an id is here."""
    return _maker_of(machine, room, session) is not None


def _with_maker(machine: Machine, room: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event with the device that made its key: what it says itself of that is out of use and proves nothing."""
    maker = _maker_of(machine, room, session_of(event))
    content = event.get("content")
    if maker is None or not isinstance(content, Mapping):
        return event
    return {**event, "content": {"device_id": "", **content, "sender_key": maker}}


def _maker_of(machine: Machine, room: str, session: str) -> str | None:
    makers = machine.inbound_group_store[room]
    return next((maker for maker, sessions in makers.items() if session in sessions), None)


def _is_made_by(machine: Machine, user: str, curve25519: str, ed25519: str) -> bool:
    """Whether a key was made by a device of a user, also one that is gone by now."""
    if user == machine.user_id and curve25519 == machine.account.identity_keys["curve25519"]:
        return True
    devices = machine.device_store[user].values()
    return any((device.curve25519, device.ed25519) == (curve25519, ed25519) for device in devices)
