"""From joining a room to its first question."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.chat import EventId, RoomAddress, RoomChanged, Sender
from bot.progress import SourceProgress
from bot.rights import Role
from bot.state.tables import Project, Room
from config.texts import LANGUAGES, say
from tests.fakes.house import Typing, open_house
from tests.fakes.state import NOW


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Typing]:
    """Onboarding over a real database, a store and a board."""
    async with open_house(tmp_path) as opened:
        yield opened


def changed(room: Room, kind: str, *, name: str = "Ada", language: str | None = None) -> RoomChanged:
    """Something about a room, done by somebody."""
    address = RoomAddress(room.network, room.account, room.native_id)
    sender = Sender(room.network, "ada", name, language)
    return RoomChanged(EventId("fake", "bot", kind), address, kind, sender, NOW)


def indexing(project: Project, done: int, *, stage: str = "reading", is_first: bool = True) -> SourceProgress:
    """A source of 100 files under way."""
    return SourceProgress(project.id, "source", "docs", stage, done, 100, done, is_first=is_first)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_joining_says_who_we_are_and_what_we_keep(house: Typing, language: str) -> None:
    """And who invited us, in the language of who did."""
    room = await house.room()
    said = await house.house.onboarding.room_changed(room, changed(room, "joined", language=language))

    inviter = say("onboarding.invited_by", language, name="Ada")
    assert said is not None
    assert say("onboarding.joined", language, inviter=inviter, days=30) == said.markdown


async def test_an_inviters_name_is_no_markup(house: Typing) -> None:
    """It comes from outside."""
    room = await house.room()
    said = await house.house.onboarding.room_changed(room, changed(room, "joined", name="[x](http://evil.example)"))

    assert said is not None
    assert "[x](" not in said.markdown


async def test_being_removed_is_remembered_until_we_are_back(house: Typing) -> None:
    """Nothing can be said there meanwhile."""
    room = await house.room()

    assert None is await house.house.onboarding.room_changed(room, changed(room, "left"))
    assert (await house.at(room)).is_silent
    await house.house.onboarding.room_changed(room, changed(room, "joined"))
    assert not (await house.at(room)).is_silent


@pytest.mark.parametrize("kind", ["renamed", "rights", "visibility", "encryption", "moved_to"])
async def test_other_changes_are_not_talked_about(house: Typing, kind: str) -> None:
    """They are facts of the room."""
    room = await house.room()

    assert None is await house.house.onboarding.room_changed(room, changed(room, kind))


async def test_the_hint_is_given_once_a_day(house: Typing) -> None:
    """In each room."""
    room, other, ada = await house.room(), await house.room("other"), await house.person()

    async def hinted(where: Room, **later: float) -> bool:
        event = await house.context("hello", room=where, person=ada)
        return await house.house.onboarding.unbound(replace(event, now=NOW + timedelta(**later))) is not None

    assert [True, False, False, True, True] == [
        await hinted(room),
        await hinted(room, minutes=1),
        await hinted(room, hours=23),
        await hinted(room, hours=24),
        await hinted(other),
    ]


async def test_a_connected_room_hears_what_is_indexed_and_what_to_ask(house: Typing) -> None:
    """Sources with their figures, then questions."""
    project = await house.project()
    desk, alone = await house.room("desk", project=project.id), await house.room("alone", kind="private")
    ada = await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=desk, person=ada)
    await house.settle()

    said = await house.types("/project use Handbook", room=alone, person=ada)

    assert "**docs**: files 1, passages 1" in said.markdown
    assert say("onboarding.starter", "en", question="What is a parcel?") in said.markdown
    assert None is said.progress


async def test_nothing_is_suggested_while_nothing_can_be_answered(house: Typing) -> None:
    """No heading without questions below it."""
    project = await house.project()
    desk, alone = await house.room("desk", project=project.id), await house.room("alone", kind="private")
    ada = await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=desk, person=ada)

    said = await house.types("/project use Handbook", room=alone, person=ada)

    assert say("source.line_new", "en", name="docs") in said.markdown
    assert say("onboarding.connected_ask", "en", starters="") not in said.markdown


async def test_progress_is_edited_into_the_same_message(house: Typing) -> None:
    """Each tenth, not each file; at the end it says what is indexed."""
    project = await house.project()
    alone, ada = await house.room("alone", kind="private"), await house.person(role=Role.ADMIN, project=project.id)
    house.board.publish(indexing(project, 10))

    said = await house.types("/project use Handbook", room=alone, person=ada)
    following = asyncio.ensure_future(house.work.pop())
    for step, times in ((11, 0), (30, 1), (31, 1), (60, 2)):
        house.board.publish(indexing(project, step))
        await house.until_sent(times)
    house.board.publish(indexing(project, 100, stage="done"))
    await following

    values = {"project": "Handbook", "percent": 10, "done": 10, "total": 100, "pace": ""}
    assert say("onboarding.connected_indexing", "en", **values) == said.markdown
    assert [0.3, 0.6, None] == [parcel.reply.progress for parcel in house.sent]
    assert 1 == len({parcel.key for parcel in house.sent})
    assert all(parcel.reopens and parcel.binding == 1 for parcel in house.sent)
    assert say("onboarding.connected_empty", "en", project="Handbook") == house.sent[-1].reply.markdown


async def test_a_later_refresh_is_not_told(house: Typing) -> None:
    """Only a first index keeps people waiting."""
    project = await house.project()
    alone, ada = await house.room("alone", kind="private"), await house.person(role=Role.ADMIN, project=project.id)
    house.board.publish(indexing(project, 10, is_first=False))

    said = await house.types("/project use Handbook", room=alone, person=ada)

    assert (None, []) == (said.progress, house.work)


async def test_a_stranger_hears_once_a_day_how_to_get_access(house: Typing) -> None:
    """With the id by which an admin knows him."""
    event = await house.context("hello", room=await house.room(kind="private"), person=await house.person())
    said = [await house.house.onboarding.stranger(event) for _ in range(2)]

    assert said[0] is not None
    assert f"fake:{event.message.sender.id}" in said[0].markdown
    assert said[1] is None
