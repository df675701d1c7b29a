"""Vectors kept by the digest of their text, so that no text is embedded twice: across files, sources and rebuilds.

One SQLite file, which holds no text and which its owner alone may read. It is a help only: whatever is wrong with it,
texts are embedded as if it were not there, and a file that is no database of this kind is made anew.
"""

import asyncio
import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import structlog

from pipelines.components.embed.base import Embedder, Vectors, unit_rows

SLICE_TEXTS: Final = 256
"""So many texts are embedded and kept at a time: what a fault in the middle leaves is paid for once."""
_USED_EVERY_S: Final = 86_400  # a vector's last use is known to the day, so that reading hardly ever writes
_FULL_SHARE: Final = 0.9  # what is left, of the size allowed, once old vectors have gone
_ROW_BYTES: Final = 160  # of a vector besides its numbers, in the table and both indexes
_COLUMNS: Final = ["space", "digest", "used", "numbers"]
_ROUNDING: Final = 0.01  # of a length, by half precision, many times over
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS space (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS vector (
    space INTEGER NOT NULL, digest BLOB NOT NULL, used INTEGER NOT NULL, numbers BLOB NOT NULL,
    UNIQUE (space, digest)
);
CREATE INDEX IF NOT EXISTS vector_used ON vector (used);
"""

Digest = bytes
T = TypeVar("T")

_log = structlog.get_logger(__name__)


class VectorCache:
    """Keeps vectors in half precision, at most `most_bytes` of them on disk. Its methods block; any thread may call."""

    def __init__(self, path: Path, *, most_bytes: int, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._was_spoilt = False
        self._is_off = False
        self._is_told = False  # a disk stays full for a while: one line in the log says so

    def known(self, space: str, digests: Sequence[Digest], *, width: int) -> dict[Digest, Vectors]:
        """Give the vectors that are kept, each float32 of shape (width,), of length 1."""
        return self._tried(lambda db: self._known(db, space, digests, width)) or {}

    def keep(self, space: str, vectors: Sequence[tuple[Digest, Vectors]]) -> None:
        """Keep vectors; those that were not used for longest go when there are too many."""
        self._tried(lambda db: self._keep(db, space, vectors))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _known(
        self, db: sqlite3.Connection, space: str, digests: Sequence[Digest], width: int
    ) -> dict[Digest, Vectors]:
        number = _space(db, space)
        if number is None:
            return {}
        today = int(self._clock()) // _USED_EVERY_S
        found: dict[Digest, Vectors] = {}
        aged: list[tuple[int, int, Digest]] = []
        for digest in digests:
            row = db.execute("SELECT numbers, used FROM vector WHERE space = ? AND digest = ?", (number, digest))
            for numbers, used in row:
                vector = _read(numbers, width)
                if vector is not None:
                    found[digest] = vector
                    aged += [(today, number, digest)] if used != today else []
        if aged:
            with db:
                db.executemany("UPDATE vector SET used = ? WHERE space = ? AND digest = ?", aged)
        return found

    def _keep(self, db: sqlite3.Connection, space: str, vectors: Sequence[tuple[Digest, Vectors]]) -> None:
        today = int(self._clock()) // _USED_EVERY_S
        with db:
            db.execute("INSERT OR IGNORE INTO space (name) VALUES (?)", (space,))
            number = _space(db, space)
            db.executemany(
                "INSERT OR REPLACE INTO vector VALUES (?, ?, ?, ?)",
                ((number, digest, today, vector.astype("<f2").tobytes()) for digest, vector in vectors),
            )
            self._make_room(db)

    def _make_room(self, db: sqlite3.Connection) -> None:
        """Delete what was not used for longest once the pages in use hold more than is allowed."""
        page_bytes, pages, free = (
            int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_size", "page_count", "freelist_count")
        )
        excess_bytes = (pages - free) * page_bytes - self._most_bytes
        if excess_bytes <= 0:
            return
        (row_bytes,) = db.execute("SELECT avg(length(numbers)) FROM (SELECT numbers FROM vector LIMIT 100)").fetchone()
        excess_bytes += int(self._most_bytes * (1 - _FULL_SHARE))
        count = int(excess_bytes / (_ROW_BYTES + (row_bytes or 0))) + 1
        db.execute(
            "DELETE FROM vector WHERE rowid IN (SELECT rowid FROM vector ORDER BY used, rowid LIMIT ?)", (count,)
        )

    def _tried(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do something with the file; None when that fails. A file that is spoilt is made anew, once."""
        with self._lock:
            if self._is_off:
                return None
            try:
                if self._db is None:
                    self._db = _open(self._path)
                done = work(self._db)
            except (sqlite3.OperationalError, OSError) as fault:  # full, locked, no folder: perhaps not for ever
                if not self._is_told:
                    _log.warning("vector_cache_unused", path=str(self._path), error=str(fault))
                self._is_told = True
            except sqlite3.Error as fault:
                _log.warning("vector_cache_spoilt", path=str(self._path), error=str(fault))
                self._start_anew()
            else:
                self._is_told = False
                return done
            return None

    def _start_anew(self) -> None:
        """Delete the file, which holds nothing that cannot be had again; give up when that was done before."""
        self._is_off, self._was_spoilt = self._was_spoilt, True
        if self._db is not None:
            self._db.close()
            self._db = None
        try:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        except OSError:
            self._is_off = True


class CachedEmbedder:
    """Embeds as another does, each text once. Questions are never kept."""

    def __init__(self, embedder: Embedder, cache: VectorCache) -> None:
        self.name = embedder.name
        self.width = embedder.width
        self.lexical_weight = embedder.lexical_weight
        self.reads_sentences = embedder.reads_sentences
        self._embedder = embedder
        self._cache = cache
        # Two sources that hold the same file may be indexed at once: whoever comes second finds what the first got.
        self._turn = asyncio.Lock()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts in order: float32 of shape (len(texts), width), each row of length 1.

        Raises ModelUnavailable; what was embedded before the fault is kept.
        """
        digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        by_digest = dict(zip(digests, texts, strict=True))
        vectors = await self._known(list(by_digest))
        missing = [digest for digest in by_digest if digest not in vectors]
        for start in range(0, len(missing), SLICE_TEXTS):
            part = missing[start : start + SLICE_TEXTS]
            async with self._turn:
                vectors |= await self._known(part)
                part = [digest for digest in part if digest not in vectors]
                fresh = list(zip(part, await self._embedder.embed([by_digest[digest] for digest in part]), strict=True))
                await asyncio.to_thread(self._cache.keep, self.name, fresh)
            vectors.update(fresh)
        rows: Vectors = np.empty((len(texts), self.width), dtype=np.float32)
        for index, digest in enumerate(digests):
            rows[index] = vectors[digest]
        return rows

    async def embed_query(self, text: str) -> Vectors:
        """Embed a question, which is somebody's and is not kept: shape (width,). Raises ModelUnavailable."""
        return await self._embedder.embed_query(text)

    async def _known(self, digests: Sequence[Digest]) -> dict[Digest, Vectors]:
        return await asyncio.to_thread(self._cache.known, self.name, digests, width=self.width)


def _read(numbers: object, width: int) -> Vectors | None:
    """Read a kept vector, scaled to length 1; None for what cannot be one, such as a row that a fault has emptied."""
    if not isinstance(numbers, bytes) or len(numbers) != 2 * width:
        return None
    vector = np.frombuffer(numbers, dtype="<f2").astype(np.float32)
    is_whole = abs(float(np.linalg.norm(vector)) - 1.0) < _ROUNDING  # false for what is not finite
    return unit_rows(vector[np.newaxis])[0] if is_whole else None


def _open(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)  # vectors tell much of a text; what SQLite puts beside the file has its mode
    db = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        columns = [name for _, name, *_ in db.execute("PRAGMA table_info(vector)")]
        if columns not in ([], _COLUMNS):
            raise sqlite3.DatabaseError(f"expected a table of {_COLUMNS}, got {columns}")
        db.executescript(_SCHEMA)
    except sqlite3.Error:
        db.close()
        raise
    return db


def _space(db: sqlite3.Connection, name: str) -> int | None:
    row = db.execute("SELECT id FROM space WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else None
