"""People and their roles."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.errors import UserError
from bot.rights import Role, Way
from bot.state.database import Database
from bot.state.queries import people
from tests.fakes.state import NOW, later, some_project, somebody


async def test_a_network_id_is_one_person_whatever_the_name(db: Database) -> None:
    """A new name is followed; the person stays."""
    first = await db.write(lambda session: people.ensure(session, "telegram", "3000000000", name="Ada", now=NOW))
    second = await db.write(
        lambda session: people.ensure(
            session, "telegram", "3000000000", name="Ada L.\x00", language="de", now=later(days=1)
        )
    )

    assert first.id == second.id
    assert ("Ada L.", "de", NOW) == (second.name, second.language, second.created_at)


async def test_the_same_id_on_another_network_is_somebody_else(db: Database) -> None:
    """Ids mean something on their own network only."""
    one = await db.write(lambda session: people.ensure(session, "telegram", "7", name="Ada", now=NOW))
    other = await db.write(lambda session: people.ensure(session, "matrix", "7", name="Ada", now=NOW))

    assert one.id != other.id


async def test_two_who_meet_a_person_at_once_make_one(db: Database) -> None:
    """The loser of the race gets the winner's person."""
    both = await asyncio.gather(
        *(db.write(lambda session: people.ensure(session, "telegram", "7", name="Ada", now=NOW)) for _ in range(5))
    )

    assert 1 == len({person.id for person in both})


async def test_an_identity_can_be_handed_to_another_person(db: Database) -> None:
    """Linking an account moves it."""
    ada, bob = await somebody(db, "Ada"), await somebody(db, "Bob")
    await db.write(lambda session: people.link(session, ada.id, "matrix", "@a:b:1"))
    await db.write(lambda session: people.link(session, bob.id, "matrix", "@a:b:1"))

    found = await db.read(lambda session: people.by_identity(session, "matrix", "@a:b:1"))
    assert found is not None
    assert bob.id == found.id
    assert [] == await db.read(lambda session: people.identities(session, ada.id))


async def test_an_actor_has_the_roles_of_now(db: Database) -> None:
    """A role that is replaced, taken away or expired no longer counts."""
    project = await some_project(db)
    ada = await somebody(db, role=Role.ADMIN, project=project.id)

    actor = await db.read(lambda session: people.load_actor(session, ada.id, way=Way.WEB, now=NOW))
    assert (Role.ADMIN, Role.NOBODY) == (actor.role_in(project.id), actor.role_in("another"))

    await db.write(lambda s: people.give_role(s, ada.id, Role.MEMBER, project=project.id, given_by=None, now=NOW))
    assert {project.id: Role.MEMBER} == await db.read(lambda session: people.roles_of(session, ada.id, now=NOW))

    assert await db.write(lambda session: people.take_role(session, ada.id, project=project.id, now=NOW))
    assert not await db.write(lambda session: people.take_role(session, ada.id, project=project.id, now=NOW))
    assert {} == await db.read(lambda session: people.roles_of(session, ada.id, now=NOW))


async def test_a_role_ends_at_its_time(db: Database) -> None:
    """The minute before, it still counts."""
    project, ada = await some_project(db), await somebody(db)

    async def give(session: AsyncSession) -> None:
        grant = await people.give_role(session, ada.id, Role.MEMBER, project=project.id, given_by=None, now=NOW)
        grant.expires_at = later(hours=1)

    await db.write(give)

    assert {project.id: Role.MEMBER} == await db.read(lambda s: people.roles_of(s, ada.id, now=later(minutes=59)))
    assert {} == await db.read(lambda session: people.roles_of(session, ada.id, now=later(hours=1)))


async def test_an_unknown_person_is_an_actor_without_rights(db: Database) -> None:
    """Nobody becomes somebody by an id that does not exist."""
    actor = await db.read(lambda session: people.load_actor(session, "nobody", is_room_admin=True, now=NOW))

    assert (None, {}, True) == (actor.person, actor.roles, actor.is_room_admin)


async def test_a_ban_ends(db: Database) -> None:
    """Until then the actor is banned."""
    ada = await somebody(db)
    await db.write(lambda session: people.ban(session, ada.id, until=later(days=1)))

    assert (await db.read(lambda session: people.load_actor(session, ada.id, now=NOW))).is_banned
    assert not (await db.read(lambda session: people.load_actor(session, ada.id, now=later(days=1)))).is_banned


async def test_the_last_owner_cannot_go(db: Database) -> None:
    """Of two owners either may go, then the other may not."""
    ada, bob = await somebody(db, "Ada", role=Role.OWNER), await somebody(db, "Bob", role=Role.OWNER)
    assert sorted([ada.id, bob.id]) == await db.read(lambda session: people.owners(session, now=NOW))

    await db.write(lambda session: people.take_role(session, ada.id, project="", now=NOW))
    with pytest.raises(UserError, match=r"people\.last_owner"):
        await db.write(lambda session: people.take_role(session, bob.id, project="", now=NOW))
    with pytest.raises(UserError, match=r"people\.last_owner"):
        await db.write(lambda s: people.give_role(s, bob.id, Role.MEMBER, project="", given_by=None, now=NOW))
    assert [bob.id] == await db.read(lambda session: people.owners(session, now=NOW))


async def test_of_two_owners_who_go_at_once_one_stays(db: Database) -> None:
    """The check and the deed are one act."""
    pair = [await somebody(db, name, role=Role.OWNER) for name in ("Ada", "Bob")]
    gone = await asyncio.gather(
        *(db.write(lambda session, p=p: people.take_role(session, p.id, project="", now=NOW)) for p in pair),  # type: ignore[misc]
        return_exceptions=True,
    )

    assert [True, UserError] == sorted((True if g is True else type(g) for g in gone), key=str, reverse=True)
    assert 1 == len(await db.read(lambda session: people.owners(session, now=NOW)))


async def test_privacy_is_told_once_for_each_person(db: Database) -> None:
    """Not once for each room."""
    ada = await somebody(db)

    told = [await db.write(lambda session: people.tell_privacy_once(session, ada.id, now=NOW)) for _ in range(3)]
    assert [True, False, False] == told


async def test_members_are_listed_by_rank_and_name(db: Database) -> None:
    """People of other projects are not among them."""
    project, other = await some_project(db), await some_project(db, "other")
    for name, role, of in (("bob", Role.MEMBER, project), ("Al", Role.MEMBER, project), ("Zoe", Role.ADMIN, project)):
        await somebody(db, name, role=role, project=of.id)
    await somebody(db, "Eve", role=Role.ADMIN, project=other.id)

    found = await db.read(lambda session: people.members_of(session, project.id, now=NOW))
    assert [("Zoe", Role.ADMIN), ("Al", Role.MEMBER), ("bob", Role.MEMBER)] == [(p.name, r) for p, r in found]
