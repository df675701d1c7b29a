"""What buttons do, typed on a network that has none: about the answer it replies to, else the last one."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import Abilities, Addressed, RoomAddress, RoomFacts
from bot.state.queries import rooms, turns
from tests.fakes.chat import NOON, FakeChat
from tests.fakes.flow import Flow, open_flow

TYPING = Abilities(is_idempotent=True, edit_interval_s=0.0, has_buttons=False, command_sign="!")


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A running flow with a private room on a network without buttons."""
    async with open_flow(tmp_path, chat=FakeChat(abilities=TYPING)) as opened:
        yield opened


async def _say(flow: Flow, number: int, text: str, **more: Any) -> None:
    await flow.receive(flow.chat.message(number, text, **more))
    await flow.idle()


async def _group(flow: Flow) -> RoomAddress:
    place = RoomAddress("fake", "bot", "group")
    flow.chat.facts["group"] = RoomFacts("group", "group")

    async def bind(session: Any) -> None:
        room = await rooms.ensure(session, place, RoomFacts("group", "group"), now=flow.clock())
        await rooms.bind(session, room.id, project=flow.project, bound_by=None, now=flow.clock())

    await flow.db.write(bind)
    return place


async def test_the_answer_carries_no_hints(flow: Flow) -> None:
    """Only the line on privacy names a command, as it is typed there."""
    await _say(flow, 1, "why?")

    (shown,) = flow.chat.messages.values()
    assert "!verify" not in shown.reply.markdown
    assert "!privacy" in shown.reply.markdown
    assert "/privacy" not in shown.reply.markdown


@pytest.mark.parametrize(("command", "shows"), [("/verify", "1 of 1"), ("/sources", "a cited line")])
async def test_a_command_is_about_the_last_answer_of_the_conversation(flow: Flow, command: str, shows: str) -> None:
    """Typed alone, in reply to nothing."""
    await _say(flow, 1, "why?")
    await _say(flow, 2, command)

    assert shows in flow.chat.shown()[-1]


async def test_a_command_in_reply_to_an_answer_is_about_that_one(flow: Flow) -> None:
    """The earlier question is answered anew, though another came after it."""
    await _say(flow, 1, "first?")
    await _say(flow, 2, "second?")
    await _say(flow, 3, "/again", reply_to="101")

    assert ["first?", "second?", "first?"] == [asked.text for asked in flow.answering.asked]
    assert flow.chat.shown()[-1].startswith("answer to first?")


async def test_without_an_answer_it_is_asked_which_is_meant(flow: Flow) -> None:
    """Also in reply to a message that is none of our answers."""
    await _say(flow, 1, "/verify")
    await _say(flow, 2, "why?")
    await _say(flow, 3, "/sources", reply_to="77")

    told = "Which answer do you mean? Type it as a reply to that answer."
    assert [told, told] == [text for text in flow.chat.shown() if text == told]


async def test_a_thumb_is_typed_and_taken_back(flow: Flow) -> None:
    """One vote a person and answer, as by a button; another word is refused with those there are."""
    await _say(flow, 1, "why?")
    turn = await flow.db.read(lambda session: turns.of_message(session, flow.room, "101"))
    assert turn is not None
    votes = []
    for number, thumb in enumerate(("up", "Down", "none", "great"), start=2):
        await _say(flow, number, f"/rate {thumb}")
        votes.append(await flow.db.read(lambda session: turns.votes(session, [turn.id], person=flow.person)))

    assert [{turn.id: 1}, {turn.id: -1}, {}, {}] == votes
    assert "Expected up, down or none, got 'great'." == flow.chat.shown()[-1]


async def test_a_stranger_in_a_group_gets_nothing_of_anothers_answer(flow: Flow) -> None:
    """Whoever may not ask may not see what was cited either."""
    place = await _group(flow)
    await _say(flow, 1, "why?", room="group", addressed=Addressed.MENTION)
    await _say(flow, 2, "/sources", room="group", addressed=Addressed.COMMAND, sender="eve", reply_to="101")

    assert "a cited line" not in flow.chat.shown(place.room)[-1]


async def test_what_waited_while_we_were_away_is_answered_on_a_typed_command(tmp_path: Path) -> None:
    """The notice says what to type; typed once more, nothing waits."""
    chat = FakeChat(abilities=TYPING)
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        await flow.receive(chat.message(1, "old?", sent_at=NOON - timedelta(days=2)))
    async with open_flow(tmp_path, chat=chat) as flow:
        await chat.until("While I was away")
        (notice,) = chat.shown()
        await _say(flow, 2, "/answer now")
        await chat.until("answer to old?")
        await flow.idle()
        await _say(flow, 3, "/answer now")

        assert notice.endswith("`!answer now` answers them.")
        assert "No questions from before are waiting here." == chat.shown()[-1]


async def test_on_a_network_with_buttons_they_are_no_commands(tmp_path: Path) -> None:
    """A group's /verify is another bot's; alone with us, it is a command that we do not know."""
    async with open_flow(tmp_path) as flow:
        await _group(flow)
        await _say(flow, 1, "why?")
        await _say(flow, 2, "/verify")
        await _say(flow, 3, "/verify", room="group", addressed=Addressed.COMMAND)

        assert "I do not know this command" in flow.chat.shown()[-1]
        assert [] == flow.chat.shown("group")


async def test_a_waiting_question_says_how_to_stop_it(flow: Flow) -> None:
    """The placeholder names the command; the answer that takes its place does not."""
    gate = flow.answering.hold("why?")
    await flow.receive(flow.chat.message(1, "why?"))
    await flow.chat.until("`!cancel` stops it.")
    gate.set()
    await flow.idle()

    assert "!cancel" not in flow.chat.shown()[0]
