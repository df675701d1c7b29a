"""Rooms that go on under another id."""

from datetime import timedelta
from typing import Any

import pytest

from adapters.chat import EventId, Message, RoomChanged
from adapters.matrix import upgrades
from adapters.matrix.reading import Reading
from tests.unit.adapters.matrix.events import (
    ANN,
    BOB,
    HERE,
    NOON,
    NOON_MS,
    ROOM,
    US,
    Json,
    group,
    member,
    person,
    reading_of,
    said,
    state,
    told,
)

NEW = "!new"


def tombstone(replacement: Any = NEW, **fields: Any) -> Json:
    """What Ann leaves in the old room."""
    return state("m.room.tombstone", {"replacement_room": replacement, "body": "moved"}, **fields)


def both(stone: Json, *, predecessor: Any = ROOM) -> Reading:
    """A reading that was in the old room and is in the new one."""
    reading = reading_of([*group(), stone])
    reading.note_whole(NEW, group(predecessor={"room_id": predecessor}))
    return reading


def move_in(reading: Reading) -> upgrades.Move | None:
    """The move between the two rooms."""
    return upgrades.move_between(ROOM, reading.state(ROOM), NEW, reading.state(NEW))


def confirmed(stone: Json) -> Reading:
    """A reading for which the move is certain."""
    reading = both(stone)
    move = move_in(reading)
    assert move is not None
    reading.confirm(move)
    return reading


def test_a_room_moved_when_both_rooms_say_so() -> None:
    """It is one and the same event, whether the tombstone or our joining the new room comes first."""
    stone = tombstone()
    reading = confirmed(stone)
    came_in = member(US, unsigned={"prev_content": {"membership": "invite"}, "prev_sender": ANN})
    expected = RoomChanged(EventId("matrix", US, stone["event_id"]), HERE, "moved_to", person(ANN, "Ann"), NOON, NEW)

    assert [expected] == told(reading, stone)
    assert [expected] == reading.events_of(NEW, [came_in], now=NOON)


@pytest.mark.parametrize(
    ("stone", "predecessor"),
    [
        (tombstone("!elsewhere"), ROOM),
        (tombstone(5), ROOM),
        (tombstone(), "!elsewhere"),
        (tombstone(), 5),
        (tombstone(sender="@nobody:example.org"), ROOM),
        (tombstone(key="odd"), ROOM),
        (state("m.room.topic", {}), ROOM),
    ],
)
def test_a_room_did_not_move_when_only_one_says_so(stone: Json, predecessor: Any) -> None:
    """Anybody can make a room that claims to replace another one, and a tombstone can name anybody's room."""
    assert move_in(both(stone, predecessor=predecessor)) is None


def test_who_may_set_state_may_move_a_room() -> None:
    """Bob has fifty, the creator stands above."""
    assert move_in(both(tombstone(sender=BOB))) is not None
    assert move_in(both(tombstone(sender=ANN))) is not None


def test_a_tombstone_alone_tells_nothing() -> None:
    """Until the new room says the same, we stay."""
    assert [] == told(reading_of(), tombstone())


def test_nothing_is_answered_in_a_room_that_moved() -> None:
    """What was said before the move still is, also when it comes again."""
    stone = tombstone(origin_server_ts=NOON_MS - 1000)
    reading = confirmed(stone)
    before, after = said("!help", origin_server_ts=NOON_MS - 2000), said("!help")
    events = told(reading, before, after, state("m.room.name", {"name": "Old"}), member(US, "leave"))

    assert [before["event_id"]] == [one.message_id for one in events if isinstance(one, Message)]
    assert 1 == len(events)


def test_a_direct_chat_goes_on_as_one() -> None:
    """Its new room says so as little as the old one did."""
    reading = both(tombstone())
    reading.direct.add(ROOM)
    move = move_in(reading)
    assert move is not None
    reading.confirm(move)

    assert {f"direct/{NEW}": True, f"moved/{ROOM}": upgrades.pack(move)} == reading.take_notes()
    assert reading.state(NEW).is_direct


def test_a_move_is_remembered_over_a_restart() -> None:
    """And what is of another shape in the notes is passed over."""
    reading = confirmed(tombstone())
    notes = reading.take_notes()
    odd: dict[str, Any] = {"moved/!x": 5, "moved/!y": {"old": 1}}

    assert {f"moved/{ROOM}": upgrades.pack(reading.moves[ROOM])} == notes
    assert reading.moves == upgrades.load({**notes, **odd})


def test_a_room_that_a_tombstone_alone_led_to_tells_nothing_until_it_proves_itself() -> None:
    """We came in without an invitation; if it is another room, we leave without a word."""
    reading = both(tombstone(), predecessor="!elsewhere")
    reading.unproven.add(NEW)
    hello = said("!help")

    assert [] == reading.events_of(NEW, [member(US), hello], now=NOON)


def test_a_new_room_that_proved_itself_speaks() -> None:
    """The move is told once, and what is said there after it."""
    reading = both(tombstone())
    reading.unproven.add(NEW)
    move = move_in(reading)
    assert move is not None
    reading.confirm(move)
    events = reading.events_of(NEW, [member(US), said("!help")], now=NOON + timedelta(seconds=1))

    assert ["RoomChanged", "Message"] == [type(one).__name__ for one in events]
