"""Polling over fake hosts, with a real state database and a clock that stands."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlmodel import col

from adapters.registry import SourceSpec
from adapters.source import CodeSource, Head, SourceGone
from bot.lifecycle import Lifecycle, LifecycleParts
from bot.polling import Polling, PollingParts
from bot.progress import ProgressBoard
from bot.refresh import Refresh, RefreshParts
from bot.rounds import place_of
from bot.state.database import Database
from bot.state.queries import repositories, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Repository, Source
from config.load import load
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing
from pipelines.stores.passages import Scope
from tests.fakes.forge import FakeForge, FakeRepository
from tests.fakes.passages import FakePassages
from tests.fakes.source import FakeSource
from tests.fakes.state import NOW, open_database, some_project
from tests.fakes.telling import Told

HOST = "git.acme.org"


@dataclass
class House:
    """Polling over fake hosts with a real state database and a clock that stands."""

    db: Database
    store: FakePassages
    project: str
    folder: Path
    forge: FakeForge = field(default_factory=FakeForge)
    elsewhere: dict[str, FakeSource] = field(default_factory=dict)
    told: Told = field(default_factory=Told)
    now: datetime = NOW
    moved: list[tuple[str, str]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Remember nothing, as after a restart."""
        settings = load(environ={}, cwd=self.folder, data_dir=self.folder / "data").settings
        self.refresh = Refresh(
            RefreshParts(
                db=self.db,
                store=self.store,
                indexing=Indexing(self.store, NoEmbedder(), files=settings.files, limits=settings.limits),
                open_source=self.open,
                board=ProgressBoard(),
                clock=lambda: self.now,
                free_bytes=lambda: 10**12,
                min_free_bytes=0,
                parallel=2,
                made_by="test",
                spread=lambda: 0.0,
            )
        )
        lifecycle = Lifecycle(
            LifecycleParts(
                self.db, self.refresh, credential_of, self.move_mirror, self.told, self.spawn, lambda: self.now
            )
        )
        self.polling = Polling(
            PollingParts(
                db=self.db,
                refresh=self.refresh,
                lifecycle=lifecycle,
                forge=lambda host: self.forge if host == HOST else None,
                credential=credential_of,
                refresh_now=self.refresh_now,
                run=self.run,
                spawn=self.spawn,
                clock=lambda: self.now,
                spread=lambda: 0.05,
            )
        )

    async def move_mirror(self, old: str, new: str) -> None:
        """Remember what the mirror was told."""
        self.moved.append((old, new))

    async def refresh_now(self, source: str, head: Head | None) -> None:
        """Refresh, as the jobs do."""
        self.ran.append(source)
        await self.refresh.refresh_source(source, head=head)

    async def run(self, work: Any, subject: str) -> str:
        """Run work that is not expected to fail here, but where the subject is named faulty."""
        try:
            await work()
        except ZeroDivisionError:
            return f"fault-{subject}"
        return ""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task, as the app does."""
        self.tasks.append(asyncio.create_task(work))

    def open(self, spec: SourceSpec) -> CodeSource:
        """The files of a repository or of another place, as git itself would show them."""
        self.opened.append(spec.id)
        host, name = place_of(spec.location)
        if host == HOST:
            for one in self.forge.repositories:
                if one.name == name:
                    return one.branches[spec.ref or one.default_branch]
            return FakeSource(fault=SourceGone(f"expected {name}, got none"))
        return self.elsewhere[spec.location]

    async def follow(self, repository: FakeRepository, *, ref: str = "", project: str = "", **values: object) -> str:
        """Follow a repository as if it had been added as a public one."""
        location = f"https://{HOST}/{repository.name}"
        name = f"{repository.name} {ref}".strip()
        new = NewSource(project or self.project, "git", name, location, ref=ref, is_private=False)
        return await self._add(new, **values)

    async def follow_elsewhere(self, location: str, source: FakeSource) -> str:
        """Follow something that no forge tells of."""
        self.elsewhere[location] = source
        kind = "git" if "://" in location else "folder"
        return await self._add(NewSource(self.project, kind, location.rpartition("/")[2], location))

    async def _add(self, new: NewSource, **values: object) -> str:
        row = await self.db.write(lambda session: sources.add(session, new, now=NOW))
        changed = update(Source).where(col(Source.id) == row.id).values(is_dirty=False, **values)
        await self.db.write(lambda session: session.execute(changed))
        return row.id

    async def tick(self, *, in_s: float = 0.0) -> None:
        """Let time pass, tick once, and wait for all that this started."""
        self.now += timedelta(seconds=in_s)
        await self.polling.tick()
        await self.settle()

    async def settle(self) -> None:
        """Wait for all that was started."""
        while self.tasks:
            tasks, self.tasks = self.tasks, []
            await asyncio.gather(*tasks)

    async def row(self, source: str) -> Source:
        """The source as it is now."""
        found = await self.db.read(lambda session: sources.get(session, source))
        assert found is not None
        return found

    async def repository(self, source: str) -> Repository:
        """The repository that a source follows."""
        row = await self.row(source)
        found = await self.db.read(lambda session: repositories.get(session, row.repository or ""))
        assert found is not None
        return found

    async def is_found(self, source: str) -> bool:
        """Whether searches see a source."""
        found = await self.store.keywords(self.project, "holds one", scope=Scope(), limit=100)
        return source in {passage.meta["source"] for passage in found}

    async def commit_of(self, source: str) -> str:
        """The commit that is indexed."""
        return (await self.store.shown(self.project))[source].commit


def credential_of(host: str, repository: str) -> str:
    """One credential, for what belongs to acme."""
    return "acme" if host == HOST and repository.startswith("acme/") else ""


@asynccontextmanager
async def polling_house(folder: Path) -> AsyncIterator[House]:
    """A project without sources, in a folder."""
    db = await open_database(folder)
    project = await some_project(db)
    made = House(db, FakePassages(), project.id, folder)
    await made.store.create(project.id)
    yield made
    await made.settle()
    await made.refresh.close()
    await db.close()
