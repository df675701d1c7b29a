"""The chores behind the jobs."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import SourceRegistry, SourceSpec
from adapters.source import CodeSource, SourceGone
from bot.following import Following, FollowingParts
from bot.jobs.chores import ChoreParts, Chores
from bot.jobs.runner import JobRunner
from bot.lifecycle import Lifecycle, LifecycleParts
from bot.progress import ProgressBoard
from bot.refresh import Refresh, RefreshParts
from bot.state.database import Database
from bot.state.queries import codes, jobs, projects, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Source
from bot.state.vault import Vault
from config.load import load
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing
from pipelines.stores.passages import Change
from pipelines.types import StoreFull
from tests.fakes.files import file_of
from tests.fakes.passages import FakePassages
from tests.fakes.source import FakeSource
from tests.fakes.state import open_state
from tests.fakes.telling import Told

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class House:
    """Chores on a fake store and fake sources, with a real state database and a clock that stands."""

    db: Database
    store: FakePassages
    registry: SourceRegistry
    project: str
    now: datetime = NOW
    sources: dict[str, FakeSource] = field(default_factory=dict)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    told: Told = field(default_factory=Told)

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Start a task, as the app does."""
        self.tasks.append(asyncio.create_task(work))

    async def follow(self, source: FakeSource, name: str) -> str:
        """Add a source to the project and return its id."""
        new = NewSource(self.project, "folder", name, f"/srv/{name}")
        row = await self.db.write(lambda session: sources.add(session, new, now=NOW))
        self.sources[row.id] = source
        return row.id

    async def settle(self) -> None:
        """Wait for all that was started, and what that starts."""
        while self.tasks:
            tasks, self.tasks = self.tasks, []
            await asyncio.gather(*tasks)

    async def paths(self, source: str) -> set[str]:
        """The paths that are indexed of a source."""
        return set(await self.store.manifest(self.project, source))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A project without sources."""
    settings = load(environ={}, cwd=tmp_path, data_dir=tmp_path / "data").settings
    db = await open_state(tmp_path / "state.db", lambda: NOW)
    project = await db.write(lambda session: projects.create(session, "handbook", created_by=None, now=NOW))
    registry = SourceRegistry(tmp_path / "data", sources=settings.sources, files=settings.files)
    made = House(db, FakePassages(), registry, project.id)
    await made.store.create(project.id)
    yield made
    await made.settle()
    await db.close()


@pytest.fixture
async def chores(house: House, tmp_path: Path) -> Chores:
    """The chores of that house."""
    settings = load(environ={}, cwd=tmp_path, data_dir=tmp_path / "data").settings

    def open_source(spec: SourceSpec) -> CodeSource:
        return house.sources[spec.id]

    refresh = Refresh(
        RefreshParts(
            db=house.db,
            store=house.store,
            indexing=Indexing(house.store, NoEmbedder(), files=settings.files, limits=settings.limits),
            open_source=open_source,
            board=ProgressBoard(),
            clock=lambda: house.now,
            free_bytes=lambda: 10**12,
            min_free_bytes=0,
            parallel=2,
            spread=lambda: 0.0,
        )
    )
    vault = Vault.from_file(tmp_path / "key")
    credential, move_mirror = house.registry.access.named, house.registry.move_mirror
    spawn = house.spawn
    lifecycle = LifecycleParts(house.db, refresh, credential, move_mirror, house.told, spawn, lambda: house.now)
    parts = FollowingParts(house.db, vault, house.store, refresh, house.registry, settings.sources, house.spawn)
    return Chores(
        ChoreParts(
            db=house.db,
            store=house.store,
            refresh=refresh,
            following=Following(parts),
            runner=JobRunner(house.db, clock=lambda: house.now),
            spawn=house.spawn,
            clock=lambda: house.now,
            registry=house.registry,
            vault=vault,
            lifecycle=Lifecycle(lifecycle),
            telling=house.told,
            keep=settings.retention,
            purge_after_days=7,
        )
    )


async def test_tick_refreshes_what_is_due(house: House, chores: Chores) -> None:
    """A new source is due at once; after that only when its interval is over."""
    followed = await house.follow(FakeSource({"a.md": b"# A\n\none\n"}), "docs")
    for seconds in (0, 15, 299, 301):
        house.now = NOW + timedelta(seconds=seconds)
        await chores.refresh_due()
        await house.settle()

    assert ({"a.md"}, 2) == (await house.paths(followed), house.sources[followed].calls["head"])


async def test_tick_does_not_wait_for_a_slow_source(house: House, chores: Chores) -> None:
    """While one source takes its time another that is due is refreshed, and the slow one is not begun twice."""
    slow = FakeSource({"a.md": b"# A\n\none\n"})
    slow.may_list.clear()
    slow_id = await house.follow(slow, "slow")
    await chores.refresh_due()
    await slow.was_asked.wait()
    quick_id = await house.follow(FakeSource({"b.md": b"# B\n\ntwo\n"}), "quick")

    await chores.refresh_due()
    await house.tasks[-1]  # asks
    await house.tasks[-1]  # refreshes
    early = (await house.paths(slow_id), await house.paths(quick_id))
    slow.may_list.set()
    await house.settle()

    assert ((set(), {"b.md"}), 1) == (early, slow.calls["head"])


async def test_fault_of_our_own_is_put_off(house: House, chores: Chores) -> None:
    """A source that fails for a reason nobody expected is tried again after its interval, not at every tick."""
    followed = await house.follow(FakeSource({"a.md": b"# A\n"}), "docs")
    house.store.fault = ZeroDivisionError("a bug")
    await chores.refresh_due()
    await house.settle()
    house.store.fault = None
    house.now = NOW + timedelta(seconds=15)

    await chores.refresh_due()

    row = await house.db.read(lambda session: sources.get(session, followed))
    runs = await house.db.read(jobs.latest)
    assert row is not None
    assert ([], 1, "failed") == (house.tasks, row.failures, runs[-1].outcome)
    assert runs[-1].detail in row.last_error


async def test_hidden_source_is_purged_after_a_week(house: House, chores: Chores) -> None:
    """What is indexed of a source that is gone stays for seven days and is then deleted, once."""
    source = FakeSource({"a.md": b"# A\n\none\n"})
    followed = await house.follow(source, "docs")
    await chores.refresh_now(followed)
    source.fault = SourceGone("expected a folder, got none")
    await chores.refresh_now(followed)
    said = []
    for days in (6, 8, 9):
        house.now = NOW + timedelta(days=days)
        said.append((await chores.purge_hidden(), len(await house.paths(followed))))

    assert [("", 1), ("purged 1", 0), ("", 0)] == said


async def test_purged_source_comes_back_whole(house: House, chores: Chores) -> None:
    """A source that returns after it was purged is indexed again."""
    source = FakeSource({"a.md": b"# A\n\none\n"}, fault=SourceGone("expected a folder, got none"))
    followed = await house.follow(source, "docs")
    await chores.refresh_now(followed)
    house.now = NOW + timedelta(days=8)
    await chores.purge_hidden()
    source.fault = None

    await chores.refresh_now(followed)

    assert {"a.md"} == await house.paths(followed)


async def test_removal_that_was_cut_off_is_finished(house: House, chores: Chores) -> None:
    """A source that was marked as removed before a kill goes with all that is indexed of it; others stay."""
    kept = await house.follow(FakeSource({"a.md": b"# A\n\none\n"}), "docs")
    cut = await house.follow(FakeSource({"b.md": b"# B\n\ntwo\n"}), "old")
    for followed in (kept, cut):
        await chores.refresh_now(followed)
    await house.db.write(lambda session: sources.set_state(session, cut, "removed", now=NOW))

    said = [await chores.remove_leftovers() for _ in range(2)]

    row = await house.db.read(lambda session: sources.get(session, cut))
    assert (["removed 1", ""], None) == (said, row)
    assert ({"a.md"}, set()) == (await house.paths(kept), await house.paths(cut))


async def test_passages_without_a_source_are_removed(house: House, chores: Chores) -> None:
    """What is indexed of a source that nobody knows goes, and nothing else."""
    kept = await house.follow(FakeSource({"a.md": b"# A\n\none\n"}), "docs")
    await chores.refresh_now(kept)
    await house.store.apply(house.project, Change(put=[file_of("stray.md", "alpha", source="stray")]))

    said = await chores.remove_leftovers()

    assert ("removed 1", {"a.md"}, set()) == (said, await house.paths(kept), await house.paths("stray"))


async def test_index_of_a_removed_project_is_removed(house: House, chores: Chores) -> None:
    """A project whose end was cut off, and one that no row knows, leave nothing in the store; the others stay."""
    other = await house.db.write(lambda session: projects.create(session, "other", created_by=None, now=NOW))
    await house.store.create(other.id)
    await house.store.create("unknown")
    cut = await house.follow(FakeSource({"a.md": b"# A\n\none\n"}), "docs")
    await chores.refresh_now(cut)
    await house.db.write(lambda session: projects.remove(session, house.project, now=NOW))

    await chores.remove_leftovers()

    assert [other.id] == list(await house.store.projects())
    assert await house.db.read(lambda session: sources.get(session, cut)) is None


REPOSITORY = "https://github.com/acme/app"


async def follow_repository(house: House, *, ref: str = "") -> Source:
    """A source of a repository on the network, with its mirror."""
    new = NewSource(house.project, "git", f"app {ref}", REPOSITORY, ref=ref)
    (house.registry.mirror(REPOSITORY) / "objects").mkdir(parents=True, exist_ok=True)
    return await house.db.write(lambda session: sources.add(session, new, now=NOW))


async def test_mirrors_of_forgotten_repositories_go(house: House, chores: Chores) -> None:
    """One whose repository nobody follows is removed, and one named as they were once; the others stay."""
    await follow_repository(house)
    old = house.registry.mirror(REPOSITORY).parent / "0123456789abcdef.git"
    for folder in (house.registry.mirror("https://github.com/acme/gone"), old):
        (folder / "objects").mkdir(parents=True)

    said = await chores.remove_mirrors()

    assert ("removed 2", [house.registry.mirror_name(REPOSITORY)]) == (said, house.registry.mirrored())


async def test_a_source_that_was_removed_while_its_store_was_full_goes_later(house: House, chores: Chores) -> None:
    """Whoever removes it is told that the store takes no writes; it is not followed any more, and the rest follows."""
    row = await follow_repository(house)
    house.store.fault = StoreFull("the disk is full")
    with pytest.raises(StoreFull):
        await chores._parts.following.end(row, now=NOW)
    house.store.fault = None
    states = [one.state for one in await house.db.read(sources.ending)]

    said = await chores.remove_leftovers()

    assert (["removed"], "removed 1") == (states, said)
    assert [] == list(await house.db.read(sources.ending))


async def test_a_mirror_stays_while_another_source_follows_its_repository(house: House, chores: Chores) -> None:
    """A removed source takes it along only when it was the last one, of whichever project or branch."""
    first, second = await follow_repository(house), await follow_repository(house, ref="next")

    await chores._parts.following.end(first, now=NOW)
    left = house.registry.mirrored()
    await chores._parts.following.end(second, now=NOW)

    assert ([house.registry.mirror_name(REPOSITORY)], []) == (left, house.registry.mirrored())


async def test_a_purge_takes_the_mirror_along(house: House, chores: Chores) -> None:
    """What was hidden for too long leaves no file of its repository behind."""
    row = await follow_repository(house)
    await house.db.write(lambda session: sources.set_state(session, row.id, "hidden", reason="gone", now=NOW))
    house.now = NOW + timedelta(days=8)

    await chores.purge_hidden()

    assert [] == house.registry.mirrored()


async def test_expired_codes_are_dropped(house: House, chores: Chores) -> None:
    """Codes whose time is over are deleted."""
    new = codes.NewCode(codes.Purpose.BIND, project=house.project)
    await house.db.write(lambda session: codes.make(session, new, valid_for=timedelta(minutes=15), now=NOW))
    before = await chores.drop_expired()
    house.now = NOW + timedelta(minutes=16)

    assert ("", "1 expired") == (before, await chores.drop_expired())


async def test_retention_runs_on_an_empty_house(house: House, chores: Chores) -> None:
    """With nothing old there is nothing to tell."""
    assert "" == await chores.keep_within_time()
