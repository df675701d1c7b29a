"""Rebuilds under way: an index is made beside the one that answers, source by source, and takes its place at the end."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pipelines.stores.passages import PassageStore
from pipelines.types import StoreUnavailable


@dataclass(slots=True)
class Rebuild:
    """The part of one source. `generation` is that of the project once this part was the last and it has switched."""

    draft: str
    generation: int = 0


@dataclass(slots=True)
class _Project:
    """Who writes to the rebuild of a project now. Nobody begins while another one switches."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    sources: set[str] = field(default_factory=set)


class Rebuilds:
    """Lets the sources of a project go into one rebuild; whichever ends last lets it answer."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store
        self._projects: defaultdict[str, _Project] = defaultdict(_Project)

    @asynccontextmanager
    async def of(self, project: str, source: str, *, held: int) -> AsyncIterator[Rebuild]:
        """Give the rebuild to write a source to, begun or gone on with; at the end it may take the old index's place.

        A block that fails leaves what it wrote, to go on from. Raises StoreUnavailable when the rebuild does not hold
        `held` files of the source, as it did when the run was planned.
        """
        own = self._projects[project]
        async with own.lock:
            rebuild = Rebuild(await self._store.begin_rebuild(project))
            found = len(await self._store.manifest(rebuild.draft, source))
            if found != held:
                raise StoreUnavailable(
                    f"expected {held} files of this source in the rebuild, got {found}: it was begun anew; try again"
                )
            own.sources.add(source)
        try:
            yield rebuild
        except BaseException:
            own.sources.discard(source)
            raise
        async with own.lock:
            own.sources.discard(source)
            if not own.sources:
                await self._leave_out_parts(project, rebuild.draft)
                rebuild.generation = await self._store.switch(project)

    async def _leave_out_parts(self, project: str, draft: str) -> None:
        """Take sources out that are not worked on and there in part only, or that the old index shows at a later time.

        They are carried over as they are indexed. The latter were finished in a rebuild that nobody ended, before the
        settings were changed back and the source went on in the old index.
        """
        shown = await self._store.shown(project)
        for head in (await self._store.shown(draft)).values():
            before = shown.get(head.source)
            if head.updating_to is not None or (before is not None and before.at > head.at):
                await self._store.purge(draft, head.source)
