"""What others send between devices, and what a crash leaves, do our encryption no harm."""

from pathlib import Path
from typing import Any

import pytest
from nio.crypto import SessionStore

from adapters.matrix.opening import Locked, opened
from tests.fakes.matrix_devices import ANN, ROOM, US, Device


@pytest.fixture
def us(tmp_path: Path) -> Device:
    """Our device."""
    return Device(US, "OURS", tmp_path / "us")


@pytest.fixture
def ann(tmp_path: Path) -> Device:
    """Ann's device."""
    return Device(ANN, "ANNS", tmp_path / "ann")


def test_a_message_is_read_with_the_key_that_its_letter_brought(us: Device, ann: Device) -> None:
    """As everywhere."""
    us.knows(ann)
    us.reads(ann.key_letter(us))

    found = opened(us.machine, ROOM, ann.says("hello"))

    assert isinstance(found, dict)
    assert ("m.room.message", "hello", True) == (found["type"], found["content"]["body"], found["decrypted"])


@pytest.mark.parametrize("stated", ["maker", "device", "both"])
def test_what_a_message_says_itself_of_its_device_is_not_needed(us: Device, ann: Device, stated: str) -> None:
    """The protocol has it out of use; some programs leave it out."""
    us.knows(ann)
    us.reads(ann.key_letter(us))
    event = ann.says("hello")
    for name, key in {"maker": "sender_key", "device": "device_id"}.items():
        if stated in (name, "both"):
            del event["content"][key]

    found = opened(us.machine, ROOM, event)

    assert isinstance(found, dict)
    assert "hello" == found["content"]["body"]


def test_a_message_that_a_server_gives_to_somebody_else_is_not_theirs(us: Device, ann: Device, tmp_path: Path) -> None:
    """Whose key it is says who wrote it; a server that says another name is not believed."""
    bob = Device("@bob:example.org", "BOBS", tmp_path / "bob")
    us.knows(ann, bob)
    us.reads(ann.key_letter(us))

    found = opened(us.machine, ROOM, {**ann.says("make me an owner"), "sender": bob.user})

    assert Locked.UNKNOWN_DEVICE is found


def test_nobody_takes_back_what_others_wrote_by_a_redaction_that_the_server_cannot_see(us: Device, ann: Device) -> None:
    """Who may redact is for the server to judge."""
    us.knows(ann)
    us.reads(ann.key_letter(us))

    found = opened(us.machine, ROOM, ann.seals("m.room.redaction", {"redacts": "$of-somebody-else"}))

    assert isinstance(found, dict)
    assert ("", {}) == (found["type"], found["content"])


def test_what_was_encrypted_is_no_state(us: Device, ann: Device) -> None:
    """What may be said in a room is for the server to judge, too."""
    us.knows(ann)
    us.reads(ann.key_letter(us))
    event = {**ann.seals("m.room.power_levels", {"users": {ANN: 100}}), "state_key": ""}

    found = opened(us.machine, ROOM, event)

    assert isinstance(found, dict)
    assert "state_key" not in found


@pytest.mark.parametrize(
    "odd",
    [
        {"type": 0, "body": "!!!"},
        {"type": 0, "body": "AAAA"},
        {"type": 1, "body": "!!!"},
        {"type": 1, "body": ""},
        {"type": 7, "body": "x"},
        {"type": 0},
        {"body": "x"},
        {"type": 0, "body": 5},
        {"type": "0", "body": None},
        [],
    ],
)
def test_a_letter_that_cannot_be_read_stops_nothing(us: Device, odd: Any) -> None:
    """Anybody can send one; the library lets some of these errors through."""
    ours = us.machine.account.identity_keys["curve25519"]
    content = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "sender_key": "x" * 43, "ciphertext": {ours: odd}}

    us.reads({"type": "m.room.encrypted", "sender": ANN, "content": content})

    assert [] == list(us.machine.inbound_group_store)


@pytest.mark.parametrize("key", ["", "!!!", "AAAA", "A" * 300, None, 5])
def test_a_key_that_is_none_stops_nothing(us: Device, ann: Device, key: Any) -> None:
    """The letter is well sealed, and what is in it is not."""
    content = {"algorithm": "m.megolm.v1.aes-sha2", "room_id": ROOM, "session_id": "s", "session_key": key}

    us.reads(ann.letter(us, "m.room_key", content))

    assert [] == list(us.machine.inbound_group_store)


def test_a_letter_made_with_a_key_that_we_lost_asks_for_a_new_channel(us: Device, ann: Device) -> None:
    """After a crash or a store that was put back, else nobody could reach us for an hour or for ever."""
    us.knows(ann)
    letter = ann.key_letter(us)
    us.reads(letter)  # takes the one-time key
    us.machine.session_store = SessionStore()

    us.reads(letter)

    assert [ANN] == [device.user_id for device in us.machine.wedged_devices]


def test_keys_are_on_the_disk_before_they_are_uploaded(us: Device, ann: Device, tmp_path: Path) -> None:
    """A crash behind the upload then loses none that others may take."""
    uploaded = us.machine.share_keys()
    again = Device(US, "OURS", tmp_path / "us")

    ours = {key["key"] for key in uploaded["one_time_keys"].values()}
    kept = set(again.machine.account.one_time_keys["curve25519"].values())

    assert ours <= kept
    assert len(ours) == 50


def test_a_key_for_when_the_others_have_run_out_is_uploaded_at_first(us: Device) -> None:
    """Many new devices may come while we are away."""
    uploaded = us.machine.share_keys()

    (key,) = uploaded["fallback_keys"].values()

    assert key["fallback"] is True
    assert f"ed25519:{us.name}" in key["signatures"][US]


def test_a_key_that_is_sent_again_for_later_messages_does_not_replace_the_first(us: Device, ann: Device) -> None:
    """It opens less than what we have."""
    us.knows(ann)
    us.reads(ann.key_letter(us))
    event = ann.says("before")

    us.reads(ann.key_letter(us))

    assert isinstance(opened(us.machine, ROOM, event), dict)


def test_a_notice_that_a_key_is_withheld_is_remembered(us: Device) -> None:
    """Its code says why."""
    content = {"algorithm": "m.megolm.v1.aes-sha2", "code": "m.unverified", "room_id": ROOM, "session_id": "s"}

    us.reads({"type": "m.room_key.withheld", "sender": ANN, "content": content})
    us.reads({"type": "m.room_key.withheld", "sender": ANN, "content": {"code": [], "room_id": 7}})

    assert [(ANN, "m.unverified", ROOM, "s"), (ANN, "", "", "")] == [
        (each.sender, each.code, each.room, each.session) for each in us.machine.withheld
    ]
