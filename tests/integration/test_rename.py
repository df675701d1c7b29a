"""A folder with very many files gets another name: nothing is embedded again, and no search sees a file twice or never."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.load import load
from pipelines.indexing import Indexing, Listed
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Change, Scope
from pipelines.types import Shown
from tests.unit.pipelines.test_indexing import CountingEmbedder

SAMPLE = 12


class WatchedPassages(LocalPassages):
    """A local store that looks, after every write, under which paths files and their words are found."""

    def __init__(self, root: Path, files: int) -> None:
        super().__init__(root)
        self.files = files
        self.writes = 0
        self.faults: list[str] = []
        self.is_watching = False

    async def apply(self, project: str, change: Change) -> int:
        """Write, then look."""
        generation = await super().apply(project, change)
        if self.is_watching:
            self.writes += 1
            await self._look(project)
        return generation

    async def _look(self, project: str) -> None:
        names = Counter(path.rpartition("/")[2] for path in await self.manifest(project, "s"))
        self.faults += [f"{name} is there {count} times" for name, count in names.items() if count != 1]
        self.faults += [f"{len(names)} files are there"] if len(names) != self.files else []
        for number in range(0, self.files, self.files // SAMPLE):
            found = await self.keywords(project, word(number), scope=Scope(), limit=10)
            self.faults += [f"{word(number)} is found {len(found)} times"] if len(found) != 1 else []


def word(number: int) -> str:
    """A word of small letters for a number, of no language."""
    return "q" + "".join("bcdfghjkmn"[int(digit)] for digit in f"{number:05}") + "x"


def page(number: int) -> bytes:
    """A page with a word of its own."""
    return f"# Page\n\nThe {word(number)} eats {number * 3} leaves.\n".encode()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("files", [600, pytest.param(5_000, marks=pytest.mark.torture)])
async def test_a_renamed_folder_is_embedded_once_and_its_files_are_always_found_once(
    tmp_path: Path, files: int
) -> None:
    """More files than fit into one transaction: each moves in one step, with the vectors that it had."""
    settings = load(environ={}, cwd=tmp_path).settings
    store, embedder = WatchedPassages(tmp_path / "index", files), CountingEmbedder()
    indexing = Indexing(store, embedder, files=settings.files, limits=settings.limits)
    contents = {f"page{number:05}.md": page(number) for number in range(files)}

    async def read(wanted: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        for file in wanted:
            yield file, contents[file.path.rpartition("/")[2]]

    async def follow(folder: str, commit: str) -> Any:
        listed = [
            Listed(f"{folder}/{name}", hashlib.sha1(data, usedforsecurity=False).hexdigest(), len(data))
            for name, data in contents.items()
        ]
        plan = await indexing.plan("p", "s", listed)
        return await indexing.run("p", Shown("s", "main", commit, datetime(2026, 1, 1, tzinfo=UTC)), plan, read)

    await store.create("p")
    await follow("old/herd", "c1")
    embedded, store.is_watching = len(embedder.texts), True
    renamed = await follow("new/place/herd", "c2")
    paths = set(await store.manifest("p", "s"))
    await store.close()

    assert (files, files) == (embedded, len(embedder.texts))
    assert (files, files) == (renamed.files, renamed.removed)
    assert {f"new/place/herd/{name}" for name in contents} == paths
    assert store.writes > 1
    assert [] == store.faults
