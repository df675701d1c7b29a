"""What a sync brought, read out of its JSON."""

from typing import Any

import pytest

from adapters.chat import Unreachable
from adapters.matrix.cursor import Cursor
from adapters.matrix.received import Received

EVENT = {"type": "m.room.message", "content": {"body": "hi"}, "event_id": "$1"}


@pytest.mark.parametrize("body", [None, [], "sync", 7, {}, {"next_batch": 7}, {"next_batch": ""}, {"rooms": {}}])
def test_an_answer_that_is_no_sync_is_no_success(body: Any) -> None:
    """Nothing is acknowledged by it."""
    with pytest.raises(Unreachable, match="next_batch"):
        Received.read(body)


@pytest.mark.parametrize(
    "rooms",
    [
        None,
        7,
        [],
        {"join": []},
        {"join": {"!r": None}},
        {"join": {"!r": {"timeline": 7, "state": []}}},
        {"join": {"!r": {"timeline": {"events": {}}, "state": {"events": 7}}}},
        {"join": {"!r": {"timeline": {"events": [None, 7, "x", {}, {"type": 7, "content": {}}, {"type": "m.x"}]}}}},
        {"join": {"!r": {"timeline": {"limited": "yes", "prev_batch": 7}}}},
        {"invite": {"!r": 7}, "leave": {"!r": {"timeline": []}}},
    ],
)
def test_what_has_another_shape_is_left_out(rooms: Any) -> None:
    """And the sync goes on."""
    received = Received.read({"next_batch": "s2", "rooms": rooms})

    assert "s2" == received.next_batch
    assert [] == [event for part in (*received.joined, *received.left) for event in part.state_events()]
    assert not any(part.timeline or part.is_limited or part.prev_batch for part in received.joined)


def test_a_good_event_beside_odd_ones_is_kept() -> None:
    """In its place."""
    events = [None, EVENT, {"type": "m.x"}]
    received = Received.read({"next_batch": "s2", "rooms": {"join": {"!r": {"timeline": {"events": events}}}}})

    assert [EVENT] == list(received.joined[0].timeline)


def test_nobody_can_say_that_we_decrypted_something() -> None:
    """What we decrypted is marked by us."""
    events = [{**EVENT, "decrypted": True}]
    received = Received.read({"next_batch": "s2", "rooms": {"join": {"!r": {"timeline": {"events": events}}}}})

    assert "decrypted" not in received.joined[0].timeline[0]


@pytest.mark.parametrize("text", [None, "", "s72595", "{", "[]", "7", '{"since": 7}', '{"gaps": {}}'])
def test_a_cursor_that_is_none_is_the_beginning(text: str | None) -> None:
    """Whatever wrote it."""
    assert Cursor() == Cursor.parse(text)


def test_a_cursor_reads_what_it_wrote() -> None:
    """With the gaps that it is in, and what we came in by."""
    cursor = Cursor("s1", gaps={"!r": "t4"}, joined={"!r": "$in"})

    assert cursor == Cursor.parse(cursor.text)
    assert Cursor("s1") == Cursor.parse('{"since": "s1", "gaps": [], "joined": {"!r": 7}}')
