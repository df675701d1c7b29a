"""The passage store on a Weaviate server or cluster: a tenant for each project, see weaviate_schema.py for the layout.

One process uses an installation's collections at a time (the data folder's lock sees to that), so what it knows of the
projects is kept in memory: a search asks for passages only. Nothing is asked before it is needed; while the server is
away every call raises StoreUnavailable, and the first one after it is back goes through.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

from haystack import Document

from pipelines.stores.health import ServerHealth
from pipelines.stores.ids import demand_id, draft_of, is_draft
from pipelines.stores.local_check import Condition
from pipelines.stores.local_vectors import restore
from pipelines.stores.passages import Candidates, Change, Counts, Entry, Scope, Vectors, Wanted
from pipelines.stores.weaviate_check import Checking
from pipelines.stores.weaviate_errors import TenantAsleep, TenantGone
from pipelines.stores.weaviate_finding import Finding, Memory
from pipelines.stores.weaviate_lately import Lately
from pipelines.stores.weaviate_listing import Listing
from pipelines.stores.weaviate_moving import Moving
from pipelines.stores.weaviate_projects import Held, Projects
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_state import Head, State
from pipelines.stores.weaviate_tenants import Tenants
from pipelines.stores.weaviate_upkeep import Rests, Upkeep
from pipelines.stores.weaviate_waiting import answered
from pipelines.stores.weaviate_writing import Writing
from pipelines.types import Shown, StoreUnavailable

Result = TypeVar("Result")

_ENDING_S: Final = 2.0
_NO_PROJECT: Final = "expected a project that was created, got {!r}"


class WeaviatePassages:
    """A PassageStore on one server. Make it where its event loop runs."""

    def __init__(self, server: Server, *, kept_bytes: int = 48_000_000, rests: Rests | None = None) -> None:
        """Keep what was read lately up to `kept_bytes`."""
        self._server = server
        self._projects = Projects(server)
        self._writing = Writing(server, self._projects)
        self._tenants = Tenants(server)
        self._memory = Memory.of(kept_bytes)
        self._upkeep = Upkeep(server, self._projects, self._writing, self._tenants, self._memory)
        self._rests = rests or Rests()
        self._lately = Lately(self._rests.most_awake)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._resting: asyncio.Task[None] | None = None
        self.on_anew: Callable[[str], object] = lambda _project: None
        """Told of a project whose index began anew, since somebody has removed it from the server."""
        self._creating = asyncio.Lock()
        self._is_tidy = False
        self._is_closed = False

    @property
    def server(self) -> Server:
        """The connection."""
        return self._server

    async def create(self, project: str) -> None:
        """Make an empty project; does nothing when it exists."""
        async with self._creating:
            found = await self._find(project)
            if found is not None and found.state.current is not None:
                return
            if found is not None:  # a removal that was cut off
                await self._upkeep.finish_drop(found)
            head = await self._upkeep.new_head(project)
            await self._tenants.make(head.place)  # first: a state without its tenants would be a project of no use
            await self._projects.add(project, State(head))

    async def drop(self, project: str) -> None:
        """Delete a project with all it holds, or only its rebuild; does nothing when there is none."""
        found = await self._find(project)
        if found is None:
            return
        async with found.lock:
            if (await self._projects.all()).get(found.project) is not found:
                return  # somebody has dropped it meanwhile; what is there now is a new one
            state = found.state
            if is_draft(project):
                if state.draft is None:
                    return
                await self._projects.save(found, replace(state, draft=None, trash=(*state.trash, state.draft.place)))
                await self._upkeep.empty_trash(found)
                return
            await self._projects.save(found, State(None, None, tuple(state.places())))
        await self._upkeep.finish_drop(found)

    async def projects(self) -> Sequence[str]:
        """List the ids of all projects held."""
        self._demand_open()
        return sorted(name for name, held in (await self._projects.all()).items() if held.state.current is not None)

    async def manifest(self, project: str, source: str) -> Mapping[str, Entry]:
        """List what is indexed of a source, by path."""
        empty: Mapping[str, Entry] = {}
        return await self._read(project, lambda found: Listing(found).manifest(source), empty=empty)

    async def apply(self, project: str, change: Change) -> int:
        """Write a change in one step and return the project's new generation."""

        async def write(held: Held, head: Head) -> int:
            return await self._writing.apply(held, project, head, change)

        generation = await self._write(project, write)
        if generation is None:
            raise StoreUnavailable(_NO_PROJECT.format(project))
        return generation

    async def begin_rebuild(self, project: str) -> str:
        """Begin an index beside the one that answers, or go on with the one begun; return the id to write it under."""
        held = await self._demand(project)
        async with held.lock:
            if held.state.draft is None:
                head = await self._upkeep.new_head(project)
                held.is_new(head.place)
                await self._tenants.make(head.place)
                await self._projects.save(held, replace(held.state, draft=head))
        return draft_of(project)

    async def rebuilding(self, project: str) -> str | None:
        """Give the id of the rebuild that is under way, or None."""
        held = await self._find(project)
        return draft_of(project) if held is not None and held.state.draft is not None else None

    async def switch(self, project: str) -> int:
        """Let the rebuild answer from now on and return the project's new generation."""
        held = await self._demand(project)
        async with held.lock:
            old, new = held.state.current, held.state.draft
            if old is None or new is None:
                raise StoreUnavailable(f"expected a rebuild of {project!r}, found none")
            under_way = sorted(one.source for one in new.shown.values() if one.updating_to)
            if under_way:
                raise StoreUnavailable(f"expected a whole rebuild of {project!r}, these are on their way: {under_way}")
            generation = held.begin(new, above=held.begin(old))
            joined = await Moving(self._server).carried_over(old, new, generation)
            await self._projects.save(held, State(joined, None, (*held.state.trash, old.place)))
            await held.readers_gone()
            with contextlib.suppress(StoreUnavailable):  # it is done, and what is left of the old index goes later
                await self._upkeep.empty_trash(held)
            return generation

    async def known_vectors(self, project: str, source: str, blob: str, *, path: str | None = None) -> Vectors | None:
        """Find the vectors of a blob that is indexed under any path of the source, or under `path`."""

        async def fetch(found: Finding) -> Vectors | None:
            stored = await Listing(found).codes_of(source, blob, path)
            return None if stored is None else restore(stored)

        return await self._read(project, fetch, empty=None)

    async def shown(self, project: str) -> Mapping[str, Shown]:
        """Say at which version each source is searched."""
        head = await self._head(project)
        return {} if head is None else dict(head.shown)

    async def generation(self, project: str) -> int:
        """Count the changes of a project."""
        held = await self._find(project)
        return 0 if held is None else held.generation(project)

    async def hide(self, project: str, source: str, *, hidden: bool) -> None:
        """Take a source out of every search at once, or bring it back.

        To hide it holds in this process whatever it raises; it must be tried again all the same, for the next process.
        """
        self._demand_open()
        demand_id(project)
        call = self._projects.hide(project, source) if hidden else None

        async def write(held: Held, head: Head) -> None:
            if (source in head.hidden) != hidden:
                names = head.hidden | {source} if hidden else head.hidden - {source}
                await self._writing.commit(held, project, head, replace(head, hidden=names), held.begin(head))

        if not hidden:
            self._projects.hidden(project, source)
        await self._write(project, write)
        if hidden:
            self._projects.hidden(project, source, call)

    async def purge(self, project: str, source: str) -> None:
        """Delete a source with all that is indexed of it."""
        for one in (project,) if is_draft(project) else (draft_of(project), project):
            await self._write(one, lambda held, head, one=one: self._upkeep.purge(held, one, head, source))  # type: ignore[misc]
        self._projects.hidden(project, source)

    async def candidates(self, project: str, wanted: Wanted, *, scope: Scope) -> Candidates:
        """Find all that a search wants in one state of the project."""
        return await self._read(project, lambda found: found.candidates(wanted), scope=scope, empty=Candidates())

    async def keywords(self, project: str, query: str, *, scope: Scope, limit: int) -> list[Document]:
        """Find passages by words (BM25), best first."""
        return await self._read(project, lambda found: found.keywords(query, limit), scope=scope, empty=[])

    async def dense(self, project: str, vector: Vectors, *, scope: Scope, limit: int) -> list[Document]:
        """Find passages by cosine to one unit vector of shape (width,), best first."""
        return await self._read(project, lambda found: found.dense(vector, limit), scope=scope, empty=[])

    async def passages(self, project: str, ids: Sequence[str]) -> list[Document]:
        """Fetch passages by id in the order asked; those that are gone are left out."""
        return await self._read(project, lambda found: found.passages(ids), empty=[])

    async def of_file(self, project: str, source: str, path: str) -> list[Document]:
        """Fetch all passages of a file in the order of its lines."""
        return await self._read(project, lambda found: Listing(found).of_file(source, path), empty=[])

    async def headings(self, project: str, *, scope: Scope, limit: int) -> list[Mapping[str, Any]]:
        """Sample headings and main symbols for starter questions."""
        return await self._read(project, lambda found: Listing(found).headings(limit), scope=scope, empty=[])

    async def counts(self, project: str) -> Counts:
        """Count files, passages and bytes."""
        head = await self._head(project)
        return Counts() if head is None else head.counts

    async def health(self) -> ServerHealth:
        """How the server is."""
        problem = await self._server.problem()
        return ServerHealth(f"Weaviate {self._server.version}".strip(), problem)

    async def examine(self, project: str) -> Condition:
        """Say whether a project is whole. Nothing is changed. Raises StoreUnavailable."""
        self._demand_open()
        return await Checking(self._server).examine(project)

    async def repair(self, condition: Condition) -> Condition:
        """Take out the files that are not whole, so that the next look at their sources reads them again.

        Gives how the project stands then.
        """
        if condition.is_whole:
            return condition

        async def recount(held: Held, head: Head) -> None:
            counted = await Checking(self._server).recounted(head)
            await self._writing.commit(held, condition.project, head, counted, held.begin(head))

        await self.create(condition.project)
        await self._mend(condition.project)
        if condition.torn:
            await self.apply(condition.project, Change(remove=condition.torn))
        await self._write(condition.project, recount)
        return await self.examine(condition.project)

    async def close(self) -> None:
        """Release connections; what was being swept away goes the next time."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._tasks:  # a sweep that is cut off here may go on at the server, beside the searches of the next process
            await asyncio.wait(self._tasks, timeout=_ENDING_S)
        tasks = [*self._tasks, *([self._resting] if self._resting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.close()

    # Reading and writing one index.

    async def _read(
        self,
        one: str,
        work: Callable[[Finding], Awaitable[Result]],
        *,
        empty: Result,
        scope: Scope | None = None,
    ) -> Result:
        """Run `work` on one state of an index; one that does not exist is empty."""

        async def read() -> Result:
            held = await self._find(one)
            if held is None:
                return empty
            with held.reading(one) as head:
                if head is None:
                    return empty
                return await work(Finding(self._server, self._memory, head, scope or Scope(), held.sweeps))

        return await answered(self._server, lambda: self._awake(one, read))

    async def _write(self, one: str, work: Callable[[Held, Head], Awaitable[Result]]) -> Result | None:
        """Run `work` on an index while nobody else writes it; None when there is no such index.

        It goes on when nobody waits for it any more: what is half written would have to be swept away.
        """

        async def write() -> Result | None:
            held = await self._find(one)
            if held is None:
                return None
            async with self._mine(held):
                head = held.state.head(one)
                return None if head is None else await work(held, head)

        return await asyncio.shield(self._keep(self._awake(one, write)))

    @asynccontextmanager
    async def _mine(self, held: Held) -> AsyncIterator[None]:
        """Hold a project's lock; what a write leaves to be swept away goes afterwards, beside all else."""
        async with held.lock:
            if held.is_doubtful:
                await self._projects.find(held.project)
            held.used_s = time.monotonic()
            await self._upkeep.finish_purges(held)
            try:
                yield
            finally:
                held.used_s = time.monotonic()
        self._keep(self._upkeep.sweep(held))

    async def _mend(self, one: str) -> bool:
        """Begin a project anew whose tenants somebody has removed; false where none is surely gone."""
        held = await self._find(one)
        if held is None or not await self._upkeep.mend(held):
            return False
        self.on_anew(held.project)
        return True

    async def _awake(self, one: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Run `work`, and once more where a tenant has to be woken first, or was removed by somebody."""
        try:
            return await work()
        except TenantAsleep:
            held = await self._find(one)
            await self._tenants.wake([] if held is None else held.state.places())
        except TenantGone:
            # A node that comes back may not know its tenants yet: what a cluster holds is never given up by itself.
            if self._server.layout.replicas > 1:
                raise
            await self._mend(one)  # or another call has done it meanwhile: what is gone all the same is told again
        except StoreUnavailable:
            self._server.doubt()
            raise
        return await work()

    async def _find(self, one: str) -> Held | None:
        self._demand_open()
        demand_id(one)
        self._rest_later()
        found = await self._projects.find(one)
        for idle in self._lately.used(found) if found is not None else ():
            self._keep(self._upkeep.rest_at_once(idle))
        if not self._is_tidy:
            self._is_tidy = True
            self._keep(self._upkeep.finish_removals())
        return found

    async def _head(self, one: str) -> Head | None:
        held = await self._find(one)
        return None if held is None else held.state.head(one)

    async def _demand(self, project: str) -> Held:
        held = await self._find(project)
        if held is None or held.state.current is None:
            raise StoreUnavailable(_NO_PROJECT.format(project))
        return held

    def _demand_open(self) -> None:
        if self._is_closed:
            raise StoreUnavailable("the passage store is closed")

    def _rest_later(self) -> None:
        """Let projects that nobody uses rest, from now on."""
        if self._resting is None and self._rests.soonest_s > 0:
            self._resting = asyncio.create_task(self._rest())

    async def _rest(self) -> None:
        while True:
            await asyncio.sleep(min(self._rests.soonest_s, 60.0))
            with contextlib.suppress(StoreUnavailable):
                for held in list((await self._projects.all()).values()):
                    await self._upkeep.rest(held, self._rests)

    def _keep(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Start work that goes on by itself."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits is told; else the next use meets it again
