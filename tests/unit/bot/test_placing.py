"""Edits and reactions name only a message: they belong into its thread."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import Addressed, Edited, Event, EventId, Pressed, RoomAddress
from bot.placing import placed
from bot.state.queries import rooms
from tests.fakes.chat import NOON
from tests.fakes.flow import Flow, open_flow

PLAIN = RoomAddress("fake", "bot", "room")
THREAD = replace(PLAIN, thread="$root")


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A flow that stores what comes and works on nothing."""
    async with open_flow(tmp_path, runs=False) as opened:
        yield opened


def _edited(flow: Flow, *, room: RoomAddress = PLAIN) -> Edited:
    asker = flow.chat.message(1, "").sender
    return Edited(EventId("fake", "bot", "x1"), room, "1", "r1", asker, "why?", NOON, Addressed.THREAD)


async def _placed(flow: Flow, event: Event) -> Event:
    async def read(session: Any) -> Event:
        return await placed(session, event, await rooms.get(session, flow.room), flow.vault)

    return await flow.db.read(read)


async def test_an_edit_of_a_waiting_question_stands_where_the_question_does(flow: Flow) -> None:
    """Its thread and what it replies to are taken from the question, since networks do not say them again."""
    await flow.receive(replace(flow.chat.message(1, "wyh?", reply_to="9"), room=THREAD))

    found = await _placed(flow, _edited(flow))

    assert replace(_edited(flow), room=THREAD, reply_to="9") == found


async def test_an_edit_that_names_its_thread_keeps_it(flow: Flow) -> None:
    """What the network says counts."""
    own = replace(PLAIN, thread="$own")
    await flow.receive(replace(flow.chat.message(1, "wyh?"), room=THREAD))

    found = await _placed(flow, _edited(flow, room=own))

    assert own == found.room


async def test_what_is_about_an_unknown_message_stays_as_it_is(flow: Flow) -> None:
    """Nothing is made up for it."""
    pressed = Pressed(EventId("fake", "bot", "p"), PLAIN, "77", _edited(flow).sender, "verify", "", NOON)

    assert pressed == await _placed(flow, pressed)
    assert _edited(flow) == await _placed(flow, _edited(flow))
