"""What stands for buttons on a network without any: /yes, /no, and what /help tells of the others."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.chat import Abilities
from bot.commands import all_commands
from bot.delivery import Delivery
from bot.errors import UserError
from bot.outbox import Parcel
from bot.rights import Role
from bot.typed import with_sign
from config.texts import say
from tests.fakes.house import Typing

TYPING = Abilities(has_buttons=False, command_sign="!")


async def test_yes_does_what_was_asked_once(house: Typing) -> None:
    """It is about what this person was asked last in this room, and a second yes comes too late."""
    house.chat.abilities = TYPING
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    await house.types("/source remove docs", room=room, person=ada)

    assert say("source.removed", "en", name="docs") == await house.says("/yes", room=room, person=ada)
    with pytest.raises(UserError, match=r"confirm\.answered_already"):
        await house.types("/yes", room=room, person=ada)


async def test_no_leaves_it_as_it_is(house: Typing) -> None:
    """A yes after it comes too late."""
    house.chat.abilities = TYPING
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    await house.types("/source remove docs", room=room, person=ada)

    assert say("command.confirm_kept", "en") == await house.says("/no", room=room, person=ada)
    with pytest.raises(UserError, match=r"confirm\.answered_already"):
        await house.types("/yes", room=room, person=ada)
    assert 1 == len(await house.followed(project))


async def test_only_the_asker_says_yes(house: Typing) -> None:
    """Another admin of the same room does not, and is told why; in another room there is nothing to confirm."""
    house.chat.abilities = TYPING
    project = await house.project()
    room, other = await house.room(project=project.id), await house.room("other", project=project.id)
    ada = await house.person(role=Role.ADMIN, project=project.id)
    bob = await house.person("Bob", role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    await house.types("/source remove docs", room=room, person=ada)

    with pytest.raises(UserError, match=r"confirm\.not_yours"):
        await house.types("/yes", room=room, person=bob)
    with pytest.raises(UserError, match=r"confirm\.none"):
        await house.types("/yes", room=other, person=ada)
    assert 1 == len(await house.followed(project))


async def test_a_yes_after_two_minutes_comes_too_late(house: Typing) -> None:
    """At the end of the second minute it counts no more, and says so."""
    house.chat.abilities = TYPING
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    await house.types("/source remove docs", room=room, person=ada)
    house.now += timedelta(minutes=2)

    with pytest.raises(UserError, match=r"confirm\.expired"):
        await house.types("/yes", room=room, person=ada)


async def test_a_newer_question_takes_the_place_of_an_older_one(house: Typing) -> None:
    """A yes is never about what was asked before the last: after that was answered, the older stays undone."""
    house.chat.abilities = TYPING
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    await house.types("/source remove docs", room=room, person=ada)
    house.now += timedelta(seconds=5)
    await house.types("/reindex", room=room, person=ada)
    await house.types("/no", room=room, person=ada)

    with pytest.raises(UserError, match=r"confirm\.answered_already"):
        await house.types("/yes", room=room, person=ada)
    assert 1 == len(await house.followed(project))


async def test_a_yes_in_reply_to_a_question_is_about_that_one(house: Typing) -> None:
    """Though something else was asked since."""
    house.chat.abilities = TYPING
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    delivery = Delivery(house.db, house.vault, {("fake", "bot"): house.chat}, lambda: house.now)
    question = await house.types("/source remove docs", room=room, person=ada)
    asked = await delivery.send(Parcel(room.id, question, "answer/1"))
    house.now += timedelta(seconds=5)
    await house.types("/reindex", room=room, person=ada)
    typed, yes = await house.context("/yes", room=room, person=ada), house.commands.parse("/yes", has_buttons=False)
    assert yes is not None
    said = await house.commands.run(yes, replace(typed, message=replace(typed.message, reply_to=asked)))

    assert said is not None
    assert say("source.removed", "en", name="docs") == said.markdown


async def test_help_tells_of_them_only_where_there_are_no_buttons(house: Typing) -> None:
    """With buttons they are no commands at all, so that another bot's /verify is none of our business."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    with_buttons = await house.says("/help", room=room, person=ada)
    house.chat.abilities = TYPING
    without = await house.says("/help", room=room, person=ada)

    for name in ("verify", "sources", "again", "rate [THUMB]", "answer now"):
        assert (f"`/{name}`" in with_buttons, f"`/{name}`" in without) == (False, True)
    for line in ("/yes", "/no", "/verify", "/again"):
        assert None is house.commands.parse(line)
    answer = house.commands.parse("/answer now")
    assert answer is not None
    assert "answer" == answer.name


def test_every_command_is_known_to_what_names_commands() -> None:
    """A new one too is named with the sign of its network."""
    assert [f"!{one.name}" for one in all_commands] == [with_sign(f"/{one.name}", "!") for one in all_commands]
