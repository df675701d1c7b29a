"""Sessions, tokens, confirmations, the installation and the audit."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.errors import UserError
from bot.rights import Kind, Place, Role, decide
from bot.state.database import Database
from bot.state.queries import audit, confirmations, installation, people, sessions, tokens
from bot.state.queries.audit import ChainCheck
from bot.state.queries.confirmations import Act
from bot.state.queries.tokens import NewToken
from bot.state.vault import Vault
from tests.fakes.state import NOW, later, some_project, some_room, somebody

DAY = timedelta(days=1)


async def test_a_session_lasts_until_its_end_or_a_sign_out(db: Database) -> None:
    """Only the browser knows the token."""
    ada = await somebody(db)
    one, two = [await db.write(lambda s: sessions.make(s, ada.id, valid_for=DAY, now=NOW)) for _ in range(2)]

    assert await db.write(lambda session: sessions.use(session, one.token + "x", now=NOW)) is None
    found = await db.write(lambda session: sessions.use(session, one.token, now=later(hours=23)))
    assert found is not None
    assert (ada.id, one.csrf) == (found.person, found.csrf)
    assert await db.write(lambda session: sessions.use(session, one.token, now=later(days=1))) is None

    await db.write(lambda session: sessions.end(session, one.token))
    assert await db.read(lambda session: sessions.by_token(session, one.token, now=NOW)) is None
    assert await db.read(lambda session: sessions.by_token(session, two.token, now=NOW)) is not None


async def test_a_token_reaches_what_its_owner_may_now_in_its_projects(db: Database) -> None:
    """When the owner loses the role, the token does."""
    inside, outside = await some_project(db, "in"), await some_project(db, "out")
    owner, spare = await somebody(db, role=Role.OWNER), await somebody(db, "Bob", role=Role.OWNER)
    new = NewToken(name="ci", person=owner.id, scope="ask", projects=(inside.id,))
    token = await db.write(lambda session: tokens.make(session, new, valid_for=DAY, now=NOW))

    async def may(action: str, project: str) -> bool:
        actor = await db.write(lambda session: tokens.use(session, token, now=NOW))
        assert actor is not None
        return decide(actor, action, Place(kind=Kind.API, project=project)).allowed

    assert [True, False] == [await may("ask_api", inside.id), await may("ask_api", outside.id)]
    assert not await may("index_api", inside.id)
    await db.write(lambda session: people.take_role(session, owner.id, project="", now=NOW))
    assert not await may("ask_api", inside.id)
    assert spare.id != owner.id


async def test_a_token_ends_when_revoked_or_expired(db: Database) -> None:
    """Revoking twice says that it was done already."""
    ada = await somebody(db)
    new = NewToken(name="ci", person=ada.id, scope="admin", projects=())
    token = await db.write(lambda session: tokens.make(session, new, valid_for=DAY, now=NOW))
    listed = await db.read(lambda session: tokens.list_of(session, ada.id))

    assert ["ci"] == [one.name for one in listed]
    assert await db.write(lambda session: tokens.use(session, token, now=later(days=1))) is None
    assert await db.write(lambda session: tokens.revoke(session, listed[0].id, now=NOW))
    assert not await db.write(lambda session: tokens.revoke(session, listed[0].id, now=NOW))
    assert await db.write(lambda session: tokens.use(session, token, now=NOW)) is None


async def test_a_token_can_be_told_from_other_texts(db: Database) -> None:
    """A checksum tells a leaked one from a look-alike."""
    ada = await somebody(db)
    new = NewToken(name="ci", person=ada.id, scope="ask", projects=())
    token = await db.write(lambda session: tokens.make(session, new, valid_for=DAY, now=NOW))

    assert tokens.looks_like_token(token)
    assert not tokens.looks_like_token(token[:-1] + ("0" if token[-1] != "0" else "1"))
    assert not tokens.looks_like_token("rwk_")
    assert not tokens.looks_like_token("hello")


@pytest.mark.parametrize(("scope", "days"), [("root", 1), ("ask", 366), ("ask", 0)])
async def test_a_token_without_scope_or_end_is_refused(db: Database, scope: str, days: int) -> None:
    """At most a year."""
    ada = await somebody(db)
    new = NewToken(name="ci", person=ada.id, scope=scope, projects=())
    with pytest.raises(ValueError, match="expected"):
        await db.write(lambda session: tokens.make(session, new, valid_for=timedelta(days=days), now=NOW))


async def _ask(db: Database, vault: Vault) -> tuple[str, Act]:
    ada, room = await somebody(db), await some_room(db)
    act = Act(person=ada.id, room=room.id, command="project remove", arguments={"name": "x"})
    return await db.write(lambda session: confirmations.ask(session, vault, act, now=NOW)), act


async def test_a_confirmation_gives_back_what_was_asked_once(db: Database, vault: Vault) -> None:
    """Of many presses at once, one does it."""
    waits, act = await _ask(db, vault)

    taken = await asyncio.gather(
        *(db.write(lambda s: confirmations.take(s, vault, waits, person=act.person, now=NOW)) for _ in range(5)),
        return_exceptions=True,
    )
    assert [act] == [one for one in taken if isinstance(one, Act)]
    assert {"confirm.answered_already"} == {one.key for one in taken if isinstance(one, UserError)}


async def test_only_the_asker_may_confirm(db: Database, vault: Vault) -> None:
    """Another one's press does not use it up."""
    waits, act = await _ask(db, vault)

    with pytest.raises(UserError, match="not_yours"):
        await db.write(lambda s: confirmations.take(s, vault, waits, person="eve", now=NOW))
    assert act == await db.write(lambda s: confirmations.take(s, vault, waits, person=act.person, now=NOW))


async def test_a_confirmation_lasts_two_minutes(db: Database, vault: Vault) -> None:
    """Afterwards, and for an id that never was, it has expired."""
    waits, act = await _ask(db, vault)

    for code, now in ((waits, later(minutes=2)), ("no such", NOW)):
        with pytest.raises(UserError, match=r"confirm\.expired"):
            await db.write(lambda s, c=code, n=now: confirmations.take(s, vault, c, person=act.person, now=n))  # type: ignore[misc]


async def test_a_no_ends_it(db: Database, vault: Vault) -> None:
    """A yes after that comes too late."""
    waits, act = await _ask(db, vault)

    with pytest.raises(UserError, match="not_yours"):
        await db.write(lambda s: confirmations.drop(s, waits, person="eve", now=NOW))
    await db.write(lambda s: confirmations.drop(s, waits, person=act.person, now=NOW))
    with pytest.raises(UserError):
        await db.write(lambda s: confirmations.take(s, vault, waits, person=act.person, now=NOW))


async def test_the_installation_is_made_once_and_remembers_the_newest_program(db: Database) -> None:
    """0.10 is newer than 0.9; an older program changes nothing."""
    seen = [
        await db.write(lambda session, v=version: installation.ensure(session, program=v, now=NOW))  # type: ignore[misc]
        for version in ("0.9.0", "0.10.0", "0.2.0")
    ]

    assert 1 == len({row.id for row in seen})
    assert ["0.9.0", "0.10.0", "0.10.0"] == [row.newest_program for row in seen]


async def _acts(db: Database, count: int) -> None:
    for number in range(count):
        act = audit.Act(action="claim", way="chat", outcome="refused", detail=str(number))
        await db.write(lambda s, a=act, n=number: audit.append(s, a, now=later(days=n)))  # type: ignore[misc]


async def test_the_audit_is_a_chain(db: Database) -> None:
    """Acts at the same moment each continue another."""
    await _acts(db, 3)
    act = audit.Act(action="ask", way="web", outcome="allowed")
    await asyncio.gather(*(db.write(lambda session: audit.append(session, act, now=NOW)) for _ in range(5)))

    assert ChainCheck(8) == await db.read(audit.verify_chain)
    assert 5 == len(await db.read(lambda session: audit.latest(session, limit=5)))


@pytest.mark.parametrize("statement", ["UPDATE audit SET outcome = 'allowed'", "DELETE FROM audit"])
async def test_the_database_refuses_to_change_the_audit(db: Database, statement: str) -> None:
    """Not by a fault of ours, not by a hasty hand."""
    await _acts(db, 2)
    with pytest.raises(DBAPIError, match="only added"):
        await db.write(lambda session: session.execute(text(statement)))
    assert ChainCheck(2) == await db.read(audit.verify_chain)


async def test_retention_takes_the_oldest_and_the_chain_holds(db: Database) -> None:
    """Twice in a row, to the last row, and new acts continue it."""
    await _acts(db, 5)

    assert 2 == await db.write(lambda session: audit.prune(session, before=later(days=2)))
    assert ChainCheck(3) == await db.read(audit.verify_chain)
    assert 0 == await db.write(lambda session: audit.prune(session, before=later(days=2)))
    assert 3 == await db.write(lambda session: audit.prune(session, before=later(days=9)))
    await _acts(db, 1)
    assert ChainCheck(1) == await db.read(audit.verify_chain)
    with pytest.raises(DBAPIError, match="only added"):
        await db.write(lambda session: session.execute(text("DELETE FROM audit")))


async def test_a_row_cut_out_or_changed_shows(db: Database) -> None:
    """Somebody who gets round the triggers is still seen."""
    await _acts(db, 4)
    middle = (await db.read(lambda session: audit.latest(session, limit=4)))[2].id
    dialect = await db.read(_dialect)
    if dialect == "sqlite":
        off = "DROP TRIGGER audit_is_not_changed"
    else:
        off = "ALTER TABLE audit DISABLE TRIGGER audit_is_only_added"
    await db.write(lambda session: session.execute(text(off)))
    await db.write(lambda s: s.execute(text("UPDATE audit SET person = 'eve' WHERE id = :id"), {"id": middle}))

    assert middle == (await db.read(audit.verify_chain)).broken_at


async def _dialect(session: AsyncSession) -> str:
    return session.get_bind().dialect.name
