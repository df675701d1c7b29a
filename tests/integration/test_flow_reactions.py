"""Reactions in place of buttons: told once in a room; and an answer that outlives its question."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import Abilities, Deleted, EventId, RoomAddress, RoomFacts
from bot.state.queries import rooms
from tests.fakes.chat import NOON, FakeChat
from tests.fakes.flow import Flow, open_flow

REACTING = Abilities(is_idempotent=True, edit_interval_s=0.0, has_buttons=False, can_react=True)
TOLD = "React to an answer with 👍 or 👎"


async def _ask(flow: Flow, number: int, text: str, **more: Any) -> None:
    await flow.receive(flow.chat.message(number, text, **more))
    await flow.idle()


async def _another_room(flow: Flow) -> None:
    async def bind(session: Any) -> None:
        place = RoomAddress("fake", "bot", "other")
        room = await rooms.ensure(session, place, RoomFacts("other", "private"), now=flow.clock())
        await rooms.bind(session, room.id, project=flow.project, bound_by=None, now=flow.clock())

    await flow.db.write(bind)


async def test_the_first_answer_in_a_room_tells_what_reactions_mean(tmp_path: Path) -> None:
    """Once a room, whoever asks, after a restart too; another room is told for itself."""
    chat = FakeChat(abilities=REACTING)
    async with open_flow(tmp_path, chat=chat) as flow:
        await _another_room(flow)
        await _ask(flow, 1, "first?")
        await _ask(flow, 2, "second?")
        await _ask(flow, 3, "there?", room="other")
    async with open_flow(tmp_path, chat=chat) as flow:
        await _ask(flow, 4, "third?")

        assert [True, False, False] == [TOLD in text for text in chat.shown()]
        assert [True] == [TOLD in text for text in chat.shown("other")]
        assert [] == chat.reactions


@pytest.mark.parametrize("abilities", [replace(REACTING, has_buttons=True), replace(REACTING, can_react=False)])
async def test_it_is_not_said_where_there_are_buttons_or_no_reactions(tmp_path: Path, abilities: Abilities) -> None:
    """People press there, or can do nothing of the kind."""
    async with open_flow(tmp_path, chat=FakeChat(abilities=abilities)) as flow:
        await _ask(flow, 1, "first?")

        assert TOLD not in flow.chat.shown()[0]
        assert [] == flow.chat.reactions


async def test_it_is_not_said_where_the_reactions_stand_under_each_answer(tmp_path: Path) -> None:
    """Their adapter puts them there."""
    async with open_flow(tmp_path, chat=FakeChat(abilities=replace(REACTING, offers_reactions=True))) as flow:
        await _ask(flow, 1, "first?")

        assert TOLD not in flow.chat.shown()[0]


@pytest.mark.parametrize("is_kept", [True, False])
async def test_an_answer_may_outlive_its_question(tmp_path: Path, *, is_kept: bool) -> None:
    """By the setting of its network; the texts that we keep go in either case."""
    async with open_flow(tmp_path) as flow:
        flow.routing.reactions.keeping = ("fake",) if is_kept else ("other",)
        await _ask(flow, 1, "why?")
        await flow.receive(Deleted(EventId("fake", "bot", "d"), flow.chat.message(1, "").room, "1", NOON))
        await flow.idle()

        assert is_kept == bool(flow.chat.messages)


async def test_a_question_taken_back_before_its_answer_is_never_answered(tmp_path: Path) -> None:
    """Also where answers stay: there is none yet, and the placeholder goes."""
    async with open_flow(tmp_path) as flow:
        flow.routing.reactions.keeping = ("fake",)
        flow.answering.hold("why?")
        await flow.receive(flow.chat.message(1, "why?"))
        await flow.chat.until("Looking")
        await flow.receive(Deleted(EventId("fake", "bot", "d"), flow.chat.message(1, "").room, "1", NOON))
        await flow.idle()

        assert {} == flow.chat.messages
