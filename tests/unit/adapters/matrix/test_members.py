"""Who administers a room."""

from typing import Any

import pytest

from adapters.matrix import wire
from adapters.matrix.members import Create, administers, level_of, may_send_state, read_create
from tests.unit.adapters.matrix.events import ANN, BOB, state

CLEO = "@cleo:example.org"


def made(version: Any = "12", **content: Any) -> Create:
    """A room that Ann made."""
    event = wire.read(state("m.room.create", {"room_version": version, **content}))
    assert event is not None
    return read_create(event)


@pytest.mark.parametrize(
    ("create", "power", "users"),
    [
        (made("11"), {"users": {ANN: 100, BOB: 50}}, {ANN, BOB}),
        (made("11"), {"users": {BOB: 50}}, {BOB}),
        (made("12"), {"users": {BOB: 50}}, {ANN, BOB}),
        (made("12"), {}, {ANN}),
        (made("12", additional_creators=[CLEO, 5, "cleo"]), {"users": {BOB: 49}}, {ANN, CLEO}),
        (made("13"), {}, {ANN}),
        (made("org.matrix.hydra.11"), {}, {ANN}),
        (made("12"), None, {ANN}),
        (made("11"), None, {ANN}),
        (made("11", additional_creators=[CLEO]), {"users": {}}, set()),
        (made("unheard.of"), {"users": {BOB: 50}}, {BOB}),
        (made("unheard.of"), {}, set()),
        (made(["12"]), {}, set()),
        (made("11"), {"users_default": 50}, {ANN, BOB, CLEO}),
        (made("11"), {"users_default": 50, "users": {ANN: 0}}, {BOB, CLEO}),
        (made("11"), {"users": {BOB: 50}, "state_default": 0}, {BOB}),
        (made("11"), {"users": {BOB: 50, CLEO: 75}, "state_default": 75}, {CLEO}),
        (made("11"), {"state_default": 0}, set()),
    ],
)
def test_who_may_set_state_and_has_fifty_administers(
    create: Create, power: dict[str, Any] | None, users: set[str]
) -> None:
    """Since version 12 the creators stand above all levels, and are not among those who have one."""
    assert users == {user for user in (ANN, BOB, CLEO) if administers(user, power, create)}


@pytest.mark.parametrize(
    ("version", "value", "level"),
    [
        ("9", "50", 50),
        ("9", " 50 ", 50),
        ("9", "+50", 50),
        ("9", 50.9, 50),
        ("9", "fifty", 0),
        ("9", "9" * 400, 0),
        ("9", "1e3", 0),
        ("9", float("inf"), 0),
        ("9", float("nan"), 0),
        ("10", "50", 0),
        ("10", 50.0, 0),
        ("12", 10**400, 10**400),
        ("12", True, 0),
        ("12", None, 0),
        ("12", [50], 0),
        ("12", -5, -5),
        ("odd", "50", 0),
    ],
)
def test_a_level_that_cannot_be_read_gives_no_power(version: str, value: Any, level: float) -> None:
    """Old versions took texts and fractions."""
    assert level == level_of(BOB, {"users": {BOB: value}, "users_default": "x"}, made(version))


@pytest.mark.parametrize("power", [{"users": "x"}, {"users": [BOB]}, {"state_default": "x", "users": {BOB: 10**9}}])
def test_what_a_room_needs_and_cannot_be_read_nobody_has(power: dict[str, Any]) -> None:
    """Levels of another shape are no levels."""
    assert not administers(BOB, power, made("11"))


@pytest.mark.parametrize(
    ("power", "users"),
    [
        ({"users": {BOB: 50}}, {ANN, BOB}),
        ({"users": {BOB: 50}, "events": {"m.room.tombstone": 100}}, {ANN}),
        ({"users": {BOB: 50}, "events": {"m.room.tombstone": "x"}}, {ANN}),
        ({"state_default": 0}, {ANN, BOB, CLEO}),
        (None, {ANN}),
    ],
)
def test_who_may_close_a_room(power: dict[str, Any] | None, users: set[str]) -> None:
    """The level for a tombstone is its own, else that for state."""
    able = {user for user in (ANN, BOB, CLEO) if may_send_state(user, "m.room.tombstone", power, made("12"))}

    assert users == able
