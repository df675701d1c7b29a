"""How people come in."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.people import People
from bot.rights import Role
from bot.state.database import Database
from bot.state.queries import audit, codes, people, sessions
from bot.state.queries.codes import NewCode, Purpose
from tests.fakes.state import NOW, later, open_database, some_project, somebody


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database."""
    opened = await open_database(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def door(db: Database) -> People:
    """Links hold for a day, sessions for a month."""
    return People(db, link_valid_for=timedelta(hours=24), session_valid_for=timedelta(days=30))


async def _owners(db: Database) -> list[str]:
    return await db.read(lambda session: people.owners(session, now=NOW))


async def test_a_claim_makes_an_owner_once(db: Database, door: People) -> None:
    """Of two who type the code at once one becomes owner; both tries are recorded."""
    ada, bob = await somebody(db, "Ada"), await somebody(db, "Bob")
    code = await door.make_claim(now=NOW)

    won = await asyncio.gather(*(door.claim(code.lower(), person=who.id, now=NOW) for who in (ada, bob)))

    assert [False, True] == sorted(won)
    assert 1 == len(await _owners(db))
    said = [(row.action, row.outcome) for row in await db.read(lambda session: audit.latest(session, limit=9))]
    assert [("claim", "allowed"), ("claim", "refused"), ("owner add", "allowed")] == sorted(said)


async def test_a_claim_code_typed_in_a_group_is_dead(db: Database, door: People) -> None:
    """Everybody there has seen it."""
    ada, code = await somebody(db), await door.make_claim(now=NOW)

    assert await door.spoil_claim(code, now=NOW)
    assert not await door.claim(code, person=ada.id, now=NOW)
    assert [] == await _owners(db)


async def test_a_new_claim_code_replaces_the_old_one(db: Database, door: People) -> None:
    """Only the one shown last works, for a quarter of an hour."""
    ada = await somebody(db)
    old, new = await door.make_claim(now=NOW), await door.make_claim(now=NOW)

    assert not await door.claim(old, person=ada.id, now=NOW)
    assert not await door.claim(new, person=ada.id, now=later(minutes=15))
    assert await door.claim(new, person=ada.id, now=later(minutes=14))


async def test_the_first_link_makes_the_first_owner(db: Database, door: People) -> None:
    """A second link signs the same owner in, not another one."""
    first = await door.sign_in(await door.make_login(now=NOW), language="de", now=NOW)
    second = await door.sign_in(await door.make_login(now=NOW), now=NOW)

    assert first is not None
    assert second is not None
    assert [first.person.id] == await _owners(db) == [second.person.id]
    assert "de" == first.person.language
    found = await db.read(lambda session: sessions.by_token(session, first.session.token, now=later(days=29)))
    assert found is not None


async def test_a_link_works_once_and_looking_does_not_count(db: Database, door: People) -> None:
    """Chat previews look; a person signs in; the next one is too late."""
    code = await door.make_login(now=NOW)

    assert [True] * 3 == [await door.is_login_open(code, now=NOW) for _ in range(3)]
    won = await asyncio.gather(*(door.sign_in(code, now=NOW) for _ in range(5)))
    assert 1 == sum(one is not None for one in won)
    assert not await door.is_login_open(code, now=NOW)


async def test_a_link_ends_after_a_day(door: People) -> None:
    """Nobody becomes owner by an old terminal's scrollback."""
    code = await door.make_login(now=NOW)

    assert await door.sign_in(code, now=later(hours=24)) is None


async def test_a_link_for_a_person_signs_in_that_person_only(db: Database, door: People) -> None:
    """He gets no role by it."""
    ada = await somebody(db)
    signed_in = await door.sign_in(await door.make_login(person=ada.id, now=NOW), now=NOW)

    assert signed_in is not None
    assert ada.id == signed_in.person.id
    assert [] == await _owners(db)


async def test_joining_never_lowers_a_role(db: Database, door: People) -> None:
    """An admin who uses a member's invitation stays admin."""
    project, bob = await some_project(db), await somebody(db, "Bob")
    ada = await somebody(db, role=Role.ADMIN, project=project.id)
    new = NewCode(Purpose.JOIN, project=project.id, role="member", made_by=ada.id)

    for who, expected in ((ada, Role.ADMIN), (bob, Role.MEMBER)):
        code = await db.write(lambda session: codes.make(session, new, valid_for=timedelta(days=1), now=NOW))
        assert project.id == await door.join(code, person=who.id, now=NOW)
        roles = await db.read(lambda session, w=who: people.roles_of(session, w.id, now=NOW))  # type: ignore[misc]
        assert {project.id: expected} == roles
    assert await door.join("AAAAAAAA", person=bob.id, now=NOW) is None
