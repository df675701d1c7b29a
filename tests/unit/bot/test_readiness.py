"""Ready is who can keep what people ask."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.connections import Connections
from bot.readiness import Readiness
from bot.state.database import Database
from bot.state.queries import installation
from pipelines.stores.health import ServerHealth
from tests.fakes.chat import FakeChat
from tests.fakes.passages import FakePassages
from tests.fakes.state import NOW, open_database


class Seconds:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The seconds."""
        return self.now


class ServedPassages(FakePassages):
    """A store on a server that is away until `problem` is emptied."""

    problem = "none answers"

    async def health(self) -> ServerHealth:
        """Tell what is set."""
        return ServerHealth("Weaviate 1.36.0", self.problem)


async def connected() -> bool:
    """Say that all networks are."""
    return True


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """An installed state database."""
    db = await open_database(tmp_path)
    await db.write(lambda session: installation.ensure(session, program="1.0", now=NOW))
    yield db
    await db.close()


async def test_it_is_ready_while_writes_get_through(db: Database, tmp_path: Path) -> None:
    """Red as soon as another program keeps the database to itself, green again afterwards."""
    clock = Seconds()
    readiness = Readiness(db, clock, are_connected=connected, store=FakePassages())
    assert await readiness.is_ready()

    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        clock.now += 1
        assert not await readiness.is_ready()

    clock.now += 1
    assert await readiness.is_ready()


async def test_who_asks_again_and_again_causes_one_write_a_second(db: Database) -> None:
    """A stranger may ask as often as he likes."""
    clock = Seconds()
    readiness = Readiness(db, clock, are_connected=connected, store=FakePassages())
    assert [True] * 20 == await asyncio.gather(*(readiness.is_ready() for _ in range(20)))

    await db.close()

    assert await readiness.is_ready()
    clock.now += 1
    assert not await readiness.is_ready()


async def test_it_is_not_ready_while_a_network_is_away(db: Database) -> None:
    """Nobody who writes there is heard."""
    clock, chat = Seconds(), FakeChat()
    readiness = Readiness(db, clock, are_connected=Connections({("fake", "bot"): chat}).are_up, store=FakePassages())
    assert await readiness.is_ready()

    await chat.close()
    clock.now += 1

    assert not await readiness.is_ready()


async def test_it_is_not_ready_while_the_server_of_the_index_is_away(db: Database) -> None:
    """Questions would get no answer from it."""
    clock, store = Seconds(), ServedPassages()
    readiness = Readiness(db, clock, are_connected=connected, store=store)
    assert not await readiness.is_ready()

    store.problem = ""
    clock.now += 1

    assert await readiness.is_ready()


async def test_a_server_that_never_answers_keeps_nobody_waiting(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches the service is told that it is not ready, in time."""

    class Silent(ServedPassages):
        async def health(self) -> ServerHealth:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr("bot.readiness._LIMIT_S", 0.1)
    readiness = Readiness(db, Seconds(), are_connected=connected, store=Silent())

    assert not await readiness.is_ready()
