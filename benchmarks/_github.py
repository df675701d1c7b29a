"""What benchmarks.github works with: an opened house that follows repositories of the emulator, and a reader that is weighed.

`python -m benchmarks._github SETTINGS ADDRESS FOLDER` fetches and reads a repository and prints how long it took.
"""

import asyncio
import json
import sys
import sysconfig
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import psutil
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.registry import SourceRegistry
from adapters.source import CodeSource, Listing
from bot.app import Opened, open_everything, utc_now
from bot.state.queries import sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Source
from config.load import load
from config.settings import Settings
from pipelines.components.embed import open_embedder
from pipelines.components.embed.base import Vectors
from pipelines.indexing import Indexing, Listed, Outcome
from pipelines.stores.passages import Change
from pipelines.types import Shown
from tests.fakes.github.hub import Hub
from tests.fakes.github.repositories import Repository
from tests.fakes.github.server import running_emulator, trusting

PROJECT: Final = "herd"
MANY: Final = "many"
FOLDERS: Final = (
    "/usr/local/go/src",
    "/usr/lib/go",
    "/usr/lib/node_modules",
    "/usr/local/lib/node_modules",
    "/usr/include",
)


def sources_here() -> list[Path]:
    """Folders of this machine with the sources of other people's programs."""
    python = sysconfig.get_paths()
    return [path for path in map(Path, (python["purelib"], python["stdlib"], *FOLDERS)) if path.is_dir()]


def row(*cells: str) -> None:
    """Print a row of a table."""
    print("| " + " | ".join(cells) + " |", flush=True)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which so many of all lie, such as 0.95."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@asynccontextmanager
async def emulator(folder: Path) -> AsyncIterator[Hub]:
    """An emulator that this process, its children and git trust."""
    async with running_emulator(folder) as hub:
        with trusting(hub):
            yield hub


def settings_of(told: dict[str, Any], folder: Path) -> Settings:
    """The settings of a service that follows the emulator's repositories."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = load(environ={}, cwd=folder, data_dir=folder / "data").settings
    followed = plain.sources.model_validate({**plain.sources.model_dump(), **told})
    return plain.model_copy(update={"sources": followed, "key_file": folder / "roomwise.key"})


def variables(hub: Hub, *, webhook_secret: str = "") -> dict[str, str]:
    """The same as environment variables, for a service in a process of its own."""
    told = hub.settings()
    for one in told["credentials"].values():
        one.update({"webhook_secret": webhook_secret} if webhook_secret else {})
    return {f"ROOMWISE_SOURCES__{name.upper()}": json.dumps(value) for name, value in told.items()}


@dataclass(frozen=True, slots=True)
class House:
    """Everything opened, with one project for the repositories that are followed."""

    opened: Opened
    project: str

    async def follow(self, location: str, name: str, *, interval_s: int = 300) -> Source:
        """Follow a repository; nothing is read yet."""
        new = NewSource(self.project, "git", name, location, interval_s=interval_s)
        return await self.opened.db.write(lambda session: sources.add(session, new, now=utc_now()))

    async def follow_as_indexed(self, hub: Hub, repositories: Sequence[Repository], *, interval_s: int) -> None:
        """Follow repositories that have no content as if each had been indexed at its head, in a project of their own."""
        project = (await self.opened.projects.begin(MANY, person=None, now=utc_now())).id
        await self.opened.knowledge.store.create(project)

        async def add(session: AsyncSession) -> list[Source]:
            return [
                await sources.add(
                    session,
                    NewSource(project, "git", one.full_name, f"{hub.url}/{one.full_name}", interval_s=interval_s),
                    now=utc_now(),
                )
                for one in repositories
            ]

        rows = await self.opened.db.write(add)
        stamp = self.opened.refresh._stamp(rows[0])  # noqa: SLF001 - what a refresh would have left

        async def stamped(session: AsyncSession) -> None:
            counts = {"files": 0, "passages": 0, "compared": stamp}
            await session.execute(update(Source).where(col(Source.project) == project).values(counts=counts))

        await self.opened.db.write(stamped)
        shown = [Shown(found.id, "main", one.head, utc_now()) for found, one in zip(rows, repositories, strict=True)]
        await self.opened.knowledge.store.apply(project, Change(shown=shown))

    async def compare(self, source: Source) -> int:
        """List a repository and compare it with its index; how much there is to do."""
        listing = await self._listing(await self.opened.refresh.opened(source))
        plan = await self.opened.knowledge.indexing.plan(source.project, source.id, _listed(listing))
        return len(plan.changed) + len(plan.removed)

    async def index(self, source: Source, indexing: Indexing) -> Outcome:
        """Bring a source to its head by some other indexing than the house's own."""
        content = await self.opened.refresh.opened(source)
        listing = await self._listing(content)
        entries = {entry.path: entry for entry in listing.entries}

        async def read(files: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
            by_path = {file.path: file for file in files}
            async for entry, data in content.read(entries[path] for path in by_path):
                yield by_path[entry.path], data

        plan = await indexing.plan(source.project, source.id, _listed(listing))
        target = Shown(source.id, listing.head.ref, listing.head.commit, utc_now())
        return await indexing.run(source.project, target, plan, read)

    async def _listing(self, content: CodeSource) -> Listing:
        return await content.listing(await content.head())


def _listed(listing: Listing) -> list[Listed]:
    return [Listed(one.path, one.blob, one.size_bytes, one.mode) for one in listing.entries]


@asynccontextmanager
async def following(hub: Hub, folder: Path) -> AsyncIterator[House]:
    """Open everything below a folder, which a service may do afterwards."""
    async with open_everything(settings_of(hub.settings(), folder), command="index") as opened:
        project = await opened.projects.begin(PROJECT, person=None, now=utc_now())
        await opened.knowledge.store.create(project.id)
        yield House(opened, project.id)


class CountingVectors:
    """The bundled vectors, counting the texts that they are made of."""

    def __init__(self) -> None:
        self._embedder = open_embedder(load(environ={}, cwd=Path.cwd()).settings.embedder)
        self.name, self.width = self._embedder.name, self._embedder.width
        self.lexical_weight, self.reads_sentences = self._embedder.lexical_weight, self._embedder.reads_sentences
        self.texts = 0

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts and count them."""
        self.texts += len(texts)
        return await self._embedder.embed(texts)

    async def embed_query(self, text: str) -> Vectors:
        """Embed a question."""
        return await self._embedder.embed_query(text)


class Weighed:
    """Samples, in a thread, the RSS of this process and that of git, each at its peak."""

    def __init__(self) -> None:
        self.own_bytes = self.git_bytes = 0
        self._own = psutil.Process()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._is_over.wait(0.02):
            held = 0
            for process in self._own.children(recursive=True):
                with suppress(psutil.Error):
                    held += process.memory_info().rss
            self.git_bytes = max(self.git_bytes, held)
            self.own_bytes = max(self.own_bytes, self._own.memory_info().rss)


async def read_all(told: dict[str, Any], location: str, folder: Path) -> None:
    """Fetch a repository and read every file, as a first index does, and print figures as JSON."""
    from adapters.registry import SourceSpec

    settings = settings_of(told, folder)
    registry = SourceRegistry(folder / "data", sources=settings.sources, files=settings.files)
    source = registry.open(SourceSpec("large", "git", location))
    with Weighed() as weighed:
        began = time.perf_counter()
        listing = await source.listing(await source.head())
        fetched = time.perf_counter()
        size_bytes = 0
        async for _, data in source.read(listing.entries):
            size_bytes += len(data)
        read = time.perf_counter()
    figures = {"fetch_s": fetched - began, "read_s": read - fetched, "files": len(listing.entries), "bytes": size_bytes}
    print(json.dumps({**figures, "own_mb": weighed.own_bytes / 1e6, "git_mb": weighed.git_bytes / 1e6}))


if __name__ == "__main__":
    asyncio.run(read_all(json.loads(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
