"""The command for the daily summary."""

from functools import partial

import pytest

from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import changes
from bot.state.tables import Room
from config.texts import LANGUAGES, say
from tests.fakes.house import Typing
from tests.fakes.state import later


async def _minute(house: Typing, room: Room) -> int | None:
    return (await house.db.read(lambda session: session.get_one(Room, room.id))).digest_minute


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_is_turned_on_shown_and_turned_off(house: Typing, language: str) -> None:
    """At seven unless a time is named; times are UTC, and the reply says so."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    typed = ["", " on", " on 18:30", " on", "", " off", ""]

    said = [await house.says(f"/digest{what}", room=room, person=ada, language=language) for what in typed]

    on = partial(say, "digest.on", language, project="Handbook")
    off = say("digest.off", language)
    evening = on(time="18:30")
    assert [off, on(time="07:00"), evening, evening, evening, off, off] == said
    assert "UTC" in evening
    assert await _minute(house, room) is None


@pytest.mark.parametrize("typed", ["on 24:00", "on 7", "on 07:60", "on noon", "on -1:00"])
async def test_a_time_is_one_of_the_day(house: Typing, typed: str) -> None:
    """Anything else changes nothing."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    with pytest.raises(UserError, match=r"digest\.time"):
        await house.types(f"/digest {typed}", room=room, person=ada)

    assert await _minute(house, room) is None


@pytest.mark.parametrize("typed", ["often", "off 07:00", "now 07:00"])
async def test_other_words_are_answered_with_an_example(house: Typing, typed: str) -> None:
    """On, with or without a time, off, now."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    with pytest.raises(UserError, match=r"digest\.wrong"):
        await house.types(f"/digest {typed}", room=room, person=ada)


async def test_it_is_for_those_who_steer_the_room(house: Typing) -> None:
    """An admin of the project or of the room; a room's admin without a role in the project is shown no preview."""
    project = await house.project()
    room, bob = await house.room(project=project.id), await house.person("Bob", role=Role.MEMBER, project=project.id)
    eve = await house.person("Eve")

    with pytest.raises(UserError, match=r"rights\.not_allowed"):
        await house.types("/digest on", room=room, person=bob)
    await house.types("/digest on 08:00", room=room, person=eve, is_room_admin=True)

    assert 8 * 60 == await _minute(house, room)
    with pytest.raises(UserError, match=r"rights\.not_allowed"):
        await house.types("/digest now", room=room, person=eve, is_room_admin=True)


async def test_now_shows_the_last_day(house: Typing) -> None:
    """To whoever asks, and nothing is recorded."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    (row,) = await house.followed(project)
    await house.settle()
    await house.db.write(lambda session: changes.forget(session, row.id))
    room_then = await house.db.read(lambda session: session.get_one(Room, room.id))
    empty = await house.says("/digest now", room=room_then, person=ada)
    counts = {"added": 0, "changed": 1, "removed": 0, "moved": 0, "files": [("~", "a.md")]}
    add = partial(changes.add, source=row.id, at=later(minutes=1), ref="", before="1a", after="2b")
    await house.db.write(partial(add, **counts))

    said = await house.says("/digest now", room=room, person=ada)

    assert say("digest.nothing", "en") == empty
    assert "**docs**: 1 changed" in said
    assert (await house.db.read(lambda session: session.get_one(Room, room.id))).digested_at is None
