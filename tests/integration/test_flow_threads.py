"""Threads as conversations: a thread is one, a reply outside of threads goes on with its own, and answers stay there."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import Abilities, Addressed, Deleted, Edited, EventId, Message, Pressed, RoomAddress, RoomFacts
from bot.state.queries import deliveries, rooms, turns
from tests.fakes.chat import NOON, FakeChat
from tests.fakes.flow import Flow, open_flow

TYPING = Abilities(is_idempotent=True, edit_interval_s=0.0, has_buttons=False, command_sign="!")
GROUP = RoomAddress("fake", "bot", "group")


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A running flow with a bound group, on a network without buttons."""
    async with open_flow(tmp_path, chat=FakeChat(abilities=TYPING)) as opened:
        opened.chat.facts["group"] = RoomFacts("group", "group")

        async def bind(session: Any) -> None:
            room = await rooms.ensure(session, GROUP, RoomFacts("group", "group"), now=opened.clock())
            await rooms.bind(session, room.id, project=opened.project, bound_by=None, now=opened.clock())

        await opened.db.write(bind)
        yield opened


def _message(flow: Flow, number: int, text: str, *, thread: str | None = None, **more: Any) -> Message:
    addressed = more.pop("addressed", Addressed.THREAD if thread else Addressed.MENTION)
    said = flow.chat.message(number, text, addressed=addressed, **more)
    return replace(said, room=replace(GROUP, thread=thread))


async def _ask(flow: Flow, number: int, text: str, **more: Any) -> None:
    await flow.receive(_message(flow, number, text, **more))
    await flow.idle()
    flow.clock.pass_time(seconds=1)


def _history(flow: Flow) -> list[tuple[str, list[str]]]:
    """Each question with those that stood before it in its conversation."""
    return [(asked.text, [one.question for one in asked.history]) for asked in flow.answering.asked]


async def _threads(flow: Flow) -> list[str | None]:
    """The threads of our messages that stand, in their order."""

    async def read(session: Any) -> list[str | None]:
        room = await rooms.at(session, "fake", "bot", "group")
        assert room is not None
        found = [await deliveries.of_message(session, room.id, message) for message in flow.chat.messages]
        return [row.thread if row else "none of ours" for row in found]

    return await flow.db.read(read)


async def test_a_thread_is_one_conversation_and_is_answered_in_it(flow: Flow) -> None:
    """A reply to our answer within the thread goes on in the thread as any message of it does."""
    await _ask(flow, 1, "first?", thread="$a", addressed=Addressed.MENTION)
    await _ask(flow, 2, "second?", thread="$a")
    await _ask(flow, 3, "third?", thread="$a", reply_to="101", addressed=Addressed.REPLY)

    expected = [("first?", []), ("second?", ["first?"]), ("third?", ["first?", "second?"])]
    assert expected == _history(flow)
    assert ["$a", "$a", "$a"] == await _threads(flow)


async def test_two_threads_know_nothing_of_each_other(flow: Flow) -> None:
    """Nor of the room around them."""
    await _ask(flow, 1, "in a?", thread="$a")
    await _ask(flow, 2, "in b?", thread="$b")
    await _ask(flow, 3, "outside?")
    await _ask(flow, 4, "again in a?", thread="$a")

    assert [("in a?", []), ("in b?", []), ("outside?", []), ("again in a?", ["in a?"])] == _history(flow)
    assert ["$a", "$b", None, "$a"] == await _threads(flow)


async def test_outside_of_threads_each_question_stands_alone_and_a_reply_goes_on(flow: Flow) -> None:
    """The answers stand in the room as replies to their questions."""
    await _ask(flow, 1, "first?")
    await _ask(flow, 2, "second?")
    await _ask(flow, 3, "and then?", reply_to="101", addressed=Addressed.REPLY)

    assert [("first?", []), ("second?", []), ("and then?", ["first?"])] == _history(flow)
    assert [None, None, None] == await _threads(flow)
    assert ["1", "2", "3"] == [shown.reply.reply_to for shown in flow.chat.messages.values()]


async def test_threads_in_a_direct_chat_are_conversations_too(flow: Flow) -> None:
    """Beside the one of the chat itself."""
    here = flow.chat.message(0, "").room
    for number, text, thread in ((1, "plain?", None), (2, "in a?", "$a"), (3, "plain again?", None)):
        await flow.receive(replace(flow.chat.message(number, text), room=replace(here, thread=thread)))
        await flow.idle()

    assert [("plain?", []), ("in a?", []), ("plain again?", ["plain?"])] == _history(flow)


async def test_an_edited_question_is_answered_again_in_its_thread_and_conversation(flow: Flow) -> None:
    """The edit names no thread; the old answer says the new, with the history that the question had."""
    await _ask(flow, 1, "first?", thread="$a")
    await _ask(flow, 2, "sceond?", thread="$a")
    asker = _message(flow, 2, "").sender
    edited = Edited(EventId("fake", "bot", "x"), GROUP, "2", "r", asker, "second?", NOON, Addressed.MENTION)
    await flow.receive(edited)
    await flow.idle()

    assert ("second?", ["first?"]) == _history(flow)[-1]
    assert ["$a", "$a"] == await _threads(flow)
    assert flow.chat.messages["102"].reply.markdown.startswith("answer to second?")


async def test_an_edited_follow_up_keeps_its_conversation(flow: Flow) -> None:
    """Outside of threads too, where the edit does not say again what it replies to."""
    await _ask(flow, 1, "first?")
    await _ask(flow, 2, "adn then?", reply_to="101", addressed=Addressed.REPLY)
    asker = _message(flow, 2, "").sender
    edited = Edited(EventId("fake", "bot", "x"), GROUP, "2", "r", asker, "and then?", NOON, Addressed.REPLY)
    await flow.receive(edited)
    await flow.idle()

    assert ("and then?", ["first?"]) == _history(flow)[-1]


async def test_a_question_edited_while_it_waits_is_answered_once_in_its_thread(flow: Flow) -> None:
    """Nothing of ours stands there yet that could tell the thread."""
    gate = flow.answering.hold("first?")
    await flow.receive(_message(flow, 1, "first?", thread="$a"))
    await flow.answering.until_begun(1)
    await flow.receive(_message(flow, 2, "sceond?", thread="$a"))
    asker = _message(flow, 2, "").sender
    await flow.receive(Edited(EventId("fake", "bot", "x"), GROUP, "2", "r", asker, "second?", NOON, Addressed.MENTION))
    gate.set()
    await flow.idle()

    assert [("first?", []), ("second?", ["first?"])] == _history(flow)
    assert ["$a", "$a"] == await _threads(flow)


async def test_a_reaction_to_an_answer_is_answered_in_its_thread(flow: Flow) -> None:
    """It has no data: the answer that the message is gets checked, where it stands."""
    await _ask(flow, 1, "why?", thread="$a")
    pressed = Pressed(EventId("fake", "bot", "p"), GROUP, "101", _message(flow, 1, "").sender, "verify", "", NOON)
    await flow.receive(pressed)
    await flow.idle()

    assert "1 of 1" in flow.chat.shown("group")[-1]
    assert ["$a", "$a"] == await _threads(flow)


@pytest.mark.parametrize(("action", "shows"), [("sources", "a cited line"), ("again", "answer to why?")])
async def test_every_reaction_means_the_answer_that_the_message_is(flow: Flow, action: str, shows: str) -> None:
    """As a button under it would."""
    await _ask(flow, 1, "why?")
    await flow.receive(_reacted(flow, "101", action))
    await flow.idle()

    assert 2 == len(flow.chat.shown("group"))
    assert shows in flow.chat.shown("group")[-1]


async def test_a_thumb_without_data_is_a_vote(flow: Flow) -> None:
    """For whoever reacted."""
    await _ask(flow, 1, "why?")
    await flow.receive(_reacted(flow, "101", "up"))
    await flow.idle()

    async def read(session: Any) -> dict[str, int]:
        room = await rooms.at(session, "fake", "bot", "group")
        turn = await turns.of_message(session, room.id if room else "", "101")
        return {} if turn is None else await turns.votes(session, [turn.id], person=flow.person)

    assert [1] == list((await flow.db.read(read)).values())


async def test_a_reaction_stops_the_question_whose_placeholder_it_is_on(flow: Flow) -> None:
    """Nothing but the message tells which."""
    flow.answering.hold("why?")
    await flow.receive(_message(flow, 1, "why?"))
    await flow.chat.until("Looking", room="group")
    await flow.receive(_reacted(flow, "101", "cancel"))
    await flow.idle()

    assert ["Cancelled."] == flow.chat.shown("group")


async def test_a_reaction_to_anything_else_is_none_of_our_business(flow: Flow) -> None:
    """To a message of somebody's it is not even stored; to one of ours that is no answer, nothing is said."""
    await _ask(flow, 1, "/read", addressed=Addressed.MENTION)
    await flow.receive(_reacted(flow, "77", "verify"), _reacted(flow, "101", "sources"))
    await flow.idle()

    assert 1 == flow.inbox.ignored
    assert ["read done"] == flow.chat.shown("group")


async def test_a_question_taken_back_takes_its_answer_out_of_the_thread(flow: Flow) -> None:
    """The others of the thread stay."""
    await _ask(flow, 1, "first?", thread="$a")
    await _ask(flow, 2, "second?", thread="$a")
    await flow.receive(Deleted(EventId("fake", "bot", "d"), GROUP, "1", NOON))
    await flow.idle()

    (left,) = flow.chat.shown("group")
    assert left.startswith("answer to second?")


def _reacted(flow: Flow, message: str, action: str) -> Pressed:
    name = EventId("fake", "bot", f"p{message}{action}")
    return Pressed(name, GROUP, message, _message(flow, 1, "").sender, action, "", NOON)
