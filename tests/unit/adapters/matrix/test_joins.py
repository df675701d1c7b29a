"""What of a timeline was written while we were in the room."""

from typing import Any

import pytest

from adapters.matrix.joins import entrance_of, is_entrance, was_inside, while_inside
from adapters.matrix.received import RoomPart

US = "@us:x"
Json = dict[str, Any]


def member(event: str, membership: str, before: str | None = None, *, who: str = US, at_ms: int = 0) -> Json:
    """An event that says whether somebody is in."""
    unsigned: Json = {} if before is None else {"prev_content": {"membership": before}, "replaces_state": "$x"}
    content = {"membership": membership}
    base = {"event_id": event, "type": "m.room.member", "state_key": who, "sender": who, "content": content}
    return {**base, "unsigned": unsigned, "origin_server_ts": at_ms}


def said(event: str, *, at_ms: int = 0) -> Json:
    """A message."""
    base = {"event_id": event, "type": "m.room.message", "sender": "@ann:x", "content": {"body": event}}
    return {**base, "origin_server_ts": at_ms}


def ids(events: list[Json]) -> list[str]:
    """What the events are."""
    return [event["event_id"] for event in events]


@pytest.mark.parametrize(
    ("event", "known", "is_one"),
    [
        (member("$1", "join", "invite"), None, True),
        (member("$1", "join", "leave"), "$0", True),
        (member("$1", "join"), None, True),  # the first word about us
        (member("$1", "join", "join"), None, False),  # a new name
        (member("$1", "join", "invite"), "$1", False),  # known
        (member("$1", "leave", "join"), None, False),
        (member("$1", "join", "invite", who="@ann:x"), None, False),
        ({**member("$1", "join"), "unsigned": {"replaces_state": "$0"}}, "$0", False),  # not told: taken for a new name
        ({**member("$1", "join"), "unsigned": {"replaces_state": "$0"}}, None, True),
        ({**member("$1", "join"), "unsigned": 7}, None, True),
    ],
)
def test_what_brought_us_in_is_told_from_a_new_name(event: Json, known: str | None, *, is_one: bool) -> None:
    """By what we were before."""
    assert is_one is is_entrance(event, US, known)


def test_what_was_said_before_we_came_is_not_for_us_whatever_the_clocks_say() -> None:
    """A server's clock may be ahead or behind: the order decides."""
    timeline = [said("$old", at_ms=9_000), member("$in", "join", "invite", at_ms=5_000), said("$new", at_ms=1_000)]
    part = RoomPart("!r", timeline=timeline)
    ours, others, inside = while_inside(timeline, US, inside=was_inside(part, US, None))

    assert (["$in", "$new"], ["$old"], True) == (ids(ours), ids(others), inside)


def test_what_was_said_while_we_were_out_is_not_for_us() -> None:
    """Removed and asked back, between two syncs."""
    timeline = [
        said("$1"), member("$out", "leave", "join"), said("$2"), member("$asked", "invite", "leave"), said("$3"),
        member("$in", "join", "invite"), said("$4"),
    ]  # fmt: skip
    ours, others, inside = while_inside(timeline, US, inside=was_inside(RoomPart("!r", (), timeline), US, "$0"))

    assert ["$1", "$out", "$in", "$4"] == [event for event in ids(ours) if event != "$asked"]
    assert (["$2", "$3"], True) == (ids(others), inside)


def test_a_gap_in_which_we_came_in_begins_outside() -> None:
    """The state behind it says so; a gap of a room that we were in already does not."""
    state = [member("$in", "join", "invite")]

    assert not was_inside(RoomPart("!r", state, [said("$9")], is_limited=True), US, None)
    assert was_inside(RoomPart("!r", state, [said("$9")], is_limited=True), US, "$in")
    assert was_inside(RoomPart("!r", state, [said("$9")]), US, None)
    assert was_inside(RoomPart("!r", (), [said("$9")], is_limited=True), US, None)


def test_the_last_entrance_is_the_one_to_remember() -> None:
    """Of several between two syncs."""
    timeline = [member("$1", "join", "invite"), member("$2", "leave", "join"), member("$3", "join", "leave")]

    assert "$3" == entrance_of(timeline, US, None)
    assert entrance_of(timeline[1:2], US, None) is None
