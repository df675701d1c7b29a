"""Side indexes made from rows: at one go, or beside one of an earlier analysis of words, which answers meanwhile.

The latter takes in the files in the order of their ids, some at a time, and notes in the database how far it is; ids only grow,
so what is written meanwhile comes later by itself, and only what is deleted must be taken out. A kill costs one batch.
"""

import shutil
import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from pipelines.components.keywords import ANALYSIS_VERSION
from pipelines.stores import local_rows as rows
from pipelines.stores.local_documents import file_terms
from pipelines.stores.local_schema import transaction
from pipelines.stores.local_terms import SideIndex

SEARCHABLE: Final = frozenset({3})
"""Earlier analyses that a question cut by today's still searches well: their terms of English and of code are the same."""
_PASSAGES_A_STEP: Final = 2_000  # half a second of a core, for which a write has to wait
_FILES_A_STEP: Final = 1_000
_FILES_PER_COMMIT: Final = 2_000
_NOTE: Final = "renewing"  # its value: folder, analysis, id of the last file taken in


class Renewal:
    """The new index on its way. The caller sees to it that nobody writes to the project during a call."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        """Go on with the index that was begun in `folder`, or begin one. Raises ValueError when it cannot be read."""
        self._rows = connection
        name, analysis, self._upto = _noted(connection)
        if analysis != ANALYSIS_VERSION or not (folder / name).is_dir():
            name, self._upto = next_name(folder), 0
        self.index = SideIndex(folder / name)
        self._note()

    def step(self) -> bool:
        """Take in the next files and say whether there were any."""
        following = "SELECT id, passages FROM file WHERE id > ? ORDER BY id LIMIT ?"
        ids: list[int] = []
        passages = 0
        for one, more in self._rows.execute(following, (self._upto, _FILES_A_STEP)).fetchall():
            if ids and passages + more > _PASSAGES_A_STEP:
                break
            ids.append(one)
            passages += more
        if not ids:
            return False
        # Taken out first: a kill between the two commits leaves a batch that is done once more.
        self.index.stage(ids, file_terms(self._rows, ids))
        self.index.commit()
        self._upto = ids[-1]
        self._note()
        return True

    def put_right(self, files: Collection[int], *, removed: bool = False) -> None:
        """Bring the index to what the rows say of these files, as far as it has come; or take them out."""
        reached = [one for one in files if one <= self._upto]
        if reached:
            self.index.stage(reached, () if removed else file_terms(self._rows, reached))
            self.index.commit()

    def close(self) -> None:
        """Close the writer; another Renewal goes on from here."""
        self.index.rest()

    def _note(self) -> None:
        with transaction(self._rows):
            self._rows.execute(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)",
                (_NOTE, f"{self.index.folder.name} {ANALYSIS_VERSION} {self._upto}"),
            )


def built(connection: sqlite3.Connection, ids: Sequence[int], folder: Path) -> SideIndex:
    """Build a side index of some files below `folder`, at one go; it counts once `set_current` names it."""
    fresh = SideIndex(folder / next_name(folder))
    for at in range(0, len(ids), _FILES_PER_COMMIT):
        fresh.stage((), file_terms(connection, ids[at : at + _FILES_PER_COMMIT]))
        fresh.commit()
    fresh.rest()
    fresh.refresh()
    return fresh


def set_current(connection: sqlite3.Connection, name: str) -> None:
    """Note, in the caller's transaction, that the index `name` is of today's analysis and answers from now on."""
    rows.set_meta(connection, terms=name, analysis=ANALYSIS_VERSION)
    connection.execute("DELETE FROM meta WHERE name = ?", (_NOTE,))


def renewed_passages(connection: sqlite3.Connection) -> int | None:
    """Count the passages that the new index has taken in; None when no renewal is under way."""
    name, _, upto = _noted(connection)
    if not name:
        return None
    found = connection.execute("SELECT coalesce(sum(passages), 0) FROM file WHERE id <= ?", (upto,)).fetchone()
    return int(found[0])


def sweep(folder: Path, *, kept: Collection[Path | None]) -> None:
    """Delete all side indexes but those kept; on Windows one that is still read goes at the next opening."""
    for path in folder.glob("terms-*"):
        if path not in kept:
            shutil.rmtree(path, ignore_errors=True)


def next_name(folder: Path) -> str:
    """Name the next side index of a folder."""
    return f"terms-{max((int(path.name.partition('-')[2]) for path in folder.glob('terms-*')), default=0) + 1}"


def _noted(connection: sqlite3.Connection) -> tuple[str, int, int]:
    """Read the folder, the analysis and the last file of the renewal under way; "", 0, 0 without one."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (_NOTE,)).fetchone()
    if row is None:
        return "", 0, 0
    name, analysis, upto = str(row[0]).split()
    return name, int(analysis), int(upto)
