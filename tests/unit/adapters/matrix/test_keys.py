"""Messages whose key is missing: kept, asked for, read when it comes, said once when it does not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.chat import RoomAddress, Unreachable, Unreadable
from adapters.matrix.faults import NotThere
from adapters.matrix.keys import KeyParts, Keys
from adapters.matrix.secrecy import Secrecy
from adapters.matrix.sharing import Sharing
from adapters.matrix.waiting import MOST_WAITING, Unread
from tests.fakes.matrix_devices import ANN, ROOM, US, Clock, Connection, Device
from tests.fakes.notes import Notes


@dataclass
class House:
    """Our device and Ann's, and what we remember."""

    us: Device
    ann: Device
    notes: Notes = field(default_factory=Notes)
    clock: Clock = field(default_factory=Clock)
    is_private: bool = True

    def __post_init__(self) -> None:
        self.server = Connection(self.us)
        self.server.says["/keys/query"] = {"device_keys": {ANN: {self.ann.name: self.ann.published}}}
        self.restart()

    def may_concern(self, _room: str, _event: Mapping[str, Any]) -> bool:
        """Whether it is a private chat."""
        return self.is_private

    def restart(self) -> None:
        """Begin anew with what was noted."""
        sharing = Sharing(self.server, clock=self.clock)
        secrecy = Secrecy(self.server, self.notes, sharing)
        self.keys = Keys(KeyParts(self.server, Unread(self.notes), secrecy, sharing, self, self.clock), wait_s=60)

    async def comes(self, event: dict[str, Any]) -> Any:
        """Have an event, which the server keeps for who fetches it."""
        self.server.events[event["event_id"]] = event
        return await self.keys.read(ROOM, event)

    async def late(self) -> list[str]:
        """The texts that can be read by now."""
        return [event["content"]["body"] for _, event in await self.keys.late()]

    async def told(self) -> list[tuple[str, str]]:
        """What is said, and of which event."""
        events = await self.keys.overdue()
        return [(event.reason, event.id.event) for event in events if isinstance(event, Unreadable)]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Nobody has a key of the other yet."""
    return House(Device(US, "OURS", tmp_path / "us"), Device(ANN, "ANNS", tmp_path / "ann"))


async def test_a_message_that_waits_is_read_when_its_key_comes(house: House) -> None:
    """It comes with its own event, and is forgotten once that is stored."""
    letter, event = house.ann.key_letter(house.us), house.ann.says("hello")
    assert await house.comes(event) is None
    house.us.reads(letter)

    ((room, found),) = await house.keys.late()
    await house.keys.acknowledged()

    assert (ROOM, event["event_id"], "hello", True) == (
        room,
        found["event_id"],
        found["content"]["body"],
        found["decrypted"],
    )
    assert ([], {}) == (await house.late(), await house.notes.under("waiting/"))


async def test_it_is_read_after_a_restart_too_and_days_later(house: House) -> None:
    """What waits is on the disk."""
    letter = house.ann.key_letter(house.us)
    await house.comes(house.ann.says("hello"))
    house.restart()
    house.clock.move(5 * 24 * 3_600)
    await house.told()
    await house.keys.acknowledged()
    house.us.reads(letter)
    house.restart()

    assert ["hello"] == await house.late()


async def test_it_comes_again_until_it_is_stored(house: House) -> None:
    """A batch that failed is read anew."""
    letter = house.ann.key_letter(house.us)
    await house.comes(house.ann.says("hello"))
    house.us.reads(letter)

    assert ["hello"] == await house.late() == await house.late()


async def test_messages_come_late_in_the_order_in_which_they_were_written(house: House) -> None:
    """As if nothing had been."""
    letter = house.ann.key_letter(house.us)
    for text in ("one", "two", "three"):
        await house.comes(house.ann.says(text))
    house.us.reads(letter)

    assert ["one", "two", "three"] == await house.late()


async def test_a_message_that_was_taken_back_meanwhile_waits_no_longer(house: House) -> None:
    """Nor does one that the server does not give any more."""
    letter = house.ann.key_letter(house.us)
    redacted, gone = house.ann.says("one"), house.ann.says("two")
    await house.comes(redacted)
    await house.comes(gone)
    house.us.reads(letter)
    house.server.events[redacted["event_id"]] = {**redacted, "content": {}}
    house.server.events[gone["event_id"]] = NotThere("gone")

    assert ([], {}) == (await house.late(), await house.notes.under("waiting/"))


async def test_a_server_that_does_not_answer_costs_no_message(house: House) -> None:
    """It is fetched a minute later."""
    letter, event = house.ann.key_letter(house.us), house.ann.says("hello")
    await house.comes(event)
    house.us.reads(letter)
    house.server.events[event["event_id"]] = Unreachable("no")
    before = await house.late()
    house.server.events[event["event_id"]] = event
    house.clock.move(61)

    assert ([], ["hello"]) == (before, await house.late())


async def test_after_the_grace_it_is_said_once(house: House) -> None:
    """Not sooner, not for the next message, and not after a restart."""
    first, second = house.ann.says("one"), house.ann.says("two")
    await house.comes(first)
    house.clock.move(59)
    sooner = await house.told()
    house.clock.move(1)
    told, again = await house.told(), await house.told()
    await house.keys.acknowledged()
    await house.comes(second)
    house.clock.move(100)
    later = await house.told()
    await house.keys.acknowledged()
    house.restart()

    expected = [("no_key", f"{first['event_id']}/unreadable")]
    assert ([], expected, expected, [], []) == (sooner, told, again, later, await house.told())


async def test_it_is_said_again_once_reading_had_worked(house: House) -> None:
    """Then it is news."""
    await house.comes(house.ann.says("one"))
    house.clock.move(60)
    await house.told()
    await house.keys.acknowledged()
    house.ann.rotate()
    house.us.reads(house.ann.key_letter(house.us))
    assert await house.comes(house.ann.says("two")) is not None
    house.ann.rotate()
    third = house.ann.says("three")
    await house.comes(third)
    house.clock.move(60)

    assert [("no_key", f"{third['event_id']}/unreadable")] == await house.told()


async def test_the_notice_goes_where_the_message_was(house: House) -> None:
    """Into its thread, if it was in one."""
    event = house.ann.says("one")
    event["content"]["m.relates_to"] = {"rel_type": "m.thread", "event_id": "$root"}
    await house.comes(event)
    house.clock.move(60)

    (told,) = await house.keys.overdue()

    assert RoomAddress("matrix", US, ROOM, "$root") == told.room


async def test_in_a_group_nobody_is_told_of_what_was_hardly_for_us(house: House) -> None:
    """It waits all the same, and counts."""
    house.is_private = False
    await house.comes(house.ann.says("to somebody else"))
    house.clock.move(60)

    assert ([], 1) == (await house.told(), house.keys.lately())


@pytest.mark.parametrize("content", [{}, {"session_id": None}])
async def test_a_key_that_is_withheld_is_said_so(house: House, content: dict[str, Any]) -> None:
    """The sender can do something about it: their program does not trust our device. One notice may be of all keys."""
    event = house.ann.says("one")
    about = {"room_id": ROOM, "session_id": house.ann.session_id()} if not content else {}
    notice = {"algorithm": "m.megolm.v1.aes-sha2", "code": "m.unverified", **about}
    house.us.reads({"type": "m.room_key.withheld", "sender": ANN, "content": notice})
    await house.comes(event)
    house.clock.move(60)

    assert [("withheld", f"{event['event_id']}/unreadable")] == await house.told()


@pytest.mark.parametrize("code", ["m.unavailable", "m.no_olm", "m.unauthorised", ""])
async def test_a_key_that_is_missing_for_another_reason_than_distrust_is_said_to_be_missing(
    house: House, code: str
) -> None:
    """To have our device signed would not help then."""
    event = house.ann.says("one")
    notice = {"algorithm": "m.megolm.v1.aes-sha2", "code": code, "room_id": ROOM, "session_id": house.ann.session_id()}
    house.us.reads({"type": "m.room_key.withheld", "sender": ANN, "content": notice})
    await house.comes(event)
    house.clock.move(60)

    assert [("no_key", f"{event['event_id']}/unreadable")] == await house.told()


async def test_what_comes_with_the_first_sync_of_a_new_device_was_written_before_it(house: House) -> None:
    """Whatever the clocks say. Of what comes with the next one, the key should have come too."""
    await house.keys.begin("OURS")
    first, second = house.ann.says("one"), {**house.ann.says("two"), "sender": "@bob:example.org"}
    await house.comes(first)
    await house.keys.acknowledged()
    await house.comes(second)
    house.clock.move(60)
    told = await house.told()
    house.restart()
    await house.keys.begin("OURS")

    assert [("before_us", f"{first['event_id']}/unreadable"), ("no_key", f"{second['event_id']}/unreadable")] == told
    assert told == await house.told()


async def test_with_encryption_off_it_is_said_at_once(house: House) -> None:
    """Once in the room."""
    first, second = house.ann.says("one"), house.ann.says("two")
    house.us.nio.olm = cast("Any", None)
    await house.comes(first)
    await house.comes(second)

    assert [("unencryptable", f"{first['event_id']}/unreadable")] == await house.told()


async def test_a_key_is_asked_for_once_of_the_device_that_made_it(house: House) -> None:
    """After a moment, in which it mostly comes by itself."""
    await house.comes(house.ann.says("one"))
    await house.comes(house.ann.says("two"))
    await house.keys.ask_for_keys()
    sooner = len(house.us.machine.outgoing_to_device_messages)
    house.clock.move(5)
    await house.keys.ask_for_keys()
    await house.keys.ask_for_keys()

    (letter,) = house.us.machine.outgoing_to_device_messages
    assert (0, ANN, "ANNS", house.ann.session_id()) == (
        sooner,
        letter.recipient,
        letter.recipient_device,
        letter.session_id,
    )


async def test_a_key_that_is_sent_anew_on_our_asking_is_taken_from_its_maker_only(house: House, tmp_path: Path) -> None:
    """Somebody else could have us read what was never written."""
    bob = Device("@bob:example.org", "BOBS", tmp_path / "bob")
    house.us.knows(house.ann, bob)
    house.ann.key_letter(house.us)  # it is lost on the way
    await house.comes(house.ann.says("hello"))
    house.clock.move(5)
    await house.keys.ask_for_keys()
    (letter,) = house.us.machine.outgoing_to_device_messages
    house.us.machine._mark_to_device_message_as_sent(letter)
    session = house.ann.machine.inbound_group_store.get(
        ROOM, house.ann.machine.account.identity_keys["curve25519"], house.ann.session_id()
    )
    assert session is not None
    content = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "room_id": ROOM,
        "session_id": session.id,
        "session_key": session.export_session(0),
        "sender_key": session.sender_key,
        "sender_claimed_ed25519_key": session.ed25519,
        "forwarding_curve25519_key_chain": [],
    }

    house.us.reads(bob.letter(house.us, "m.forwarded_room_key", content))
    from_bob = await house.late()
    house.us.reads(house.ann.letter(house.us, "m.forwarded_room_key", content))

    assert ([], ["hello"]) == (from_bob, await house.late())


async def test_of_very_many_the_oldest_are_let_go(house: House) -> None:
    """So that nobody fills the disk."""
    for number in range(MOST_WAITING + 3):
        event = {**_EVENT, "event_id": f"${number}", "origin_server_ts": number}
        await house.keys.read(ROOM, event)

    kept = await house.notes.under("waiting/")
    assert (MOST_WAITING, False, True) == (len(kept), "waiting/$2" in kept, "waiting/$3" in kept)


async def test_after_two_weeks_a_message_is_let_go(house: House) -> None:
    """With the next one that waits."""
    await house.comes(house.ann.says("one"))
    house.clock.move(15 * 24 * 3_600)
    second = house.ann.says("two")
    await house.comes(second)

    assert {f"waiting/{second['event_id']}"} == set(await house.notes.under("waiting/"))


@pytest.mark.parametrize(
    "odd",
    [
        {"content": {}},
        {"content": {"algorithm": "m.olm.v1.curve25519-aes-sha2"}},
        {"content": {"algorithm": "m.megolm.v1.aes-sha2", "session_id": 5}},
        {"content": {"algorithm": "m.megolm.v1.aes-sha2", "session_id": "s", "m.relates_to": []}},
        {"event_id": None},
        {"sender": 7},
        {"origin_server_ts": "soon"},
        {"origin_server_ts": 10**30},
        {"origin_server_ts": -5},
    ],
)
async def test_an_odd_event_stops_nothing(house: House, odd: dict[str, Any]) -> None:
    """It waits, or it does not."""
    assert await house.keys.read(ROOM, {**_EVENT, **odd}) is None
    house.clock.move(60)
    await house.told()
    await house.keys.acknowledged()

    assert [] == await house.late()


async def test_our_own_messages_do_not_wait(house: House) -> None:
    """We know what we said."""
    assert await house.keys.read(ROOM, {**_EVENT, "sender": US}) is None
    assert {} == await house.notes.under("waiting/")


_EVENT: dict[str, Any] = {
    "type": "m.room.encrypted",
    "sender": ANN,
    "event_id": "$odd",
    "origin_server_ts": 1,
    "content": {
        "algorithm": "m.megolm.v1.aes-sha2",
        "session_id": "s",
        "sender_key": "k",
        "device_id": "D",
        "ciphertext": "!",
    },
}
