"""Nothing leaves in plain into a room that is encrypted, or ever was."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.chat import ChatError, Refused, RoomGone, Unreachable
from adapters.matrix.faults import Flooded, NotThere
from adapters.matrix.secrecy import Secrecy
from tests.fakes.notes import Notes

ROOM = "!room:example.org"
TEXT = {"msgtype": "m.text", "body": "a secret"}


@dataclass
class Rooms:
    """A server, and a library, as far as they know whether the room is encrypted. `fails` is raised instead."""

    is_encrypted: bool = False
    hides_it: bool = False
    fails: ChatError | None = None
    library_knows: bool = False
    was_seen: bool = False
    asked: list[str] = field(default_factory=list)
    pause: asyncio.Event | None = None

    async def call(self, _method: str, path: str, _body: Any = None) -> Any:
        """Answer about the room's state, as it is when the answer is made."""
        self.asked.append(path)
        if self.fails is not None:
            raise self.fails
        says = self.is_encrypted and not self.hides_it
        self.was_seen |= says
        if self.pause is not None:
            await self.pause.wait()
        if not says:
            raise NotThere("it is not there")
        return {"algorithm": "m.megolm.v1.aes-sha2"}

    def knows_encrypted(self, _room: str) -> bool:
        """What the library knows."""
        return self.library_knows

    async def encrypted(self, _room: str, _event_type: str, _content: Mapping[str, Any]) -> dict[str, Any]:
        """Something that shows nothing."""
        await asyncio.sleep(0)
        return {"ciphertext": "…"}


async def test_a_plain_room_gets_plain_text() -> None:
    """The server is asked each time, since encryption may be switched on at any moment."""
    rooms = Rooms()
    secrecy = Secrecy(rooms, Notes(), rooms)

    sent = [await secrecy.outgoing(ROOM, "m.room.message", TEXT) for _ in range(2)]

    assert [("m.room.message", TEXT)] * 2 == sent
    assert ["/rooms/%21room%3Aexample.org/state/m.room.encryption/"] * 2 == rooms.asked


async def test_encryption_that_is_switched_on_between_two_messages_holds_for_the_second() -> None:
    """As between a placeholder and its answer."""
    rooms = Rooms()
    secrecy = Secrecy(rooms, Notes(), rooms)
    await secrecy.outgoing(ROOM, "m.room.message", TEXT)
    rooms.is_encrypted = True

    kind, content = await secrecy.outgoing(ROOM, "m.room.message", TEXT)

    assert ("m.room.encrypted", {"ciphertext": "…"}) == (kind, content)


async def test_a_server_that_hides_after_a_restart_what_it_showed_is_not_believed() -> None:
    """The note outlives the program, and nothing is asked where it stands."""
    rooms, notes = Rooms(is_encrypted=True), Notes()
    await Secrecy(rooms, notes, rooms).must_encrypt(ROOM)
    rooms.hides_it, rooms.asked = True, []

    assert await Secrecy(rooms, notes, rooms).must_encrypt(ROOM)
    assert [] == rooms.asked


async def test_what_the_library_has_seen_counts_when_the_server_hides_it() -> None:
    """Its store remembers rooms too."""
    rooms = Rooms(is_encrypted=True, hides_it=True, library_knows=True)

    assert await Secrecy(rooms, Notes(), rooms).must_encrypt(ROOM)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Unreachable("no answer", may_have_happened=True), Unreachable),
        (Flooded("wait", retry_after_s=2.0), Flooded),
        (NotThere("the server does not know this call", is_known=False), Unreachable),
        (RoomGone("not in the room"), RoomGone),
        (Refused("no right"), Refused),
    ],
)
async def test_what_cannot_be_known_is_not_sent(fault: ChatError, kind: type[ChatError]) -> None:
    """And it is an error of something that has not happened, so it is tried again without a second message."""
    rooms = Rooms(fails=fault)

    with pytest.raises(kind) as raised:
        await Secrecy(rooms, Notes(), rooms).outgoing(ROOM, "m.room.message", TEXT)

    assert not getattr(raised.value, "may_have_happened", False)


async def test_with_encryption_off_an_encrypted_room_gets_nothing() -> None:
    """Neither plain nor otherwise."""
    rooms = Rooms(is_encrypted=True)

    with pytest.raises(Refused, match=r"matrix\.encryption is off"):
        await Secrecy(rooms, Notes(), None).outgoing(ROOM, "m.room.message", TEXT)


async def test_a_reaction_is_plain_everywhere() -> None:
    """The protocol has it so: who must keep an answer secret from the server cannot have thumbs kept from it."""
    rooms = Rooms(is_encrypted=True)
    reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$a", "key": "👍"}}

    assert ("m.reaction", reaction) == await Secrecy(rooms, Notes(), rooms).outgoing(ROOM, "m.reaction", reaction)


async def test_a_note_that_comes_while_the_server_is_asked_counts() -> None:
    """The sync may see the event that the answer, on its way already, does not know of."""
    rooms = Rooms(pause=asyncio.Event())
    secrecy = Secrecy(rooms, Notes(), rooms)
    sending = asyncio.ensure_future(secrecy.outgoing(ROOM, "m.room.message", TEXT))
    await asyncio.sleep(0)
    await secrecy.note(ROOM)
    assert rooms.pause is not None
    rooms.pause.set()

    assert "m.room.encrypted" == (await sending)[0]


@dataclass
class Storm:
    """What befalls a room in an order that a seed decides; `leaks` counts plain texts sent though it had been seen."""

    fate: random.Random
    rooms: Rooms = field(default_factory=Rooms)
    notes: Notes = field(default_factory=Notes)
    leaks: int = 0
    sent: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew with what was noted, now and then with encryption off."""
        self.rooms.library_knows = False
        self.secrecy = Secrecy(self.rooms, self.notes, self.rooms if self.fate.random() < 0.9 else None)

    def change(self) -> None:
        """Switch encryption on at last, hide it, show it, break or mend the server."""
        self.rooms.is_encrypted |= self.fate.random() < 0.05
        self.rooms.hides_it = self.fate.random() < 0.5
        self.rooms.fails = self.fate.choice([None, None, Unreachable("no"), NotThere("what?", is_known=False)])

    async def send(self) -> None:
        """Send something, and count it when it is plain and must not be."""
        was_seen = self.rooms.was_seen
        try:
            kind, _ = await self.secrecy.outgoing(ROOM, "m.room.message", TEXT)
        except ChatError:
            return
        self.sent += 1
        self.leaks += was_seen and kind != "m.room.encrypted"


@pytest.mark.parametrize("seed", range(20))
async def test_in_no_order_of_things_does_plain_text_leave_once_encryption_was_there_to_be_seen(seed: int) -> None:
    """300 steps each, three senders at once."""
    storm = Storm(random.Random(seed))

    for _ in range(300):
        step = storm.fate.randrange(6)
        if step == 0:
            storm.restart()
        elif step == 1:
            storm.change()
        else:
            await asyncio.gather(*(storm.send() for _ in range(3)))

    assert 0 == storm.leaks
    assert storm.sent > 100


async def test_a_note_that_could_not_be_kept_is_tried_again() -> None:
    """Nothing is sent before it is kept: after a restart nobody would know."""

    class Full(Notes):
        is_full = True

        async def put(self, key: str, value: Any) -> None:
            if self.is_full:
                raise OSError("disk full")
            await super().put(key, value)

    rooms, notes = Rooms(is_encrypted=True), Full()
    secrecy = Secrecy(rooms, notes, rooms)
    with pytest.raises(OSError, match="disk full"):
        await secrecy.note(ROOM)
    notes.is_full = False
    await secrecy.note(ROOM)

    assert {f"encrypted/{ROOM}": True} == notes.kept
