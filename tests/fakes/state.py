"""A state database with a little life in it, for tests."""

import asyncio
import functools
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import RoomAddress
from bot.rights import Role
from bot.state.database import Database
from bot.state.engines import state_url
from bot.state.queries import people, projects, rooms
from bot.state.schema import bring_to_head
from bot.state.tables import Person, Project, Room

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def later(**span: float) -> datetime:
    """A time after NOW, by minutes, hours, days."""
    return NOW + timedelta(**span)


@functools.cache
def _empty() -> bytes:
    """An empty database as the migrations make it. Making it takes much longer than copying it."""
    with tempfile.TemporaryDirectory(prefix="roomwise-test-") as folder:
        path = Path(folder, "state.db")
        bring_to_head(state_url(path), backups=None, now=NOW)
        return path.read_bytes()


def _lay_down(path: Path) -> None:
    if not path.exists():
        path.write_bytes(_empty())


async def open_state(path: Path, clock: Callable[[], datetime], *, backups: Path | None = None) -> Database:
    """The SQLite database at a path, an empty one if there is none."""
    await asyncio.to_thread(_lay_down, path)
    return await Database.open(path, backups=backups, clock=clock)


async def open_database(folder: Path) -> Database:
    """A fresh SQLite database in a folder."""
    return await open_state(folder / "state.db", lambda: NOW, backups=folder / "backups")


async def somebody(db: Database, name: str = "Ada", *, role: Role | None = None, project: str = "") -> Person:
    """A person, with a role if given."""

    async def make(session: AsyncSession) -> Person:
        person = await people.create(session, name=name, now=NOW)
        if role is not None:
            await people.give_role(session, person.id, role, project=project, given_by=None, now=NOW)
        return person

    return await db.write(make)


async def some_project(db: Database, name: str = "roomwise") -> Project:
    """A project."""
    return await db.write(lambda session: projects.create(session, name, created_by=None, now=NOW))


async def some_room(db: Database, native_id: str = "!room:example.org") -> Room:
    """A room on a network, bound to nothing."""
    address = RoomAddress(network="fake", account="bot", room=native_id)
    return await db.write(lambda session: rooms.ensure(session, address, now=NOW))


def raises(error: Exception) -> Callable[[AsyncSession], Awaitable[None]]:
    """Work that fails."""

    async def fail(_session: AsyncSession) -> None:
        raise error

    return fail
