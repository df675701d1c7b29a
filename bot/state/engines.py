"""Engines for the state database, with what SQLite must be told on every connection."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

READERS = 4
BUSY_TIMEOUT_MS = 5000
# Every engine is made with hide_parameters: an error is logged, and its parameters are what people said.

_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what was acknowledged survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # otherwise deleted texts stay readable in the file
)


def state_url(path_or_url: Path | str, *, is_async: bool) -> URL:
    """The address of the database: a path is SQLite, "postgresql://..." is PostgreSQL by psycopg."""
    if isinstance(path_or_url, str) and "://" in path_or_url:
        return make_url(path_or_url).set(drivername="postgresql+psycopg")
    return URL.create("sqlite+aiosqlite" if is_async else "sqlite", database=str(path_or_url))


def make_writer(url: URL) -> AsyncEngine:
    """An engine with the one connection that writes; its transactions take the write lock at once."""
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0, hide_parameters=True
    )
    _prepare(engine, begin="BEGIN IMMEDIATE", pragmas=_PRAGMAS)
    return engine


def make_readers(url: URL) -> AsyncEngine:
    """An engine whose connections see one moment for each transaction and cannot write."""
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=READERS, max_overflow=READERS, hide_parameters=True
    )
    _prepare(engine, begin="BEGIN", pragmas=(*_PRAGMAS, "PRAGMA query_only = ON"))
    return engine


def _prepare(engine: AsyncEngine, *, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver would begin on its own, too late and without the lock
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
