"""Replies go out once, edits into the message that stands, and small signs without any harm."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.chat import (
    Addressed,
    Button,
    EventId,
    Message,
    Refused,
    Reply,
    RoomAddress,
    RoomGone,
    Sender,
    Sent,
    Stage,
    Unreachable,
)
from adapters.matrix.faults import Flooded, TooLarge
from adapters.matrix.parts import parts
from adapters.matrix.posting import MARK, transaction_of
from adapters.matrix.sending import Sending
from adapters.matrix.surroundings import NETWORK, Surroundings
from tests.fakes.clockwork import Clockwork
from tests.fakes.notes import Notes
from tests.unit.adapters.matrix.homeserver import NOON, ROOM, USER, Homeserver, Spawned, settings

LOST = Unreachable("cut off", may_have_happened=True)
DOWN = Unreachable("cannot be reached")
BUTTONS = (
    (Button("Up", "up", "t"), Button("Down", "down", "t")),
    (Button("Check", "verify", "t"), Button("Again", "again", "t")),
)


class Desk:
    """A sending over a homeserver in memory. What is remembered outlives `restart`."""

    def __init__(self, **values: Any) -> None:
        self.server = Homeserver()
        self.notes = Notes()
        self.spawned = Spawned()
        self.ticks = Clockwork()
        self._settings = settings(**values)
        self.restart()

    def restart(self, device: str = "DEVICE", *, after: timedelta = timedelta(0)) -> None:
        """The program begins anew, some time later."""
        self.server.device = device
        self.server.now += after
        around = Surroundings(self.notes, self.spawned, None, None, clock=self.now)  # type: ignore[arg-type]
        self.sending = Sending(self.server, self.server, self._settings, around, ticks=self.ticks)

    def now(self) -> datetime:
        """The time of the program, which is the server's here."""
        return self.server.now

    async def send(self, text: str, key: str = "k", **more: Any) -> Sent:
        """Send a text in one part."""
        (part,) = parts(Reply(text, **more))
        return await self.sending.send(ROOM, part, key=key)

    async def edit(self, message: str, text: str, stage: Stage = Stage.FINAL) -> None:
        """Edit a message."""
        (part,) = parts(Reply(text, stage=stage))
        await self.sending.edit(ROOM, message, part, key=f"k/{text}")


async def test_a_reply_is_a_message_under_a_transaction_id_of_its_key() -> None:
    """The same for ever on a device, and carried by the event."""
    desk = Desk()
    sent = await desk.send("hello **you**", reply_to="$q")
    (content,) = desk.server.of_type("m.room.message")

    assert Sent("$0") == sent
    assert ("hello you", {"m.in_reply_to": {"event_id": "$q"}}) == (content["body"], content["m.relates_to"])
    assert transaction_of("DEVICE", "k") == content[MARK] == desk.server.paths("/send/")[0].rpartition("/")[2]
    assert transaction_of("DEVICE", "k") != transaction_of("OTHER", "k")
    assert {} == desk.notes.kept


async def test_in_an_encrypted_room_nothing_is_plain_but_the_mark() -> None:
    """It says nothing about the text, and lets the message be found by any device of ours."""
    desk = Desk()
    desk.server.encrypted.add(ROOM.room)
    await desk.send("a secret", reply_to="$q")
    await desk.edit("$0", "another secret")

    assert [] == desk.server.of_type("m.room.message")
    for content in desk.server.of_type("m.room.encrypted"):
        assert {"ciphertext", "m.relates_to", MARK} == set(content)
        assert "secret" not in str(content)


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


async def test_edits_replace_and_the_last_one_stands() -> None:
    """The same text again and a text that comes back, too: none is taken for an earlier one."""
    desk = Desk()
    sent = await desk.send("…", stage=Stage.WAITING)
    for text in ("a", "b", "a", "a"):
        await desk.edit(sent.message_id, text)

    assert ["a"] == desk.server.said()


async def test_a_final_text_for_a_message_that_was_taken_back_is_refused() -> None:
    """An edit of it would be seen by nobody; so whoever sends it sends it anew."""
    desk = Desk()
    sent = await desk.send("…", stage=Stage.WAITING)
    desk.server.take_back(sent.message_id)

    with pytest.raises(Refused):
        await desk.edit(sent.message_id, "the answer")
    with pytest.raises(Refused):
        await desk.edit("$unknown", "the answer")


async def test_a_preview_without_room_is_dropped_at_once() -> None:
    """Finals are what the last tokens are for."""
    desk = Desk(burst=4)
    sent = await desk.send("…", stage=Stage.WAITING)
    await desk.edit(sent.message_id, "first", Stage.PREVIEW)

    with pytest.raises(Unreachable) as caught:
        await desk.edit(sent.message_id, "second", Stage.PREVIEW)
    assert pytest.approx(5.0) == caught.value.retry_after_s
    assert not caught.value.may_have_happened
    await desk.edit(sent.message_id, "final")
    assert ["final"] == desk.server.said()


@pytest.mark.parametrize("is_answered", [True, False])
async def test_an_answer_that_has_ended_holds_no_room_any_more(*, is_answered: bool) -> None:
    """By its final text, or because it was taken back: previews of others go on."""
    desk = Desk(burst=8)
    ended, other = [await desk.send("…", key, stage=Stage.WAITING) for key in "ab"]
    if is_answered:
        await desk.edit(ended.message_id, "final")
    else:
        await desk.sending.delete(ROOM, ended.message_id)
    for text in ("first", "second"):
        await desk.edit(other.message_id, text, Stage.PREVIEW)

    assert "second" == desk.server.said()[-1]


async def test_a_message_is_edited_at_most_twenty_times() -> None:
    """Nineteen previews and the final text."""
    desk = Desk(rate_limited=False)
    sent = await desk.send("…", stage=Stage.WAITING)
    for number in range(19):
        await desk.edit(sent.message_id, str(number), Stage.PREVIEW)

    with pytest.raises(Refused, match="20 edits"):
        await desk.edit(sent.message_id, "more", Stage.PREVIEW)
    await desk.edit(sent.message_id, "final")
    assert 21 == len(desk.server.events)


async def test_a_preview_that_the_server_refuses_is_not_tried_again() -> None:
    """A newer one will come, when the server said that it may."""
    desk = Desk()
    sent = await desk.send("…", stage=Stage.WAITING)
    desk.server.fails.append(Flooded("wait", retry_after_s=3.0))
    with pytest.raises(Flooded):
        await desk.edit(sent.message_id, "preview", Stage.PREVIEW)
    assert ["…"] == desk.server.said()


async def test_what_is_taken_back_is_gone_and_twice_is_no_error() -> None:
    """Its transaction id is its own for ever."""
    desk = Desk()
    sent = await desk.send("hello")
    await desk.sending.delete(ROOM, sent.message_id)
    await desk.sending.delete(ROOM, sent.message_id)

    assert [] == desk.server.said()
    first, second = desk.server.paths("/redact/")
    assert first == second


async def test_reactions_come_under_a_final_text_where_nobody_limits_us() -> None:
    """Those of its buttons; they are plain also where all else is encrypted, as the protocol has it."""
    desk = Desk(rate_limited=False)
    desk.server.encrypted.add(ROOM.room)
    await desk.send("the answer", buttons=BUTTONS)
    await desk.spawned.finish()

    assert ["👍", "👎", "🔍"] == [content["m.relates_to"]["key"] for content in desk.server.of_type("m.reaction")]


async def test_a_limited_account_puts_up_no_reactions() -> None:
    """They would cost what answers need."""
    desk = Desk()
    await desk.send("the answer", buttons=BUTTONS)
    await desk.spawned.finish()

    assert [] == desk.server.of_type("m.reaction")


@pytest.mark.parametrize("error", [LOST, DOWN, Refused("there already"), RoomGone("gone"), Flooded("wait")])
async def test_a_reaction_never_fails(error: Any) -> None:
    """It is a favour."""
    desk = Desk()
    desk.server.fails.append(error)
    await desk.sending.react(ROOM, "$1", "👍")

    assert [] == desk.server.of_type("m.reaction")


async def test_a_placeholder_shows_that_we_write_and_a_final_text_that_we_have_written() -> None:
    """Not more often than it goes away."""
    desk = Desk()
    sent = await desk.send("…", stage=Stage.WAITING)
    await desk.edit(sent.message_id, "so far", Stage.PREVIEW)
    await desk.spawned.finish()
    await desk.edit(sent.message_id, "final")
    await desk.spawned.finish()
    typed = [body["typing"] for _, path, body in desk.server.calls if "/typing/" in path]

    assert [True, False] == typed


async def test_signs_never_fail() -> None:
    """A room that we left sees none, and a receipt that is refused is none."""
    desk = Desk()
    desk.server.left.add(ROOM.room)
    await desk.sending.typing(ROOM)
    desk.sending.took_up([said("$1")])
    await desk.spawned.finish()

    assert [] == desk.server.events


async def test_what_was_said_to_us_is_shown_as_read_once_it_is_stored() -> None:
    """The last of each room and thread; of what others say among themselves nothing is told."""
    desk = Desk()
    thread = replace(ROOM, thread="$root")
    desk.sending.took_up([said("$1"), said("$2"), said("$3", thread), said("$4", addressed=Addressed.AMBIENT)])
    await desk.spawned.finish()
    receipts = [(path.rpartition("/")[2], body) for _, path, body in desk.server.calls if "receipt" in path]

    assert [("%242", {"thread_id": "main"}), ("%243", {"thread_id": "$root"})] == receipts


def said(message: str, room: RoomAddress = ROOM, *, addressed: Addressed = Addressed.MENTION) -> Message:
    """Something that somebody said."""
    event, sender = EventId(NETWORK, USER, message), Sender(NETWORK, "@ann:example.org", "Ann")
    return Message(event, room, message, sender, "hello", NOON, addressed)
