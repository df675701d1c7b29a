"""How passages come out of the SQLite file of one project: as Haystack documents, each with the version that holds its lines.

Passages that are damaged are left out, wherever the database is damaged itself as well: each costs only itself.
"""

import json
import logging
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from haystack import Document

from pipelines.stores.headings import Outline, nearest_first
from pipelines.stores.kept import Unpacked
from pipelines.stores.local_schema import KEYS_PER_FILE
from pipelines.stores.local_terms import FileTerms
from pipelines.stores.local_vectors import Group
from pipelines.stores.packing import unpacked

log = logging.getLogger(__name__)

_OUTLINED_FILES: Final = 40
_OUTLINED_PASSAGES: Final = 40
_ROW: Final = "SELECT key, id, body, first_line, last_line FROM passage"
_KEY: Final = "SELECT id, key FROM passage"
_FILE: Final = (
    "SELECT file.id, file.source, file.path, file.blob, file.room, coalesce(ahead.version, head.version, '') "
    "FROM file LEFT JOIN ahead ON ahead.file = file.id LEFT JOIN head ON head.source = file.source"
)
_GIVEN: Final = "IN (SELECT value FROM json_each(?))"  # one statement for any number, which SQLite keeps prepared


def keys_of(connection: sqlite3.Connection, ids: Iterable[str]) -> dict[str, int]:
    """Find the keys of passages by their ids; those that are gone are left out."""
    asked = json.dumps(list(ids))
    return dict(connection.execute(f"{_KEY} WHERE id {_GIVEN}", (asked,)).fetchall())


def unpacked_rows(connection: sqlite3.Connection, keys: Collection[int]) -> dict[int, Unpacked]:
    """Read passages by key; those gone or damaged are left out."""
    try:
        rows = _rows(connection, keys)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        log.warning("the index is damaged (%s), answers come from what is whole: run `roomwise check --index`", error)
        rows = [row for key in keys for row in _whole_row(connection, key)]
    return _unpacked(rows)


def assembled(
    connection: sqlite3.Connection, passages: Mapping[int, Unpacked], scores: Mapping[int, float] | None = None
) -> dict[int, Document]:
    """Make documents of passages by key, with their scores; those whose file is gone are left out."""
    files = _files(connection, {key // KEYS_PER_FILE for key in passages})
    scores = scores or {}
    return {
        key: _document(one, file, scores.get(key))
        for key, one in passages.items()
        if (file := files.get(key // KEYS_PER_FILE)) is not None
    }


def by_keys(connection: sqlite3.Connection, scored: Sequence[tuple[int, float]]) -> list[Document]:
    """Fetch passages in the order of `scored`, each with its score; those whose file is gone are left out."""
    scores = dict(scored)
    found = assembled(connection, unpacked_rows(connection, scores), scores)
    return [found[key] for key, _ in scored if key in found]


def by_ids(connection: sqlite3.Connection, ids: Sequence[str]) -> list[Document]:
    """Fetch passages by id in the order asked; those that are gone are left out."""
    keys = keys_of(connection, ids)
    found = assembled(connection, unpacked_rows(connection, list(keys.values())))
    return [found[key] for one in ids if (key := keys.get(one)) in found]


def of_file(connection: sqlite3.Connection, one: int, *, limit: int = KEYS_PER_FILE) -> list[Document]:
    """Fetch the first passages of a file in order; damaged ones are left out."""
    return list(assembled(connection, _of_file(connection, one, limit=limit)).values())


def of_whole_file(connection: sqlite3.Connection, one: int, *, passages: int) -> list[Document]:
    """Fetch all passages of a file in order. Raises ValueError or sqlite3.DatabaseError when one of them is not whole."""
    first = one * KEYS_PER_FILE
    read = _unpacked(_rows(connection, range(first, first + passages)))
    if len(read) != passages:
        raise ValueError(f"expected {passages} passages of a file, found {len(read)}")
    return list(assembled(connection, {key: read[key] for key in sorted(read)}).values())


def file_terms(connection: sqlite3.Connection, ids: Iterable[int]) -> Iterator[FileTerms]:
    """Read files as the side index takes them in; those that are gone are left out.

    A passage that is damaged stands there without words, so that those behind it keep their places and all are counted.
    """
    for one in ids:
        row = connection.execute("SELECT source, room, passages FROM file WHERE id = ?", (one,)).fetchone()
        if row is not None:
            source, room, count = row
            found = assembled(connection, _of_file(connection, one, limit=KEYS_PER_FILE))
            first = one * KEYS_PER_FILE
            documents = [found.get(first + ordinal) or Document(id="damaged", content="") for ordinal in range(count)]
            yield FileTerms(file=one, source=source, room=room, documents=documents)


def outlines(connection: sqlite3.Connection, allowed: Collection[Group]) -> list[Outline]:
    """Read headings and symbols of the files a newcomer would open first: some documents and some code."""
    ids: dict[str, list[int]] = {}
    for path, one, source, room in connection.execute("SELECT path, id, source, room FROM file WHERE passages > 0"):
        if (source, room) in allowed:
            ids.setdefault(path, []).append(one)
    return [
        Outline(path, document.meta.get("headings") or (), document.meta.get("symbols") or (), _kind(document))
        for path in nearest_first(ids, per_kind=_OUTLINED_FILES)
        for one in ids[path]
        for document in of_file(connection, one, limit=_OUTLINED_PASSAGES)
    ]


def _kind(document: Document) -> str:
    return str(document.meta.get("kind", "text"))


def _of_file(connection: sqlite3.Connection, one: int, *, limit: int) -> dict[int, Unpacked]:
    """Read the first passages of a file in order."""
    row = connection.execute("SELECT passages FROM file WHERE id = ?", (one,)).fetchone()
    first = one * KEYS_PER_FILE
    found = unpacked_rows(connection, range(first, first + min(row[0] if row else 0, limit)))
    return {key: found[key] for key in sorted(found)}


def _rows(connection: sqlite3.Connection, keys: Collection[int]) -> list[Sequence[Any]]:
    return connection.execute(f"{_ROW} WHERE key {_GIVEN}", (json.dumps(list(keys)),)).fetchall()


def _whole_row(connection: sqlite3.Connection, key: int) -> list[Sequence[Any]]:
    """Fetch the row of one passage, or none when it lies where the database is damaged."""
    try:
        return _rows(connection, [key])
    except sqlite3.DatabaseError:
        return []


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _unpacked(rows: Iterable[Sequence[Any]]) -> dict[int, Unpacked]:
    """Unpack rows by key, damaged ones left out."""
    found = {}
    for key, one, body, first_line, last_line in rows:
        try:
            text, told = unpacked(body)
        except zlib.error:
            continue
        found[key] = Unpacked(one, text, {"first_line": first_line, "last_line": last_line, **json.loads(told)})
    return found


def _files(connection: sqlite3.Connection, ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Read what all passages of a file have in common, by the file's id."""
    rows = connection.execute(f"{_FILE} WHERE file.id {_GIVEN}", (json.dumps(list(ids)),))
    names = ("source", "path", "blob", "room", "version")
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def _document(one: Unpacked, file: Mapping[str, Any], score: float | None) -> Document:
    """Make the document of a passage as it was written, without its vector.

    As a copy is made: Haystack's checks of what comes from elsewhere take five times as long as all else here.
    """
    made = Document.__new__(Document)
    made.__dict__.update(_EMPTY, id=one.id, content=one.text, meta={**file, **one.meta}, score=score)
    return made


_EMPTY: Final = vars(Document(id="-"))
