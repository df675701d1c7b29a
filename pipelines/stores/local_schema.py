"""The SQLite file of one project: its tables, how it is opened, and what its errors mean to callers.

A passage's key is its file's id times KEYS_PER_FILE plus its place in the file, so that all passages of a file are one
range of keys. Every version of a file gets a new id, never used again: a key names text that cannot change.
"""

import contextlib
import errno
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipelines.stores.packing import packed
from pipelines.types import StoreFull, StoreUnavailable

KEYS_PER_FILE: Final = 1 << 20
_IDLE_READERS: Final = 2
_LOG_PAGES: Final = 1000

_TABLES: Final = """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE file (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, path TEXT NOT NULL, blob TEXT NOT NULL, splitter TEXT NOT NULL,
        passages INTEGER NOT NULL, size_bytes INTEGER NOT NULL, room TEXT, skipped TEXT NOT NULL, UNIQUE (source, path)
    );
    CREATE INDEX file_by_blob ON file (source, blob);
    CREATE INDEX file_by_room ON file (room) WHERE room IS NOT NULL;
    CREATE TABLE passage (
        key INTEGER PRIMARY KEY, id TEXT NOT NULL, first_line INTEGER, last_line INTEGER, text TEXT NOT NULL,
        meta TEXT NOT NULL
    );
    CREATE INDEX passage_by_id ON passage (id);
    CREATE TABLE vectors (file INTEGER PRIMARY KEY, width INTEGER NOT NULL, scales BLOB NOT NULL, codes BLOB NOT NULL);
    CREATE TABLE head (
        source TEXT PRIMARY KEY, ref TEXT NOT NULL, version TEXT NOT NULL, at TEXT NOT NULL, updating_to TEXT
    ) WITHOUT ROWID;
    CREATE TABLE hidden (source TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE pending (file INTEGER PRIMARY KEY);
    INSERT INTO meta VALUES ('generation', 0), ('next_file', 1), ('terms', ''), ('analysis', 0);
"""
_AHEAD: Final = "CREATE TABLE ahead (file INTEGER PRIMARY KEY, version TEXT NOT NULL);"
_REDACTED: Final = "ALTER TABLE file ADD COLUMN redacted INTEGER NOT NULL DEFAULT 0;"
_PACKED: Final = """
    CREATE TABLE packed_passage (
        key INTEGER PRIMARY KEY, id TEXT NOT NULL, first_line INTEGER, last_line INTEGER, body BLOB NOT NULL
    );
    INSERT INTO packed_passage SELECT key, id, first_line, last_line, packed(text, meta) FROM passage ORDER BY key;
    DROP TABLE passage;
    ALTER TABLE packed_passage RENAME TO passage;
    CREATE INDEX passage_by_id ON passage (id);
"""
_STEPS: Final = (_TABLES, _AHEAD, _REDACTED, _PACKED)  # the nth leads to version n
_WORN_BYTES: Final = 16_000_000
_WORN_SHARE: Final = 0.4
SCHEMA_VERSION: Final = len(_STEPS)


def connect(path: Path, *, max_bytes: int | None = None) -> sqlite3.Connection:
    """Open the database, making its tables when it is new. The caller sees to it that one thread uses it at a time.

    `max_bytes` caps the file; a write beyond it fails as if the disk were full.
    Raises StoreUnavailable when the file was written by a newer version or is no database.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30.0)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # the sources can rebuild what a power cut takes
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # see `durably`
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA cache_size = -1024")
        if max_bytes is not None:
            page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {max(1, max_bytes // page_bytes)}")
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables that are missing, and refuse a file of a newer version."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > SCHEMA_VERSION:
        raise StoreUnavailable(
            f"{path} has index version {found}, this program reads up to {SCHEMA_VERSION}: "
            "update the program, or delete the folder and index again"
        )
    if found < SCHEMA_VERSION:
        missing = "".join(_STEPS[found:])
        connection.create_function("packed", 2, packed, deterministic=True)
        connection.executescript(f"BEGIN IMMEDIATE; {missing} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")


def is_worn(connection: sqlite3.Connection) -> bool:
    """Say whether so much of the file is free pages that writing it anew is worth it."""
    page_bytes, pages, free = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_size", "page_count", "freelist_count")
    )
    return free * page_bytes > _WORN_BYTES and free > _WORN_SHARE * pages


class Readers:
    """Connections for reading, each lent to one thread at a time; a few stay open between calls."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []

    @contextlib.contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that nobody else reads from; what it began is rolled back."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = connect(self._path)
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if len(self._idle) < _IDLE_READERS:
                self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close the connections that are not lent."""
        while self._idle:
            self._idle.pop().close()


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write what the block does whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def durably(connection: sqlite3.Connection) -> Iterator[None]:
    """Let what the block commits reach the disk before it goes on.

    The log is folded into the file here too and in no other commit, since searches wait for those.
    """
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    try:
        yield
    finally:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")


@contextlib.contextmanager
def store_errors(project: str) -> Iterator[None]:
    """Turn errors of SQLite, of zlib, of tantivy (ValueError) and of the disk into StoreFull and StoreUnavailable."""
    try:
        yield
    except (sqlite3.Error, OSError, ValueError, zlib.error) as error:
        if _is_full(error):
            raise StoreFull(
                f"the disk or the project's share of it is full ({error}): nothing of the change to {project!r} was "
                "kept; free some space, or index fewer files"
            ) from error
        raise StoreUnavailable(
            f"the index of project {project!r} cannot be used ({error}): `roomwise check --index` says what is wrong, "
            "with --repair it is put right"
        ) from error


def _is_full(error: Exception) -> bool:
    """Say whether an error means that nothing more can be written."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    is_out_of_space = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    return is_out_of_space or "No space left on device" in str(error)
