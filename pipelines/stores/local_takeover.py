"""One index of a project taking the place of another: what it lacks is carried over, so that a switch loses nothing."""

import logging
import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import Final

from pipelines.stores import local_rows as rows
from pipelines.stores.local_documents import of_whole_file
from pipelines.stores.local_project import OpenProject
from pipelines.stores.local_vectors import restore
from pipelines.stores.passages import Change, IndexedFile
from pipelines.types import StoreUnavailable

log = logging.getLogger(__name__)

_FILES_AT_ONCE: Final = 200


def take_over(new: OpenProject, old: OpenProject) -> int:
    """Bring into `new` the sources that only `old` has, hiding and generation; return the generation reached.

    Nobody may write to `old` meanwhile. Raises StoreUnavailable while a source of `new` is only written in part.
    """
    with new.view() as view:
        held = {*rows.sources(view.rows)}
        partial = [head.source for head in rows.heads(view.rows).values() if head.updating_to is not None]
    if partial:
        raise StoreUnavailable(f"expected a whole rebuild, but these sources are only in part there: {partial!r}")
    with old.view() as view:
        missing = [source for source in rows.sources(view.rows) if source not in held]
        for source in missing:
            files = _files(view.rows, source)
            while batch := list(islice(files, _FILES_AT_ONCE)):
                new.apply(Change(put=batch))

        def settle(connection: sqlite3.Connection) -> None:
            for source in missing:
                rows.copy_versions(view.rows, connection, source)

        return new.succeed(view.generation, rows.hidden(view.rows), settle)


def _files(connection: sqlite3.Connection, source: str) -> Iterator[IndexedFile]:
    """Read the files of a source as they were written; torn ones are left out, and so are read again when it is next due."""
    for one in rows.ids_of_source(connection, source):
        try:
            yield from read_file(connection, one)
        except ValueError as error:
            log.warning("a torn file of source %s is not carried over: %s", source, error)


def read_file(connection: sqlite3.Connection, one: int) -> Iterator[IndexedFile]:
    """Read a file as it was written, if there is one. Raises ValueError when it has not the passages it should."""
    entry = rows.entry(connection, one)
    if entry is None:
        return
    stored = rows.vectors_of_file(connection, one)
    documents = of_whole_file(connection, one, passages=entry.passages)
    yield IndexedFile(entry, documents, None if stored is None else restore(stored))
