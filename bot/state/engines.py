"""Engines for the state database, with what SQLite must be told on every connection."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import QueuePool

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


def state_url(path_or_url: Path | str) -> URL:
    """The address of the database: a path is SQLite, "postgresql://..." is PostgreSQL by psycopg."""
    if isinstance(path_or_url, str) and "://" in path_or_url:
        return make_url(path_or_url).set(drivername="postgresql+psycopg")
    return URL.create("sqlite", database=str(path_or_url))


def make_writer(url: URL) -> Engine:
    """An engine with the one connection that writes; its transactions take the write lock at once."""
    return _prepared(url, connections=1, begin="BEGIN IMMEDIATE", pragmas=_PRAGMAS)


def make_readers(url: URL) -> Engine:
    """An engine whose connections see one moment for each transaction and cannot write."""
    return _prepared(url, connections=READERS, begin="BEGIN", pragmas=(*_PRAGMAS, "PRAGMA query_only = ON"))


def _prepared(url: URL, *, connections: int, begin: str, pragmas: tuple[str, ...]) -> Engine:
    """An engine that keeps so many connections; any thread may use them, each only one at a time."""
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={"check_same_thread": False},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver would begin on its own, too late and without the lock
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
