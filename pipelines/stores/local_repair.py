"""Putting an index right without asking the sources, as far as its rows allow.

Terms are made anew from rows. Files that are torn are taken out, so that the next refresh reads just these again. A
database that SQLite finds broken is copied, file by file that can be read, into a new one that takes its place.
"""

import contextlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from pipelines.stores import local_rows as rows
from pipelines.stores.ids import draft_of
from pipelines.stores.local_check import Condition, examine_one
from pipelines.stores.local_open import Limits, OpenProjects
from pipelines.stores.local_places import DATABASE, Places
from pipelines.stores.local_project import OpenProject
from pipelines.stores.local_takeover import read_file
from pipelines.stores.passages import Change, IndexedFile

_FILES_LOOKED_FOR: Final = 100_000  # when the database cannot say how many there are
_FILES_AT_ONCE: Final = 200
_HEADER_BYTES: Final = 100
_LONGEST_BYTES: Final = 100_000_000_000
_UNREADABLE: Final = (sqlite3.Error, zlib.error, ValueError)


def repair(root: Path, condition: Condition) -> Condition:
    """Put right what can be, and return how the project stands then. What is not in it is read at the next refresh.

    Nobody else may use the store meanwhile. An index of a newer version is left alone.
    Raises StoreUnavailable, sqlite3.Error or OSError when the disk does not allow it.
    """
    if condition.is_whole or condition.is_newer:
        return condition
    projects = OpenProjects(root, Limits(open_projects=4, matrices_bytes=1, project_bytes=None))
    places = Places(root)
    places.mend(condition.project)
    try:
        (_copy if condition.database else _renew)(projects, condition)
    finally:
        projects.close()
    return examine_one(places, condition.project)


def _renew(projects: OpenProjects, condition: Condition) -> None:
    """Take torn files out and make the terms anew."""
    with projects.lend(condition.project) as opened:
        if opened is not None:
            opened.apply(Change(remove=condition.torn))
            opened.renew_terms()


def _copy(projects: OpenProjects, condition: Condition) -> None:
    """Copy every file that can be read into a new index, which takes the place of the broken one."""
    project = condition.project
    broken = projects.folder(project)
    broken.mkdir(parents=True, exist_ok=True)
    projects.drop(draft_of(project))  # a rebuild that was under way begins again
    draft = projects.begin_rebuild(project)
    with projects.lend(draft) as fresh:
        if fresh is not None and (broken / DATABASE).exists():
            _fill_up(broken / DATABASE)
            with closing(sqlite3.connect(broken / DATABASE, isolation_level=None)) as connection:
                _copy_rows(connection, fresh)
    projects.put_in_place(project)


def _copy_rows(connection: sqlite3.Connection, fresh: OpenProject) -> None:
    """Copy files, each for itself, then what is said of whole sources; what cannot be read is left out."""
    generation, next_file = _numbers(connection)
    sources = set[str]()
    files = _readable(connection, range(1, next_file))
    while batch := list(islice(files, _FILES_AT_ONCE)):
        fresh.apply(Change(put=batch))
        sources.update(file.entry.source for file in batch)
    hidden = list[str]()
    with contextlib.suppress(*_UNREADABLE):
        hidden = rows.hidden(connection)

    def settle(new: sqlite3.Connection) -> None:
        for source in sources:
            with contextlib.suppress(*_UNREADABLE):
                rows.copy_versions(connection, new, source)

    fresh.succeed(generation, hidden, settle)


def _readable(connection: sqlite3.Connection, ids: Iterable[int]) -> Iterator[IndexedFile]:
    """Read the files that can be read whole."""
    for one in ids:
        with contextlib.suppress(*_UNREADABLE):
            yield from list(read_file(connection, one))


def _fill_up(database: Path) -> None:
    """Give a database that was cut short the length that it names itself, without which SQLite reads nothing of it."""
    with database.open("r+b") as file:
        header = file.read(_HEADER_BYTES)
        page_bytes, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
        if header.startswith(b"SQLite format 3") and file.seek(0, 2) < page_bytes * pages <= _LONGEST_BYTES:
            file.truncate(page_bytes * pages)


def _numbers(connection: sqlite3.Connection) -> tuple[int, int]:
    """Read the generation and the id after the last file's, as far as they can be read."""
    with contextlib.suppress(*_UNREADABLE):
        return int(rows.meta(connection, "generation")), int(rows.meta(connection, "next_file"))
    return 0, _FILES_LOOKED_FOR
