"""When the splitter or the embedder changes, an index is made beside the one that answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from pipelines.indexing import Indexing, Listed, Outcome, Plan
from pipelines.planning import ONE_CHANGE_FILES
from pipelines.types import Shown, StoreUnavailable
from tests.unit.pipelines.test_indexing import SETTINGS, TIME, CountingEmbedder, Tree, WatchedPassages, listing

FILES = ONE_CHANGE_FILES + 200


class House:
    """A store with sources of many files, indexed by whatever embedder is named."""

    def __init__(self) -> None:
        self.store = WatchedPassages()
        self.embedder = CountingEmbedder()
        self.indexing = Indexing(self.store, self.embedder, files=SETTINGS.files, limits=SETTINGS.limits)
        self.stops_after: int | None = None
        self.time = TIME
        self.has_stopped = asyncio.Event()
        self.reads: list[str] = []

    async def plan(self, tree: Tree, source: str = "s") -> Plan:
        await self.store.create("p")
        return await self.indexing.plan("p", source, listing(tree))

    async def follow(self, tree: Tree, commit: str, source: str = "s") -> Outcome:
        return await self.carry_out(await self.plan(tree, source), tree, commit, source)

    async def carry_out(self, plan: Plan, tree: Tree, commit: str, source: str = "s") -> Outcome:
        async def read(files: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
            for number, file in enumerate(files):
                if number == self.stops_after:
                    self.has_stopped.set()
                    await asyncio.Event().wait()
                self.reads.append(file.path)
                yield file, tree[file.path]

        return await self.indexing.run("p", Shown(source, "main", commit, self.time), plan, read)

    async def versions(self, source: str = "s") -> set[str]:
        """Name the embedders by which the files are indexed that answer now."""
        entries = await self.store.manifest("p", source)
        return {entry.splitter.rpartition("+")[2] for entry in entries.values()}


def tree_of(files: int = FILES, word: str = "text") -> dict[str, bytes]:
    """Make a tree of that many files."""
    return {f"{number}.md": f"{word} {number}".encode() for number in range(files)}


async def stop_within(house: House, tree: Tree, source: str = "s", *, after: int) -> None:
    """Begin to follow a tree and cancel that after some files."""
    house.stops_after = after
    running = asyncio.create_task(house.follow(tree, "c2", source))
    await house.has_stopped.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    house.stops_after = None
    house.has_stopped.clear()
    house.reads.clear()


async def test_the_old_index_answers_until_the_new_one_is_whole() -> None:
    """No reader sees files of both versions."""
    house = House()
    await house.follow(tree_of(), "c1")
    house.embedder.name = "new"

    await stop_within(house, tree_of(), after=FILES - 1)
    meanwhile = await house.versions(), (await house.store.shown("p"))["s"]
    outcome = await house.follow(tree_of(), "c2")

    assert ({"counting"}, Shown("s", "main", "c1", TIME)) == meanwhile
    assert ({"new"}, "c2") == (await house.versions(), (await house.store.shown("p"))["s"].commit)
    assert outcome.generation == await house.store.generation("p")
    assert await house.store.rebuilding("p") is None
    assert (await house.plan(tree_of())).is_empty


async def test_a_rebuild_that_was_cut_off_goes_on() -> None:
    """What was made anew is not read again."""
    house = House()
    await house.follow(tree_of(2 * FILES), "c1")
    house.embedder.name = "new"

    await stop_within(house, tree_of(2 * FILES), after=2 * FILES - 1)
    await house.follow(tree_of(2 * FILES), "c2")

    assert 0 < len(house.reads) < 2 * FILES - 1
    assert {"new"} == await house.versions()


async def test_a_small_source_is_made_anew_in_place() -> None:
    """One transaction needs no second index."""
    house = House()
    await house.follow(tree_of(3), "c1")
    house.embedder.name = "new"

    plan = await house.plan(tree_of(3))
    await house.carry_out(plan, tree_of(3), "c1")

    assert (False, {"new"}) == (plan.is_rebuild, await house.versions())


async def test_a_large_push_is_no_rebuild() -> None:
    """Files that have changed themselves are indexed in place, whatever their number."""
    house = House()
    await house.follow(tree_of(), "c1")

    plan = await house.plan(tree_of(word="other"))

    assert (False, FILES) == (plan.is_rebuild, len(plan.changed))


async def test_sources_that_are_made_anew_together_switch_together() -> None:
    """The first that is done waits for the other, so that nothing is copied that is about to be replaced."""
    house = House()
    for source in ("s", "t"):
        await house.follow(tree_of(), "c1", source)
    house.embedder.name = "new"
    plans = [await house.plan(tree_of(), source) for source in ("s", "t")]

    house.stops_after = FILES - 1
    slow = asyncio.create_task(house.carry_out(plans[1], tree_of(), "c2", "t"))
    await house.has_stopped.wait()
    house.stops_after = None
    await house.carry_out(plans[0], tree_of(), "c2", "s")
    between = await house.versions("s")
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)
    await house.follow(tree_of(), "c2", "t")

    assert {"counting"} == between
    assert ({"new"}, {"new"}) == (await house.versions("s"), await house.versions("t"))


async def test_a_source_that_is_stuck_holds_no_other_back() -> None:
    """What it left half done is given up, and it answers as it was indexed before."""
    house = House()
    for source in ("s", "t"):
        await house.follow(tree_of(2 * FILES), "c1", source)
    house.embedder.name = "new"
    await stop_within(house, tree_of(2 * FILES), "t", after=2 * FILES - 1)

    await house.follow(tree_of(2 * FILES), "c2", "s")

    assert ({"new"}, {"counting"}) == (await house.versions("s"), await house.versions("t"))
    assert ["c1", "c2"] == sorted(shown.commit for shown in (await house.store.shown("p")).values())
    await house.follow(tree_of(2 * FILES), "c2", "t")
    assert {"new"} == await house.versions("t")


async def test_a_plan_for_a_rebuild_that_was_given_up_is_not_carried_out() -> None:
    """It would leave out what the plan took for done."""
    house = House()
    for source in ("s", "t"):
        await house.follow(tree_of(2 * FILES), "c1", source)
    house.embedder.name = "new"
    await stop_within(house, tree_of(2 * FILES), "t", after=2 * FILES - 1)
    plan = await house.plan(tree_of(2 * FILES), "t")
    await house.follow(tree_of(2 * FILES), "c2", "s")

    with pytest.raises(StoreUnavailable, match="begun anew"):
        await house.carry_out(plan, tree_of(2 * FILES), "c2", "t")

    assert 2 * FILES == len(await house.store.manifest("p", "t"))


async def test_a_source_that_went_on_in_the_old_index_is_not_put_back() -> None:
    """Left of a rebuild that nobody ended is a source as it was then; the settings were changed back, it moved on."""
    house = House()
    await house.follow(tree_of(), "c1", "s")
    await house.follow(tree_of(), "c1", "other")
    house.embedder.name = "new"
    cut_off = asyncio.create_task(hold(house, tree_of(), "other"))
    await house.has_stopped.wait()
    house.stops_after = None
    await house.follow(tree_of(), "c2", "s")
    cut_off.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut_off
    house.embedder.name = "counting"
    house.time = TIME + timedelta(hours=1)
    await house.follow({**tree_of(), "later.md": b"later"}, "c3", "s")
    house.embedder.name = "new"
    house.time = TIME + timedelta(hours=2)
    await house.follow(tree_of(), "c2", "other")

    shown = await house.store.shown("p")
    assert ("c3", "c2") == (shown["s"].commit, shown["other"].commit)
    assert "later.md" in await house.store.manifest("p", "s")


async def hold(house: House, tree: Tree, source: str) -> None:
    """Begin to follow a tree and stop before its end."""
    house.stops_after = FILES - 1
    await house.follow(tree, "c2", source)
