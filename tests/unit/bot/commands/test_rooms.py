"""Commands for the room itself."""

import pytest

from adapters.chat import RoomAddress
from bot.errors import UserError
from bot.gate import look
from bot.rights import Role
from bot.state.queries import rooms
from config.texts import say
from tests.fakes.house import Typing

GROUP = RoomAddress("fake", "bot", "room")


@pytest.mark.parametrize("mode", ["mention", "all", "off", "OFF"])
async def test_a_room_admin_says_when_it_is_answered(house: Typing, mode: str) -> None:
    """Without a right to the project."""
    project = await house.project()
    room, eve = await house.room(project=project.id), await house.person("Eve")

    said = await house.says(f"/answer {mode}", room=room, person=eve, is_room_admin=True)

    assert say(f"room.answer_{mode.lower()}", "en") == said
    assert mode.lower() == (await house.at(room)).answer_mode


async def test_the_mode_is_shown_when_none_is_typed(house: Typing) -> None:
    """Nothing changes."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    assert say("room.answer_mention", "en") == await house.says("/answer", room=room, person=ada)


async def test_a_member_does_not_steer_a_group(house: Typing) -> None:
    """It is everybody's."""
    project = await house.project()
    room, bob = await house.room(project=project.id), await house.person("Bob", role=Role.MEMBER, project=project.id)

    for text in ("/answer off", "/settings language de"):
        with pytest.raises(UserError, match=r"rights\.not_allowed"):
            await house.types(text, room=room, person=bob)


@pytest.mark.parametrize("kind", ["private", "web"])
async def test_a_member_steers_a_chat_of_his_own(house: Typing, kind: str) -> None:
    """Its language, for one, which is confirmed in the new one."""
    project = await house.project()
    room = await house.room(kind=kind, project=project.id)
    bob = await house.person("Bob", role=Role.MEMBER, project=project.id)

    said = await house.says("/settings language de", room=room, person=bob)

    assert say("room.language_de", "de") == said
    assert "de" == (await house.at(room)).language


async def test_a_setting_without_a_value_is_shown(house: Typing) -> None:
    """With what it can be."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    said = await house.says("/settings style", room=room, person=ada)

    assert say("room.settings_one", "en", name="style", value="normal", values="short, normal, detailed") == said


@pytest.mark.parametrize("kind", ["private", "web"])
async def test_a_chat_of_ones_own_is_always_answered(house: Typing, kind: str) -> None:
    """So when to answer cannot be chosen there, and is not offered."""
    project = await house.project()
    room = await house.room(kind=kind, project=project.id)
    ada = await house.person(role=Role.OWNER)

    with pytest.raises(UserError, match=r"rights\.only_in_groups"):
        await house.types("/answer off", room=room, person=ada)
    with pytest.raises(UserError, match=r"room\.settings_key"):
        await house.types("/settings answer off", room=room, person=ada)
    assert "answer" not in await house.says("/settings", room=room, person=ada)
    assert "/answer" not in await house.says("/help", room=room, person=ada)


async def test_settings_are_shown_and_changed(house: Typing) -> None:
    """All of them, then one by one; auto takes the language back."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    for text in ("/settings language de", "/settings STYLE short", "/settings answer all"):
        await house.types(text, room=room, person=ada)

    said = await house.says("/settings", room=room, person=ada)

    lines = {"language": "de", "style": "short", "answer": "all"}
    assert all(say("room.settings_line", "en", name=name, value=value) in said for name, value in lines.items())
    said = await house.says("/settings style detailed", room=room, person=ada, language="de")
    assert say("room.settings_done", "de", name="style", value="detailed") == said
    assert say("room.language_auto", "en") == await house.says("/settings language auto", room=room, person=ada)
    assert None is (await house.at(room)).language


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("/answer sometimes", "room.answer_wrong"),
        ("/settings colour red", "room.settings_key"),
        ("/settings language fr", "room.settings_value"),
        ("/settings language de now", "command.usage"),
    ],
)
async def test_a_wrong_setting_says_what_was_expected(house: Typing, text: str, key: str) -> None:
    """And changes nothing."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    with pytest.raises(UserError) as caught:
        await house.types(text, room=room, person=ada)
    assert key == caught.value.key
    assert say(key, "en", **caught.value.values)


async def test_cancel_stops_ones_own_questions(house: Typing) -> None:
    """Those of this room."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.MEMBER, project=project.id)

    assert say("room.cancelled", "en", count=1) == await house.says("/cancel", room=room, person=ada)
    house.queue.waiting = 0
    assert say("room.cancelled_none", "en") == await house.says("/cancel", room=room, person=ada)
    assert [(room.id, ada.id)] * 2 == house.queue.cancelled


async def test_reset_begins_anew(house: Typing) -> None:
    """The flow finds no open conversation any more."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.MEMBER, project=project.id)

    assert say("room.reset", "en") == await house.says("/reset", room=room, person=ada)


async def test_ask_without_a_question_shows_how(house: Typing) -> None:
    """The flow answers those that have one."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.MEMBER, project=project.id)

    with pytest.raises(UserError, match=r"command\.usage"):
        await house.types("/ask", room=room, person=ada)


async def test_an_unbound_room_says_that_it_is(house: Typing) -> None:
    """To an owner too, for whatever needs a project."""
    room, owner = await house.room(kind="private"), await house.person(role=Role.OWNER)

    for text in ("/status", "/source list", "/role", "/jobs", "/reset", "/project rename X", "/project leave"):
        with pytest.raises(UserError, match=r"rights\.no_project"):
            await house.types(text, room=room, person=owner)


async def test_guests_may_ask_once_an_admin_says_yes(house: Typing) -> None:
    """A stranger is refused before, may ask after, and is refused again when it is off."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    eve = await house.person("Eve")

    async def may_ask() -> bool:
        seen = await house.db.read(lambda session: look(session, room.id, eve.id, now=house.now))
        assert seen is not None
        return seen.may("ask").allowed

    before = await may_ask()
    asked = await house.types("/guests on", room=room, person=ada)
    waiting = await may_ask()
    await house.press(asked.buttons[0][0].data, room=room, person=ada)
    opened = await may_ask()
    asked = await house.types("/guests off", room=room, person=ada)
    await house.press(asked.buttons[0][0].data, room=room, person=ada)

    assert [False, False, True, False] == [before, waiting, opened, await may_ask()]


async def test_guests_is_on_or_off(house: Typing) -> None:
    """Anything else is named."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    with pytest.raises(UserError, match=r"room\.guests_wrong"):
        await house.types("/guests maybe", room=room, person=ada)


async def test_a_muted_room_answers_again_when_an_admin_confirms(house: Typing) -> None:
    """`/unmute` takes the reason away; a member may not."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    bob = await house.person("Bob", role=Role.MEMBER, project=project.id)
    await house.db.write(lambda session: rooms.mute(session, room.id, reason="public"))

    with pytest.raises(UserError):
        await house.types("/unmute", room=room, person=bob)
    asked = await house.types("/unmute", room=room, person=ada)
    await house.press(asked.buttons[0][0].data, room=room, person=ada)

    assert "" == (await house.at(room)).muted_reason


@pytest.mark.parametrize("own", [True, False], ids=["own project", "its group's"])
async def test_unmuting_counts_for_the_project_that_it_was_asked_of(house: Typing, *, own: bool) -> None:
    """In a topic that has its group's project it opens the group; one with its own is opened alone."""
    project, other = await house.project(), await house.project("Other")
    group, ada = await house.room(project=project.id), await house.person(role=Role.OWNER)
    topic = await house.room("room/1", kind="topic", project=other.id if own else None, parent=GROUP)
    for room in (group, topic) if own else (group,):
        await house.db.write(lambda session, room=room: rooms.mute(session, room.id, reason="public"))  # type: ignore[misc]

    asked = await house.types("/unmute", room=topic, person=ada)
    await house.press(asked.buttons[0][0].data, room=topic, person=ada)

    seen = [
        await house.db.read(lambda s, r=room: look(s, r.id, ada.id, now=house.now))  # type: ignore[misc]
        for room in (group, topic)
    ]
    assert [own, False] == [one.place.is_muted for one in seen if one]


async def test_guests_of_a_group_may_ask_in_its_topics_until_the_project_is_another(house: Typing) -> None:
    """A topic has what its group has; what guests were let into ends with the project, in the topics as well."""
    project, other = await house.project(), await house.project("Other")
    group, ada, eve = (
        await house.room(project=project.id),
        await house.person(role=Role.OWNER),
        await house.person("Eve"),
    )
    topics = [await house.room(f"room/{number}", kind="topic", parent=GROUP) for number in (1, 2)]
    for room in (group, topics[1]):
        asked = await house.types("/guests on", room=room, person=ada)
        await house.press(asked.buttons[0][0].data, room=room, person=ada)

    async def may_ask() -> list[bool]:
        seen = [
            await house.db.read(lambda s, r=room: look(s, r.id, eve.id, now=house.now))  # type: ignore[misc]
            for room in topics
        ]
        return [one.may("ask").allowed for one in seen if one]

    before = await may_ask()
    await house.db.write(lambda s: rooms.bind(s, group.id, project=other.id, bound_by=ada.id, now=house.now))

    assert [True, True] == before
    assert [False, False] == await may_ask()


async def test_a_topic_that_gets_its_own_project_is_closed_to_guests(house: Typing) -> None:
    """They were let into the group's."""
    project, other = await house.project(), await house.project("Other")
    await house.room(project=project.id)
    topic = await house.room("room/1", kind="topic", parent=GROUP)
    ada, eve = await house.person(role=Role.OWNER), await house.person("Eve")
    asked = await house.types("/guests on", room=topic, person=ada)
    await house.press(asked.buttons[0][0].data, room=topic, person=ada)
    await house.types("/project use Other", room=topic, person=ada, is_room_admin=True)

    seen = await house.db.read(lambda session: look(session, topic.id, eve.id, now=house.now))
    assert seen is not None
    assert (other.id, False) == (seen.project, seen.may("ask").allowed)
