"""What a room is, by its state."""

from typing import Any

import pytest

from adapters.chat import RoomFacts
from adapters.matrix import wire
from adapters.matrix.roomstate import RoomState, whole
from tests.unit.adapters.matrix.events import ANN, US, Json, direct, group, member, state


def room(*raw: Json, is_direct: bool = False) -> RoomState:
    """The room that events make."""
    found = whole(event for event in map(wire.read, raw) if event is not None)
    found.is_direct = is_direct
    return found


def test_a_group_has_a_name_and_people() -> None:
    """Nothing of it is public or encrypted unless its state says so."""
    assert RoomFacts("Team", "group") == room(*group()).facts(US)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (room(*direct()), "private"),
        (room(*direct(), state("m.room.name", {"name": "Ann and the bot"})), "group"),
        (room(*direct(), state("m.room.name", {"name": "Ann and the bot"}), is_direct=True), "private"),
        (room(*direct(), state("m.room.canonical_alias", {"alias": "#a:example.org"})), "group"),
        (room(*direct(), state("m.room.join_rules", {"join_rule": "public"})), "group"),
        (room(*direct(), member("@bob:example.org", "invite")), "group"),
        (room(*direct(), member(ANN, "leave")), "group"),
        (room(*direct(), member(ANN, "invite")), "private"),
        (RoomState(members=room(*direct()).members), "group"),
    ],
)
def test_a_direct_chat_is_two_people_without_a_name(found: RoomState, kind: str) -> None:
    """Or begun as one. As long as not all of its state is known it is a group: there less is taken for us."""
    assert kind == found.facts(US).kind


@pytest.mark.parametrize(
    ("rule", "history", "is_public"),
    [
        ("public", "shared", True),
        ("invite", "world_readable", True),
        ("invite", "shared", False),
        ("knock", "shared", False),
        ("restricted", "joined", False),
        ("unheard of", "unheard of", False),
        (["public"], None, False),
    ],
)
def test_a_room_is_public_when_nobody_lets_people_in(rule: Any, history: Any, is_public: bool) -> None:  # noqa: FBT001
    """Everybody may join it, or read it without joining."""
    rules = state("m.room.join_rules", {"join_rule": rule})
    histories = state("m.room.history_visibility", {"history_visibility": history})

    assert is_public == room(*group(), rules, histories).is_public


@pytest.mark.parametrize(
    ("events", "title"),
    [
        (group(), "Team"),
        ([*group(), state("m.room.name", {"name": "x" * 1000})], "x" * 255),
        ([*group(name=""), state("m.room.canonical_alias", {"alias": "#team:example.org"})], "#team:example.org"),
        (group(name=""), "Ann, Bob"),
        ([*group(name=""), *(member(f"@p{number}:x.org") for number in range(9))], "Ann, Bob, p0"),
        ([], ""),
    ],
)
def test_a_room_is_called_by_its_name_its_address_or_its_people(events: list[Json], title: str) -> None:
    """A few of them, and not us."""
    assert title == room(*events).title(US)


def test_encryption_cannot_be_taken_back() -> None:
    """Whatever a later event says."""
    assert room(*group(), state("m.room.encryption", {"algorithm": "x"}), state("m.room.encryption", {})).is_encrypted


def test_a_room_has_one_beginning() -> None:
    """A second first event changes nothing."""
    create = room(*group(), state("m.room.create", {"room_version": "1"}, sender="@bob:example.org")).create

    assert create is not None
    assert ("12", frozenset({ANN})) == (create.version, create.creators)
