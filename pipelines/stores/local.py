"""The passage store that needs no server: a folder a project, SQLite for rows and vectors, tantivy for terms.

    <root>/<project>/v1/index.db      rows, vectors, manifest: the truth
    <root>/<project>/v1/terms-<n>/    the keyword index, made again from the rows whenever in doubt; a second one is on its way
    <root>/<project>/v2/              a rebuild under way; `current` names the one that answers (see local_places.py)

Nothing here runs on the event loop: reads and writes have threads of their own. Few projects are open at a time.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from haystack import Document

from pipelines.stores import local_rows as rows
from pipelines.stores.headings import pick_headings
from pipelines.stores.ids import demand_id, draft_of, is_draft
from pipelines.stores.local_calls import Superseded
from pipelines.stores.local_candidates import candidates
from pipelines.stores.local_documents import by_ids, of_file, outlines
from pipelines.stores.local_open import Limits, OpenProjects
from pipelines.stores.local_project import OpenProject, View
from pipelines.stores.local_renewal import renewed_passages
from pipelines.stores.local_schema import store_errors
from pipelines.stores.local_scope import allowed_groups, asked_of, filters_of, visible
from pipelines.stores.local_terms import find
from pipelines.stores.local_vectors import restore
from pipelines.stores.passages import Candidates, Change, Counts, Entry, Scope, Vectors, Wanted
from pipelines.types import Shown, StoreUnavailable

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_READING_THREADS: Final = 4
_WRITING_THREADS: Final = 4
_OPEN_WRITERS: Final = 4


class LocalPassages:
    """A PassageStore below one folder, for one process at a time (the data folder's lock sees to that)."""

    def __init__(
        self,
        root: Path,
        *,
        open_projects: int = 32,
        matrices_bytes: int = 128_000_000,
        kept_bytes: int = 24_000_000,
        writer_idle_s: float = 5.0,
        max_project_bytes: int | None = None,
    ) -> None:
        """Keep projects below `root`.

        At most `open_projects` stay open and `matrices_bytes` of vectors stay in memory (one matrix always may), save
        for those in use, and `kept_bytes` of passages that were found lately. A keyword writer closes after
        `writer_idle_s`. `max_project_bytes` caps a project's database.
        """
        limits = Limits(open_projects, matrices_bytes, project_bytes=max_project_bytes, kept_bytes=kept_bytes)
        self._projects = OpenProjects(root, limits, self._renew_later)
        self._writer_idle_s = writer_idle_s
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._reads = ThreadPoolExecutor(_READING_THREADS, "passages-read")
        self._writes = ThreadPoolExecutor(_WRITING_THREADS, "passages-write")
        self._renewals = ThreadPoolExecutor(1, "passages-renew")
        self._renewing: set[str] = set()
        self._is_closed = False
        self._writes.submit(self._projects.empty_trash)

    async def create(self, project: str) -> None:
        """Make an empty project; does nothing when it exists."""
        await self._run(self._writes, project, lambda: self._projects.create(project))

    async def drop(self, project: str) -> None:
        """Delete a project with all it holds; does nothing when there is none."""
        await self._run(self._writes, project, lambda: self._projects.drop(project))

    async def projects(self) -> Sequence[str]:
        """List the ids of all projects held."""
        return await self._run(self._reads, None, self._projects.held)

    async def manifest(self, project: str, source: str) -> Mapping[str, Entry]:
        """List what is indexed of a source, by path."""
        return await self._read(project, lambda _, view: rows.entries(view.rows, source), empty={})

    async def apply(self, project: str, change: Change) -> int:
        """Write a change in one transaction and return the project's new generation."""
        try:
            generation = await self._write(project, lambda opened: opened.apply(change))
        finally:
            self._rest_later(project)  # a write goes on when nobody waits for it any more
        if generation is None:
            raise StoreUnavailable(f"expected a project that was created, got {project!r}")
        return generation

    async def begin_rebuild(self, project: str) -> str:
        """Begin an index beside the one that answers, or go on with the one begun; return the id to write it under."""
        return await self._run(self._writes, project, lambda: self._projects.begin_rebuild(project))

    async def rebuilding(self, project: str) -> str | None:
        """Give the id of the rebuild that is under way, or None."""
        is_under_way = await self._run(self._reads, project, lambda: self._projects.is_rebuilding(project))
        return draft_of(project) if is_under_way else None

    async def switch(self, project: str) -> int:
        """Let the rebuild answer from now on and return the project's new generation."""
        return await self._run(self._writes, project, lambda: self._projects.switch(project))

    async def known_vectors(self, project: str, source: str, blob: str, *, path: str | None = None) -> Vectors | None:
        """Find the vectors of a blob that is indexed under any path of the source, or under `path`."""

        def fetch(_: OpenProject, view: View) -> Vectors | None:
            found = rows.vectors_of_blob(view.rows, source, blob, path)
            return None if found is None else restore(found)

        return await self._read(project, fetch, empty=None)

    async def shown(self, project: str) -> Mapping[str, Shown]:
        """Say at which version each source is searched."""
        return await self._read(project, lambda _, view: rows.heads(view.rows), empty={})

    async def generation(self, project: str) -> int:
        """Count the changes of a project."""
        return await self._read(project, lambda _, view: view.generation, empty=0)

    async def hide(self, project: str, source: str, *, hidden: bool) -> None:
        """Take a source out of every search at once, or bring it back."""
        await self._write(project, lambda opened: opened.hide(source, hidden=hidden))

    async def purge(self, project: str, source: str) -> None:
        """Delete a source so that no byte of its text stays in the folder."""
        for one in (project,) if is_draft(project) else (draft_of(project), project):
            await self._write(one, lambda opened: opened.purge(source))

    async def candidates(self, project: str, wanted: Wanted, *, scope: Scope) -> Candidates:
        """Find all that a search wants in one state of the project."""
        return await self._read(
            project, lambda opened, view: candidates(opened, view, wanted, scope), empty=Candidates()
        )

    async def keywords(self, project: str, query: str, *, scope: Scope, limit: int) -> list[Document]:
        """Find passages by words (BM25), best first."""

        def search(opened: OpenProject, view: View) -> list[Document]:
            scored = find(view.terms, asked_of(view, query), filters=filters_of(view, scope), limit=limit)
            return _in_order(opened, view, scope, scored)

        return await self._read(project, search, empty=[])

    async def dense(self, project: str, vector: Vectors, *, scope: Scope, limit: int) -> list[Document]:
        """Find passages by cosine to one unit vector of shape (width,), best first."""

        def search(opened: OpenProject, view: View) -> list[Document]:
            matrix = opened.matrix_for(view, len(vector))
            return _in_order(opened, view, scope, matrix.nearest(vector, allowed_groups(view, scope), limit=limit))

        return await self._read(project, search, empty=[])

    async def passages(self, project: str, ids: Sequence[str]) -> list[Document]:
        """Fetch passages by id in the order asked; those that are gone are left out."""
        return await self._read(project, lambda _, view: by_ids(view.rows, ids), empty=[])

    async def of_file(self, project: str, source: str, path: str) -> list[Document]:
        """Fetch all passages of a file in the order of its lines."""

        def fetch(_: OpenProject, view: View) -> list[Document]:
            ids = rows.file_ids(view.rows, [(source, path)])
            return [document for one in ids for document in of_file(view.rows, one)]

        return await self._read(project, fetch, empty=[])

    async def headings(self, project: str, *, scope: Scope, limit: int) -> list[Mapping[str, Any]]:
        """Sample headings and main symbols for starter questions."""

        def sample(_: OpenProject, view: View) -> list[Mapping[str, Any]]:
            return pick_headings(outlines(view.rows, allowed_groups(view, scope)), limit=limit)

        return await self._read(project, sample, empty=[])

    async def counts(self, project: str) -> Counts:
        """Count files, passages and bytes."""

        def count(_: OpenProject, view: View) -> Counts:
            return replace(rows.counts(view.rows), renewed=renewed_passages(view.rows))

        return await self._read(project, count, empty=Counts())

    async def close(self) -> None:
        """Release files, threads and connections; later calls raise StoreUnavailable."""
        if self._is_closed:
            return
        self._is_closed = True
        for timer in self._timers.values():
            timer.cancel()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._renewals.shutdown(wait=True, cancel_futures=True)
        self._reads.shutdown(wait=True, cancel_futures=True)
        self._writes.shutdown(wait=True, cancel_futures=True)
        self._projects.close()

    def _rest_later(self, project: str) -> None:
        """Close the project's keyword writer soon, at once when many are open."""
        if self._is_closed:
            return
        delay_s = self._writer_idle_s if self._projects.writers() <= _OPEN_WRITERS else 0.0
        if project in self._timers:
            self._timers.pop(project).cancel()
        self._timers[project] = asyncio.get_running_loop().call_later(delay_s, self._rest, project)

    def _rest(self, project: str) -> None:
        self._timers.pop(project, None)
        if not self._is_closed:
            self._writes.submit(self._rest_now, project)

    def _rest_now(self, project: str) -> None:
        """Let a project rest; what goes wrong is told in the log, since nobody waits for it."""
        try:
            with store_errors(project):
                self._projects.rest(project)
        except StoreUnavailable as error:
            log.warning("the index of project %s was not compacted: %s", project, error)

    def _renew_later(self, project: str) -> None:
        """Make the project's outdated keyword index anew, in steps beside all else; the old one answers meanwhile."""
        if project not in self._renewing:
            self._renewing.add(project)
            self._renew_on(project)

    def _renew_on(self, project: str) -> None:
        with contextlib.suppress(RuntimeError):  # the store is being closed: the next opening goes on
            self._renewals.submit(self._renew, project)

    def _renew(self, project: str) -> None:
        is_unfinished = False
        try:
            with store_errors(project):
                is_unfinished = self._projects.renew_step(project)
        except StoreUnavailable as error:  # the next opening of the project goes on
            log.warning("the keyword index of project %r is not made anew for now: %s", project, error)
        if is_unfinished:
            self._renew_on(project)
        else:
            self._renewing.discard(project)

    # Crossing from the event loop to the threads.

    async def _read(self, project: str, work: Callable[[OpenProject, View], Result], *, empty: Result) -> Result:
        """Run `work` on a consistent view; a project that does not exist is empty."""

        def read() -> Result:
            with self._projects.lend(project) as opened:
                if opened is None:
                    return empty
                with opened.view() as view:
                    return work(opened, view)

        return await self._run(self._reads, project, lambda: _twice(read))

    async def _write(self, project: str, work: Callable[[OpenProject], Result]) -> Result | None:
        """Run `work` on a project; None when there is no such project."""

        def write() -> Result | None:
            with self._projects.lend(project) as opened:
                return None if opened is None else work(opened)

        return await self._run(self._writes, project, lambda: _twice(write))

    async def _run(self, threads: Executor, project: str | None, work: Callable[[], Result]) -> Result:
        """Run `work` in one of the threads and turn its errors into ours."""
        if self._is_closed:
            raise StoreUnavailable("the passage store is closed")
        if project is not None:
            demand_id(project)

        def run() -> Result:
            with store_errors(project or ""):
                return work()

        return await asyncio.get_running_loop().run_in_executor(threads, run)


def _twice(work: Callable[[], Result]) -> Result:
    """Run `work`, and again when a rebuild took the place of the index it had begun with."""
    with contextlib.suppress(Superseded):
        return work()
    return work()


def _in_order(opened: OpenProject, view: View, scope: Scope, scored: Sequence[tuple[int, float]]) -> list[Document]:
    """Fetch what was found and may be seen, best first."""
    return list(visible(opened, view, scope, view.shelf.documents(view.rows, dict(scored))).values())
