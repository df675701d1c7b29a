"""Projects and what they follow."""

import pytest

from bot.errors import UserError
from bot.rights import Actor, Role
from bot.state.database import Database
from bot.state.queries import people, polls, projects, sources
from bot.state.queries.sources import NewSource
from tests.fakes.state import NOW, later, some_project, somebody


async def _source(db: Database, project: str, name: str = "docs", *, is_private: bool = True) -> str:
    new = NewSource(project=project, kind="folder", name=name, location=f"/srv/{name}", is_private=is_private)
    return (await db.write(lambda session: sources.add(session, new, now=NOW))).id


async def test_names_that_look_the_same_are_the_same(db: Database) -> None:
    """Case, spaces and composed letters do not make another project."""
    made = await some_project(db, "  Caf\u00e9  Team ")
    assert "Café Team" == made.name

    found = await db.read(lambda session: projects.by_name(session, "CAFE\u0301 team"))
    assert found is not None
    assert made.id == found.id
    with pytest.raises(UserError, match="name_taken"):
        await some_project(db, "café TEAM")


@pytest.mark.parametrize("name", ["", " \x00\t", "/drop", "-x", "x" * 65])
async def test_a_name_that_nobody_can_type_is_refused(db: Database, name: str) -> None:
    """Nothing is made."""
    with pytest.raises(UserError, match="name_not_usable"):
        await some_project(db, name)
    assert [] == await db.read(projects.list_all)


async def test_a_removed_project_frees_its_name_and_ends_its_roles(db: Database) -> None:
    """It is found no more, by id or by name."""
    project = await some_project(db)
    ada = await somebody(db, role=Role.ADMIN, project=project.id)
    await db.write(lambda session: projects.remove(session, project.id, now=NOW))

    assert await db.read(lambda session: projects.get(session, project.id)) is None
    assert await db.read(lambda session: projects.by_name(session, project.name)) is None
    assert {} == await db.read(lambda session: people.roles_of(session, ada.id, now=NOW))
    assert project.id != (await some_project(db)).id


async def test_nobody_is_shown_a_project_without_a_right_to_it(db: Database) -> None:
    """Unknown and forbidden look the same."""
    mine, other = await some_project(db, "mine"), await some_project(db, "other")
    ada = Actor(person="ada", roles={mine.id: Role.MEMBER})
    owner = Actor(person="own", roles={"": Role.OWNER})

    assert [mine.id] == [p.id for p in await db.read(lambda session: projects.list_for(session, ada))]
    assert [mine.id, other.id] == [p.id for p in await db.read(lambda session: projects.list_for(session, owner))]
    assert await db.read(lambda session: projects.list_named(session, ada, "other")) is None
    assert await db.read(lambda session: projects.list_named(session, ada, "no such")) is None
    assert await db.read(lambda session: projects.list_named(session, ada, "MINE")) is not None


async def test_renaming_keeps_the_id_and_checks_the_name(db: Database) -> None:
    """A taken name changes nothing."""
    project = await some_project(db, "old")
    await some_project(db, "taken")

    assert project.id == (await db.write(lambda session: projects.rename(session, project.id, "New"))).id
    with pytest.raises(UserError, match="name_taken"):
        await db.write(lambda session: projects.rename(session, project.id, "Taken"))
    assert ["New", "taken"] == [p.name for p in await db.read(projects.list_all)]


async def test_a_source_is_followed_once(db: Database) -> None:
    """Neither the same place nor the same name twice in one project; another project may."""
    project, other = await some_project(db), await some_project(db, "other")
    await _source(db, project.id)
    await _source(db, other.id)

    with pytest.raises(UserError, match="source_name_taken"):
        await _source(db, project.id, "DOCS")
    same = NewSource(project=project.id, kind="folder", name="again", location="/srv/docs")
    with pytest.raises(UserError, match="source_known"):
        await db.write(lambda session: sources.add(session, same, now=NOW))
    assert 1 == await db.read(lambda session: sources.count(session, project.id))


async def test_a_source_is_due_at_once_then_after_its_interval(db: Database) -> None:
    """A run that went well says when the next is due."""
    source = await _source(db, (await some_project(db)).id)

    async def due(minutes: float) -> list[str]:
        found = await db.read(lambda session: polls.due(session, now=later(minutes=minutes)))
        return [one.source.id for one in found]

    assert [source] == await due(0)
    await db.write(lambda session: sources.begin_run(session, source, now=NOW))
    await db.write(
        lambda s: sources.record_run(s, source, error=None, counts={"files": 3}, next_due_at=later(minutes=5), now=NOW)
    )
    assert [[], [source]] == [await due(4), await due(5)]


async def test_a_push_during_a_run_makes_another_one_due(db: Database) -> None:
    """The end of the run does not wipe out what came meanwhile."""
    source = await _source(db, (await some_project(db)).id)
    await db.write(lambda session: sources.begin_run(session, source, now=NOW))
    await db.write(lambda session: sources.mark_dirty(session, source))
    await db.write(lambda s: sources.record_run(s, source, error=None, next_due_at=later(minutes=5), now=NOW))

    assert [source] == [one.source.id for one in await db.read(lambda s: polls.due(s, now=NOW))]


async def test_failures_are_counted_until_a_run_goes_well(db: Database) -> None:
    """The last good figures stay while it fails."""
    source = await _source(db, (await some_project(db)).id)
    for error in (None, "no answer", "no answer"):
        counts = {"files": 3} if error is None else None
        await db.write(
            lambda s, e=error, c=counts: sources.record_run(s, source, error=e, counts=c, next_due_at=NOW, now=NOW)  # type: ignore[misc]
        )

    found = await db.read(lambda session: sources.get(session, source))
    assert found is not None
    assert (2, "no answer", {"files": 3}, NOW) == (found.failures, found.last_error, found.counts, found.last_ok_at)


async def test_a_hidden_source_is_still_asked_for_and_can_be_purged_later(db: Database) -> None:
    """It may be back; it stays in the list, so that people see why it is silent. A removed one is not asked for."""
    project = await some_project(db)
    source = await _source(db, project.id)
    await db.write(lambda session: sources.set_state(session, source, "hidden", reason="gone", now=NOW))

    assert [source] == [one.source.id for one in await db.read(lambda s: polls.due(s, now=later(days=1)))]
    assert ["gone"] == [one.state_reason for one in await db.read(lambda s: sources.list_of(s, project.id))]
    assert [] == await db.read(lambda session: sources.hidden_since(session, before=NOW))
    assert [source] == [one.id for one in await db.read(lambda s: sources.hidden_since(s, before=later(days=7)))]

    await db.write(lambda session: sources.set_state(session, source, "removed", now=NOW))
    assert [] == await db.read(lambda session: polls.due(session, now=later(days=1)))


async def test_ends_that_were_cut_off_are_found(db: Database) -> None:
    """Removed sources, and all sources of a removed project; those that are followed or hidden are not among them."""
    project, ended = await some_project(db), await some_project(db, "ended")
    removed, hidden, orphan = [
        await _source(db, one.id, name) for one, name in ((project, "a"), (project, "b"), (ended, "c"))
    ]
    await _source(db, project.id, "followed")
    for source, state in ((removed, "removed"), (hidden, "hidden")):
        await db.write(lambda s, one=source, to=state: sources.set_state(s, one, to, now=NOW))  # type: ignore[misc]
    await db.write(lambda session: projects.remove(session, ended.id, now=NOW))

    assert {removed, orphan} == {one.id for one in await db.read(sources.ending)}


async def test_a_project_with_one_private_source_is_private(db: Database) -> None:
    """A removed source no longer counts."""
    project = await some_project(db)
    await _source(db, project.id, "open", is_private=False)
    assert not await db.read(lambda session: projects.has_private_source(session, project.id))

    secret = await _source(db, project.id, "secret")
    assert await db.read(lambda session: projects.has_private_source(session, project.id))

    await db.write(lambda session: sources.remove(session, secret))
    assert not await db.read(lambda session: projects.has_private_source(session, project.id))
