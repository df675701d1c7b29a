"""Whether the files of the local store are whole: a file's row, passages, vectors and terms must tell the same."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import tantivy

from pipelines.components.keywords import ANALYSIS_VERSION
from pipelines.stores import local_rows as rows
from pipelines.stores.local_places import DATABASE, Places
from pipelines.stores.local_renewal import SEARCHABLE
from pipelines.stores.local_schema import KEYS_PER_FILE, SCHEMA_VERSION
from pipelines.stores.packing import unpacked

_DAMAGE: Final = (sqlite3.DatabaseError, zlib.error, ValueError)
_FILES_NAMED: Final = 5


@dataclass(slots=True)
class Condition:
    """How the index of a project stands. `torn` are (source, path) of files whose parts do not tell the same.

    `database` and `terms` name the fault of each, "" when it is whole; `is_newer` is set for an index that only a newer
    program reads; `note` says what is worth knowing and no fault; `cure` what to do where nothing here can be repaired.
    """

    project: str
    files: int = 0
    passages: int = 0
    database: str = ""
    terms: str = ""
    torn: list[tuple[str, str]] = field(default_factory=list)
    is_newer: bool = False
    note: str = ""
    cure: str = ""

    @property
    def is_whole(self) -> bool:
        """Say whether nothing is wrong."""
        return not (self.database or self.terms or self.torn)

    def told(self) -> str:
        """Say in a sentence what is wrong, or how much there is."""
        faults = [fault for fault in (self.database, self.terms) if fault]
        if self.torn:
            named = ", ".join(path for _, path in self.torn[:_FILES_NAMED])
            more = len(self.torn) - _FILES_NAMED
            faults.append(f"{len(self.torn)} files are torn: {named}" + (f" and {more} more" if more > 0 else ""))
        return "; ".join(faults) or self.note or f"{self.files} files, {self.passages} passages, all whole"


def examine(root: Path) -> Iterator[Condition]:
    """Read every byte of every project below `root`, and change none. A project may be written to meanwhile."""
    places = Places(root)
    for project in _projects(root):
        yield examine_one(places, project)


def _projects(root: Path) -> list[str]:
    """List all folders of projects, those too whose database is missing."""
    return sorted(path.name for path in root.glob("[!.]*") if path.is_dir())


def examine_one(places: Places, project: str) -> Condition:
    """Examine one project as `examine` does all."""
    condition = Condition(project)
    try:
        folder = places.folder(project)
        database = folder / DATABASE
        if not database.exists():
            condition.database = f"{database} is missing"
            return condition
        address = f"{database.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            _examine_rows(connection, condition)
            if not (condition.database or condition.note):
                _examine_terms(connection, folder, condition)
    except (sqlite3.Error, ValueError, OSError) as error:
        condition.database = f"the database cannot be read: {error}"
    return condition


def _examine_rows(connection: sqlite3.Connection, condition: Condition) -> None:
    """Check the version, then SQLite's own structures, then that each file has what its row says."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    condition.is_newer = version > SCHEMA_VERSION
    if condition.is_newer or not version:
        cure = "update the program" if condition.is_newer else "it holds no index"
        condition.database = f"it has index version {version}, this program writes {SCHEMA_VERSION}: {cure}"
        return
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        condition.database = f"SQLite finds the database damaged: {' '.join(found.split())}"
        return
    if version < SCHEMA_VERSION:
        condition.note = f"index version {version}, brought to {SCHEMA_VERSION} when it is next opened"
        return
    for name in ("generation", "next_file", "terms", "analysis"):
        rows.meta(connection, name)
    counts = rows.counts(connection)
    condition.files, condition.passages = counts.files, counts.passages
    condition.torn = _torn(connection)


def _torn(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """List the files of which passages or vectors are missing or damaged."""
    whole = _whole_passages(connection)
    stored = "SELECT file, width, length(scales), length(codes) FROM vectors"
    vectors = {one: (width, scales // 4, codes) for one, width, scales, codes in connection.execute(stored)}
    torn = []
    for one, source, path, passages in connection.execute("SELECT id, source, path, passages FROM file"):
        width, scales, codes = vectors.get(one, (1, passages, passages))
        if whole.get(one, 0) != passages or (scales, codes) != (passages, passages * width):
            torn.append((source, path))
    return torn


def _whole_passages(connection: sqlite3.Connection) -> dict[int, int]:
    """Count the passages of each file that can be unpacked."""
    whole: dict[int, int] = {}
    for one, body in connection.execute("SELECT key / ?, body FROM passage", (KEYS_PER_FILE,)):
        try:
            unpacked(body)
        except _DAMAGE:
            continue
        whole[one] = whole.get(one, 0) + 1
    return whole


def _examine_terms(connection: sqlite3.Connection, folder: Path, condition: Condition) -> None:
    """Check the keyword index. One that was written to since the rows were read is not expected to equal them."""
    before = rows.meta(connection, "generation")
    fault = _fault_of_terms(connection, folder, condition.passages)
    connection.execute("ROLLBACK")
    if rows.meta(connection, "generation") == before and not rows.marked(connection):
        condition.terms = fault
    elif fault:
        condition.note = (
            "it is being written to, or was cut off while it was: its rows are whole, ask for its keyword index later"
        )


def _fault_of_terms(connection: sqlite3.Connection, folder: Path, passages: int) -> str:
    """Say what is wrong with the keyword index, "" when nothing is."""
    name = str(rows.meta(connection, "terms"))
    if not name or not (folder / name).is_dir():
        return "the keyword index is missing"
    if rows.meta(connection, "analysis") not in {ANALYSIS_VERSION, *SEARCHABLE}:
        return "the keyword index is of another version"
    try:
        held = tantivy.Index.open(str(folder / name)).searcher().num_docs
    except ValueError as error:
        return f"the keyword index cannot be read: {error}"
    if held != passages:
        return f"the keyword index holds {held} of {passages} passages"
    return ""
