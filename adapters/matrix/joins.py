"""What of a room's timeline was written while we were in it: only that is for us, what is older is none of our business.

The order of the timeline decides, never a clock: that of a server may be ahead or behind.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.matrix.received import Json, RoomPart, is_about, membership_of

_MEMBERSHIPS: Final = frozenset({"join", "invite", "leave", "ban", "knock"})


def is_entrance(event: Json, user: str, known: str | None) -> bool:
    """Whether an event is the one by which we came into a room. `known` is that by which we came in before."""
    if not is_about(event, user) or membership_of(event) != "join" or event.get("event_id") == known:
        return False
    before = _membership_before(event)
    if before is None:  # not told: it may be no more than a new name
        return known is None or not _replaces(event)
    return before != "join"


def entrance_of(events: Sequence[Json], user: str, known: str | None) -> str | None:
    """The id of the last event of these by which we came in; None without one."""
    ids = [event.get("event_id") for event in events if is_entrance(event, user, known)]
    return ids[-1] if ids and isinstance(ids[-1], str) else None


def was_inside(part: RoomPart, user: str, known: str | None) -> bool:
    """Whether we were in the room where what the sync brought of it begins, its gap included."""
    if entrance_of(part.state, user, known) is not None:
        return not part.is_limited  # we came in somewhere in the gap
    if known is not None:
        return True
    ours = [event for event in part.timeline if is_about(event, user)]
    return not ours or not is_entrance(ours[0], user, None)


def while_inside(
    events: Sequence[dict[str, Any]], user: str, *, inside: bool
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bool]:
    """Part a timeline into what was written while we were in the room, and the rest; and whether we are in at its end.

    What says that we came or went is in the first.
    """
    ours: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for event in events:
        concerns = is_about(event, user) and membership_of(event) in _MEMBERSHIPS
        if concerns:
            inside = membership_of(event) == "join"
        (ours if inside or concerns else others).append(event)
    return ours, others, inside


def _membership_before(event: Json) -> str | None:
    unsigned = event.get("unsigned")
    before = unsigned.get("prev_content") if isinstance(unsigned, Mapping) else None
    if before is None:
        before = event.get("prev_content")
    if isinstance(before, Mapping):
        return str(before.get("membership"))
    return None if _replaces(event) else ""


def _replaces(event: Json) -> bool:
    unsigned = event.get("unsigned")
    return isinstance(unsigned, Mapping) and "replaces_state" in unsigned
