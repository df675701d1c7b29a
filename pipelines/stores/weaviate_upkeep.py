"""What keeps the indexes on a Weaviate server in order: what is dead swept away, what was cut off finished."""

import contextlib
import logging
import secrets
import time
from dataclasses import dataclass, replace

from pipelines.stores.ids import draft_of, project_of
from pipelines.stores.weaviate_finding import Memory
from pipelines.stores.weaviate_projects import Held, Projects, Rest
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_state import Head, Place
from pipelines.stores.weaviate_tenants import Tenants
from pipelines.stores.weaviate_writing import Writing
from pipelines.types import StoreUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rests:
    """When tenants of a project rest, and take no memory on the server, or go into its archive; 0 is never.

    After `idle_s` and `offload_s` seconds without use, and while more than `most_awake` others were used since.
    """

    idle_s: float = 900.0
    offload_s: float = 0.0
    most_awake: int = 500

    @property
    def soonest_s(self) -> float:
        """The earlier of both; 0 when neither ever happens."""
        return min((one for one in (self.idle_s, self.offload_s) if one > 0), default=0.0)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Everything here may be cut off and done again. Callers hold the project's lock where it says so."""

    server: Server
    projects: Projects
    writing: Writing
    tenants: Tenants
    memory: Memory

    async def new_head(self, project: str) -> Head:
        """An empty index at a place that was never used, in collections of the newest version."""
        place = Place(await self.server.make_pair(), f"{project_of(project)}-{secrets.token_hex(4)}")
        return Head(place, has_vectors=self.server.layout.has_vectors)

    async def mend(self, held: Held) -> bool:
        """Begin anew with the indexes whose tenants somebody has removed; false where none is surely gone.

        They are empty then, and the next look at their sources fills them.
        """
        async with held.lock:
            state = held.state
            for one in (held.project, draft_of(held.project)):
                head = state.head(one)
                if head is not None and await self.tenants.is_gone(head.place):
                    self.server.lost()
                    log.warning("the index of project %s is gone from the Weaviate server: it begins anew", one)
                    fresh = await self.new_head(held.project)
                    held.is_new(fresh.place)
                    fresh = replace(fresh, generation=held.begin(head), hidden=head.hidden)
                    state = state.with_head(one, fresh)
                    await self.tenants.make(fresh.place)
            if state is held.state:
                return False
            await self.projects.save(held, state)
            return True

    async def purge(self, held: Held, one: str, head: Head, source: str) -> None:
        """Take a source out of every search, then delete it, then forget it."""
        if source in {name for name, _ in head.groups}:
            leaving = replace(head, purging=head.purging | {source})
            await self.writing.commit(held, one, head, leaving, held.begin(head))
            await held.readers_gone()
            await self._finish_purge(held, one, source)
            return
        await self.writing.commit(held, one, head, head.without(source), held.begin(head))

    async def finish_purges(self, held: Held) -> None:
        """Go on with purges that were cut off."""
        for one in (held.project, draft_of(held.project)):
            head = held.state.head(one)
            for source in sorted(head.purging) if head is not None else ():
                await self._finish_purge(held, one, source)

    async def _finish_purge(self, held: Held, one: str, source: str) -> None:
        head = held.state.head(one)
        if head is None:
            return
        await self.writing.purge(head.place, source)
        self.memory.rows.forget(head.place.tenant)
        self.memory.passages.forget(head.place.tenant)
        await self.writing.commit(held, one, head, head.without(source), held.begin(head))

    async def sweep(self, held: Held) -> None:
        """Delete what no search can see any more; what fails is left to the next change.

        That is what is dead now: a change that shows while the last readers of this state end has readers of its own.
        """
        heads = [held.state.head(one) for one in (held.project, draft_of(held.project))]
        with contextlib.suppress(StoreUnavailable):
            await held.readers_gone()
            for head in heads:
                if head is not None and head.place in held.state.places():
                    await self._sweep(held, head)

    async def _sweep(self, held: Held, head: Head) -> None:
        with held.sweeps.one():
            dead = head.dead - held.swept
            if dead:
                await self.writing.sweep(head.place, dead)
                held.swept |= dead
            for first, last in head.void:
                if (head.place, first) not in held.swept_void:
                    await self.writing.sweep_void(head.place, first, last)
                    held.swept_void.add((head.place, first))

    async def finish_removals(self) -> None:
        """Go on with what was to be removed when a process before us ended; what fails is left to the next start."""
        with contextlib.suppress(StoreUnavailable):
            for held in list((await self.projects.all()).values()):
                await self._finish_removal(held)

    async def _finish_removal(self, held: Held) -> None:
        if held.state.current is None:
            await self.finish_drop(held)
        elif held.state.trash:
            async with held.lock:
                await self.empty_trash(held)

    async def finish_drop(self, held: Held) -> None:
        """Delete what a project was held in, then the last that names it."""
        async with held.lock:
            if (await self.projects.all()).get(held.project) is not held:
                return  # somebody has finished it, and the project may be there again
            await held.readers_gone()
            await self.empty_trash(held)
            await self.projects.forget(held)

    async def empty_trash(self, held: Held) -> None:
        """Delete the tenants that a project does not need any more."""
        trash = held.state.trash
        if not trash:
            return
        for place in trash:
            await self.tenants.remove(place)
            self.memory.rows.forget(place.tenant)
            self.memory.passages.forget(place.tenant)
        await self.projects.save(held, replace(held.state, trash=()))

    async def rest_at_once(self, held: Held) -> None:
        """Let a project rest unless somebody uses it again; what fails is left to the next look."""
        if not held.is_used:
            with contextlib.suppress(StoreUnavailable):
                await self.tenants.rest(held.state.places())
                held.rest = Rest.RESTING

    async def rest(self, held: Held, rests: Rests) -> None:
        """Let a project rest that nobody has used for so long, or put it away."""
        idle_s = time.monotonic() - held.used_s
        if held.is_used or idle_s < rests.soonest_s:
            held.rest = Rest.AWAKE
        elif rests.offload_s and idle_s >= rests.offload_s:
            if held.rest is not Rest.AWAY:
                await self.tenants.offload(held.state.places())
                held.rest = Rest.AWAY
        elif held.rest is Rest.AWAKE and rests.idle_s:
            await self.tenants.rest(held.state.places())
            held.rest = Rest.RESTING
