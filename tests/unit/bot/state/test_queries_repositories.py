"""Repositories on the network, what hosts let us do, and which sources are to be looked at when."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.forge import Allowance
from bot.state.database import Database
from bot.state.queries import pauses, polls, repositories, sources
from bot.state.queries.polls import Quiet
from bot.state.queries.sources import NewSource
from bot.state.tables import Repository, Source
from tests.fakes.state import NOW, later, some_project

URL = "https://github.com/acme/app"


async def _repository(db: Database, location: str = URL) -> Repository:
    return await db.write(lambda session: repositories.get_or_add(session, location, host="github.com"))


async def _source(db: Database, project: str, name: str = "acme/app", *, location: str = URL, ref: str = "") -> str:
    new = NewSource(project=project, kind="git", name=name, location=location, ref=ref)
    source = (await db.write(lambda session: sources.add(session, new, now=NOW))).id
    await db.write(lambda session: sources.begin_run(session, source, now=NOW))  # no longer new
    return source


async def _row(db: Database, source: str) -> Source:
    found = await db.read(lambda session: sources.get(session, source))
    assert found is not None
    return found


async def _set(db: Database, source: str, **values: object) -> None:
    await db.write(lambda session: session.execute(update(Source).where(col(Source.id) == source).values(**values)))


async def _due(db: Database, *, ahead_s: float = 0.0) -> list[str]:
    found = await db.read(lambda session: polls.due(session, now=NOW, ahead_s=ahead_s))
    return [one.source.id for one in found]


async def test_a_repository_is_one_row_however_it_is_written(db: Database) -> None:
    """Letters' case does not count, and the first spelling stays."""
    first, again = await _repository(db), await _repository(db, "https://github.com/Acme/App")

    assert (first.id, URL) == (again.id, again.location)


async def test_what_a_host_says_of_a_repository_is_kept(db: Database) -> None:
    """An empty node id does not wipe out the one that is known."""
    row = await _repository(db)
    for node_id in ("R_1", ""):
        await db.write(
            lambda session, node_id=node_id: repositories.describe(  # type: ignore[misc]
                session, row.id, node_id=node_id, default_branch="main", is_private=False, is_archived=True
            )
        )
    await db.write(lambda session: repositories.mark_seen(session, [row.id], now=NOW))

    found = await db.read(lambda session: repositories.by_node_id(session, "github.com", "R_1"))
    assert found is not None
    assert (row.id, "main", False, True, NOW) == (
        found.id,
        found.default_branch,
        found.is_private,
        found.is_archived,
        found.seen_at,
    )
    assert await db.read(lambda session: repositories.by_node_id(session, "git.acme.org", "R_1")) is None


async def test_a_renamed_repository_keeps_its_id_and_sources(db: Database) -> None:
    """It is found under the new address only."""
    row, source = await _repository(db), await _source(db, (await some_project(db)).id)
    await db.write(lambda session: sources.link(session, [source], row.id))

    kept = await db.write(lambda session: repositories.rename(session, row.id, "https://github.com/acme/next"))

    found = await db.read(lambda session: repositories.by_location(session, "https://github.com/acme/NEXT"))
    assert found is not None
    assert (row.id, row.id) == (kept, found.id)
    assert await db.read(lambda session: repositories.by_location(session, URL)) is None
    assert [source] == [one.id for one in await db.read(lambda session: sources.of_repository(session, kept))]


async def test_a_rename_onto_a_followed_name_makes_one_repository_of_two(db: Database) -> None:
    """Somebody may have added it under its new name already."""
    row, there = await _repository(db), await _repository(db, "https://github.com/acme/next")
    source = await _source(db, (await some_project(db)).id)
    await db.write(lambda session: sources.link(session, [source], row.id))

    kept = await db.write(lambda session: repositories.rename(session, row.id, there.location))

    assert there.id == kept
    assert [source] == [one.id for one in await db.read(lambda session: sources.of_repository(session, there.id))]
    assert await db.read(lambda session: repositories.get(session, row.id)) is None


async def test_the_secret_of_a_webhook_outlives_such_a_rename(db: Database) -> None:
    """The row that holds it stays, at the new address."""
    row, there = await _repository(db), await _repository(db, "https://github.com/acme/next")
    source = await _source(db, (await some_project(db)).id)
    await db.write(lambda session: sources.link(session, [source], there.id))

    async def make_secret(session: AsyncSession) -> None:
        held = await session.get_one(Repository, row.id)
        held.hook_secret_sealed = "sealed"
        session.add(held)

    await db.write(make_secret)

    kept = await db.write(lambda session: repositories.rename(session, row.id, there.location))

    found = await db.read(lambda session: repositories.by_location(session, there.location))
    assert found is not None
    assert (row.id, row.id, "sealed") == (kept, found.id, found.hook_secret_sealed)
    assert [source] == [one.id for one in await db.read(lambda session: sources.of_repository(session, row.id))]


@pytest.mark.parametrize(("name", "expected"), [("free", "acme/next"), ("acme/next", "acme/app")])
async def test_a_moved_source_takes_the_new_name_unless_it_is_taken(db: Database, name: str, expected: str) -> None:
    """Two sources of a project never have one name."""
    project = await some_project(db)
    source = await _source(db, project.id)
    await _source(db, project.id, name, location="https://git.acme.org/other/place")

    was_moved = await db.write(
        lambda session: sources.move(session, source, location="https://github.com/acme/next", name="acme/next")
    )

    row = await _row(db, source)
    assert (True, "https://github.com/acme/next", expected) == (was_moved, row.location, row.name)


async def test_a_source_is_not_moved_to_what_its_project_follows_already(db: Database) -> None:
    """Nothing changes then."""
    project = await some_project(db)
    source = await _source(db, project.id)
    await _source(db, project.id, "next", location="https://github.com/acme/next")

    was_moved = await db.write(
        lambda session: sources.move(session, source, location="https://github.com/acme/next", name="acme/next")
    )

    assert (False, URL) == (was_moved, (await _row(db, source)).location)


async def test_what_a_host_lets_us_do_is_kept_by_host_and_credential(db: Database) -> None:
    """The last word of the host counts."""
    told = Allowance("github.com acme", 4000, 5000, later(minutes=30), later(minutes=5), "secondary")
    for allowance in (Allowance("github.com acme", 5000, 5000), told, Allowance("github.com other")):
        await db.write(lambda session, allowance=allowance: pauses.keep(session, allowance, now=NOW))  # type: ignore[misc]

    assert [told, Allowance("github.com other")] == await db.read(pauses.list_all)


async def test_sources_that_are_due_soon_are_found_too(db: Database) -> None:
    """Those of the next seconds come after those that have waited."""
    project = (await some_project(db)).id
    late, soon, last = [await _source(db, project, name, location=f"https://h/o/{name}") for name in "abc"]
    for source, seconds in ((late, -10), (soon, 20), (last, 40)):
        await _set(db, source, next_due_at=NOW + timedelta(seconds=seconds))

    assert ([late], [late, soon]) == (await _due(db), await _due(db, ahead_s=30.0))


async def test_the_newest_push_comes_first(db: Database) -> None:
    """Before older pushes and before whatever has waited for long."""
    project, ids = (await some_project(db)).id, []
    for name, minutes in (("old", 1), ("new", 2), ("none", None)):
        source, row = await _source(db, project, name, location=f"https://h/o/{name}"), await _repository(db, name)
        await db.write(lambda s, source=source, row=row: sources.link(s, [source], row.id))  # type: ignore[misc]
        if minutes is not None:
            pushed = update(Repository).where(col(Repository.id) == row.id).values(hook_event_at=later(minutes=minutes))
            await db.write(lambda s, pushed=pushed: s.execute(pushed))  # type: ignore[misc]
            await db.write(lambda s, source=source: sources.mark_dirty(s, source))  # type: ignore[misc]
        ids.append(source)

    assert [ids[1], ids[0], ids[2]] == await _due(db)


@pytest.mark.parametrize(
    ("hours", "interval_s", "is_archived", "expected"),
    [
        (1.0, 300, False, False),  # the longest wait after failures
        (3.0, 300, False, True),  # a clock was wrong
        (26.0, 300, True, False),  # archived: once a day
        (28.0, 300, True, True),
        (3.0, 4 * 3600, False, False),  # asked rarely because an operator wants it so
        (6.0, 4 * 3600, False, True),
    ],
)
async def test_a_time_that_no_right_clock_can_have_written_counts_as_due(
    db: Database, *, hours: float, interval_s: int, is_archived: bool, expected: bool
) -> None:
    """A clock that was ahead, or has been set back, makes no source wait for days."""
    source, row = await _source(db, (await some_project(db)).id), await _repository(db)
    await db.write(lambda session: sources.link(session, [source], row.id))
    await _set(db, source, next_due_at=later(hours=hours), interval_s=interval_s)
    archived = update(Repository).where(col(Repository.id) == row.id).values(is_archived=is_archived)
    await db.write(lambda session: session.execute(archived))

    assert expected == bool(await _due(db))


async def test_quiet_sources_are_settled_together(db: Database) -> None:
    """Failures of before are over; a push that came while the host was asked stays marked."""
    project = (await some_project(db)).id
    one, other = [await _source(db, project, name, location=f"https://h/o/{name}") for name in ("one", "other")]
    await db.write(
        lambda s: sources.record_run(s, one, error="no answer", counts={"problem": "x"}, next_due_at=NOW, now=NOW)
    )
    await db.write(lambda session: sources.mark_dirty(session, other))

    quiet = [Quiet(one, later(minutes=5), {"files": 3}), Quiet(other, later(minutes=5))]
    await db.write(lambda session: polls.settle(session, quiet, now=later(minutes=1)))

    first, second = await _row(db, one), await _row(db, other)
    assert ("", 0, {"files": 3}, later(minutes=1)) == (first.last_error, first.failures, first.counts, first.last_ok_at)
    assert (later(minutes=5), later(minutes=5), True) == (first.next_due_at, second.next_due_at, second.is_dirty)


async def test_a_source_that_became_private_can_be_allowed(db: Database) -> None:
    """Nothing holds it back any more, and it is looked at as soon as possible."""
    source = await _source(db, (await some_project(db)).id)
    await _set(db, source, is_private=False, next_due_at=later(minutes=5), counts={"files": 3, "problem": "private"})

    await db.write(lambda session: sources.allow_private(session, source, now=NOW))

    row = await _row(db, source)
    assert (True, {"files": 3}) == (row.is_private, row.counts)
    assert [source] == await _due(db)
