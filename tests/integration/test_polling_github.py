"""Polling GitHub's API and git behind it: what a push, a rename, a deletion and an outage do to sources and index."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import SourceRegistry
from adapters.source import Head
from bot.lifecycle import Lifecycle, LifecycleParts
from bot.polling import Polling, PollingParts
from bot.progress import ProgressBoard
from bot.refresh import Refresh, RefreshParts
from bot.state.database import Database
from bot.state.queries import pauses, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Source
from config.load import default_values, load
from config.settings import Sources
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing
from tests.fakes.github.hub import Hub
from tests.fakes.github.server import running_emulator, trusting
from tests.fakes.passages import FakePassages
from tests.fakes.state import NOW, open_database, some_project
from tests.fakes.telling import Told


@dataclass
class House:
    """Polling as the product wires it, over an emulator; only the clock and the passage store are made up."""

    db: Database
    hub: Hub
    registry: SourceRegistry
    project: str
    folder: Path
    store: FakePassages = field(default_factory=FakePassages)
    told: Told = field(default_factory=Told)
    now: datetime = NOW
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = load(environ={}, cwd=self.folder, data_dir=self.folder / "data").settings
        indexing = Indexing(self.store, NoEmbedder(), files=settings.files, limits=settings.limits)
        self.refresh = Refresh(
            RefreshParts(
                db=self.db,
                store=self.store,
                indexing=indexing,
                open_source=self.registry.open,
                board=ProgressBoard(),
                clock=lambda: self.now,
                free_bytes=lambda: 10**12,
                min_free_bytes=0,
                parallel=2,
            )
        )
        named, move = self.registry.access.named, self.registry.move_mirror
        lifecycle = LifecycleParts(self.db, self.refresh, named, move, self.told, self.spawn, lambda: self.now)
        self.polling = Polling(
            PollingParts(
                db=self.db,
                refresh=self.refresh,
                lifecycle=Lifecycle(lifecycle),
                forge=self.registry.forge,
                credential=named,
                refresh_now=self.refresh_now,
                run=_run,
                spawn=self.spawn,
                clock=lambda: self.now,
            )
        )

    async def refresh_now(self, source: str, head: Head | None) -> None:
        """Refresh, as the jobs do."""
        await self.refresh.refresh_source(source, head=head)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task, as the app does."""
        self.tasks.append(asyncio.create_task(work))

    async def follow(self, name: str, *, is_private: bool = False) -> str:
        """Follow a repository and index it."""
        new = NewSource(self.project, "git", name, f"{self.hub.url}/{name}", is_private=is_private)
        row = await self.db.write(lambda session: sources.add(session, new, now=self.now))
        await self.tick()
        return row.id

    async def tick(self, *, in_s: float = 0.0) -> list[str]:
        """Let time pass, tick once, wait for all that this starts; the kinds of requests that this took."""
        self.now += timedelta(seconds=in_s)
        before = len(self.hub.requests)
        await self.polling.tick()
        while self.tasks:
            tasks, self.tasks = self.tasks, []
            await asyncio.gather(*tasks)
        return [request.kind for request in self.hub.requests[before:]]

    async def row(self, source: str) -> Source:
        """The source as it is now."""
        found = await self.db.read(lambda session: sources.get(session, source))
        assert found is not None
        return found

    async def indexed(self, source: str) -> tuple[str, set[str]]:
        """The commit that is shown of a source, and its files."""
        shown = (await self.store.shown(self.project))[source].commit
        return shown, set(await self.store.manifest(self.project, source))


async def _run(work: Any, _subject: str) -> str:
    await work()
    return ""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A hub with a token for what is acme's, and a project that follows nothing."""
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running_emulator(tmp_path))
        stack.enter_context(trusting(hub))
        hub.add_token("token", repositories=["acme/*"])
        declared = Sources.model_validate(default_values()["sources"] | hub.settings())
        files = load(environ={}, cwd=tmp_path, data_dir=tmp_path / "data").settings.files
        registry = SourceRegistry(tmp_path / "data", sources=declared, files=files)
        stack.push_async_callback(registry.close)
        db = await open_database(tmp_path)
        stack.push_async_callback(db.close)
        made = House(db, hub, registry, (await some_project(db)).id, tmp_path)
        stack.push_async_callback(made.refresh.close)
        await made.store.create(made.project)
        yield made


async def test_a_push_costs_one_request_beside_git(house: House) -> None:
    """And no look without news costs any other; the commit that is shown is the one that was pushed."""
    repository = await house.hub.create("acme/app", files={"a.py": b"A = 1\n"})
    followed = await house.follow("acme/app")

    idle = await house.tick(in_s=400)
    commit = await repository.push({"b.py": b"B = 1\n", "a.py": None})
    moved = await house.tick(in_s=400)

    assert (["graphql"], 1) == (idle, moved.count("graphql"))
    assert {"graphql", "git"} == set(moved)
    assert (commit, {"b.py"}) == await house.indexed(followed)


async def test_a_force_push_and_another_branch_are_followed(house: House) -> None:
    """The index equals the tree of what is there now."""
    repository = await house.hub.create("acme/app", files={"a.py": b"A = 1\n", "old.py": b"OLD = 1\n"})
    followed = await house.follow("acme/app")
    forced = await repository.push({"new.py": b"NEW = 1\n"}, force=True)
    await house.tick(in_s=400)
    first = await house.indexed(followed)
    await repository.push({"n.py": b"N = 1\n"}, branch="next")
    await house.hub.set_default_branch(repository, "next")

    await house.tick(in_s=400)

    assert (forced, {"new.py"}) == first
    assert repository.head == (await house.indexed(followed))[0]
    assert [("default", followed, "main", "next")] == house.told.said


async def test_a_renamed_repository_is_read_under_its_new_name(house: House) -> None:
    """Its mirror goes with it, and pushes are followed there."""
    repository = await house.hub.create("acme/app", files={"a.py": b"A = 1\n"})
    followed = await house.follow("acme/app")
    await house.hub.rename(repository, "next")
    await house.tick(in_s=400)
    commit = await repository.push({"b.py": b"B = 1\n"})

    await house.tick(in_s=400)

    row = await house.row(followed)
    assert ("acme/next", f"{house.hub.url}/acme/next", "active") == (row.name, row.location, row.state)
    assert (commit, {"a.py", "b.py"}) == await house.indexed(followed)
    assert [("renamed", followed, "acme/app", "acme/next")] == house.told.said
    assert [house.registry.mirror_name(row.location)] == house.registry.mirrored()


async def test_what_became_private_waits_for_an_owner(house: House) -> None:
    """Then it is followed with our credential."""
    repository = await house.hub.create("acme/app", files={"a.py": b"A = 1\n"})
    followed = await house.follow("acme/app")
    await house.hub.set_private(repository)
    commit = await repository.push({"secret.py": b"S = 1\n"})
    await house.tick(in_s=400)
    row, hidden = await house.row(followed), await house.indexed(followed)

    await house.db.write(lambda session: sources.allow_private(session, followed, now=house.now))
    await house.tick(in_s=1)

    assert ("hidden", "private", {"a.py"}) == (row.state, row.state_reason, hidden[1])
    assert (commit, {"a.py", "secret.py"}) == await house.indexed(followed)
    assert "active" == (await house.row(followed)).state


async def test_a_deleted_repository_is_confirmed_by_git_when_it_was_asked_alone(house: House) -> None:
    """Beside one that can be read, it is believed at once."""
    alone = await house.hub.create("acme/alone", files={"a.py": b"A = 1\n"})
    first = await house.follow("acme/alone")
    await house.hub.delete(alone)
    await house.tick(in_s=400)
    doubted = (await house.row(first)).state
    await house.tick(in_s=31)
    second_repository = await house.hub.create("acme/second", files={"a.py": b"A = 1\n"})
    await house.hub.create("acme/third", files={"a.py": b"A = 1\n"})
    second = await house.follow("acme/second")
    await house.follow("acme/third")
    await house.hub.delete(second_repository)
    await house.tick(in_s=400)

    assert ("active", "hidden") == (doubted, (await house.row(first)).state)
    assert "hidden" == (await house.row(second)).state


async def test_an_emptied_repository_empties_the_index(house: House) -> None:
    """It stays followed."""
    repository = await house.hub.create("acme/app", files={"a.py": b"A = 1\n"})
    followed = await house.follow("acme/app")
    await house.hub.empty(repository)

    await house.tick(in_s=400)

    assert (set(), "active") == ((await house.indexed(followed))[1], (await house.row(followed)).state)


async def test_what_the_host_lets_us_do_is_known_for_status(house: House) -> None:
    """As its answers say."""
    await house.hub.create("acme/app", files={"a.py": b"A = 1\n"})
    await house.follow("acme/app")

    (known,) = await house.db.read(pauses.list_all)
    assert known.remaining is not None
    assert (5000, True) == (known.most, 0 < known.remaining < 5000)
