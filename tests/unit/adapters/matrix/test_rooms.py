"""What is asked about rooms and rights, and what is remembered of the answers."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from adapters.chat import Rights, RoomFacts, RoomGone, Unreachable
from adapters.matrix.client import part
from adapters.matrix.rooms import Rooms
from adapters.matrix.surroundings import Surroundings
from bot.state.vault import Vault
from tests.fakes.notes import Notes
from tests.unit.adapters.matrix.answering_server import AnsweringServer, Turns
from tests.unit.adapters.matrix.events import (
    ANN,
    BOB,
    HERE,
    NOON,
    NOON_MS,
    ROOM,
    US,
    direct,
    group,
    member,
    person,
    said,
    settings,
    state,
)

AT = f"GET /rooms/{part(ROOM)}/state"
POWER = f"{AT}/m.room.power_levels/"


def membership_of(user: str) -> str:
    """The question for somebody's membership."""
    return f"{AT}/m.room.member/{part(user)}"


class Knowing:
    """Rooms at a server of these answers, at a time that a test moves."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.server = AnsweringServer(answers)
        self.notes = Notes()
        self.now_s = 0.0
        around = Surroundings(
            self.notes, self._spawn, Path(), Vault([Fernet.generate_key().decode()]), clock=lambda: NOON
        )
        self.rooms = Rooms(self.server, settings(), around, clock_s=lambda: self.now_s)

    def _spawn(self, work: Any) -> None:
        work.close()
        raise AssertionError("nothing is done in the background here")


def knowing(**answers: Any) -> Knowing:
    """Rooms of a group of version 12 in which Bob has fifty."""
    usual = {
        AT: group(),
        POWER: {"users": {BOB: 50}},
        membership_of(ANN): {"membership": "join"},
        membership_of(BOB): {"membership": "join"},
    }
    return Knowing({**usual, **answers})


async def test_rights_are_asked_for_and_kept_a_minute() -> None:
    """The room's beginning never changes and is asked for once."""
    known = knowing()
    first = await known.rooms.rights(HERE, person(BOB, "Bob"))
    asked = list(known.server.asked)
    await known.rooms.rights(HERE, person(BOB, "Bob"))
    known.now_s = 61.0
    await known.rooms.rights(HERE, person(BOB, "Bob"))

    assert Rights(is_room_admin=True) == first
    assert [AT, membership_of(BOB), POWER] == asked
    assert [*asked, membership_of(BOB), POWER] == known.server.asked


@pytest.mark.parametrize(
    "raw", [state("m.room.power_levels", {}), member(BOB, "leave")], ids=["power levels", "membership"]
)
async def test_a_change_counts_at_once(raw: Any) -> None:
    """What was kept is dropped when the change is heard."""
    known = knowing(**{POWER: Turns({"users": {BOB: 50}}, {})})
    await known.rooms.rights(HERE, person(BOB, "Bob"))
    await known.rooms.look_up(known.rooms.new_reading(), ROOM, [raw])
    after = await known.rooms.rights(HERE, person(BOB, "Bob"))

    assert Rights(is_room_admin=False) == after


@pytest.mark.parametrize(
    ("answers", "rights"),
    [
        ({membership_of(ANN): {"membership": "leave"}}, Rights(is_room_admin=False, is_member=False)),
        ({membership_of(ANN): {}}, Rights(is_room_admin=False, is_member=False)),
        ({membership_of(ANN): []}, Rights(is_room_admin=False, is_member=False)),
        ({POWER: {}}, Rights(is_room_admin=True)),
        ({POWER: "x"}, Rights(is_room_admin=True)),
        ({AT: group(room_version="11"), POWER: {}}, Rights(is_room_admin=False)),
    ],
)
async def test_the_creators_rights_end_with_their_membership(answers: dict[str, Any], rights: Rights) -> None:
    """Since version 12 they need no level; before it they do."""
    assert rights == await knowing(**answers).rooms.rights(HERE, person(ANN, "Ann"))


async def test_a_room_that_is_gone_is_said_to_be() -> None:
    """And a server that describes a room in a way that nobody knows is as good as away."""
    gone, odd, headless = knowing(**{AT: RoomGone("out")}), knowing(**{AT: {}}), knowing(**{AT: []})

    with pytest.raises(RoomGone):
        await gone.rooms.describe(HERE)
    for known in (odd, headless):
        with pytest.raises(Unreachable):
            await known.rooms.rights(HERE, person(ANN, "Ann"))


async def test_a_room_is_described_as_it_is_now() -> None:
    """Each time anew; what was begun as a direct chat stays one."""
    known = knowing(**{AT: Turns(group(), [*direct(), state("m.room.name", {"name": "Ann and the bot"})])})
    first = await known.rooms.describe(HERE)
    known.rooms.invites.direct.add(ROOM)

    assert RoomFacts("Team", "group") == first
    assert RoomFacts("Ann and the bot", "private") == await known.rooms.describe(HERE)


async def test_a_room_that_was_encrypted_once_is_so_for_ever() -> None:
    """A server that hides it changes nothing."""
    known = knowing()
    known.notes.kept = {f"encrypted/{ROOM}": True}

    assert (await known.rooms.describe(HERE)).is_encrypted


async def test_notes_are_read_with_the_first_look() -> None:
    """Moves and ratings; those of long ago are forgotten, as is what cannot be read."""
    known = knowing()
    thumb = {"room": ROOM, "message": "$a", "sender": ANN, "value": 1, "sent_ms": NOON_MS, "gone_by": ""}
    old = {**thumb, "sent_ms": NOON_MS - int(timedelta(days=91).total_seconds()) * 1000}
    move = {"old": "!old", "new": ROOM, "event": "$s", "sender": ANN, "sent_ms": 1}
    known.notes.kept = {"reaction/$1": thumb, "reaction/$2": old, "reaction/$3": 5, "moved/!old": move}
    reading = known.rooms.new_reading()
    await known.rooms.look_up(reading, ROOM, [said("x")])

    assert {"reaction/$1", "moved/!old"} == set(known.notes.kept)
    assert ROOM == reading.moves["!old"].new
    assert reading.thumbs.get("$1") is not None
    assert US == reading.user
