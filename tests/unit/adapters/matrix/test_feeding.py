"""What the library gets of a sync."""

from pathlib import Path
from typing import Any

import pytest

from adapters.matrix.client import Client, KeyStore, Login
from adapters.matrix.feeding import Feeding
from adapters.matrix.received import Received

US, ANN, ROOM = "@us:x", "@ann:x", "!room"
Json = dict[str, Any]


def started(folder: Path) -> Client:
    """A client with a new device; no server is asked."""
    client = Client()
    client.open(Login("http://127.0.0.1:1", US, "DEVICE", "syt"))
    client.start(KeyStore(folder, "tests", "keys.db"))
    return client


def sync(token: str, state: list[Any], **rest: Any) -> Received:
    """A sync of one room."""
    return Received.read({"next_batch": token, "rooms": {"join": {ROOM: {"state": {"events": state}}}}, **rest})


def member(user: str, membership: Any = "join") -> Json:
    """An event that says whether somebody is in."""
    base = {"type": "m.room.member", "state_key": user, "sender": user, "event_id": f"${user}"}
    return {**base, "content": {"membership": membership}, "origin_server_ts": 1}


ENCRYPTED: Json = {
    "type": "m.room.encryption",
    "state_key": "",
    "sender": ANN,
    "event_id": "$encryption",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
    "origin_server_ts": 1,
}
CREATE_12: Json = {
    **ENCRYPTED,
    "type": "m.room.create",
    "content": {"room_version": "12", "predecessor": {"room_id": "!o"}},
}


async def test_the_library_knows_members_and_encryption_of_rooms_of_every_version(tmp_path: Path) -> None:
    """Its check of the first event of rooms of version 12 is wrong: it never sees it."""
    client = started(tmp_path)
    await Feeding(client.nio).take(sync("s1", [CREATE_12, member(US), member(ANN), ENCRYPTED]))
    room = client.nio.rooms[ROOM]
    await client.close()

    assert (True, {US, ANN}) == (bool(room.encrypted), set(room.users))


@pytest.mark.parametrize(
    "odd",
    [
        member(ANN, 7),
        member(ANN, {"a": 1}),
        {**member(ANN), "sender": 7},
        {**member(ANN), "origin_server_ts": "noon"},
        {**member(ANN), "state_key": 7},
        {**ENCRYPTED, "content": {"algorithm": []}},
        {"type": "m.room.member", "content": {}},
    ],
)
async def test_an_event_that_the_library_cannot_take_keeps_no_other_from_it(tmp_path: Path, odd: Json) -> None:
    """It would come again with every sync."""
    client = started(tmp_path)
    await Feeding(client.nio).take(sync("s1", [member(US), odd, member("@ben:x"), ENCRYPTED]))
    room = client.nio.rooms[ROOM]
    await client.close()

    assert bool(room.encrypted)
    assert {US, "@ben:x"} <= set(room.users)


@pytest.mark.parametrize(
    "letters",
    [
        {"events": [None, 7, {}, {"type": "m.room_key"}, {"type": "m.room.encrypted", "sender": 7, "content": []}]},
        {"events": {}},
        {"events": "many"},
        [],
        7,
    ],
)
async def test_odd_letters_between_devices_keep_nothing_from_it(tmp_path: Path, letters: Any) -> None:
    """Anybody can send us one."""
    client = started(tmp_path)
    await Feeding(client.nio).take(sync("s1", [member(US), ENCRYPTED], to_device=letters))
    users = set(client.nio.rooms[ROOM].users)
    await client.close()

    assert {US} == users


async def test_when_the_last_of_our_keys_was_taken_new_ones_are_due(tmp_path: Path) -> None:
    """The library passes over a count of 0, and nobody could open a channel to us any more."""
    client = started(tmp_path)
    client.nio.olm.account.shared = True
    feeding = Feeding(client.nio)
    await feeding.take(sync("s1", [], device_one_time_keys_count={"signed_curve25519": 50}))
    before = client.nio.should_upload_keys
    await feeding.take(sync("s2", [], device_one_time_keys_count={"signed_curve25519": 0}))
    after = client.nio.should_upload_keys
    await client.close()

    assert (False, True) == (bool(before), bool(after))


async def test_a_room_that_we_left_is_forgotten(tmp_path: Path) -> None:
    """And all of them before a sync that tells all of them."""
    client = started(tmp_path)
    feeding = Feeding(client.nio)
    await feeding.take(sync("s1", [member(US)]))
    await feeding.take(Received.read({"next_batch": "s2", "rooms": {"leave": {ROOM: {}}}}))
    left = dict(client.nio.rooms)
    await feeding.take(sync("s3", [member(US)]))
    feeding.forget_rooms()
    forgotten = dict(client.nio.rooms)
    await client.close()

    assert ({}, {}) == (left, forgotten)
