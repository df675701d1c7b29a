"""Several stores as one: each project lies in the one that it was made in, until `move-index` carries it over.

Which one that is stands in a file beside the local indexes, since a store that cannot be reached cannot say. A project
that the file does not name lies in the data folder.
"""

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from haystack import Document

from pipelines.stores.health import ServerHealth, health_of
from pipelines.stores.ids import demand_id, project_of
from pipelines.stores.passages import Candidates, Change, Counts, Entry, PassageStore, Scope, Vectors, Wanted
from pipelines.types import Shown, StoreUnavailable

log = logging.getLogger(__name__)

LOCAL: Final = "local"
WEAVIATE: Final = "weaviate"
_FILE: Final = "stores.json"
_NONE_SET: Final = "projects lie on a server, and none is set: set weaviate.url again"


class Whereabouts:
    """Says in which store a project lies; `folder` is that of the local indexes."""

    def __init__(self, folder: Path) -> None:
        """Read what is known. Raises StoreUnavailable when that cannot be read."""
        self._path = folder / _FILE
        self._kinds: dict[str, str] = {}
        try:
            self._kinds = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise StoreUnavailable(f"expected {self._path} to say where projects lie: {error}") from error
        if not isinstance(self._kinds, dict):
            raise StoreUnavailable(f"expected a table of projects in {self._path}, got {self._kinds!r}")

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def of(self, project: str) -> str:
        """The kind of store that a project lies in."""
        return self._kinds.get(project, LOCAL)

    @property
    def elsewhere(self) -> list[str]:
        """The projects that do not lie in the data folder."""
        return sorted(self._kinds)

    def put(self, project: str, kind: str) -> None:
        """Note where a project lies, durably. Raises StoreUnavailable."""
        kinds = {name: other for name, other in self._kinds.items() if name != project}
        if kind != LOCAL:
            kinds[project] = kind
        if kinds == self._kinds:
            return
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(kinds, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            raise StoreUnavailable(f"expected to note in {self._path} where a project lies: {error}") from error
        self._kinds = kinds


class JoinedPassages:
    """A PassageStore over several, by kind. New projects go into the one that `new` names."""

    def __init__(self, stores: Mapping[str, PassageStore], whereabouts: Whereabouts, *, new: str) -> None:
        self.stores = stores
        self.whereabouts = whereabouts
        self._new = new
        self._making = asyncio.Lock()
        self._dropped: set[str] = set()  # not lost: what a refresh under way still writes must not bring them back
        self.on_anew: Callable[[str], object] = lambda _project: None
        """Told of a project whose index its server has lost, and that was made anew, empty."""

    def store_of(self, one: str) -> PassageStore:
        """The store that an index lies in. Raises StoreUnavailable when it is not set any more."""
        demand_id(one)
        kind = self.whereabouts.of(project_of(one))
        store = self.stores.get(kind)
        if store is None:
            raise StoreUnavailable(f"the index of project {project_of(one)} lies elsewhere: {_NONE_SET}")
        return store

    async def create(self, project: str) -> None:
        """Make an empty project; does nothing when it exists."""
        async with self._making:
            demand_id(project)
            self._dropped.discard(project)
            if self.whereabouts.of(project) == LOCAL and project not in await self.stores[LOCAL].projects():
                await asyncio.to_thread(self.whereabouts.put, project, self._new)
        await self.store_of(project).create(project)

    async def drop(self, project: str) -> None:
        """Delete a project with all it holds; does nothing when there is none.

        What a move that was cut off has left of it in another store goes too, when that one can be reached.
        """
        is_whole = project == project_of(project)
        if is_whole:
            self._dropped.add(project)
        await self.store_of(project).drop(project)
        if not is_whole:
            return
        try:
            await self.drop_elsewhere(project)
        except StoreUnavailable as error:
            log.warning("what a move may have left of project %s in another store stays there: %s", project, error)
            return
        await asyncio.to_thread(self.whereabouts.put, project, LOCAL)

    async def drop_elsewhere(self, project: str) -> None:
        """Delete what stores hold of a project that lies in another one. Raises StoreUnavailable."""
        here = self.whereabouts.of(project)
        for kind, store in self.stores.items():
            if kind != here:
                await store.drop(project)

    async def projects(self) -> Sequence[str]:
        """List the ids of all projects held."""
        held = [
            project
            for kind, store in self.stores.items()
            for project in await store.projects()
            if self.whereabouts.of(project) == kind
        ]
        return sorted(held)

    async def manifest(self, project: str, source: str) -> Mapping[str, Entry]:
        """List what is indexed of a source, by path."""
        return await self.store_of(project).manifest(project, source)

    async def apply(self, project: str, change: Change) -> int:
        """Write a change in one step and return the project's new generation."""
        await self._mend(project)
        return await self.store_of(project).apply(project, change)

    async def begin_rebuild(self, project: str) -> str:
        """Begin an index beside the one that answers, or go on with the one begun."""
        await self._mend(project)
        return await self.store_of(project).begin_rebuild(project)

    async def rebuilding(self, project: str) -> str | None:
        """Give the id of the rebuild that is under way, or None."""
        return await self.store_of(project).rebuilding(project)

    async def switch(self, project: str) -> int:
        """Let the rebuild answer from now on."""
        return await self.store_of(project).switch(project)

    async def known_vectors(self, project: str, source: str, blob: str, *, path: str | None = None) -> Vectors | None:
        """Find the vectors of a blob that is indexed under any path of the source, or under `path`."""
        return await self.store_of(project).known_vectors(project, source, blob, path=path)

    async def shown(self, project: str) -> Mapping[str, Shown]:
        """Say at which version each source is searched."""
        return await self.store_of(project).shown(project)

    async def generation(self, project: str) -> int:
        """Count the changes of a project."""
        return await self.store_of(project).generation(project)

    async def hide(self, project: str, source: str, *, hidden: bool) -> None:
        """Take a source out of every search at once, or bring it back."""
        await self.store_of(project).hide(project, source, hidden=hidden)

    async def purge(self, project: str, source: str) -> None:
        """Delete a source with all that is indexed of it."""
        await self.store_of(project).purge(project, source)

    async def candidates(self, project: str, wanted: Wanted, *, scope: Scope) -> Candidates:
        """Find all that a search wants in one state of the project."""
        return await self.store_of(project).candidates(project, wanted, scope=scope)

    async def keywords(self, project: str, query: str, *, scope: Scope, limit: int) -> list[Document]:
        """Find passages by words (BM25), best first."""
        return await self.store_of(project).keywords(project, query, scope=scope, limit=limit)

    async def dense(self, project: str, vector: Vectors, *, scope: Scope, limit: int) -> list[Document]:
        """Find passages by cosine, best first."""
        return await self.store_of(project).dense(project, vector, scope=scope, limit=limit)

    async def passages(self, project: str, ids: Sequence[str]) -> list[Document]:
        """Fetch passages by id in the order asked."""
        return await self.store_of(project).passages(project, ids)

    async def of_file(self, project: str, source: str, path: str) -> list[Document]:
        """Fetch all passages of a file in the order of its lines."""
        return await self.store_of(project).of_file(project, source, path)

    async def headings(self, project: str, *, scope: Scope, limit: int) -> list[Mapping[str, Any]]:
        """Sample headings and main symbols for starter questions."""
        return await self.store_of(project).headings(project, scope=scope, limit=limit)

    async def counts(self, project: str) -> Counts:
        """Count files, passages and bytes."""
        return await self.store_of(project).counts(project)

    async def _mend(self, one: str) -> None:
        """Make a project anew that its server has lost with all its data: it was not dropped by us."""
        project, store = project_of(one), self.store_of(one)
        may_be_lost = self.whereabouts.of(project) != LOCAL and project not in self._dropped
        if may_be_lost and project not in await store.projects():
            await store.create(project)
            self.began_anew(project)

    def began_anew(self, project: str) -> None:
        """Tell of a project whose index is lost and begins anew, empty."""
        self.on_anew(project)

    async def health(self) -> ServerHealth | None:
        """How the server is, whose absence leaves projects without an index."""
        for store in self.stores.values():
            if (found := await health_of(store)) is not None:
                return found
        return None if not self.whereabouts else ServerHealth("Weaviate", _NONE_SET)

    async def close(self) -> None:
        """Release all stores."""
        for store in self.stores.values():
            await store.close()
