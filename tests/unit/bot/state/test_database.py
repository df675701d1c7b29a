"""Reads, writes in turn, and what happens when they fail."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.errors import NewerDatabase, StateFull, StateUnavailable
from bot.state.database import Database
from bot.state.tables import Person
from tests.fakes.state import NOW, open_database, raises, somebody


async def _count(session: AsyncSession) -> int:
    return int(await session.scalar(select(func.count()).select_from(Person)) or 0)


async def _add(session: AsyncSession, number: int) -> int:
    session.add(Person(id=f"p{number}", created_at=NOW))
    await session.flush()
    return number


async def test_writes_that_wait_together_all_become_durable(db: Database) -> None:
    """Each caller gets the result of its own work."""
    results = await asyncio.gather(*(db.write(lambda session, n=n: _add(session, n)) for n in range(150)))  # type: ignore[misc]

    assert list(range(150)) == results
    assert 150 == await db.read(_count)


async def test_a_failing_write_rolls_back_alone(db: Database) -> None:
    """Its neighbours in the same commit stay, and only its caller hears of it."""

    async def add_and_fail(session: AsyncSession) -> None:
        await _add(session, 99)
        raise LookupError("no")

    results = await asyncio.gather(
        db.write(lambda session: _add(session, 1)),
        db.write(add_and_fail),
        db.write(lambda session: _add(session, 1)),
        db.write(lambda session: _add(session, 2)),
        return_exceptions=True,
    )

    assert [1, LookupError, IntegrityError, 2] == [r if isinstance(r, int) else type(r) for r in results]
    assert 2 == await db.read(_count)


async def test_an_expected_conflict_inside_of_a_write_can_be_survived(db: Database) -> None:
    """A nested transaction inside of the work rolls back by itself."""

    async def work(session: AsyncSession) -> None:
        await _add(session, 1)
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await session.execute(text("INSERT INTO person (id, name, created_at) VALUES ('p1', '', '')"))
        await _add(session, 2)

    await db.write(work)

    assert 2 == await db.read(_count)


async def test_what_a_write_returned_can_be_read_afterwards(db: Database) -> None:
    """Rows stay readable after their session has ended."""
    assert "Ada" == (await somebody(db, "Ada")).name


async def test_a_reader_cannot_write(db: Database) -> None:
    """A write that slipped into a read is an error, not a lost update."""
    with pytest.raises(StateUnavailable, match="readonly"):
        await db.read(lambda session: _add(session, 1))


async def test_a_cancelled_caller_leaves_the_others_alone(db: Database) -> None:
    """A write that nobody waits for any more is not begun."""
    begun = asyncio.Event()
    go_on = threading.Event()
    loop = asyncio.get_running_loop()

    async def slow(session: AsyncSession) -> None:
        loop.call_soon_threadsafe(begun.set)  # it runs in the database's thread
        go_on.wait()
        await _add(session, 1)

    first = asyncio.create_task(db.write(slow))
    await begun.wait()
    second = asyncio.create_task(db.write(lambda session: _add(session, 2)))
    await asyncio.sleep(0)
    second.cancel()
    go_on.set()
    await first

    assert 3 == await db.write(lambda session: _add(session, 3))
    assert 2 == await db.read(_count)


async def test_work_that_waits_for_something_else_is_refused(db: Database) -> None:
    """Work has the database's one writing thread for itself; it must not hold it up, and nothing of it stays."""

    async def slow(session: AsyncSession) -> None:
        await _add(session, 1)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="await its session only"):
        await db.write(slow)

    assert 0 == await db.read(_count)


async def test_a_full_disk_keeps_nothing_and_is_named(db: Database) -> None:
    """Nobody in that commit may believe that his write is kept; later ones work when there is room again."""

    async def limit(session: AsyncSession) -> None:
        await session.execute(text("PRAGMA max_page_count = 1"))

    async def much(session: AsyncSession) -> None:
        for number in range(500):
            session.add(Person(id=f"much{number}", name="x" * 2000, created_at=NOW))
        await session.flush()

    await db.write(limit)
    results = await asyncio.gather(db.write(lambda session: _add(session, 1)), db.write(much), return_exceptions=True)

    assert [StateFull, StateFull] == [type(result) for result in results]
    assert 0 == await db.read(_count)
    await db.write(lambda session: session.execute(text("PRAGMA max_page_count = 100000")))
    await db.write(lambda session: _add(session, 1))
    assert 1 == await db.read(_count)


async def test_every_connection_is_told_what_keeps_data_safe(db: Database) -> None:
    """Log ahead, full sync, foreign keys, and deleted texts overwritten."""

    async def pragmas(session: AsyncSession) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        return {name: await session.scalar(text(f"PRAGMA {name}")) for name in names}

    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 5000}
    assert expected == await db.write(pragmas)
    assert expected == await db.read(pragmas)


async def test_a_write_survives_without_closing(tmp_path: Path) -> None:
    """What was acknowledged is in the files at that moment, seen by another connection."""
    db = await open_database(tmp_path)
    await db.write(lambda session: _add(session, 1))

    with closing(sqlite3.connect(tmp_path / "state.db")) as other:
        assert 1 == other.execute("SELECT COUNT(*) FROM person").fetchone()[0]
    await db.close()


async def test_closing_finishes_what_waits_and_refuses_more(tmp_path: Path) -> None:
    """A shutdown loses nothing that was asked for before it."""
    db = await open_database(tmp_path)
    waiting = [asyncio.create_task(db.write(lambda session, n=n: _add(session, n))) for n in range(5)]  # type: ignore[misc]
    await asyncio.sleep(0)
    await db.close()
    await db.close()

    assert [0, 1, 2, 3, 4] == await asyncio.gather(*waiting)
    with pytest.raises(StateUnavailable, match="closed"):
        await db.write(raises(LookupError()))


async def test_a_database_of_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    """The message names the version that wrote it, and nothing is changed."""
    await (await open_database(tmp_path)).close()
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("INSERT INTO installation VALUES ('i', '2026-01-01', '7.5.0')")
        connection.commit()

    with pytest.raises(NewerDatabase, match=r"from a newer version of the program \(7\.5\.0\)"):
        await open_database(tmp_path)


async def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    """Something else lies under that name."""
    (tmp_path / "state.db").write_text("dear diary" * 500)

    with pytest.raises(StateUnavailable, match="not a database"):
        await open_database(tmp_path)
    assert (tmp_path / "state.db").read_text().startswith("dear diary")
