"""Checkouts that questions are asked about: a repository's committed tree or a folder, indexed as the product does."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adapters.registry import SourceRegistry, SourceSpec
from adapters.source import CodeSource, Entry, Listing, SourceError
from config.settings import Settings
from pipelines.evaluation.questions import BadEvaluation, read_rows
from pipelines.parts import Knowledge
from pipelines.planning import Listed
from pipelines.types import Shown

_SOURCE: Final = "checkout"


@dataclass(frozen=True, slots=True)
class Part:
    """A checkout, or what of it lies below a folder."""

    project: str
    checkout: Path
    root: str = ""

    def __str__(self) -> str:
        """Name it for a person."""
        return f"{self.checkout}{f' below {self.root}' if self.root else ''}"


async def commit_of(checkout: Path | None, folder: Path, settings: Settings) -> str:
    """Say which commit the program runs from, shortened; "" when it is no checkout, or one that git cannot read."""
    if checkout is None:
        return ""
    try:
        async with open_checkout(checkout, folder, settings) as source:
            return (await source.head()).commit[:9]
    except BadEvaluation:
        return ""


@asynccontextmanager
async def open_checkout(checkout: Path, folder: Path, settings: Settings) -> AsyncIterator[CodeSource]:
    """Open the committed tree of a repository, or a folder as it lies. Raises BadEvaluation."""
    registry = SourceRegistry(folder, sources=settings.sources, files=settings.files)
    try:
        source = registry.open(await asyncio.to_thread(_spec, checkout))
        try:
            yield source
        finally:
            await source.close()
    except SourceError as error:
        raise BadEvaluation(f"{checkout}: {error}") from error


def _spec(checkout: Path) -> SourceSpec:
    if not checkout.is_dir():
        raise BadEvaluation(f"expected the folder of a checkout, got {str(checkout)!r}, which is none")
    return SourceSpec(_SOURCE, "git" if (checkout / ".git").exists() else "folder", str(checkout.absolute()))


async def index_part(knowledge: Knowledge, project: str, part: Part, source: CodeSource) -> frozenset[str]:
    """Index a part of a checkout into a project, and give the paths of all its files.

    Raises BadEvaluation when there are none: every figure would be 0 for want of files.
    """
    listing = await source.listing(await source.head())
    entries = {entry.path: entry for entry in listing.entries}
    listed = list(_listed(listing, part.root))
    if not listed:
        raise BadEvaluation(f"expected files in {part}, got none (of a repository, what is committed counts)")

    async def read(files: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        by_path = {file.path: file for file in files}
        async for entry, content in source.read(entries[path] for path in by_path):
            yield by_path[entry.path], content

    await knowledge.store.create(project)
    plan = await knowledge.indexing.plan(project, _SOURCE, listed)
    shown = Shown(_SOURCE, listing.head.ref, listing.head.commit, datetime.now(UTC))
    await knowledge.indexing.run(project, shown, plan, read)
    return frozenset(file.path for file in listed)


def _listed(listing: Listing, root: str) -> Iterator[Listed]:
    def made(entry: Entry) -> Listed:
        return Listed(entry.path, entry.blob, entry.size_bytes, entry.mode, listing.marked.get(entry.path, ""))

    below = root.rstrip("/") + "/" if root else ""
    return (made(entry) for entry in listing.entries if entry.path.startswith(below))


def read_roots(path: Path | None) -> dict[str, str]:
    """Read the folders of code by project. Raises BadEvaluation."""
    found = {}
    for number, row in read_rows(path) if path else ():
        if not isinstance(row.get("project"), str) or not isinstance(row.get("root"), str):
            raise BadEvaluation(f'{path}, line {number}: expected "project" and "root", got the keys {sorted(row)}')
        found[row["project"]] = row["root"]
    return found
