"""One project of the local store, opened: its database, its side index and its matrix, always at one generation.

A change goes: mark the files in `pending`, down to the disk; write the rows, uncommitted; commit the side index, not yet
shown; commit the rows, which also clears the marks; show both under one lock. A kill or a power cut at any point leaves
marks or nothing: marked files are put right from the rows when the project is opened next. Everything here blocks and is called from threads.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tantivy

from pipelines.components.keywords import ANALYSIS_VERSION
from pipelines.stores import local_rows as rows
from pipelines.stores.local_calls import Calls
from pipelines.stores.local_documents import file_terms
from pipelines.stores.local_files import NewFile, number_files, terms_of, vectors_of
from pipelines.stores.local_places import DATABASE
from pipelines.stores.local_renewal import SEARCHABLE, Renewal, built, set_current, sweep
from pipelines.stores.local_schema import Readers, connect, durably, is_worn, transaction
from pipelines.stores.local_shelf import Shelf
from pipelines.stores.local_terms import SideIndex
from pipelines.stores.local_vectors import Group, Matrix
from pipelines.stores.passages import Change
from pipelines.types import StoreFull

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """What one search reads: rows, terms and vectors of the same generation."""

    rows: sqlite3.Connection
    terms: tantivy.Searcher
    generation: int
    groups: Sequence[Group]
    matrix: Matrix | None
    shelf: Shelf
    has_old_terms: bool = False  # of an earlier analysis of words


class OpenProject:
    """The opened files of one project. Any number of threads may read while one writes."""

    def __init__(self, folder: Path, *, max_bytes: int | None, shelf: Shelf, on_load: Callable[[], None]) -> None:
        """Open what lies in `folder` (made when missing) and put right what a kill left half done.

        `on_load` is called when a matrix was loaded. Raises StoreUnavailable, sqlite3.Error, OSError or ValueError.
        """
        self.folder = folder
        self.shelf = shelf
        self.matrix: Matrix | None = None
        self._on_load = on_load
        self._writing = threading.Lock()
        self._showing = threading.Lock()
        self._loading = threading.Lock()
        self._calls = Calls(folder)
        self._hiding: set[str] = set()
        self._groups: tuple[int, Sequence[Group]] = (-1, ())
        self._renewal: Renewal | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._rows = connect(folder / DATABASE, max_bytes=max_bytes)
        self._readers = Readers(folder / DATABASE)
        try:
            self._generation = int(rows.meta(self._rows, "generation"))
            self._terms = self._open_terms()
        except BaseException:
            self._rows.close()
            raise

    @property
    def is_writing(self) -> bool:
        """Say whether the side index holds a writer open."""
        return self._terms.is_writing

    @property
    def is_outdated(self) -> bool:
        """Say whether the side index is of an earlier analysis, to be made anew by `renew_step`."""
        return self._renewal is not None

    def close(self) -> None:
        """Wait for calls under way, then release files and connections; later calls raise StoreUnavailable."""
        self._calls.end()
        self._terms.rest()
        self._end_renewal()
        self._readers.close()
        self._rows.close()

    def rest(self) -> None:
        """Close the side index's writer once its merges are done, and compact what is worn."""
        with self._calls.under_way(), self._writing:
            self._terms.rest()
            if self._calls.is_superseded:
                return
            if is_worn(self._rows):
                self._shrink()
            is_renewed = self._terms.is_worn and not self.is_outdated
        if is_renewed:
            self.renew_terms()

    @contextmanager
    def view(self) -> Iterator[View]:
        """Give one consistent state to read from; it stays the same however long it is read."""
        with self._calls.under_way(), self._readers.lend() as connection:
            with self._showing:
                connection.execute("BEGIN")
                generation = int(rows.meta(connection, "generation"))  # the first read fixes what is seen
                terms, matrix, hiding = self._terms.searcher, self.matrix, frozenset(self._hiding)
                has_old_terms = self.is_outdated
            groups = [group for group in self._groups_at(connection, generation) if group[0] not in hiding]
            yield View(connection, terms, generation, groups, matrix, self.shelf, has_old_terms)

    def matrix_for(self, view: View, width: int) -> Matrix:
        """Give the matrix of a view, reading it from the rows when it is not held."""
        with self._loading:
            for held in (view.matrix, self.matrix):
                if held is not None and (held.width, held.generation) == (width, view.generation):
                    return held
            empty = Matrix(generation=view.generation, width=width, groups={})
            loaded = empty.changed(view.generation, (), rows.all_vectors(view.rows, width))
            self._keep(loaded)
        self._on_load()
        return loaded

    def is_hiding(self, source: str) -> bool:
        """Say whether a source is just being hidden, so that even a search under way must not return it."""
        return source in self._hiding

    def apply(self, change: Change) -> int:
        """Write a change whole or not at all, and return the new generation."""
        files = {(file.entry.source, file.entry.path): file for file in change.put}
        with self._write_call():
            self._settle()
            removed = rows.file_ids(self._rows, {*change.remove, *files})
            added = number_files(files.values(), first=int(rows.meta(self._rows, "next_file")))
            with durably(self._rows), transaction(self._rows):
                rows.mark(self._rows, (*removed, *(new.id for new in added)))
                rows.set_meta(self._rows, next_file=added[-1].id + 1) if added else None

            def write() -> None:
                rows.delete_files(self._rows, removed)
                for new in added:
                    rows.insert_file(self._rows, new.id, new.file, new.stored)
                for shown in change.shown:
                    rows.show(self._rows, shown, [new.id for new in added if new.file.entry.source == shown.source])

            return self._publish(write, removed=removed, added=added)

    def hide(self, source: str, *, hidden: bool) -> None:
        """Hide a source at once, also while a long write is under way, or bring it back."""
        if hidden:
            self._hiding.add(source)
        try:
            with self._write_call():
                if rows.is_hidden(self._rows, source) != hidden:
                    self._publish(lambda: rows.set_hidden(self._rows, source, hidden=hidden), removed=())
        finally:
            self._hiding.discard(source)

    def purge(self, source: str) -> None:
        """Delete a source so that none of its bytes stay in the folder. Costs a new side index and a new database."""
        with self._write_call():
            self._settle()
            removed = rows.ids_of_source(self._rows, source)
            fresh = built(self._rows, rows.all_ids(self._rows, but_source=source), self.folder)

            def write() -> None:
                rows.delete_files(self._rows, removed)
                self._rows.execute("DELETE FROM head WHERE source = ?", (source,))
                self._rows.execute("DELETE FROM hidden WHERE source = ?", (source,))
                set_current(self._rows, fresh.folder.name)

            old = self._terms
            self._publish(write, removed=removed, fresh=fresh)
            self._end_renewal()
            old.rest()
            self.shelf.forget()
            self._shrink()
        del old
        self._sweep()

    def renew_terms(self) -> None:
        """Make the side index anew from the rows."""
        with self._write_call():
            old, fresh = self._terms, self._rebuilt("it is asked for")
            with self._showing:
                self._terms = fresh
            old.rest()
        del old
        self._sweep()

    def renew_step(self) -> bool:
        """Bring an outdated side index some files nearer to its replacement, or replace it; say whether more is left."""
        with self._write_call():
            if self._renewal is None:
                return False
            self._settle()
            if self._renewal.step():
                return True
            self._put_in_place(self._renewal.index)
        self._sweep()
        return False

    @contextmanager
    def superseding(self) -> Iterator[None]:
        """Let nobody write while the block puts another index in this one's place, nor ever again once it has."""
        with self._write_call():
            yield
            self._calls.is_superseded = True

    def succeed(self, generation: int, hidden: Iterable[str], settle: Callable[[sqlite3.Connection], None]) -> int:
        """Go on where another index stops: `settle` writes what is left of it; all is on the disk when this returns.

        Takes the other's generation and hidden sources; returns the new generation.
        """
        with self._write_call():

            def write() -> None:
                settle(self._rows)
                for source in hidden:
                    rows.set_hidden(self._rows, source, hidden=True)
                rows.set_meta(self._rows, generation=max(generation, self._generation))

            reached = self._publish(write, removed=())
            self._terms.rest()
            with durably(self._rows):
                self._rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return reached

    def _shrink(self) -> None:
        """Leave no free pages in the database, and nothing in its log."""
        self._rows.execute("VACUUM")
        self._rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # Opening, and putting right what a kill left.

    def _open_terms(self) -> SideIndex:
        """Open the side index, making it anew when it is missing, of another analysis, broken or incomplete.

        One of an analysis that can still be searched answers until `renew_step` has replaced it.
        """
        name = str(rows.meta(self._rows, "terms"))
        try:
            analysis = rows.meta(self._rows, "analysis")
            is_usable = name and analysis in {ANALYSIS_VERSION, *SEARCHABLE}
            self._terms = SideIndex(self.folder / name) if is_usable else self._rebuilt()
            if is_usable and analysis != ANALYSIS_VERSION:
                self._renewal = Renewal(self._rows, self.folder)
            self._settle()
            self._terms.rest()  # what is opened to be read needs no writer
            if self._terms.searcher.num_docs != rows.counts(self._rows).passages:
                self._terms = self._rebuilt("it does not hold all passages")
        except StoreFull:
            raise
        except ValueError as error:
            self._terms = self._rebuilt(str(error))
        self._sweep()
        return self._terms

    def _put_in_place(self, fresh: SideIndex) -> None:
        """Let the index that was made beside an outdated one answer, once it is seen to be whole."""
        fresh.rest()
        fresh.refresh()
        old = self._terms
        if fresh.searcher.num_docs == rows.counts(self._rows).passages:
            # Under one lock, else a search in between would read rows that name an index it does not have yet.
            with self._showing, transaction(self._rows):
                set_current(self._rows, fresh.folder.name)
                self._terms, self._renewal = fresh, None
        else:
            fresh = self._rebuilt("it does not hold all passages")
            with self._showing:
                self._terms, self._renewal = fresh, None
        old.rest()

    def _end_renewal(self) -> None:
        """Close the index that is made beside an outdated one; the database says whether it is gone on with."""
        renewal, self._renewal = self._renewal, None
        if renewal is not None:
            renewal.close()

    def _rebuilt(self, fault: str = "") -> SideIndex:
        """Make the side index anew from the rows and note which folder it is."""
        if fault:
            log.warning("the keyword index in %s is made anew: %s", self.folder, fault)
        fresh = built(self._rows, rows.all_ids(self._rows), self.folder)
        with transaction(self._rows):
            set_current(self._rows, fresh.folder.name)
            rows.clear_marks(self._rows)
        self._end_renewal()
        return fresh

    def _settle(self) -> None:
        """Make the side index right about every marked file. Doing it twice is harmless."""
        if not (marked := rows.marked(self._rows)):
            return
        self._terms.stage(marked, file_terms(self._rows, marked))
        self._terms.commit()
        if self._renewal is not None:
            self._renewal.put_right(marked)
        with transaction(self._rows):
            rows.clear_marks(self._rows)
        with self._showing:
            self._terms.refresh()

    def _sweep(self) -> None:
        """Delete side indexes that no longer count."""
        sweep(self.folder, kept={self._terms.folder, self._renewal.index.folder if self._renewal else None})

    # Writing. The caller holds self._writing.

    def _publish(
        self,
        write: Callable[[], None],
        *,
        removed: Collection[int],
        added: Sequence[NewFile] = (),
        fresh: SideIndex | None = None,
    ) -> int:
        """Write rows and terms, commit both and show them together; return the new generation."""
        terms = fresh or self._terms
        is_of_terms = bool(fresh or removed or added)  # else marks that a failed change has left must stay
        self._rows.execute("BEGIN IMMEDIATE")
        try:
            write()
            generation = rows.raise_generation(self._rows)
            if fresh is None and (removed or added):
                terms.stage(removed, terms_of(added))
                terms.commit()
            if self._renewal is not None and fresh is None:
                self._renewal.put_right(removed, removed=True)
            if is_of_terms:
                rows.clear_marks(self._rows)
            with self._showing:
                self._rows.execute("COMMIT")
                if is_of_terms:
                    terms.refresh()
                self._terms, self._generation = terms, generation
                self._move_matrix(generation, removed, added)
        except BaseException:
            if self._rows.in_transaction:
                self._rows.execute("ROLLBACK")
            terms.abandon()
            raise
        return generation

    def _move_matrix(self, generation: int, removed: Collection[int], added: Sequence[NewFile]) -> None:
        """Bring the held matrix to a new generation, or let it go when it is not the one before."""
        held, self.matrix = self.matrix, None
        if held is None or held.generation != generation - 1:
            return
        moved = held.changed(generation, removed, vectors_of(added))
        self.matrix = None if moved.is_worn else moved

    def _keep(self, loaded: Matrix) -> None:
        """Hold a matrix read from rows, unless the project has moved on meanwhile."""
        with self._showing:
            if loaded.generation == self._generation:
                self.matrix = loaded

    # Reading.

    def _groups_at(self, connection: sqlite3.Connection, generation: int) -> Sequence[Group]:
        """Read the (source, room) that can be searched, once a generation."""
        known, groups = self._groups
        if known != generation:
            groups = rows.groups(connection)
            self._groups = (generation, groups)
        return groups

    @contextmanager
    def _write_call(self) -> Iterator[None]:
        """Be the one writer. Raises Superseded when another index answers for the project by now."""
        with self._calls.under_way(), self._writing:
            self._calls.demand_current()
            yield
