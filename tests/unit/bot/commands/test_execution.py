"""The gate before each command, confirmations, and what is recorded."""

from datetime import timedelta

import pytest

from adapters.chat import Button, Reply, Stage
from bot.errors import UserError
from bot.rights import Role, decide
from bot.state.queries import audit, people
from config.texts import say
from tests.fakes.house import Typing, confirming
from tests.fakes.state import later


async def test_a_refused_command_does_nothing_and_is_recorded(house: Typing) -> None:
    """The reason is said, and the audit knows of the try."""
    project = await house.project()
    room, eve = await house.room(project=project.id), await house.person("Eve")

    with pytest.raises(UserError, match=r"rights\.not_allowed"):
        await house.types("/source add docs", room=room, person=eve)
    assert [] == await house.followed(project)
    assert [("source add", "refused")] == await house.audited()


async def test_an_allowed_change_is_recorded_and_a_look_is_not(house: Typing) -> None:
    """Reading leaves no trace of a person."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/help", room=room, person=ada)
    await house.types("/source add docs", room=room, person=ada)

    assert [("source add", "allowed")] == await house.audited()


async def test_a_command_that_fails_is_recorded_as_failed(house: Typing) -> None:
    """It was allowed, and came to nothing."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    with pytest.raises(UserError):
        await house.types("/source add /etc", room=room, person=ada)
    assert [("source add", "failed")] == await house.audited()


async def test_connecting_a_room_is_recorded_with_the_project_that_it_got(house: Typing) -> None:
    """Everybody may type it, since what it does depends on the name; who did it, and who tried, is on record."""
    project, room, ada = await house.project(), await house.room(), await house.person(role=Role.OWNER)
    with pytest.raises(UserError, match=r"rights\.room_admin_needed"):
        await house.types("/project use Handbook", room=room, person=ada)
    await house.types("/project use Handbook", room=room, person=ada, is_room_admin=True)

    rows = await house.db.read(lambda session: audit.latest(session, limit=9))
    assert [("project use", "allowed", project.id), ("project use", "failed", "")] == [
        (row.action, row.outcome, row.target) for row in rows
    ]


async def test_a_banned_person_hears_nothing(house: Typing) -> None:
    """Not even a refusal."""
    room, eve = await house.room(), await house.person("Eve")
    await house.db.write(lambda session: people.ban(session, eve.id, until=later(days=1)))
    event = await house.context("/help", room=room, person=eve)
    parsed = house.commands.parse("/help")
    assert parsed is not None

    assert None is await house.commands.run(parsed, event)


async def test_a_confirmed_act_is_done_once(house: Typing) -> None:
    """Asked back first, done on yes, and a second yes is told that it was answered."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    asked = await house.types("/source remove docs", room=room, person=ada)
    assert 1 == len(await house.followed(project))

    yes, _ = confirming(asked)
    done = await house.press(yes, room=room, person=ada)

    assert done == Reply(say("source.removed", "en", name="docs"), stage=Stage.NOTICE)
    assert [] == await house.followed(project)
    with pytest.raises(UserError, match=r"confirm\.answered_already"):
        await house.press(yes, room=room, person=ada)


async def test_no_means_no(house: Typing) -> None:
    """After it a yes comes too late."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    yes, no = confirming(await house.types("/source remove docs", room=room, person=ada))

    said = await house.press(no, room=room, person=ada)

    assert said is not None
    assert say("command.confirm_kept", "en") == said.markdown
    with pytest.raises(UserError, match=r"confirm\.answered_already"):
        await house.press(yes, room=room, person=ada)


async def test_a_no_after_the_yes_comes_too_late(house: Typing) -> None:
    """It must not say that nothing was changed."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    yes, no = confirming(await house.types("/source remove docs", room=room, person=ada))
    await house.press(yes, room=room, person=ada)

    with pytest.raises(UserError, match=r"confirm\.answered_already"):
        await house.press(no, room=room, person=ada)


async def test_only_the_asker_may_say_yes(house: Typing) -> None:
    """Not even another admin, whose no does not count either."""
    project = await house.project()
    room = await house.room(project=project.id)
    ada, bob = [await house.person(name, role=Role.ADMIN, project=project.id) for name in ("Ada", "Bob")]
    await house.types("/source add docs", room=room, person=ada)
    yes, no = confirming(await house.types("/source remove docs", room=room, person=ada))

    with pytest.raises(UserError, match=r"confirm\.not_yours"):
        await house.press(yes, room=room, person=bob)
    with pytest.raises(UserError, match=r"confirm\.not_yours"):
        await house.press(no, room=room, person=bob)
    assert await house.press(yes, room=room, person=ada)


async def test_a_yes_after_two_minutes_is_too_late(house: Typing) -> None:
    """The question is forgotten."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    yes, _ = confirming(await house.types("/source remove docs", room=room, person=ada))
    house.now += timedelta(minutes=2)

    with pytest.raises(UserError, match=r"confirm\.expired"):
        await house.press(yes, room=room, person=ada)


async def test_a_yes_from_another_room_does_not_count(house: Typing) -> None:
    """What was asked here is confirmed here."""
    project = await house.project()
    room, other = [await house.room(name, project=project.id) for name in ("room", "other")]
    ada = await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    yes, _ = confirming(await house.types("/source remove docs", room=room, person=ada))

    with pytest.raises(UserError, match=r"confirm\.expired"):
        await house.press(yes, room=other, person=ada)
    assert 1 == len(await house.followed(project))


async def test_the_gate_is_asked_again_at_the_yes(house: Typing) -> None:
    """Who lost the role in between does nothing any more."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    yes, _ = confirming(await house.types("/source remove docs", room=room, person=ada))
    await house.db.write(lambda session: people.take_role(session, ada.id, project=project.id, now=house.now))

    with pytest.raises(UserError, match=r"rights\.not_allowed"):
        await house.press(yes, room=room, person=ada)
    assert 1 == len(await house.followed(project))


@pytest.mark.parametrize("data", [".yes", "x.yes", "0000000000000000.yes"])
async def test_a_made_up_button_does_nothing(house: Typing, data: str) -> None:
    """What a button means stands in our rows alone."""
    room, ada = await house.room(), await house.person(role=Role.OWNER)

    with pytest.raises(UserError, match=r"confirm\.expired"):
        await house.press(data, room=room, person=ada)


async def test_a_button_carries_out_only_what_changes_nothing(house: Typing) -> None:
    """A forged "command" button cannot remove a project."""
    project = await house.project()
    room, ada = await house.room(kind="private", project=project.id), await house.person(role=Role.OWNER)

    shown = await house.press("project list", room=room, person=ada, action="command")

    assert shown is not None
    assert "Handbook" in shown.markdown
    for data in ("project remove", "reset", "answer off", "no such thing", ""):
        assert None is await house.press(data, room=room, person=ada, action="command")


async def test_a_group_offers_its_commands(house: Typing) -> None:
    """As lines, and as buttons where nothing more is needed; only what this person may do."""
    project = await house.project()
    room = await house.room(project=project.id)
    bob, ada = await house.person("Bob", role=Role.MEMBER, project=project.id), await house.person(role=Role.OWNER)

    member, owner = [await house.types("/source", room=room, person=who) for who in (bob, ada)]

    assert "/source list" in member.markdown
    assert "/source add" not in member.markdown
    assert "/source add SOURCE [BRANCH]" in owner.markdown
    assert (
        (Button("/source list", "command", "source list"),),
        (Button("/source refresh", "command", "source refresh"),),
    ) == owner.buttons
    assert owner.markdown == await house.says("/help source", room=room, person=ada)
    assert owner.markdown == await house.says("/source frobnicate", room=room, person=ada)


async def test_the_menu_holds_what_a_person_may_do(house: Typing) -> None:
    """Each command of the menu passes the gate, in the language of the room."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.MEMBER, project=project.id)
    event = await house.context("", room=room, person=ada)
    place = (await house.commands._context(event)).place

    menu = house.commands.listed(event.actor, place, "de")

    assert {"help", "status", "source list"} <= {one.name for one in menu}
    assert not {"claim", "join", "source add", "project remove"} & {one.name for one in menu}
    assert say("command.status", "de") in {one.summary for one in menu}
    assert decide(event.actor, "status", place).allowed
