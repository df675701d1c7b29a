"""Events reach the part of the product they are for; a change of a room changes what may be said there."""

from pathlib import Path

from adapters.chat import EventId, RoomChanged, RoomFacts
from bot.state.queries import rooms, sources
from bot.state.queries.sources import NewSource
from tests.fakes.chat import NOON
from tests.fakes.flow import Flow, open_flow


async def _becomes(flow: Flow, number: int, *, public: bool) -> None:
    place = flow.chat.message(0, "").room
    flow.chat.facts["room"] = RoomFacts("room", "group", is_public=public)
    event = EventId(flow.chat.network, flow.chat.account, f"visibility{number}")
    await flow.receive(RoomChanged(event, place, "visibility", None, NOON))
    await flow.idle()


async def _follow(flow: Flow, *, private: bool) -> None:
    new = NewSource(flow.project, "git", "code", "https://git.example/team/code", is_private=private)
    await flow.db.write(lambda session: sources.add(session, new, now=NOON))


async def _is_muted(flow: Flow) -> bool:
    room = await flow.db.read(lambda session: rooms.get(session, flow.room))
    return room is not None and bool(room.muted_reason)


async def test_a_room_that_becomes_public_is_muted_when_its_project_is_private(tmp_path: Path) -> None:
    """It is said once why, and no question is answered there any more."""
    async with open_flow(tmp_path) as flow:
        await _follow(flow, private=True)
        await _becomes(flow, 1, public=True)
        await flow.receive(flow.chat.message(2, "what is the plan?"))
        await flow.idle()

        assert await _is_muted(flow)
        assert not flow.answering.asked
        assert any("has become public" in text for text in flow.chat.shown())


async def test_a_muted_room_speaks_again_when_it_is_private_again(tmp_path: Path) -> None:
    """Nobody has to allow what is no danger any more."""
    async with open_flow(tmp_path) as flow:
        await _follow(flow, private=True)
        await _becomes(flow, 1, public=True)
        await _becomes(flow, 2, public=False)
        await flow.receive(flow.chat.message(3, "what is the plan?"))
        await flow.idle()

        assert not await _is_muted(flow)
        assert ["what is the plan?"] == [question.text for question in flow.answering.asked]


async def test_a_public_project_is_not_muted(tmp_path: Path) -> None:
    """There is nothing to hide."""
    async with open_flow(tmp_path) as flow:
        await _follow(flow, private=False)
        await _becomes(flow, 1, public=True)

        assert not await _is_muted(flow)
