"""A topic of a group is a room of its own that has what its group has, until it is given its own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import Addressed, EventId, Message, RoomAddress, RoomChanged, RoomFacts
from bot.state.queries import rooms, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Room
from tests.fakes.flow import Flow, open_flow

GROUP = RoomAddress("fake", "bot", "g")


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A group that is bound, with topics "g/1", "g/2" that nobody has spoken to us in."""
    async with open_flow(tmp_path) as opened:
        opened.chat.facts = {f"g/{number}": RoomFacts("", "topic", parent=GROUP) for number in (1, 2)}
        opened.chat.facts["g"] = RoomFacts("the group", "group")

        async def bind(session: Any) -> None:
            room = await rooms.ensure(session, GROUP, opened.chat.facts["g"], now=opened.clock())
            await rooms.bind(session, room.id, project=opened.project, bound_by=None, now=opened.clock())

        await opened.db.write(bind)
        yield opened


async def _room(flow: Flow, native_id: str) -> Room | None:
    return await flow.db.read(lambda session: rooms.at(session, "fake", "bot", native_id))


async def _set_mode(flow: Flow, native_id: str, mode: str) -> None:
    room = await _room(flow, native_id)
    assert room is not None
    await flow.db.write(lambda session: rooms.set_mode(session, room.id, mode))


def _said(flow: Flow, number: int, place: str, addressed: Addressed = Addressed.AMBIENT) -> Message:
    return flow.chat.message(number, f"question {number}", room=place, addressed=addressed)


async def test_a_group_that_is_answered_throughout_has_its_new_topics_answered(flow: Flow) -> None:
    """Nobody has spoken to us there yet; what is said in another group is not looked at."""
    await _set_mode(flow, "g", "all")
    await flow.receive(_said(flow, 1, "g/1"), _said(flow, 2, "other"))
    await flow.idle()

    assert ["question 1"] == [question.text for question in flow.answering.asked]
    assert await _room(flow, "other") is None


async def test_a_topic_with_its_own_mode_is_alone_in_it(flow: Flow) -> None:
    """The group and its other topics are answered when we are addressed."""
    await flow.receive(_said(flow, 1, "g/1", Addressed.MENTION), _said(flow, 2, "g/2", Addressed.MENTION))
    await flow.idle()
    await _set_mode(flow, "g/1", "all")
    await flow.receive(_said(flow, 3, "g/1"), _said(flow, 4, "g/2"), _said(flow, 5, "g"))
    await flow.idle()

    assert ["question 1", "question 2", "question 3"] == sorted(one.text for one in flow.answering.asked)


async def test_a_group_that_is_switched_off_has_its_new_topics_off(flow: Flow) -> None:
    """A mention there is as little for us as in the group."""
    await _set_mode(flow, "g", "off")
    await flow.receive(_said(flow, 1, "g/1", Addressed.MENTION))

    assert await _room(flow, "g/1") is None


async def test_a_topic_speaks_the_language_of_its_group(flow: Flow) -> None:
    """Unless it has its own."""
    group = await _room(flow, "g")
    assert group is not None
    await flow.db.write(lambda session: rooms.set_language(session, group.id, "de"))
    await flow.receive(_said(flow, 1, "g/1", Addressed.MENTION))
    await flow.idle()

    assert ["de"] == [question.language for question in flow.answering.asked]


async def test_a_topic_that_is_bound_itself_never_has_a_number_again(flow: Flow) -> None:
    """An answer made for the group's project must not pass for one of the topic's."""
    await flow.receive(_said(flow, 1, "g/1", Addressed.MENTION))
    await flow.idle()
    topic, numbers = await _room(flow, "g/1"), []
    assert topic is not None
    for change in (None, rooms.bind, rooms.unbind):
        more = {"project": flow.project, "bound_by": None} if change is rooms.bind else {}
        if change is not None:
            await flow.db.write(lambda session, c=change, m=more: c(session, topic.id, now=flow.clock(), **m))  # type: ignore[misc]
        bound = await flow.db.read(lambda session: rooms.binding_of(session, topic.id))
        numbers.append(bound[1] if bound else None)

    assert 3 == len(set(numbers))


@pytest.mark.parametrize("own", [True, False])
async def test_topics_are_muted_when_their_group_becomes_public(flow: Flow, own: bool) -> None:  # noqa: FBT001
    """Networks tell it of the group alone; with a project of its own or the group's, a topic must not go on answering."""
    new = NewSource(flow.project, "git", "code", "https://git.example/team/code", is_private=True)
    await flow.db.write(lambda session: sources.add(session, new, now=flow.clock()))
    await flow.receive(_said(flow, 1, "g/1", Addressed.MENTION))
    await flow.idle()
    topic = await _room(flow, "g/1")
    assert topic is not None
    if own:
        await flow.db.write(
            lambda session: rooms.bind(session, topic.id, project=flow.project, bound_by=None, now=flow.clock())
        )
    flow.chat.facts["g"] = RoomFacts("the group", "group", is_public=True)
    await flow.receive(RoomChanged(EventId("fake", "bot", "public"), GROUP, "visibility", None, flow.clock()))
    await flow.idle()
    await flow.receive(_said(flow, 2, "g/1", Addressed.MENTION), _said(flow, 3, "g/2", Addressed.MENTION))
    await flow.idle()

    assert ["question 1"] == [question.text for question in flow.answering.asked]
