"""Gives the library what it needs of a sync to encrypt and decrypt: letters between devices, keys, members of rooms.

It gets nothing else: it checks every event against a schema, which is most of what a sync costs, and its checks are
wrong for some (a room of version 12 has no version for it). An event that it cannot take is left out, since one that
stops it would come again for ever.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from nio import AsyncClient, SyncResponse
from nio.exceptions import EncryptionError, LocalProtocolError

from adapters.matrix.machine import ODD
from adapters.matrix.received import MEMBER, Received, RoomPart

_log = logging.getLogger(__name__)
_STATE: Final = (MEMBER, "m.room.encryption")
_MOST_TRIES: Final = 1_000
_ODD: Final = (*ODD, EncryptionError, LocalProtocolError, RecursionError)
"""What the library raises for events that are not as they should be. What its store raises is none of these: keys that
could not be kept must come again."""


class Feeding:
    """Feeds one client of the library, from one sync to the next."""

    def __init__(self, nio: AsyncClient) -> None:
        self._nio = nio

    async def take(self, received: Received) -> None:
        """Take a sync; what is in it is known to the library, and keys are stored, when this returns."""
        body = _reduced(received)
        # Most are empty, and to check one against its schema takes longer than all the rest.
        if not _is_empty(body) and not await self._try(body):
            for piece in _pieces(body):
                await self._try(piece)
        for part in received.left:
            self._nio.rooms.pop(part.room, None)
        self._note_key_count(received.rest.get("device_one_time_keys_count"))
        self._note_fallback(received.rest.get("device_unused_fallback_key_types"))

    def forget_rooms(self) -> None:
        """Forget the rooms, before a sync that tells all of them."""
        self._nio.rooms.clear()
        self._nio.invited_rooms.clear()

    async def _try(self, body: Mapping[str, Any]) -> bool:
        self._nio.next_batch = ""  # else it passes over what it thinks it has had
        try:
            response = SyncResponse.from_dict(body)
            if not isinstance(response, SyncResponse):
                return False
            await self._nio.receive_response(response)
        except _ODD as error:
            _log.info("a part of a sync cannot be read (%s)", type(error).__name__)
            return False
        return True

    def _note_key_count(self, counts: Any) -> None:
        """The library passes over a count of 0, and would never make new keys."""
        count = counts.get("signed_curve25519", 0) if isinstance(counts, Mapping) else None
        if self._nio.olm is not None and isinstance(count, int):
            self._nio.olm.uploaded_key_count = count

    def _note_fallback(self, unused: Any) -> None:
        """Have a new key made for when the others run out, once that of before was used."""
        if self._nio.olm is not None and isinstance(unused, list):
            self._nio.olm.lacks_fallback = "signed_curve25519" not in unused


def _reduced(received: Received) -> dict[str, Any]:
    rooms = {part.room: _room(part) for part in received.joined}
    return {"next_batch": received.next_batch, "rooms": {"join": rooms}, **received.rest}


def _is_empty(body: Mapping[str, Any]) -> bool:
    letters, lists = body.get("to_device"), body.get("device_lists")
    told = (letters.get("events") if isinstance(letters, Mapping) else letters, _any_in(lists))
    return not body["rooms"]["join"] and not any(told)


def _any_in(lists: Any) -> bool:
    return any(lists.values()) if isinstance(lists, Mapping) else bool(lists)


def _room(part: RoomPart) -> dict[str, Any]:
    return {"state": {"events": [event for event in part.state_events() if event["type"] in _STATE]}}


def _pieces(body: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """The parts of a sync one by one, letters first: keys in them may open what follows."""
    bare = {"next_batch": body["next_batch"]}
    letters = body.get("to_device")
    events: Any = letters.get("events") if isinstance(letters, Mapping) else None
    for letter in _some(events):
        yield {**bare, "to_device": {"events": [letter]}}
    for room, found in body["rooms"]["join"].items():
        for event in _some(found["state"]["events"]):
            yield {**bare, "rooms": {"join": {room: {"state": {"events": [event]}}}}}
    for key in ("device_lists", "device_one_time_keys_count"):
        if key in body:
            yield {**bare, key: body[key]}


def _some(found: Any) -> Sequence[Any]:
    return found[:_MOST_TRIES] if isinstance(found, list) else ()
