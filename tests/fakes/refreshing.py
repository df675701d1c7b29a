"""A refresh on a fake store and fake sources, with a real state database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from adapters.registry import SourceSpec
from adapters.source import CodeSource
from bot.outcome import Ran
from bot.progress import ProgressBoard, SourceProgress
from bot.refresh import Refresh, RefreshParts
from bot.state.database import Database
from bot.state.queries import projects, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Source
from config.load import load
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing
from tests.fakes.passages import FakePassages
from tests.fakes.source import FakeSource
from tests.fakes.state import open_state

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class House:
    """A refresh on a fake store and fake sources, with a real state database."""

    db: Database
    store: FakePassages
    refresh: Refresh
    board: ProgressBoard
    project: str
    parts: RefreshParts
    sources: dict[str, FakeSource] = field(default_factory=dict)
    free_bytes: int = 10**12
    now: datetime = NOW
    told: list[SourceProgress] = field(default_factory=list)

    async def follow(self, source: FakeSource, name: str = "docs") -> str:
        """Add a source to the project and return its id."""
        new = NewSource(self.project, "folder", name, f"/srv/{name}")
        row = await self.db.write(lambda session: sources.add(session, new, now=NOW))
        self.sources[row.id] = source
        return row.id

    async def row(self, source: str) -> Source:
        """The source's row as it is now."""
        found = await self.db.read(lambda session: sources.get(session, source))
        assert found is not None
        return found

    async def ran(self, source: str, *, anew: str = "") -> Ran:
        """Refresh one source and say how it went."""
        found = await self.refresh.refresh_source(source, anew=anew)
        assert found is not None
        return found

    def restart(self, *, made_by: str) -> Refresh:
        """A refresh that remembers nothing, as after a restart, of a program that makes indexes so."""
        self.refresh = Refresh(replace(self.parts, made_by=made_by))
        return self.refresh

    async def paths(self, source: str) -> set[str]:
        """The paths that are indexed of a source."""
        return set(await self.store.manifest(self.project, source))


@asynccontextmanager
async def refresh_house(folder: Path) -> AsyncIterator[House]:
    """A project without sources, in a folder."""
    settings = load(environ={}, cwd=folder, data_dir=folder / "data").settings
    db = await open_state(folder / "state.db", lambda: NOW)
    project = await db.write(lambda session: projects.create(session, "handbook", created_by=None, now=NOW))
    store, board = FakePassages(), ProgressBoard()

    def open_source(spec: SourceSpec) -> CodeSource:
        return made.sources[spec.id]

    parts = RefreshParts(
        db=db,
        store=store,
        indexing=Indexing(store, NoEmbedder(), files=settings.files, limits=settings.limits),
        open_source=open_source,
        board=board,
        clock=lambda: made.now,
        free_bytes=lambda: made.free_bytes,
        min_free_bytes=200_000_000,
        parallel=1,
        spread=lambda: 0.0,
    )
    made = House(db, store, Refresh(parts), board, project.id, parts)
    with board.listening(made.told.append):
        yield made
    await made.refresh.close()
    await db.close()


def page(text: str) -> bytes:
    """A short document."""
    return f"# Title\n\n{text}\n".encode()
