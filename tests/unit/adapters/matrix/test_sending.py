"""Replies go out, edits into the message that stands, and small signs without any harm."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.chat import (
    Addressed,
    EventId,
    Message,
    Refused,
    RoomAddress,
    RoomGone,
    Sender,
    Sent,
    Stage,
    Unreachable,
)
from adapters.matrix.faults import Flooded
from adapters.matrix.posting import MARK, transaction_of
from adapters.matrix.surroundings import NETWORK
from tests.unit.adapters.matrix.homeserver import NOON, ROOM, USER
from tests.unit.adapters.matrix.sending_desk import BUTTONS, DOWN, LOST, Desk


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
