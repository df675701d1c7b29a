"""Which changes are made by workers, and what of them is the same as without."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.load import load
from pipelines.components.embed import NoEmbedder
from pipelines.components.embed.bundled import open_bundled
from pipelines.indexing import Indexing, Listed, Outcome, Progress
from pipelines.types import Shown
from tests.fakes.passages import FakePassages

SETTINGS = load(environ={}, cwd=Path(__file__).parent).settings
LARGE = {f"{number}.md": f"# Page {number}\n\n{'words and more ' * 5500}\n".encode() for number in range(50)}
SMALL = {"a.md": b"one", "b.py": b"def run():\n    return 1\n"}


class Desk:
    """A store, and an indexing with one worker process that follows trees into it."""

    def __init__(self, indexing: Indexing, store: FakePassages) -> None:
        self.indexing = indexing
        self.store = store
        self.seen: list[Progress] = []

    async def follow(self, tree: dict[str, bytes], commit: str = "c1") -> Outcome:
        async def read(files: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
            for file in files:
                yield file, tree[file.path]

        listed = [Listed(path, commit, len(data)) for path, data in tree.items()]
        await self.store.create("p")
        plan = await self.indexing.plan("p", "s", listed)
        shown = Shown("s", "main", commit, datetime(2026, 1, 1, tzinfo=UTC))
        return await self.indexing.run("p", shown, plan, read, on_progress=self.seen.append)

    @property
    def workers(self) -> list[int]:
        """The processes that run."""
        return self.indexing._crew.pids if self.indexing._crew else []


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Open an indexing with one worker process."""
    store = FakePassages()
    indexing = Indexing(store, open_bundled(), files=SETTINGS.files, limits=SETTINGS.limits, workers=1)
    yield Desk(indexing, store)
    await indexing.close()


async def test_only_a_large_change_starts_workers(desk: Desk) -> None:
    """A service that only follows pushes stays as small as it is."""
    await desk.follow(SMALL)
    before = desk.workers
    await desk.follow({**SMALL, **LARGE}, "c2")

    assert ([], 1) == (before, len(desk.workers))


async def test_workers_make_what_is_made_without_them(desk: Desk) -> None:
    """Manifest, passages and vectors are the same."""
    await desk.follow(LARGE)
    alone = FakePassages()
    indexing = Indexing(alone, open_bundled(), files=SETTINGS.files, limits=SETTINGS.limits)
    await Desk(indexing, alone).follow(LARGE)

    assert await alone.manifest("p", "s") == await desk.store.manifest("p", "s")
    for path in ("0.md", "49.md"):
        assert await alone.of_file("p", "s", path) == await desk.store.of_file("p", "s", path)
    expected, got = await alone.known_vectors("p", "s", "c1"), await desk.store.known_vectors("p", "s", "c1")
    assert expected is not None
    assert got is not None
    assert expected.tolist() == got.tolist()


async def test_an_embedder_that_is_elsewhere_is_asked_from_here() -> None:
    """Workers then only split; here there are no vectors at all."""
    store = FakePassages()
    indexing = Indexing(store, NoEmbedder(), files=SETTINGS.files, limits=SETTINGS.limits, workers=1)
    outcome = await Desk(indexing, store).follow(LARGE)
    await indexing.close()

    assert (len(LARGE), None) == (outcome.files, await store.known_vectors("p", "s", "c1"))


async def test_progress_counts_bytes_too(desk: Desk) -> None:
    """The time that is left goes by them."""
    await desk.follow(LARGE)

    total = sum(map(len, LARGE.values()))
    assert (total, total) == (desk.seen[-1].done_bytes, desk.seen[-1].total_bytes)
    assert sorted(desk.seen, key=lambda one: one.done_bytes) == desk.seen
