"""Reads an encrypted event with the keys that we have."""

from typing import Any, Final

from nio import AsyncClient
from nio.events import Event, MegolmEvent
from nio.exceptions import EncryptionError

ENCRYPTED: Final = "m.room.encrypted"
_ODD: Final = (ValueError, LookupError, TypeError, AttributeError, AssertionError)
"""What the library raises for events that are not as they should be."""


def opened(nio: AsyncClient, room: str, event: dict[str, Any]) -> dict[str, Any] | None:
    """The event with the type and content that were encrypted, and "decrypted": true; None when it cannot be read (yet).

    One that could be decrypted but holds no event of a known shape has no content.
    """
    try:
        sealed = Event.parse_event({**event, "room_id": room})
        if nio.olm is None or not isinstance(sealed, MegolmEvent):
            return None
        found = nio.olm.decrypt_megolm_event(sealed, room).source
        kind, content = found["type"], found["content"]
    except EncryptionError:
        return None
    except _ODD:
        kind, content = "m.room.message", {}
    is_whole = isinstance(kind, str) and isinstance(content, dict)
    return {**event, "type": kind if is_whole else "", "content": content if is_whole else {}, "decrypted": True}
