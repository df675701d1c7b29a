"""A Weaviate server that goes read-only by itself, since its disk fills up, and that takes writes again by itself."""

import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from adapters.source import SourceGone
from bot.refresh import Refresh
from bot.showing import hide_again
from config.load import load
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing
from pipelines.stores.passages import Change, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.types import StoreFull
from tests.fakes.files import OTHER, PROJECT, SOURCE, file_of, texts_of
from tests.fakes.refreshing import House, page, refresh_house
from tests.fakes.source import FakeSource
from tests.fakes.weaviate_nodes import Node, running_weaviate

pytestmark = pytest.mark.weaviate

SCOPE = Scope()
MEMORY_DISK = Path("/dev/shm")  # where there is one, a few hundred MB fill a hundredth of it
_SEES_S = 30.0  # the server looks twice a second


@dataclass(frozen=True)
class Disk:
    """The disk of a server that takes no writes when more than `limit` percent of it are used."""

    node: Node
    folder: Path
    limit: int

    @property
    def _filler(self) -> Path:
        return self.node.folder / "filler"

    def fill(self) -> None:
        """Use a little more than the limit."""
        disk = shutil.disk_usage(self.folder)
        lacking = int(disk.total * (self.limit + 0.3) / 100) - (disk.total - disk.free)
        with self._filler.open("wb") as file:
            for _ in range(lacking // 8_000_000 + 1):
                file.write(bytes(8_000_000))

    def clear(self) -> None:
        """Free it again."""
        self._filler.unlink()


@pytest.fixture
def disk(weaviate_program: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """A server with room left on its disk, but not much."""
    folder = MEMORY_DISK if MEMORY_DISK.is_dir() else Path(tempfile.gettempdir())
    used = shutil.disk_usage(folder)
    limit = int((used.total - used.free) / used.total * 100 + 1.5)
    told = {"DISK_USE_READONLY_PERCENTAGE": str(limit)}
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with running_weaviate(weaviate_program, nodes=1, **told) as (node,):
        yield Disk(node, folder, limit)


@asynccontextmanager
async def store_of(disk: Disk) -> AsyncIterator[WeaviatePassages]:
    """A store on the server."""
    address = Address(disk.node.url, grpc_port=disk.node.grpc_port)
    store = WeaviatePassages(Server(address, Names("tests"), Layout()))
    yield store
    await store.close()


async def turned(disk: Disk, store: WeaviatePassages, status: str) -> None:
    """Wait until the server says that of all that it holds."""
    client = await store.server.client()
    names = list(await client.collections.list_all(simple=True))
    async with httpx.AsyncClient(base_url=disk.node.url, timeout=30) as asked:
        until_s = time.monotonic() + _SEES_S
        while time.monotonic() < until_s:
            answers = [await asked.get(f"/v1/schema/{name}/shards") for name in names]
            if {status} == {shard["status"] for answer in answers for shard in answer.json()}:
                return
    raise AssertionError(f"expected the server to turn {status} within {_SEES_S:.0f} s")


async def found(store: WeaviatePassages, project: str = PROJECT) -> list[str]:
    """What a search finds, in the order of the texts."""
    return sorted(texts_of(await store.keywords(project, "word", scope=SCOPE, limit=50)))


async def test_a_full_disk_takes_no_writes_and_answers_all_the_same(disk: Disk) -> None:
    """Every kind of write is refused in a plain sentence and leaves nothing; all go through once there is room."""
    async with store_of(disk) as store:
        for name in (PROJECT, "p2"):
            await store.create(name)
        await store.apply(PROJECT, Change(put=[file_of("a.md", "old word"), file_of("b.md", "second word")]))
        change = Change(put=[file_of("a.md", "new word", blob="b2")], remove=[(SOURCE, "b.md")])
        writes: dict[str, Callable[[], Awaitable[object]]] = {
            "apply": lambda: store.apply(PROJECT, change),
            "rebuild": lambda: store.begin_rebuild(PROJECT),
            "hide": lambda: store.hide(PROJECT, OTHER, hidden=True),
            "purge": lambda: store.purge(PROJECT, SOURCE),
            "create": lambda: store.create("p3"),
            "drop": lambda: store.drop("p2"),
        }
        disk.fill()
        await turned(disk, store, "READONLY")
        told = {}
        for name, write in writes.items():
            with pytest.raises(StoreFull) as error:
                await write()
            told[name] = str(error.value)
        meanwhile, manifest = await found(store), await store.manifest(PROJECT, SOURCE)
        async with store_of(disk) as opened_meanwhile:
            anew = (await found(opened_meanwhile), await opened_meanwhile.projects())
        disk.clear()
        await turned(disk, store, "READY")
        await store.apply(PROJECT, change)
        after = await found(store)
        for name in ("rebuild", "hide", "purge", "create", "drop"):
            await writes[name]()
        at_last = await store.projects()

    assert {True} == {"takes no writes, is its disk or its memory nearly full?" in text for text in told.values()}
    assert not [text for text in told.values() if "Every object" in text]
    assert ["old word", "second word"] == meanwhile
    assert (meanwhile, ["p1", "p2"]) == anew
    assert ["b1", "b1"] == [one.blob for one in manifest.values()]
    assert ["new word"] == after
    assert ["p1", "p3"] == at_last


async def followed_on(store: WeaviatePassages, house: House, source: FakeSource) -> str:
    """Let a house index on a server, and follow a source there."""
    settings = load(environ={}).settings
    indexing = Indexing(store, NoEmbedder(), files=settings.files, limits=settings.limits)
    house.refresh = Refresh(replace(house.parts, store=store, indexing=indexing))
    await store.create(house.project)
    return await house.follow(source)


async def test_indexing_pauses_on_a_full_disk_and_goes_on_by_itself(disk: Disk, tmp_path: Path) -> None:
    """The source is due again in a minute and keeps being searched at its old version; then the rest is indexed."""
    source = FakeSource({"a.md": page("one word")})
    async with store_of(disk) as store, refresh_house(tmp_path) as house:
        followed = await followed_on(store, house, source)
        first = await house.ran(followed)
        source.files["b.md"] = page("second word")
        disk.fill()
        await turned(disk, store, "READONLY")
        full = await house.ran(followed)
        row = await house.row(followed)
        stage = house.told[-1].stage
        meanwhile = await found(store, house.project)
        disk.clear()
        await turned(disk, store, "READY")
        again = await house.ran(followed)
        after = await found(store, house.project)

    assert ["indexed", "disk_full", "indexed"] == [one.outcome for one in (first, full, again)]
    assert "paused" == stage
    assert house.now + timedelta(seconds=60) == row.next_due_at
    assert (1, 2) == (len(meanwhile), len(after))


async def test_a_source_is_hidden_at_once_though_the_disk_is_full(disk: Disk) -> None:
    """The call fails, so that it is made again, and nothing of the source is found from then on, nor in any cache.

    With room again, to hide it once more writes it for the next process; shown again before that, it is simply found.
    """
    async with store_of(disk) as store:
        await store.create(PROJECT)
        for source in (SOURCE, OTHER):
            await store.apply(PROJECT, Change(put=[file_of("a.md", f"word of {source}", source=source)]))
        disk.fill()
        await turned(disk, store, "READONLY")
        at = [await store.generation(PROJECT)]
        for _ in range(2):
            with pytest.raises(StoreFull):
                await store.hide(PROJECT, SOURCE, hidden=True)
        hidden, at_hidden = await found(store), await store.generation(PROJECT)
        with pytest.raises(StoreFull):
            await store.apply(PROJECT, Change(remove=[(OTHER, "a.md")]))
        still_hidden = await found(store)
        await store.hide(PROJECT, SOURCE, hidden=False)
        shown, at_shown = await found(store), await store.generation(PROJECT)
        with pytest.raises(StoreFull):
            await store.hide(PROJECT, SOURCE, hidden=True)
        disk.clear()
        await turned(disk, store, "READY")
        await store.hide(PROJECT, SOURCE, hidden=True)
        at += [at_hidden, at_shown, await store.generation(PROJECT)]
        async with store_of(disk) as next_process:
            after = await found(next_process)

    assert [f"word of {OTHER}"] == hidden == still_hidden == after
    assert sorted([f"word of {OTHER}", f"word of {SOURCE}"]) == shown
    assert sorted(set(at)) == at


async def test_a_source_that_becomes_private_on_a_full_disk_stays_hidden_over_a_restart(
    disk: Disk, tmp_path: Path
) -> None:
    """It is marked hidden and looked at again in a minute; the next start hides it before anything is answered."""
    source = FakeSource({"a.md": page("one word")})
    async with store_of(disk) as store, refresh_house(tmp_path) as house:
        followed = await followed_on(store, house, source)
        await house.ran(followed)
        source.fault = SourceGone("expected a public repository, got a private one", reason="private")
        disk.fill()
        await turned(disk, store, "READONLY")
        ran = await house.ran(followed)
        row = await house.row(followed)
        hidden = await found(store, house.project)
        async with store_of(disk) as restarted:
            await hide_again(house.db, restarted)
            hidden_after_restart = await found(restarted, house.project)
        disk.clear()
        await turned(disk, store, "READY")
        again = await house.ran(followed)
        async with store_of(disk) as next_process:
            hidden_for_good = await found(next_process, house.project)

    assert ("gone", "hidden", house.now + timedelta(seconds=60)) == (ran.outcome, row.state, row.next_due_at)
    assert [] == hidden == hidden_after_restart == hidden_for_good
    assert "gone" == again.outcome
