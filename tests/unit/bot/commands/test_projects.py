"""Commands for projects: making, connecting, leaving, listing, renaming, removing, inviting."""

from datetime import timedelta

import pytest

from adapters.chat import RoomAddress
from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import projects, rooms, sources
from bot.state.queries.sources import NewSource
from config.texts import say
from tests.fakes.house import Typing

WRONG_CODE = "K7QF-3MWX"


async def invited(house: Typing, project: str) -> str:
    """A code of an admin of the project."""
    desk = await house.room("alone", kind="private", project=project)
    ada = await house.person("Admin", role=Role.ADMIN, project=project)
    said = await house.says("/project invite", room=desk, person=ada)
    return said.split("`")[1]


async def test_a_project_is_made_by_an_owner_alone(house: Typing) -> None:
    """Who makes it is its admin; an admin of another project makes none."""
    alone = await house.room(kind="private")
    owner, ada = await house.person("Olga", role=Role.OWNER), await house.person()

    said = await house.says('/project new "Team handbook"', room=alone, person=owner)

    assert say("project.made", "en", name="Team handbook") == said
    with pytest.raises(UserError, match=r"state\.name_taken"):
        await house.types("/project new team  HANDBOOK", room=alone, person=owner)
    with pytest.raises(UserError, match=r"rights\.not_allowed"):
        await house.types("/project new Mine", room=alone, person=ada)
    with pytest.raises(UserError, match=r"rights\.not_here"):
        await house.types("/project new Here", room=await house.room("group"), person=owner)


async def test_a_room_is_connected_by_name(house: Typing) -> None:
    """By one who is admin of the project and of the room."""
    project = await house.project()
    room, ada = await house.room(), await house.person(role=Role.ADMIN, project=project.id)

    said = await house.says("/project use handBOOK", room=room, person=ada, is_room_admin=True)

    assert say("onboarding.connected_empty", "en", project="Handbook") == said
    assert project.id == (await house.at(room)).project
    with pytest.raises(UserError, match=r"project\.used_already"):
        await house.types("/project use Handbook", room=room, person=ada, is_room_admin=True)


async def test_both_keys_are_needed_to_connect(house: Typing) -> None:
    """The project's admin who is not the room's hears what is missing."""
    project = await house.project()
    room, ada = await house.room(), await house.person(role=Role.ADMIN, project=project.id)

    with pytest.raises(UserError, match=r"rights\.room_admin_needed"):
        await house.types("/project use Handbook", room=room, person=ada)
    assert None is (await house.at(room)).project


@pytest.mark.parametrize("kind", ["group", "private"])
@pytest.mark.parametrize("is_room_admin", [False, True])
async def test_a_stranger_cannot_tell_a_project_from_none(house: Typing, *, kind: str, is_room_admin: bool) -> None:
    """An unknown project and a forbidden one get the same words, whatever else is so."""
    await house.project("Secret")
    room, eve = await house.room(kind=kind), await house.person("Eve")
    heard = []
    for name in ("Secret", "Nosuch"):
        with pytest.raises(UserError) as caught:
            await house.types(f"/project use {name}", room=room, person=eve, is_room_admin=is_room_admin)
        heard.append((caught.value.key, str(caught.value.values).replace(name, "NAME")))

    assert heard[0] == heard[1]
    assert say("project.list_empty", "en") == await house.says("/project list", room=room, person=eve)


async def test_a_room_is_moved_by_name_once_that_is_confirmed(house: Typing) -> None:
    """By the admin of the new project and of the room; guests of the old one are no guests of the new one."""
    one, two = await house.project("One"), await house.project("Two")
    room, ada = await house.room(project=one.id), await house.person(role=Role.ADMIN, project=two.id)
    await house.db.write(lambda session: rooms.change(session, room.id, is_open_to_guests=True, muted_reason="public"))
    with pytest.raises(UserError, match=r"rights\.room_admin_needed"):
        await house.types("/project use Two", room=room, person=ada)

    asked = await house.types("/project use Two", room=room, person=ada, is_room_admin=True)
    before = await house.at(room)
    event = await house.context("", room=room, person=ada, is_room_admin=True)
    await house.commands.press("confirm", asked.buttons[0][0].data, event)

    after = await house.at(room)
    assert say("project.move_confirm_unnamed", "en", new="Two") == asked.markdown
    assert (one.id, two.id) == (before.project, after.project)
    assert (False, "") == (after.is_open_to_guests, after.muted_reason)
    assert after.binding > before.binding


async def test_who_lost_a_key_meanwhile_moves_no_room(house: Typing) -> None:
    """The gate is asked again when the button is pressed."""
    one, two = await house.project("One"), await house.project("Two")
    room, ada = await house.room(project=one.id), await house.person(role=Role.ADMIN, project=two.id)
    asked = await house.types("/project use Two", room=room, person=ada, is_room_admin=True)
    event = await house.context("", room=room, person=ada, is_room_admin=False)

    with pytest.raises(UserError, match=r"rights\.room_admin_needed"):
        await house.commands.press("confirm", asked.buttons[0][0].data, event)
    assert one.id == (await house.at(room)).project


async def test_a_bound_room_names_its_project_to_members_only(house: Typing) -> None:
    """Somebody from another project learns that there is one, not which; a code moves no room."""
    secret, other = await house.project("Secret"), await house.project("Other")
    room = await house.room(project=secret.id)
    code = await invited(house, other.id)
    eve, both = await house.person("Eve"), await house.person("Bob", role=Role.OWNER)

    asked = await house.types("/project use Other", room=room, person=both, is_room_admin=True)
    assert say("project.move_confirm", "en", old="Secret", new="Other") == asked.markdown
    with pytest.raises(UserError, match=r"project\.used_elsewhere"):
        await house.types(f"/project use {code}", room=room, person=eve, is_room_admin=True)
    with pytest.raises(UserError, match=r"project\.used_other") as caught:
        await house.types(f"/project use {code}", room=room, person=both, is_room_admin=True)
    assert {"name": "Secret"} == caught.value.values
    assert secret.id == (await house.at(room)).project


async def test_a_private_chat_changes_its_project_at_once(house: Typing) -> None:
    """A member may, there, and leaves as he likes."""
    one, two = await house.project("One"), await house.project("Two")
    alone, ada = await house.room(kind="private"), await house.person(role=Role.MEMBER, project=one.id)
    await house.types("/project use One", room=alone, person=ada)
    assert one.id == (await house.at(alone)).project

    assert say("project.left", "en") == await house.says("/project leave", room=alone, person=ada)
    with pytest.raises(UserError, match=r"project\.unknown"):
        await house.types("/project use Two", room=alone, person=ada)
    owner = await house.person("Olga", role=Role.OWNER)
    await house.types("/project use One", room=alone, person=owner)
    await house.types("/project use Two", room=alone, person=owner)
    assert two.id == (await house.at(alone)).project


async def test_a_code_connects_a_room_once(house: Typing) -> None:
    """The room's admin needs no role in the project; the code works once."""
    project = await house.project()
    code = await invited(house, project.id)
    room, other, eve = await house.room(), await house.room("other"), await house.person("Eve")
    with pytest.raises(UserError, match=r"rights\.not_allowed"):
        await house.types(f"/project use {code}", room=room, person=eve)

    await house.types(f"/project use {code.lower()}", room=room, person=eve, is_room_admin=True)

    assert project.id == (await house.at(room)).project
    with pytest.raises(UserError, match=r"project\.code_wrong"):
        await house.types(f"/project use {code}", room=other, person=eve, is_room_admin=True)


async def test_a_code_ends_in_time(house: Typing) -> None:
    """Fifteen minutes by default."""
    project = await house.project()
    code = await invited(house, project.id)
    room, eve = await house.room(), await house.person("Eve")
    house.now += timedelta(minutes=house.settings.access.invite_minutes)

    with pytest.raises(UserError, match=r"project\.code_wrong"):
        await house.types(f"/project use {code}", room=room, person=eve, is_room_admin=True)


async def test_codes_cannot_be_guessed(house: Typing) -> None:
    """After five wrong ones the right one does not work either."""
    project = await house.project()
    code = await invited(house, project.id)
    room, eve = await house.room(), await house.person("Eve")
    for _ in range(5):
        with pytest.raises(UserError, match=r"project\.code_wrong"):
            await house.types(f"/project use {WRONG_CODE}", room=room, person=eve, is_room_admin=True)

    with pytest.raises(UserError, match=r"project\.code_wrong"):
        await house.types(f"/project use {code}", room=room, person=eve, is_room_admin=True)


async def test_a_name_that_looks_like_a_code_is_a_name_first(house: Typing) -> None:
    """Eight letters without i and o are not rare."""
    project = await house.project("Testdata")
    room, ada = await house.room(), await house.person(role=Role.ADMIN, project=project.id)

    await house.types("/project use testdata", room=room, person=ada, is_room_admin=True)

    assert project.id == (await house.at(room)).project


async def test_a_code_is_not_used_up_where_it_cannot_be_used(house: Typing) -> None:
    """A bound room says so before it looks at the code."""
    project = await house.project()
    code = await invited(house, project.id)
    bound, free = await house.room("bound", project=project.id), await house.room("free")
    eve = await house.person("Eve")
    with pytest.raises(UserError, match=r"project\.used_elsewhere"):
        await house.types(f"/project use {code}", room=bound, person=eve, is_room_admin=True)

    await house.types(f"/project use {code}", room=free, person=eve, is_room_admin=True)
    assert project.id == (await house.at(free)).project


async def private_source(house: Typing, project: str) -> None:
    """Let a project follow something that not everybody may read."""
    new = NewSource(project, "folder", "docs", "/srv/docs", is_private=True)
    await house.db.write(lambda session: sources.add(session, new, now=house.now))


async def test_a_public_room_shows_private_sources_only_by_an_owners_yes(house: Typing) -> None:
    """An admin is refused, a code is refused, an owner is asked first."""
    project = await house.project()
    await private_source(house, project.id)
    code = await invited(house, project.id)
    room, ada = await house.room(is_public=True), await house.person(role=Role.ADMIN, project=project.id)
    owner = await house.person("Olga", role=Role.OWNER)
    for typed in ("Handbook", code):
        with pytest.raises(UserError, match=r"rights\.public_room_needs_owner"):
            await house.types(f"/project use {typed}", room=room, person=ada, is_room_admin=True)

    asked = await house.types("/project use Handbook", room=room, person=owner, is_room_admin=True)

    assert say("project.use_public_confirm", "en", name="Handbook") == asked.markdown
    assert None is (await house.at(room)).project
    event = await house.context("", room=room, person=owner, is_room_admin=True)
    await house.commands.press("confirm", asked.buttons[0][0].data, event)
    assert project.id == (await house.at(room)).project


async def test_a_room_admin_may_disconnect(house: Typing) -> None:
    """He steers the room without a right to the project; a member of the project does not."""
    project = await house.project()
    room, eve = await house.room(project=project.id), await house.person("Eve")
    ada = await house.person(role=Role.MEMBER, project=project.id)
    with pytest.raises(UserError, match=r"rights\.not_allowed"):
        await house.types("/project leave", room=room, person=ada)

    assert say("project.left", "en") == await house.says("/project leave", room=room, person=eve, is_room_admin=True)
    assert None is (await house.at(room)).project


async def test_a_topic_leaves_where_it_was_bound(house: Typing) -> None:
    """It has its group's project, and says so."""
    project = await house.project()
    group = await house.room("group", project=project.id)
    topic = await house.room("topic", kind="topic", parent=RoomAddress("fake", "bot", "group"))
    ada = await house.person(role=Role.ADMIN, project=project.id)

    with pytest.raises(UserError, match=r"project\.left_above"):
        await house.types("/project leave", room=topic, person=ada)
    assert project.id == (await house.at(group)).project


@pytest.mark.parametrize("text", ["/project use Other", "/project leave"])
async def test_a_web_chat_stays_with_its_project(house: Typing, text: str) -> None:
    """Its list at the left has the others."""
    project, _ = await house.project(), await house.project("Other")
    room, owner = await house.room(kind="web", project=project.id), await house.person(role=Role.OWNER)

    with pytest.raises(UserError, match=r"project\.web_fixed"):
        await house.types(text, room=room, person=owner)


async def test_the_list_holds_ones_own_projects(house: Typing) -> None:
    """With the role in each; an owner without any is told how to begin."""
    one, _ = await house.project("One"), await house.project("Two")
    alone, ada = await house.room(kind="private"), await house.person(role=Role.ADMIN, project=one.id)

    said = await house.says("/project list", room=alone, person=ada)

    assert say("project.list_line", "en", name="One", role=say("role.admin", "en")) in said
    assert "Two" not in said


async def test_an_owner_without_projects_is_told_how_to_begin(house: Typing) -> None:
    """Instead of an empty list."""
    alone, owner = await house.room(kind="private"), await house.person(role=Role.OWNER)

    assert say("project.list_empty_owner", "en") == await house.says("/project list", room=alone, person=owner)


async def test_a_project_is_renamed(house: Typing) -> None:
    """The room keeps it under the new name."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    said = await house.says("/project rename Manual", room=room, person=ada)

    assert say("project.renamed", "en", old="Handbook", new="Manual") == said
    with pytest.raises(UserError, match=r"state\.name_not_usable"):
        await house.types(f"/project rename {'x' * 100}", room=room, person=ada)


async def test_removing_a_project_takes_everything_along(house: Typing) -> None:
    """The question says what goes; after the yes rooms are free, sources and passages gone."""
    project = await house.project()
    room = await house.room(project=project.id)
    alone = await house.room("alone", kind="private", project=project.id)
    ada = await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    await house.settle()

    asked = await house.types("/project remove", room=alone, person=ada)

    values = {"name": "Handbook", "sources": 1, "passages": 1, "rooms": 2}
    assert say("project.remove_confirm", "en", **values) == asked.markdown
    await house.press(asked.buttons[0][0].data, room=alone, person=ada)
    assert None is (await house.at(room)).project
    assert None is await house.db.read(lambda session: projects.get(session, project.id))
    assert [] == await house.store.projects()
    assert [] == await house.followed(project)


async def test_a_project_is_not_removed_in_a_group(house: Typing) -> None:
    """Such a question belongs where nobody presses by mistake."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    with pytest.raises(UserError, match=r"rights\.not_here"):
        await house.types("/project remove", room=room, person=ada)


async def test_an_invitation_is_not_shown_in_a_group(house: Typing) -> None:
    """Everybody there would read the code."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    with pytest.raises(UserError, match=r"rights\.not_here"):
        await house.types("/project invite", room=room, person=ada)
