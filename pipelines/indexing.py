"""The index follows a source: what has changed is read, prepared, embedded and written, and the shown version moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from config.settings import Files, Limits
from pipelines.components.converting import is_costly
from pipelines.components.embed import BundledEmbedder, Embedder
from pipelines.components.skip import SkipRules
from pipelines.components.split import SPLITTER_VERSION
from pipelines.making.crew import Alone, Crew, Maker
from pipelines.making.rebuilds import Rebuilds
from pipelines.making.run import OnProgress, RoomToWrite, Run, RunParts
from pipelines.making.work import Tools
from pipelines.planning import Listed, Outcome, Plan, Progress, compare
from pipelines.stores.passages import PassageStore
from pipelines.types import Shown

__all__ = ["Indexing", "Listed", "OnProgress", "Outcome", "Plan", "Progress", "Read", "RoomToWrite", "always_room"]

# Bumped when other files are skipped or other tokens redacted, so that every file is looked at again.
RULES_VERSION: Final = "rules-1"
# A smaller change is made in threads: workers would cost it more to start, a second of a core each, than they save.
_LEAST_FOR_WORKERS_BYTES: Final = 4_000_000


Read = Callable[[Sequence[Listed]], AsyncIterator[tuple[Listed, bytes]]]


async def always_room() -> None:
    """Never wait for free disk space."""


def _unseen(progress: Progress) -> None:
    """Tell nobody."""


class Indexing:
    """Brings sources into a passage store. One object serves all projects; one run at a time for each source."""

    def __init__(
        self, store: PassageStore, embedder: Embedder, *, files: Files, limits: Limits, workers: int = 0
    ) -> None:
        """Index with up to `workers` further processes, which are started for large changes only."""
        self._store = store
        self._embedder = embedder
        self._rules = SkipRules(files)
        self._limits = limits
        tools = Tools(files, is_embedding=isinstance(embedder, BundledEmbedder))
        self._alone = Alone(tools)
        self._crew = Crew(tools, most=workers) if workers else None
        self._rebuilds = Rebuilds(store)

    @property
    def version(self) -> str:
        """Name what passages are made by; files indexed by another version are made again."""
        return f"{SPLITTER_VERSION}+{RULES_VERSION}+{self._embedder.name}"

    async def plan(self, project: str, source: str, listed: Sequence[Listed], *, room: str | None = None) -> Plan:
        """Compare a whole listing with the manifest. Files over the limits of a source are skipped as "over_limit".

        When many files were made by another version, an index is made anew beside the one that answers.
        """
        rules, limits, version = self._rules, self._limits, self.version
        against = partial(compare, listed=listed, rules=rules, limits=limits, version=version)
        found = await asyncio.to_thread(against, await self._store.manifest(project, source))
        if found.renewed and not found.is_one_change:
            draft = await self._store.rebuilding(project)
            held = await self._store.manifest(draft, source) if draft else {}
            found = replace(await asyncio.to_thread(against, held), is_rebuild=True)
        return replace(found, room=room)

    async def run(
        self,
        project: str,
        target: Shown,
        plan: Plan,
        read: Read,
        *,
        on_progress: OnProgress = _unseen,
        room_to_write: RoomToWrite = always_room,
    ) -> Outcome:
        """Carry a plan out and move the source's shown version to `target`, last of all.

        Small changes are one transaction. Large ones go in batches, each file whole, while the version shown before
        carries `updating_to`; a first index shows the target at once, with `updating_to` equal to it. Removals come
        last. Cancelling leaves whole files only, and the next plan goes on from there. A rebuild shows nothing before
        its end: until then the index before answers.
        `room_to_write` is awaited before each write and returns when there is room on the disk.
        Raises what the store, the embedder, `read` and `room_to_write` raise; StoreUnavailable for a project that was
        not created, or is dropped meanwhile.
        """
        run = partial(
            self._run, target=target, plan=plan, read=read, on_progress=on_progress, room_to_write=room_to_write
        )
        if not plan.is_rebuild:
            return await run(project)
        async with self._rebuilds.of(project, target.source, held=plan.held) as rebuild:
            outcome = await run(rebuild.draft)
        return replace(outcome, generation=rebuild.generation or outcome.generation)

    async def _run(
        self,
        project: str,
        *,
        target: Shown,
        plan: Plan,
        read: Read,
        on_progress: OnProgress,
        room_to_write: RoomToWrite,
    ) -> Outcome:
        before = (await self._store.shown(project)).get(target.source)
        if plan.is_empty and before and replace(before, at=target.at) == target:
            return Outcome(generation=await self._store.generation(project), skipped=plan.skipped)
        interim = None if plan.is_one_change else replace(before or target, updating_to=target.commit)
        store, embedder, maker = self._store, self._embedder, self._maker(plan)
        try:
            async with asyncio.TaskGroup() as group:
                parts = RunParts(store, embedder, maker, self.version, on_progress, room_to_write, group)
                return await Run(parts, project, target, plan, interim).carry_out(read(plan.changed))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None  # the first fault ended the others

    async def close(self) -> None:
        """End the workers; none may be needed any more."""
        if self._crew is not None:
            await self._crew.close()

    def _maker(self, plan: Plan) -> Maker:
        """Choose workers for much text, and for what may take a reader long or let it fall over."""
        is_for_workers = plan.size_bytes >= _LEAST_FOR_WORKERS_BYTES or any(is_costly(one.path) for one in plan.changed)
        return self._crew if self._crew and is_for_workers else self._alone
