"""What a sync brought, read out of its JSON. Whatever has another shape than it should is left out, and stops nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from adapters.chat import Unreachable

Json = Mapping[str, Any]
MEMBER: Final = "m.room.member"


@dataclass(frozen=True, slots=True)
class RoomPart:
    """What is new in a room: its state where the timeline begins, and the timeline, oldest first.

    Of one that `is_limited` something between the sync before and `prev_batch` is missing.
    """

    room: str
    state: Sequence[dict[str, Any]] = ()
    timeline: Sequence[dict[str, Any]] = ()
    is_limited: bool = False
    prev_batch: str = ""

    def state_events(self) -> list[dict[str, Any]]:
        """All state events of it, in order."""
        return [*self.state, *(event for event in self.timeline if "state_key" in event)]


@dataclass(frozen=True, slots=True)
class Received:
    """A sync. `invited` has the stripped state of each room; `rest` is all that is not about rooms."""

    next_batch: str
    joined: Sequence[RoomPart]
    left: Sequence[RoomPart]
    invited: Mapping[str, Sequence[dict[str, Any]]]
    rest: Json

    @classmethod
    def read(cls, body: Any) -> Self:
        """Read an answer to /sync. Raises Unreachable for one that says not even where the next one begins."""
        said = _object(body)
        next_batch = said.get("next_batch")
        if not isinstance(next_batch, str) or not next_batch:
            raise Unreachable("what answers is no Matrix server: its sync has no next_batch")
        rooms = _object(said.get("rooms"))
        return cls(
            next_batch,
            joined=[_part(room, found) for room, found in _object(rooms.get("join")).items()],
            left=[_part(room, found) for room, found in _object(rooms.get("leave")).items()],
            invited={
                room: events_in(_object(found).get("invite_state"))
                for room, found in _object(rooms.get("invite")).items()
            },
            rest={key: said[key] for key in _REST if key in said},
        )


_REST: Final = ("to_device", "device_lists", "device_one_time_keys_count", "device_unused_fallback_key_types")


def events_in(found: Any) -> list[dict[str, Any]]:
    """The events of an object that holds them, those that are objects with a type and a content."""
    return events_of(_object(found).get("events"))


def events_of(found: Any) -> list[dict[str, Any]]:
    """The events of a list, those that are objects with a type and a content; none says that we decrypted it."""
    events = [event for event in found if _is_event(event)] if isinstance(found, list) else []
    for event in events:
        event.pop("decrypted", None)
    return events


def is_about(event: Json, user: str) -> bool:
    """Whether an event says whether a user is in the room."""
    return event.get("type") == MEMBER and event.get("state_key") == user


def membership_of(event: Json) -> str:
    """What an m.room.member event says, "" for nothing."""
    found = event["content"].get("membership")
    return found if isinstance(found, str) else ""


def _part(room: str, found: Any) -> RoomPart:
    said = _object(found)
    timeline = _object(said.get("timeline"))
    before = timeline.get("prev_batch")
    return RoomPart(
        room,
        events_in(said.get("state")),
        events_in(timeline),
        is_limited=timeline.get("limited") is True,
        prev_batch=before if isinstance(before, str) else "",
    )


def _is_event(event: Any) -> bool:
    return isinstance(event, dict) and isinstance(event.get("type"), str) and isinstance(event.get("content"), dict)


def _object(found: Any) -> Json:
    return found if isinstance(found, Mapping) else {}
