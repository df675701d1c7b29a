"""What people do with a question and its answer: cancel, edit, delete, rate, press."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import Deleted, Edited, EventId, Message, Pressed, Rated
from bot.state.queries import inbox, rooms, turns
from tests.fakes.chat import NOON
from tests.fakes.flow import Flow, open_flow


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A running flow with a private room on a fake network."""
    async with open_flow(tmp_path) as opened:
        yield opened


def _pressed(flow: Flow, number: int, message: Message, action: str, data: str) -> Pressed:
    name = EventId("fake", "bot", f"p{number}")
    return Pressed(name, message.room, "101", message.sender, action, data, NOON)


async def _turns(flow: Flow) -> list[Any]:
    async def read(session: Any) -> list[Any]:
        found = await rooms.get(session, flow.room)
        assert found is not None
        known = await turns.open_conversation(session, flow.room, thread="", now=flow.clock(), idle=None)
        return [] if known is None else list(await turns.recent(session, known.id, limit=50))

    return await flow.db.read(read)


async def test_pressing_cancel_stops_a_running_question(flow: Flow) -> None:
    """The placeholder says that it was cancelled; the answer never comes."""
    flow.answering.hold("why?")
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.answering.until_begun(1)
    row = await flow.db.read(lambda session: inbox.of_message(session, flow.room, "1"))
    assert row is not None
    await flow.receive(_pressed(flow, 1, message, "cancel", str(row.id)))
    await flow.idle()

    assert ["Cancelled."] == flow.chat.shown()


async def test_an_edited_question_is_answered_again_in_the_same_message(flow: Flow) -> None:
    """The asker mends a word; the one answer changes."""
    message = flow.chat.message(1, "wyh?")
    await flow.receive(message)
    await flow.idle()
    name = EventId("fake", "bot", "x1")
    await flow.receive(Edited(name, message.room, "1", "r1", message.sender, "why?", NOON, message.addressed))
    await flow.idle()

    (text,) = flow.chat.shown()
    assert text.startswith("answer to why?")
    assert ["why?"] == [turns.texts_of(turn, flow.vault).question for turn in await _turns(flow)]


async def test_an_edit_while_the_answer_is_made_replaces_it(flow: Flow) -> None:
    """Only the new text is answered."""
    flow.answering.hold("wyh?")
    message = flow.chat.message(1, "wyh?")
    await flow.receive(message)
    await flow.answering.until_begun(1)
    name = EventId("fake", "bot", "x1")
    await flow.receive(Edited(name, message.room, "1", "r1", message.sender, "why?", NOON, message.addressed))
    await flow.idle()

    (text,) = flow.chat.shown()
    assert text.startswith("answer to why?")


async def test_a_deleted_question_takes_its_answer_and_its_texts_along(flow: Flow) -> None:
    """Nothing of it stays in the room or in the turn."""
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.idle()
    await flow.receive(Deleted(EventId("fake", "bot", "d1"), message.room, "1", NOON))
    await flow.idle()

    assert {} == flow.chat.messages
    assert [None] == [turn.question_sealed for turn in await _turns(flow)]


async def test_a_question_deleted_while_it_is_answered_is_never_answered(flow: Flow) -> None:
    """The work is cancelled and the placeholder is taken back."""
    flow.answering.hold("why?")
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.chat.until("Looking")
    await flow.receive(Deleted(EventId("fake", "bot", "d1"), message.room, "1", NOON))
    await flow.idle()

    assert {} == flow.chat.messages


async def test_thumbs_count_once_a_person_and_can_be_taken_back(flow: Flow) -> None:
    """Up, then down, then none: at the end there is no vote."""
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.idle()
    (turn,) = await _turns(flow)
    seen: list[dict[str, int]] = []
    for number, value in enumerate((1, -1, None)):
        name = EventId("fake", "bot", f"r{number}")
        await flow.receive(Rated(name, message.room, "101", message.sender, value, NOON))
        await flow.idle()
        seen.append(await flow.db.read(lambda session: turns.votes(session, [turn.id], person=flow.person)))

    assert [{turn.id: 1}, {turn.id: -1}, {}] == seen


@pytest.mark.parametrize(("action", "shows"), [("verify", "1 of 1"), ("sources", "a cited line"), ("again", "why?")])
async def test_the_buttons_of_an_answer_do_what_they_say(flow: Flow, action: str, shows: str) -> None:
    """Each brings a message of its own."""
    message = flow.chat.message(1, "why?")
    await flow.receive(message)
    await flow.idle()
    (turn,) = await _turns(flow)
    await flow.receive(_pressed(flow, 1, message, action, turn.id))
    await flow.idle()

    assert 2 == len(flow.chat.messages)
    assert shows in flow.chat.shown()[1]


async def test_a_button_asks_for_the_rights_of_its_presser(flow: Flow) -> None:
    """A stranger who presses "Sources" sees no source."""
    await flow.receive(flow.chat.message(1, "why?"))
    await flow.idle()
    (turn,) = await _turns(flow)
    await flow.receive(_pressed(flow, 1, flow.chat.message(1, "", sender="eve"), "sources", turn.id))
    await flow.idle()

    assert "a cited line" not in flow.chat.shown()[1]
