"""What was cut off on its way is there once, and says so itself where a second one cannot be excluded."""

from datetime import timedelta

import pytest

from adapters.chat import (
    Refused,
    Reply,
    RoomGone,
    Sent,
    Unreachable,
)
from adapters.matrix.faults import TooLarge
from tests.unit.adapters.matrix.homeserver import ROOM
from tests.unit.adapters.matrix.sending_desk import DOWN, LOST, Desk


@pytest.mark.parametrize("loses", [True, False])
async def test_a_send_that_was_cut_off_is_one_message_when_it_is_sent_again(*, loses: bool) -> None:
    """Whether it had arrived or not, after a restart as before."""
    desk = Desk()
    (desk.server.loses if loses else desk.server.fails).append(LOST)
    with pytest.raises(Unreachable):
        await desk.send("once")
    desk.restart()
    sent = await desk.send("once")

    assert Sent("$0") == sent
    assert ["once"] == desk.server.said()
    assert {} == desk.notes.kept


@pytest.mark.parametrize("tells_ids", [True, False])
@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("device", ["DEVICE", "NEW"])
async def test_after_days_and_on_a_new_device_it_is_found_in_the_room(
    device: str, *, encrypted: bool, tells_ids: bool
) -> None:
    """Though the server has forgotten the transaction id, or it belonged to a device that is no more."""
    desk = Desk()
    desk.server.tells_ids = tells_ids
    if encrypted:
        desk.server.encrypted.add(ROOM.room)
    desk.server.loses.append(LOST)
    with pytest.raises(Unreachable):
        await desk.send("once")
    for number in range(150):
        desk.server.put(ROOM.room, "m.room.message", {"body": f"of others {number}"}, sender="@ann:example.org")
    desk.server.forgets = True
    desk.restart(device, after=timedelta(hours=47))
    sent = await desk.send("once")

    assert Sent("$0") == sent
    assert 151 == len(desk.server.events)


async def test_what_is_surely_not_there_is_sent_without_a_mark() -> None:
    """Looked for in vain, as far back as it could stand."""
    desk = Desk()
    desk.server.fails.append(LOST)
    with pytest.raises(Unreachable):
        await desk.send("once")
    desk.restart("NEW", after=timedelta(hours=20))
    await desk.send("once")

    assert ["once"] == desk.server.said()


async def test_where_it_cannot_be_told_the_second_says_that_it_may_be_one() -> None:
    """A room in which we said thousands of things since is not read to its end."""
    desk = Desk()
    desk.server.fails.append(LOST)
    with pytest.raises(Unreachable):
        await desk.send("once", language="de")
    for _ in range(2_100):
        desk.server.put(ROOM.room, "m.room.message", {"body": "x"})
    desk.restart(after=timedelta(hours=1))
    await desk.send("once", language="de")

    last = desk.server.said()[-1]
    assert last.endswith("\n\nonce")
    assert "vielleicht" in last.lower() or "womöglich" in last.lower() or "doppelt" in last.lower()


async def test_within_minutes_the_server_is_trusted_to_know_its_transaction_ids() -> None:
    """Also where the room cannot be read to its end: nothing is marked that surely is no second message."""
    desk = Desk()
    desk.server.loses.append(LOST)
    with pytest.raises(Unreachable):
        await desk.send("once")
    for _ in range(2_100):
        desk.server.put(ROOM.room, "m.room.message", {"body": "x"})
    desk.restart(after=timedelta(minutes=5))

    assert Sent("$0") == await desk.send("once")


async def test_within_minutes_nothing_is_marked() -> None:
    """One that never arrived either, though the room cannot be read to its end: the server knows the ids still."""
    desk = Desk()
    desk.server.fails.append(LOST)
    with pytest.raises(Unreachable):
        await desk.send("once")
    for _ in range(2_100):
        desk.server.put(ROOM.room, "m.room.message", {"body": "x"})
    desk.restart(after=timedelta(minutes=5))
    await desk.send("once")

    assert "once" == desk.server.said()[-1]


async def test_a_send_that_surely_never_left_leaves_no_note() -> None:
    """The next try need not look for it."""
    desk = Desk()
    desk.server.fails.append(DOWN)
    with pytest.raises(Unreachable):
        await desk.send("once")

    assert {} == desk.notes.kept
    await desk.send("once")
    assert [] == desk.server.paths("/messages")


async def test_a_doubt_outlives_a_try_that_never_left() -> None:
    """What was unclear before is unclear still."""
    desk = Desk()
    desk.server.loses.append(LOST)
    desk.server.fails.append(DOWN)
    desk.server.forgets = True
    for _ in range(2):
        with pytest.raises(Unreachable):
            await desk.send("once")

    assert ["once"] == desk.server.said() or desk.notes.kept
    await desk.send("once")
    assert ["once"] == desk.server.said()


async def test_notes_of_what_was_given_up_do_not_pile_up() -> None:
    """After some days nobody asks for them."""
    desk = Desk()
    desk.server.fails.append(LOST)
    with pytest.raises(Unreachable):
        await desk.send("old", key="old")
    desk.restart(after=timedelta(days=4))
    await desk.send("new", key="new")

    assert {} == desk.notes.kept


async def test_a_room_that_we_left_is_gone() -> None:
    """And the note with it."""
    desk = Desk()
    desk.server.left.add(ROOM.room)

    with pytest.raises(RoomGone):
        await desk.send("hello")
    assert {} == desk.notes.kept


async def test_an_event_that_is_too_large_says_what_was_expected() -> None:
    """In figures, for the log; `parts` never makes one."""
    desk = Desk()
    desk.server.fails.append(TooLarge("it is larger than the server takes"))

    with pytest.raises(Refused, match=r"at most 65536 bytes, got \d+"):
        await desk.send("hello")


async def test_a_find_without_a_try_finds_nothing_and_asks_nobody() -> None:
    """Before each try a note is made, so without one there was none."""
    desk = Desk()

    assert None is await desk.sending.find(ROOM, Reply("x"), key="k", after=None)
    assert [] == desk.server.calls


async def test_a_find_tells_where_a_lost_reply_stands() -> None:
    """Whatever it said."""
    desk = Desk()
    desk.server.loses.append(LOST)
    with pytest.raises(Unreachable):
        await desk.send("once")

    assert Sent("$0") == await desk.sending.find(ROOM, Reply("other"), key="k", after=None)
