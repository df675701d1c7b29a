"""Each message arrives once, whatever is cut off around its sending."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import Abilities, Refused, Reply, RoomFacts, RoomGone, RoomMoved, Stage, Unreachable
from bot.envelope import pack_reply
from bot.outbox import Parcel
from bot.state.queries import deliveries, rooms
from bot.state.tables import Delivery, Inbox
from config.texts import say
from tests.fakes.chat import FakeChat
from tests.fakes.flow import Flow, open_flow

KEYED = Abilities(is_idempotent=True, edit_interval_s=0.0)
PROBED = Abilities(can_probe=True, edit_interval_s=0.0)
PLAIN = Abilities(edit_interval_s=0.0)


def _parcel(flow: Flow, text: str, *, is_final: bool = True) -> Parcel:
    return Parcel(flow.room, Reply(text, reply_to="5"), "key", is_final=is_final)


async def _state(flow: Flow) -> Any:
    row = await flow.db.read(lambda session: deliveries.by_key(session, "key"))
    return row.state if row else None


async def test_the_same_key_is_sent_once(tmp_path: Path) -> None:
    """A second parcel with an ended key is dropped."""
    async with open_flow(tmp_path, runs=False) as flow:
        assert await flow.delivery.send(_parcel(flow, "one")) == "101"
        assert await flow.delivery.send(_parcel(flow, "two")) is None

        assert ["one"] == flow.chat.shown()


async def test_a_placeholder_becomes_the_final_text(tmp_path: Path) -> None:
    """The message of a key is edited until it has ended."""
    async with open_flow(tmp_path, runs=False) as flow:
        await flow.delivery.send(_parcel(flow, "looking", is_final=False))
        await flow.delivery.send(_parcel(flow, "done"))

        assert ["send", "edit"] == flow.chat.verbs
        assert ["done"] == flow.chat.shown()


async def test_the_text_is_forgotten_once_it_is_sent(tmp_path: Path) -> None:
    """A sent row holds ids only."""
    async with open_flow(tmp_path, runs=False) as flow:
        await flow.delivery.send(_parcel(flow, "one"))
        row = await flow.db.read(lambda session: deliveries.by_key(session, "key"))

        assert row is not None
        assert ("sent", None, "101") == (row.state, row.body_sealed, row.message)


@pytest.mark.parametrize("abilities", [KEYED, PROBED], ids=["by key", "by probing"])
@pytest.mark.parametrize("is_after", [True, False], ids=["answer lost", "request lost"])
async def test_an_interrupted_send_makes_one_message(tmp_path: Path, abilities: Abilities, *, is_after: bool) -> None:
    """Whether or not the first try arrived, one message stands there after the retry."""
    chat = FakeChat(abilities=abilities)
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        chat.fail("send", Unreachable("cut", may_have_happened=True), is_after=is_after)
        await flow.delivery.send(_parcel(flow, "one"))
        await flow.bring_out()

        assert ["one"] == chat.shown()
        assert "sent" == await _state(flow)


@pytest.mark.parametrize("abilities", [KEYED, PROBED], ids=["by key", "by probing"])
async def test_a_final_text_after_an_unclear_placeholder_replaces_it(tmp_path: Path, abilities: Abilities) -> None:
    """The placeholder arrived but its answer was lost: the final text lands in the same message."""
    chat = FakeChat(abilities=abilities)
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        chat.fail("send", Unreachable("cut", may_have_happened=True), is_after=True)
        await flow.delivery.send(_parcel(flow, "looking", is_final=False))
        await flow.delivery.send(_parcel(flow, "done"))
        await flow.bring_out()

        assert ["done"] == chat.shown()


async def test_where_nothing_can_tell_a_resend_is_marked(tmp_path: Path) -> None:
    """A network without keys and probing may show it twice, the second visibly so."""
    chat = FakeChat(abilities=PLAIN)
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        chat.fail("send", Unreachable("cut", may_have_happened=True), is_after=True)
        await flow.delivery.send(_parcel(flow, "one"))
        await flow.bring_out()

        first, second = chat.shown()
        assert "one" == first
        assert "second time" in second


async def test_what_surely_did_not_arrive_is_sent_without_a_mark(tmp_path: Path) -> None:
    """A refused connection is no reason for doubt."""
    chat = FakeChat(abilities=PLAIN)
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        chat.fail("send", Unreachable("refused"))
        await flow.delivery.send(_parcel(flow, "one"))
        await flow.bring_out()

        assert ["one"] == chat.shown()


async def test_a_message_for_another_binding_is_never_sent(tmp_path: Path) -> None:
    """The room was rebound between the answer and its retry."""
    async with open_flow(tmp_path, runs=False) as flow:
        bound = await flow.db.read(lambda session: rooms.binding_of(session, flow.room))
        assert bound is not None
        flow.chat.fail("send")
        await flow.delivery.send(replace(_parcel(flow, "one"), binding=bound[1]))
        await flow.db.write(
            lambda session: rooms.bind(session, flow.room, project=flow.project, bound_by=None, now=flow.clock())
        )
        await flow.bring_out()

        assert [] == flow.chat.shown()
        assert "given_up" == await _state(flow)


async def test_a_removed_placeholder_does_not_swallow_the_answer(tmp_path: Path) -> None:
    """Somebody deleted it; the final text comes as a message of its own."""
    async with open_flow(tmp_path, runs=False) as flow:
        await flow.delivery.send(_parcel(flow, "looking", is_final=False))
        flow.chat.messages.clear()
        await flow.delivery.send(_parcel(flow, "done"))

        assert ["done"] == flow.chat.shown()


async def test_a_refused_message_is_given_up(tmp_path: Path) -> None:
    """We may not write there: nothing is tried for ever."""
    async with open_flow(tmp_path, runs=False) as flow:
        flow.chat.fail("send", Refused("no rights"), times=2)

        assert await flow.delivery.send(_parcel(flow, "one")) is None
        assert "given_up" == await _state(flow)
        assert 0 == await flow.delivery.begin()


@pytest.mark.parametrize("abilities", [KEYED, PROBED], ids=["by key", "by probing"])
async def test_a_refused_text_is_told_where_its_placeholder_stands(tmp_path: Path, abilities: Abilities) -> None:
    """The network takes the text neither as an edit nor as a new message: the asker does not wait for ever."""
    chat = FakeChat(abilities=abilities)
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        placeholder = await flow.delivery.send(replace(_parcel(flow, "looking", is_final=False), purpose="answer"))
        chat.fail("edit", Refused("too much formatting"))
        chat.fail("send", Refused("too much formatting"))
        await flow.delivery.send(replace(_parcel(flow, "done"), purpose="answer"))

        assert [say("delivery.refused_answer", "en", network="Fake")] == chat.shown()
        assert [placeholder] == list(chat.messages)
        assert "sent" == await _state(flow)


async def test_a_refused_text_without_a_placeholder_is_told_in_a_new_message(tmp_path: Path) -> None:
    """A notice has none; people hear at least that something was to be said."""
    chat = FakeChat(abilities=PROBED)
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        chat.fail("send", Refused("too much formatting"))
        await flow.delivery.send(_parcel(flow, "one"))

        assert [say("delivery.refused", "en", network="Fake")] == chat.shown()


@pytest.mark.parametrize("abilities", [KEYED, PROBED], ids=["by key", "by probing"])
async def test_a_network_that_refuses_everything_is_not_asked_for_ever(tmp_path: Path, abilities: Abilities) -> None:
    """The text and the sentence in its place are each tried as an edit and as a message, and then no more."""
    chat = FakeChat(abilities=abilities)
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        await flow.delivery.send(_parcel(flow, "looking", is_final=False))
        for verb in ("edit", "send"):
            chat.fail(verb, Refused("closed"), times=9)
        await flow.delivery.send(_parcel(flow, "done"))

        assert "given_up" == await _state(flow)
        assert ["send", "edit", "send", "edit", "send"] == chat.verbs


async def test_later_messages_of_a_room_queue_behind_a_stuck_one(tmp_path: Path) -> None:
    """Order is kept over an outage."""
    async with open_flow(tmp_path, runs=False) as flow:
        flow.chat.fail("send")
        await flow.delivery.send(_parcel(flow, "one"))
        await flow.delivery.send(replace(_parcel(flow, "two"), key="key2"))
        assert [] == flow.chat.shown()
        flow.clock.pass_time(seconds=10)
        await flow.bring_out()

        assert ["one", "two"] == flow.chat.shown()


async def test_what_is_written_alongside_is_durable_with_the_message(tmp_path: Path) -> None:
    """If the extra write fails, nothing is recorded and nothing is sent."""
    async with open_flow(tmp_path, runs=False) as flow:

        async def fail(_session: Any) -> None:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await flow.delivery.send(_parcel(flow, "one"), alongside=fail)

        assert [] == flow.chat.shown()
        assert await _state(flow) is None


async def test_a_preview_that_fails_is_no_fault(tmp_path: Path) -> None:
    """It only says how long to leave the message alone."""
    async with open_flow(tmp_path, runs=False) as flow:
        message = await flow.delivery.send(_parcel(flow, "looking", is_final=False))
        room = await flow.db.read(lambda session: rooms.get(session, flow.room))
        assert room is not None
        assert message is not None
        flow.chat.fail("edit", Unreachable("flood", retry_after_s=7.0))
        preview = replace(_parcel(flow, "so far"), reply=Reply("so far", stage=Stage.PREVIEW))

        assert 7.0 == await flow.delivery.preview(room, message, preview)
        assert 0.0 == await flow.delivery.preview(room, message, preview)


async def test_a_text_of_another_version_is_given_up_and_the_next_goes_out(tmp_path: Path) -> None:
    """What cannot be read is not tried for ever and holds nothing up."""
    async with open_flow(tmp_path, runs=False) as flow:
        flow.chat.fail("send")
        await flow.delivery.send(_parcel(flow, "one"))
        await flow.delivery.send(replace(_parcel(flow, "two"), key="key2"))

        async def garble(session: Any) -> None:
            row = await deliveries.by_key(session, "key")
            assert row is not None
            deliveries.seal_body(row, '{"words": []}', flow.vault)

        await flow.db.write(garble)
        await flow.bring_out()

        assert "given_up" == await _state(flow)
        assert ["two"] == flow.chat.shown()


async def test_a_room_that_is_stuck_holds_no_other_room_up(tmp_path: Path) -> None:
    """However many messages wait for it, another room's are brought out when they are due."""
    async with open_flow(tmp_path, runs=False) as flow:

        async def many(session: Any) -> None:
            later = flow.clock().replace(year=2027)
            for number in range(600):
                row = Delivery(
                    id=f"d{number}", key=f"d{number}", room=flow.room, purpose="notice", binding=-1, state="pending",
                    not_before=later, created_at=flow.clock(),
                )  # fmt: skip
                deliveries.seal_body(row, pack_reply(Reply("late")), flow.vault)
                session.add(row)
            there = await rooms.ensure(
                session, flow.chat.message(0, "", room="there").room, RoomFacts("there", "group"), now=flow.clock()
            )
            row = Delivery(
                id="there", key="there", room=there.id, purpose="notice", binding=-1, state="pending",
                created_at=flow.clock().replace(year=2026, month=6, day=1, hour=13),
            )  # fmt: skip
            deliveries.seal_body(row, pack_reply(Reply("in time")), flow.vault)
            session.add(row)

        await flow.db.write(many)
        flow.conversation.spawn(flow.delivery.run(flow.conversation.spawn))
        await flow.chat.until("in time", room="there")

        assert [] == flow.chat.shown()


async def test_a_long_notice_goes_out_in_parts(tmp_path: Path) -> None:
    """Not only answers are long; what is recorded of each part is what is sent."""
    chat = FakeChat(abilities=replace(KEYED, max_chars=24))
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        await flow.delivery.send(_parcel(flow, "the first paragraph\n\nthe second one\n\nthe third"))
        keys = await flow.db.read(lambda session: deliveries.parts_of(session, "key"))

        assert ["the first paragraph", "the second one", "the third"] == chat.shown()
        assert ["key/002", "key/003"] == [row.key for row in keys]


async def test_an_answer_that_became_shorter_leaves_no_part_behind(tmp_path: Path) -> None:
    """As when its question was edited."""
    chat = FakeChat(abilities=replace(KEYED, max_chars=24))
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        await flow.delivery.send(_parcel(flow, "the first paragraph\n\nthe second one"))
        await flow.delivery.send(replace(_parcel(flow, "short"), reopens=True))

        assert ["short"] == chat.shown()


async def test_parts_wait_for_the_first(tmp_path: Path) -> None:
    """The placeholder cannot be edited just now: the rest of the answer does not come before its beginning."""
    chat = FakeChat(abilities=replace(PROBED, max_chars=24))
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        await flow.delivery.send(_parcel(flow, "looking", is_final=False))
        chat.fail("edit", Unreachable("flood", retry_after_s=5.0))
        await flow.delivery.send(_parcel(flow, "the first paragraph\n\nthe second one"))
        assert ["looking"] == chat.shown()
        await flow.bring_out()

        assert ["the first paragraph", "the second one"] == chat.shown()


async def test_a_room_that_is_gone_is_left_alone_until_we_are_back(tmp_path: Path) -> None:
    """What waited is given up, nothing more is tried, and a word said after our return is heard."""
    async with open_flow(tmp_path, runs=False) as flow:
        flow.chat.fail("send", RoomGone("blocked"))
        await flow.delivery.send(_parcel(flow, "one"))
        await flow.delivery.send(replace(_parcel(flow, "two"), key="key2"))
        assert (["send"], "given_up") == (flow.chat.verbs, await _state(flow))
        await flow.db.write(lambda session: rooms.set_silent(session, flow.room, is_silent=False))
        await flow.delivery.send(replace(_parcel(flow, "three"), key="key3"))

        assert ["three"] == flow.chat.shown()


@pytest.mark.parametrize("verb", ["send", "edit"])
async def test_a_room_that_moved_is_followed(tmp_path: Path, verb: str) -> None:
    """What could not be said in the old place is said in the new one, as a message of its own."""
    chat = FakeChat(abilities=PROBED)
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        if verb == "edit":
            await flow.delivery.send(_parcel(flow, "looking", is_final=False))
        chat.fail(verb, RoomMoved("upgraded", room="-1005"))
        await flow.delivery.send(_parcel(flow, "done"))
        room = await flow.db.read(lambda session: rooms.get(session, flow.room))

        assert ["done"] == chat.shown("-1005")
        assert room is not None
        assert "-1005" == room.native_id


async def test_a_slow_room_holds_no_other_room_up(tmp_path: Path) -> None:
    """While the network keeps one room waiting, what waits for another goes out."""
    async with open_flow(tmp_path) as flow:
        there = await flow.db.write(
            lambda session: rooms.ensure(
                session, flow.chat.message(0, "", room="there").room, RoomFacts("there", "group"), now=flow.clock()
            )
        )
        flow.chat.fail("send", times=2)
        await flow.delivery.send(_parcel(flow, "slow"))
        await flow.delivery.send(replace(_parcel(flow, "quick"), key="key2", room=there.id))
        gate = flow.chat.hold("send", room="room")
        flow.clock.pass_time(seconds=10)
        await flow.chat.until("quick", room="there")
        assert [] == flow.chat.shown()
        gate.set()
        await flow.chat.until("slow")


@pytest.mark.parametrize("abilities", [PROBED, replace(KEYED, can_probe=True)], ids=["probed", "looked for by its key"])
async def test_what_is_withdrawn_while_unclear_is_found_and_taken_back(tmp_path: Path, abilities: Abilities) -> None:
    """Nobody knows the placeholder's id, and yet it does not stay."""
    chat = FakeChat(abilities=abilities)
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        chat.fail("send", Unreachable("cut", may_have_happened=True), is_after=True)
        row = await flow.db.write(lambda session: _asked(session, flow))
        await flow.delivery.send(replace(_parcel(flow, "looking", is_final=False), purpose="answer", inbox=row))
        assert ["looking"] == chat.shown()
        room = await flow.db.read(lambda session: rooms.get(session, flow.room))
        assert room is not None
        await flow.delivery.withdraw(room, key="key", inbox_row=row)
        await flow.bring_out()

        assert [] == chat.shown()
        assert "given_up" == await _state(flow)


async def _asked(session: Any, flow: Flow) -> int:
    row = Inbox(
        network="fake", account="bot", event="e", native_key="k", kind="message", room=flow.room,
        received_at=flow.clock(), sent_at=flow.clock(),
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return int(row.id or 0)
