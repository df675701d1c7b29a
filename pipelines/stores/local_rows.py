"""What is read from and written to the SQLite file of one project. Callers hold the transaction."""

import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from haystack import Document

from pipelines.stores.local_schema import KEYS_PER_FILE
from pipelines.stores.local_vectors import Codes, FileVectors, Group
from pipelines.stores.packing import packed
from pipelines.stores.passages import Counts, Entry, IndexedFile
from pipelines.types import Shown

log = logging.getLogger(__name__)

_AT_ONCE: Final = 500  # SQLite takes at least 999 values in one statement
_in_one_line: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_OWN_META: Final = frozenset({"source", "path", "blob", "room", "first_line", "last_line", "version"})
_ENTRY: Final = "source, path, blob, splitter, passages, size_bytes, room, skipped, redacted FROM file"


def meta(connection: sqlite3.Connection, name: str) -> Any:
    """Read one of the project's own values: generation, next_file, terms, analysis. Raises ValueError without it."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    if row is None or row[0] is None:
        raise ValueError(f"expected a value of {name!r} in the database, found none")
    return row[0]


def set_meta(connection: sqlite3.Connection, **values: int | str) -> None:
    """Write some of the project's own values."""
    connection.executemany(
        "UPDATE meta SET value = ? WHERE name = ?", [(value, name) for name, value in values.items()]
    )


def raise_generation(connection: sqlite3.Connection) -> int:
    """Count one more change and return the new count."""
    generation = int(meta(connection, "generation")) + 1
    set_meta(connection, generation=generation)
    return generation


def file_ids(connection: sqlite3.Connection, keys: Iterable[tuple[str, str]]) -> list[int]:
    """Find the ids of the files that are indexed at these (source, path)."""
    query = "SELECT id FROM file WHERE source = ? AND path = ?"
    return [row[0] for key in keys for row in connection.execute(query, key)]


def ids_of_source(connection: sqlite3.Connection, source: str) -> list[int]:
    """List the ids of all files of a source."""
    return [row[0] for row in connection.execute("SELECT id FROM file WHERE source = ?", (source,))]


def mark(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Note that the side index may be wrong about these files."""
    connection.executemany("INSERT OR IGNORE INTO pending VALUES (?)", [(one,) for one in ids])


def marked(connection: sqlite3.Connection) -> list[int]:
    """List the files that the side index may be wrong about."""
    return [row[0] for row in connection.execute("SELECT file FROM pending")]


def clear_marks(connection: sqlite3.Connection) -> None:
    """Note that the side index is right about every file."""
    connection.execute("DELETE FROM pending")


def delete_files(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Delete files with their passages and vectors."""
    for one in ids:
        connection.execute("DELETE FROM file WHERE id = ?", (one,))
        connection.execute("DELETE FROM vectors WHERE file = ?", (one,))
        connection.execute("DELETE FROM ahead WHERE file = ?", (one,))
        connection.execute(
            "DELETE FROM passage WHERE key BETWEEN ? AND ?", (one * KEYS_PER_FILE, (one + 1) * KEYS_PER_FILE - 1)
        )


def insert_file(connection: sqlite3.Connection, one: int, file: IndexedFile, stored: Codes | None) -> None:
    """Insert a file under a new id, with its passages and the codes of its vectors."""
    entry = file.entry
    connection.execute(
        "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (one, entry.source, entry.path, entry.blob, entry.splitter, len(file.documents), entry.size_bytes, entry.room,
         entry.skipped, entry.redacted),
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO passage VALUES (?, ?, ?, ?, ?)",
        (_passage_row(one * KEYS_PER_FILE + ordinal, document) for ordinal, document in enumerate(file.documents)),
    )
    if stored is not None and len(stored.codes):
        connection.execute(
            "INSERT INTO vectors VALUES (?, ?, ?, ?)",
            (one, stored.codes.shape[1], stored.scales.tobytes(), stored.codes.tobytes()),
        )


def show(connection: sqlite3.Connection, shown: Shown, written: Iterable[int]) -> None:
    """Move the version at which a source is searched, after the files `written` of it in the same change.

    While a large change is under way these are ahead of what is shown; at its end no file is.
    """
    connection.execute(
        "INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?, ?)",
        (shown.source, shown.ref, shown.commit, shown.at.astimezone(UTC).isoformat(), shown.updating_to),
    )
    if shown.updating_to is None:
        connection.execute("DELETE FROM ahead WHERE (SELECT source FROM file WHERE id = file) = ?", (shown.source,))
    elif shown.updating_to != shown.commit:
        connection.executemany("INSERT INTO ahead VALUES (?, ?)", [(one, shown.updating_to) for one in written])


def heads(connection: sqlite3.Connection) -> dict[str, Shown]:
    """Read at which version each source is searched."""
    rows = connection.execute("SELECT source, ref, version, at, updating_to FROM head")
    return {
        source: Shown(source=source, ref=ref, commit=version, at=datetime.fromisoformat(at), updating_to=updating_to)
        for source, ref, version, at, updating_to in rows
    }


def entries(connection: sqlite3.Connection, source: str) -> dict[str, Entry]:
    """Read the manifest of a source, by path."""
    found = connection.execute(f"SELECT {_ENTRY} WHERE source = ?", (source,))
    return {row[1]: Entry(*row) for row in found}


def entry(connection: sqlite3.Connection, one: int) -> Entry | None:
    """Read the manifest row of a file, None when there is no such file."""
    row = connection.execute(f"SELECT {_ENTRY} WHERE id = ?", (one,)).fetchone()
    return Entry(*row) if row is not None else None


def sources(connection: sqlite3.Connection) -> list[str]:
    """List the sources that have files or a shown version."""
    return [row[0] for row in connection.execute("SELECT source FROM file UNION SELECT source FROM head")]


def copy_versions(old: sqlite3.Connection, new: sqlite3.Connection, source: str) -> None:
    """Copy the shown version of a source, and which of its files are ahead of it, from one index to another."""
    new.executemany(
        "INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?, ?)",
        old.execute("SELECT source, ref, version, at, updating_to FROM head WHERE source = ?", (source,)),
    )
    new.executemany(
        "INSERT OR REPLACE INTO ahead SELECT id, ? FROM file WHERE source = ? AND path = ?",
        old.execute("SELECT version, source, path FROM ahead JOIN file ON file.id = file WHERE source = ?", (source,)),
    )


def hidden(connection: sqlite3.Connection) -> list[str]:
    """List the hidden sources."""
    return [row[0] for row in connection.execute("SELECT source FROM hidden")]


def set_hidden(connection: sqlite3.Connection, source: str, *, hidden: bool) -> None:
    """Hide a source or bring it back."""
    query = "INSERT OR IGNORE INTO hidden VALUES (?)" if hidden else "DELETE FROM hidden WHERE source = ?"
    connection.execute(query, (source,))


def is_hidden(connection: sqlite3.Connection, source: str) -> bool:
    """Say whether a source is hidden."""
    return connection.execute("SELECT 1 FROM hidden WHERE source = ?", (source,)).fetchone() is not None


def groups(connection: sqlite3.Connection) -> list[Group]:
    """List the different (source, room) of all files, hidden sources left out."""
    rows = connection.execute(
        "SELECT source, NULL FROM (SELECT DISTINCT source FROM file) WHERE source NOT IN (SELECT source FROM hidden) "
        "UNION ALL SELECT DISTINCT source, room FROM file WHERE room IS NOT NULL "
        "AND source NOT IN (SELECT source FROM hidden)"
    )
    return [(source, room) for source, room in rows]


def is_any_hidden(connection: sqlite3.Connection) -> bool:
    """Say whether a source is hidden."""
    return connection.execute("SELECT 1 FROM hidden LIMIT 1").fetchone() is not None


def all_ids(connection: sqlite3.Connection, *, but_source: str | None = None) -> list[int]:
    """List the ids of all files, in the order they were written; those of one source can be left out."""
    return [
        row[0] for row in connection.execute("SELECT id FROM file WHERE source IS NOT ? ORDER BY id", (but_source,))
    ]


def all_vectors(connection: sqlite3.Connection, width: int) -> Iterator[FileVectors]:
    """Read the vectors of one width, file by file."""
    query = (
        "SELECT file, source, room, scales, codes FROM vectors JOIN file ON file.id = vectors.file "
        "WHERE width = ? ORDER BY file"
    )
    for one, source, room, scales, codes in connection.execute(query, (width,)):
        yield FileVectors(file=one, group=(source, room), stored=_codes(scales, codes, width))


def vectors_of_blob(connection: sqlite3.Connection, source: str, blob: str, path: str | None = None) -> Codes | None:
    """Find the vectors of any file of a source with this content, or of the one at `path`."""
    row = connection.execute(
        "SELECT scales, codes, width FROM vectors JOIN file ON file.id = vectors.file "
        "WHERE source = ?1 AND blob = ?2 AND (?3 IS NULL OR path = ?3)",
        (source, blob, path),
    ).fetchone()
    return _codes(*row) if row is not None else None


def vectors_of_file(connection: sqlite3.Connection, one: int) -> Codes | None:
    """Read the vectors of a file."""
    row = connection.execute("SELECT scales, codes, width FROM vectors WHERE file = ?", (one,)).fetchone()
    return _codes(*row) if row is not None else None


def counts(connection: sqlite3.Connection) -> Counts:
    """Count files, passages and bytes."""
    rows = connection.execute("SELECT source, count(*), sum(passages), sum(size_bytes) FROM file GROUP BY source")
    per_source = list(rows)
    return Counts(
        files=sum(row[1] for row in per_source),
        passages=sum(row[2] for row in per_source),
        size_bytes=sum(row[3] for row in per_source),
        per_source={row[0]: row[2] for row in per_source},
    )


def _codes(scales: bytes, codes: bytes, width: int) -> Codes:
    """Read stored vectors without copying them."""
    return Codes(np.frombuffer(codes, dtype=np.int8).reshape(-1, width), np.frombuffer(scales, dtype=np.float32))


def _passage_row(key: int, document: Document) -> tuple[int, str, int | None, int | None, bytes]:
    """Make a row of `passage`: what the file's row says already is not said again."""
    rest = {name: value for name, value in document.meta.items() if name not in _OWN_META}
    lines = document.meta.get("first_line"), document.meta.get("last_line")
    return (key, document.id, *lines, packed(document.content or "", _in_one_line(rest)))
