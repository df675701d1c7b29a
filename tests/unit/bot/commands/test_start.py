"""/start: the greeting, and the codes of invitation links."""

import pytest

from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import people
from bot.state.tables import Project
from config.texts import say
from tests.fakes.house import Typing

WRONG = "K7QF3MWX"


async def invited(house: Typing, project: Project, kind: str) -> str:
    """A code of an admin of the project, as its link brings it: without the hyphen."""
    desk = await house.room("desk", kind="private", project=project.id)
    ada = await house.person("Admin", role=Role.ADMIN, project=project.id)
    return (await house.says(f"/{kind} invite", room=desk, person=ada)).split("`")[1].replace("-", "")


async def link_of(house: Typing, project: Project, kind: str) -> str:
    """The link that an invitation shows beside its code."""
    house.chat.username = "roomwise_bot"
    desk = await house.room("desk", kind="private", project=project.id)
    ada = await house.person("Admin", role=Role.ADMIN, project=project.id)
    said = await house.says(f"/{kind} invite", room=desk, person=ada)
    return said.partition("<")[2].partition(">")[0]


async def role_of(house: Typing, person: str, project: Project) -> Role:
    """What somebody is to a project now."""
    actor = await house.db.read(lambda session: people.load_actor(session, person, now=house.now))
    return actor.role_in(project.id)


async def test_a_person_joins_by_the_code_of_a_link(house: Typing) -> None:
    """As by /join: once, and the greeting is left out."""
    project, alone, bob = await house.project(), await house.room(kind="private"), await house.person("Bob")
    code = await invited(house, project, "role")

    said = await house.says(f"/start {code}", room=alone, person=bob)

    assert say("role.joined", "en", name="Handbook") == said
    assert Role.MEMBER is await role_of(house, bob.id, project)
    assert ("join", "allowed") in await house.audited()
    with pytest.raises(UserError, match=r"role\.join_wrong"):
        await house.types(f"/start {code}", room=alone, person=await house.person("Eve"))


async def test_a_room_is_connected_by_the_code_of_a_link(house: Typing) -> None:
    """By an administrator of the room, as by /project use; nobody gets a role by it."""
    project, room, eve = await house.project(), await house.room(), await house.person("Eve")
    code = await invited(house, project, "project")
    with pytest.raises(UserError, match=r"rights\.not_allowed"):
        await house.types(f"/start {code}", room=room, person=eve)

    said = await house.says(f"/start {code}", room=room, person=eve, is_room_admin=True)

    assert say("onboarding.connected_empty", "en", project="Handbook") == said
    assert project.id == (await house.at(room)).project
    assert [("project redeem", "failed"), ("project redeem", "allowed")] == (await house.audited())[-2:]
    assert Role.NOBODY is await role_of(house, eve.id, project)


async def test_a_link_connects_no_room_by_the_name_of_a_project(house: Typing) -> None:
    """What follows in a link is a code and nothing else, even where somebody may use the name."""
    project, room = await house.project("Testdata"), await house.room()
    ada = await house.person(role=Role.ADMIN, project=project.id)

    with pytest.raises(UserError, match=r"project\.code_wrong"):
        await house.types("/start Testdata", room=room, person=ada, is_room_admin=True)
    assert (await house.at(room)).project is None


@pytest.mark.parametrize("payload", [WRONG, "hello", "K7QF-3MWX ", "x" * 64, "K7QF3MWX K7QF3MWX"])
async def test_a_wrong_code_is_said_plainly(house: Typing, payload: str) -> None:
    """In private and in a group, where a connected room would be left as it is."""
    alone, room, bob = await house.room(kind="private"), await house.room("group"), await house.person("Bob")

    with pytest.raises(UserError, match=r"role\.join_wrong"):
        await house.types(f"/start {payload}", room=alone, person=bob)
    with pytest.raises(UserError, match=r"project\.code_wrong"):
        await house.types(f"/start {payload}", room=room, person=bob, is_room_admin=True)


async def test_what_cannot_be_a_code_is_no_guess(house: Typing) -> None:
    """A link with another payload, opened over and over, blocks nobody; wrong codes do."""
    project, alone, bob = await house.project(), await house.room(kind="private"), await house.person("Bob")
    code = await invited(house, project, "role")
    for _ in range(6):
        with pytest.raises(UserError, match=r"role\.join_wrong"):
            await house.types("/start hello", room=alone, person=bob)

    assert say("role.joined", "en", name="Handbook") == await house.says(f"/start {code}", room=alone, person=bob)
    second, eve = await invited(house, project, "role"), await house.person("Eve")
    for payload in [WRONG] * 5 + [second]:
        with pytest.raises(UserError, match=r"role\.join_wrong"):
            await house.types(f"/start {payload}", room=alone, person=eve)


async def test_a_personal_code_dies_in_a_group(house: Typing) -> None:
    """Everybody there has seen it, whoever may have opened the wrong link."""
    project, room, bob = await house.project(), await house.room("group"), await house.person("Bob")
    alone = await house.room("alone", kind="private")
    code, claim = await invited(house, project, "role"), await house.house.people.make_claim(now=house.now)

    with pytest.raises(UserError, match=r"role\.join_in_group"):
        await house.types(f"/start {code}", room=room, person=bob)
    with pytest.raises(UserError, match=r"claim\.in_group"):
        await house.types(f"/start {claim}", room=room, person=bob)

    with pytest.raises(UserError, match=r"role\.join_wrong"):
        await house.types(f"/start {code}", room=alone, person=bob)
    with pytest.raises(UserError, match=r"claim\.wrong"):
        await house.types(f"/claim {claim}", room=alone, person=bob)


async def test_the_code_of_a_room_is_not_used_up_in_private(house: Typing) -> None:
    """There it is no code to join, and waits for its room."""
    project, alone, room = await house.project(), await house.room(kind="private"), await house.room("group")
    bob, code = await house.person("Bob"), await invited(house, project, "project")

    with pytest.raises(UserError, match=r"role\.join_wrong"):
        await house.types(f"/start {code}", room=alone, person=bob)
    await house.types(f"/start {code}", room=room, person=bob, is_room_admin=True)
    assert project.id == (await house.at(room)).project


async def test_a_connected_room_stays_with_its_project(house: Typing) -> None:
    """The code is left for another room."""
    one, two = await house.project("One"), await house.project("Two")
    room, other, eve = await house.room(project=one.id), await house.room("other"), await house.person("Eve")
    code = await invited(house, two, "project")

    with pytest.raises(UserError, match=r"project\.used_elsewhere"):
        await house.types(f"/start {code}", room=room, person=eve, is_room_admin=True)

    assert one.id == (await house.at(room)).project
    await house.types(f"/start {code}", room=other, person=eve, is_room_admin=True)
    assert two.id == (await house.at(other)).project


async def test_starting_waits_for_answers_under_way(house: Typing) -> None:
    """Since it may connect the room with another project."""
    parsed = house.commands.parse(f"/start {WRONG}")
    assert parsed is not None

    assert not house.commands.is_read_only(parsed)


async def test_an_invitation_shows_a_link_where_the_network_has_one(house: Typing) -> None:
    """To a private chat for a person, to a group for a room; what it brings is what /start takes."""
    project, alone, room = await house.project(), await house.room(kind="private"), await house.room("group")
    eve, bob = await house.person("Eve"), await house.person("Bob")
    personal, shared = await link_of(house, project, "role"), await link_of(house, project, "project")

    assert personal.startswith("https://fake.example/roomwise_bot?start=")
    assert shared.startswith("https://fake.example/roomwise_bot?startgroup=")
    await house.types(f"/start {personal.partition('=')[2]}", room=alone, person=bob)
    await house.types(f"/start {shared.partition('=')[2]}", room=room, person=eve, is_room_admin=True)
    assert Role.MEMBER is await role_of(house, bob.id, project)
    assert project.id == (await house.at(room)).project


async def test_no_link_is_shown_before_the_network_told_our_name(house: Typing) -> None:
    """The code alone does as well."""
    project = await house.project()
    desk = await house.room("desk", kind="private", project=project.id)
    ada = await house.person("Admin", role=Role.ADMIN, project=project.id)

    for kind in ("role", "project"):
        assert "http" not in await house.says(f"/{kind} invite", room=desk, person=ada)
