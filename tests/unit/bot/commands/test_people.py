"""Commands for people: roles, invitations, claiming the installation."""

import pytest

from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import people
from config.texts import say
from tests.fakes.house import Typing


async def role_of(house: Typing, person: str, project: str) -> Role:
    """What somebody is to a project now."""
    actor = await house.db.read(lambda session: people.load_actor(session, person, now=house.now))
    return actor.role_in(project)


async def test_an_owner_gives_and_takes_roles(house: Typing) -> None:
    """By the id that /whoami shows; the list follows."""
    project = await house.project()
    room, owner, bob = (
        await house.room(project=project.id),
        await house.person(role=Role.OWNER),
        await house.person("Bob"),
    )

    said = await house.says("/role grant fake:bob ADMIN", room=room, person=owner)
    listed = await house.says("/role", room=room, person=owner)

    assert say("role.granted", "en", name="Bob", role="admin", project="Handbook") == said
    assert say("role.line", "en", name="Bob", identity="fake:bob", role="admin") in listed
    assert Role.ADMIN is await role_of(house, bob.id, project.id)
    assert say("role.revoked", "en", name="Bob", project="Handbook") == await house.says(
        "/role revoke fake:bob", room=room, person=owner
    )
    assert say("role.had_none", "en", name="Bob", project="Handbook") == await house.says(
        "/role revoke fake:bob", room=room, person=owner
    )
    assert Role.NOBODY is await role_of(house, bob.id, project.id)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("/role grant fake:bob admin", "rights.only_below_own"),
        ("/role grant fake:bob owner", "role.unknown_role"),
        ("/role grant fake:bob guest", "role.unknown_role"),
        ("/role grant fake:bob king", "role.unknown_role"),
        ("/role grant fake:ada member", "rights.not_oneself"),
        ("/role revoke fake:ada", "rights.not_oneself"),
        ("/role revoke fake:olga", "rights.only_below_own"),
        ("/role revoke fake:carl", "rights.only_below_own"),
        ("/role grant fake:nobody member", "role.unknown_person"),
        ("/role grant bob member", "role.unknown_person"),
        ("/role grant fake: member", "role.unknown_person"),
        ("/role grant fake:bob", "command.usage"),
    ],
)
async def test_an_admin_gives_only_what_is_below_him(house: Typing, text: str, key: str) -> None:
    """Neither to himself, nor to owners and other admins."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.person("Bob")
    await house.person("Olga", role=Role.OWNER)
    await house.person("Carl", role=Role.ADMIN, project=project.id)

    with pytest.raises(UserError) as caught:
        await house.types(text, room=room, person=ada)
    assert key == caught.value.key
    assert say(key, "en", **caught.value.values)


async def test_a_member_neither_sees_nor_changes_roles(house: Typing) -> None:
    """Who belongs to a project is its admins' to know."""
    project = await house.project()
    room, bob = await house.room(project=project.id), await house.person("Bob", role=Role.MEMBER, project=project.id)

    for text in ("/role", "/role grant fake:bob admin", "/role revoke fake:bob"):
        with pytest.raises(UserError, match=r"rights\.not_allowed"):
            await house.types(text, room=room, person=bob)


async def test_nobody_is_listed_where_nobody_has_a_role(house: Typing) -> None:
    """But the owner, who is of the installation."""
    project = await house.project()
    room, owner = await house.room(project=project.id), await house.person(role=Role.OWNER)

    assert say("role.nobody_yet", "en") == await house.says("/role", room=room, person=owner)


async def test_a_name_is_no_markup(house: Typing) -> None:
    """A link in a name would be a link in our message."""
    project = await house.project()
    room, owner = await house.room(project=project.id), await house.person(role=Role.OWNER)
    await house.person("[Bob](http://evil.example)`", role=Role.MEMBER, project=project.id)

    said = await house.says("/role", room=room, person=owner)

    assert "[Bob](" not in said


async def test_a_person_joins_by_a_code(house: Typing) -> None:
    """Once; a higher role is kept."""
    project = await house.project()
    desk = await house.room("desk", kind="private", project=project.id)
    alone = await house.room("alone", kind="private")
    ada, bob = await house.person(role=Role.ADMIN, project=project.id), await house.person("Bob")
    code = (await house.says("/role invite", room=desk, person=ada)).split("`")[1]

    said = await house.says(f"/join {code}", room=alone, person=bob)

    assert say("role.joined", "en", name="Handbook") == said
    assert Role.MEMBER is await role_of(house, bob.id, project.id)
    with pytest.raises(UserError, match=r"role\.join_wrong"):
        await house.types(f"/join {code}", room=alone, person=await house.person("Eve"))


async def test_an_admin_invites_no_admins(house: Typing) -> None:
    """Only an owner does; and nobody in a group, where the code would be read."""
    project = await house.project()
    desk, room = await house.room("desk", kind="private", project=project.id), await house.room(project=project.id)
    ada, owner = await house.person(role=Role.ADMIN, project=project.id), await house.person("Olga", role=Role.OWNER)

    with pytest.raises(UserError, match=r"rights\.only_below_own"):
        await house.types("/role invite admin", room=desk, person=ada)
    assert "admin" in await house.says("/role invite admin", room=desk, person=owner)
    with pytest.raises(UserError, match=r"rights\.not_here"):
        await house.types("/role invite", room=room, person=ada)


async def test_a_claim_makes_an_owner(house: Typing) -> None:
    """Typed in private, with the code from the machine."""
    alone, ada = await house.room(kind="private"), await house.person()
    code = await house.house.people.make_claim(now=house.now)

    assert say("claim.done", "en") == await house.says(f"/claim {code}", room=alone, person=ada)
    assert Role.OWNER is await role_of(house, ada.id, "")


@pytest.mark.parametrize("code", ["", "K7QF-3MWX", "nonsense"])
async def test_a_wrong_claim_says_where_codes_come_from(house: Typing, code: str) -> None:
    """And makes nobody an owner."""
    alone, ada = await house.room(kind="private"), await house.person()

    with pytest.raises(UserError, match=r"claim\.wrong"):
        await house.types(f"/claim {code}", room=alone, person=ada)
    assert Role.NOBODY is await role_of(house, ada.id, "")


async def test_a_claim_in_a_group_kills_the_code(house: Typing) -> None:
    """Whoever typed it, everybody has seen it: it works for nobody, in private neither."""
    room, alone, ada = await house.room(), await house.room("alone", kind="private"), await house.person()
    code = await house.house.people.make_claim(now=house.now)

    with pytest.raises(UserError, match=r"claim\.in_group"):
        await house.types(f"/claim {code}", room=room, person=ada)
    with pytest.raises(UserError, match=r"claim\.wrong"):
        await house.types(f"/claim {code}", room=alone, person=ada)
    assert Role.NOBODY is await role_of(house, ada.id, "")


async def test_a_code_to_join_dies_in_a_group(house: Typing) -> None:
    """As a claim does."""
    project = await house.project()
    desk = await house.room("desk", kind="private", project=project.id)
    room, alone = await house.room(), await house.room("alone", kind="private")
    ada, bob = await house.person(role=Role.ADMIN, project=project.id), await house.person("Bob")
    code = (await house.says("/role invite", room=desk, person=ada)).split("`")[1]

    with pytest.raises(UserError, match=r"role\.join_in_group"):
        await house.types(f"/join {code}", room=room, person=bob)
    with pytest.raises(UserError, match=r"role\.join_wrong"):
        await house.types(f"/join {code}", room=alone, person=bob)
