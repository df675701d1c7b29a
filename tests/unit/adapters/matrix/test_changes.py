"""What a room's state tells: that we came or went, names, rights, who may read, encryption."""

from typing import Any

import pytest

from adapters.chat import EventId, RoomChanged
from tests.unit.adapters.matrix.events import (
    ANN,
    BOB,
    HERE,
    NOON,
    US,
    direct,
    group,
    member,
    person,
    reading_of,
    said,
    state,
    told,
)


def changes(*raw: Any) -> list[tuple[str, str, str]]:
    """Kind, detail and who did it, of what events mean in the group."""
    found = [one for one in told(reading_of(), *raw) if isinstance(one, RoomChanged)]
    return [(one.kind, one.detail, one.sender.id if one.sender else "") for one in found]


def was(membership: str, **more: Any) -> dict[str, Any]:
    """The part of an event that says what a membership was before."""
    return {"unsigned": {"prev_content": {"membership": membership}, **more}}


def test_we_join_whoever_invited_us() -> None:
    """Who did is said beside the join, which we made ourselves."""
    raw = member(US, **was("invite", prev_sender=ANN))
    expected = RoomChanged(EventId("matrix", US, raw["event_id"]), HERE, "joined", person(ANN, "Ann"), NOON)

    assert [expected] == told(reading_of(), raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (member(US, **was("leave")), [("joined", "", "")]),
        (member(US), [("joined", "", "")]),
        (member(US, content={"displayname": "New"}, **was("join")), []),
        (member(US, "leave", **was("join")), [("left", "left", "")]),
        (member(US, "leave", sender=ANN, **was("join")), [("left", "kicked", ANN)]),
        (member(US, "ban", sender=ANN, **was("join")), [("left", "banned", ANN)]),
        (member(US, "leave", sender=ANN, **was("invite")), []),
        (member(US, "leave", sender=ANN, **was("ban")), []),
        (member(US, "knock"), []),
        (member(US, "invite", sender=ANN), []),
        (member("@cleo:example.org"), []),
        (member(BOB, "leave"), []),  # the name keeps it a group
        (state("m.room.name", {"name": " The \n team "}), [("renamed", "The team", ANN)]),
        (state("m.room.name", {"name": 5}), [("renamed", "Ann, Bob", ANN)]),
        (state("m.room.canonical_alias", {"alias": "#team:example.org"}), [("renamed", "Team", ANN)]),
        (state("m.room.power_levels", {}), [("rights", "", ANN)]),
        (state("m.room.join_rules", {"join_rule": "public"}), [("visibility", "public", ANN)]),
        (state("m.room.join_rules", {"join_rule": "knock"}), [("visibility", "private", ANN)]),
        (state("m.room.join_rules", {"join_rule": "restricted"}), [("visibility", "private", ANN)]),
        (state("m.room.history_visibility", {"history_visibility": "world_readable"}), [("visibility", "public", ANN)]),
        (state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}), [("encryption", "", ANN)]),
        (state("m.room.encryption", {}), [("encryption", "", ANN)]),
        (state("m.room.encryption", {}, key="odd"), []),
        (state("m.room.topic", {"topic": "x"}), []),
    ],
)
def test_what_a_state_event_tells(raw: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    """Each event counts, whatever we knew before: we may know already what came after it."""
    assert expected == changes(raw)


def test_a_direct_chat_that_a_third_person_comes_into_is_one_no_more() -> None:
    """From then on only what is addressed to us is for us; and the other way round."""
    reading = reading_of(direct())
    found = told(reading, said("1"), member(BOB), said("2"), member(BOB, "leave"), said("3"))
    kinds = [one.detail if isinstance(one, RoomChanged) else getattr(one, "addressed", None) for one in found]

    assert ["private", "group", "ambient", "private", "private"] == kinds


def test_encryption_is_noted_for_ever() -> None:
    """Before anything else is, and whatever the room says later."""
    reading = reading_of()
    told(reading, state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}), state("m.room.encryption", {}))

    assert {"encrypted/!room": True} == reading.take_notes()
    assert reading.state("!room").is_encrypted
    assert {} == reading.take_notes()


def test_a_room_that_is_new_to_us_may_be_encrypted_already() -> None:
    """Its state says so, and no event tells of it."""
    reading = reading_of([*group(), state("m.room.encryption", {})])

    assert {"encrypted/!room": True} == reading.take_notes()


def test_a_space_is_left_alone() -> None:
    """It lists rooms; nothing that happens there is told."""
    reading = reading_of(group(type="m.space"))

    assert [] == told(reading, said("!help"), member(US, **was("invite")))


def test_nothing_is_believed_of_a_room_after_we_left_it() -> None:
    """A room that was a direct chat may be another thing when we come back; until it was asked for it is a group."""
    reading = reading_of(direct())
    told(reading, member(US, "leave", sender=ANN, **was("join")))

    assert not reading.state("!room").is_private_for(US)
