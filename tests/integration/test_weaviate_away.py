"""While the Weaviate server is away every call says so; the first one after it is back goes through, and nothing is lost."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.source import Entry
from bot.refresh import Refresh
from config.load import load
from config.weaviate import Weaviate
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing
from pipelines.stores.health import ServerHealth, health_of
from pipelines.stores.opening import open_store
from pipelines.stores.passages import Change, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.types import StoreUnavailable
from tests.fakes.files import PROJECT, SOURCE, file_of, texts_of
from tests.fakes.ports import free_ports
from tests.fakes.refreshing import page, refresh_house
from tests.fakes.relay import Relay
from tests.fakes.source import FakeSource
from tests.fakes.weaviate_nodes import Node, running_weaviate

pytestmark = pytest.mark.weaviate

SCOPE = Scope()


@pytest.fixture
def node(weaviate_program: Path) -> Iterable[Node]:
    """A server that a test may stop."""
    with running_weaviate(weaviate_program) as (one,):
        yield one


def server_on(node: Node) -> Server:
    """A connection that waits two seconds at most for a search, and four for a write."""
    address = Address(node.url, grpc_port=node.grpc_port, query_s=2, write_s=4)
    return Server(address, Names("tests"), Layout())


def store_on(node: Node) -> WeaviatePassages:
    """Open a store on a server."""
    return WeaviatePassages(server_on(node))


def settings_of(url: str, *, grpc_port: int) -> Weaviate:
    """The settings of a server."""
    found = load(environ={}).settings.weaviate
    return found.model_copy(update={"url": url, "grpc_port": grpc_port})


async def test_the_first_call_after_the_server_is_back_goes_through(node: Node) -> None:
    """Both for searches and for writes, without opening anything anew."""
    store = store_on(node)
    await store.create(PROJECT)
    await store.apply(PROJECT, Change(put=[file_of("a.md", "one word")]))

    node.stop(signal.SIGKILL)
    with pytest.raises(StoreUnavailable):
        await store.keywords(PROJECT, "word", scope=SCOPE, limit=5)
    with pytest.raises(StoreUnavailable):
        await store.apply(PROJECT, Change(put=[file_of("b.md", "two words")]))
    await asyncio.to_thread(node.start)
    before = texts_of(await store.keywords(PROJECT, "word", scope=SCOPE, limit=5))
    await store.apply(PROJECT, Change(put=[file_of("b.md", "two words")]))
    after = texts_of(await store.keywords(PROJECT, "word", scope=SCOPE, limit=5))
    await store.close()

    assert ["one word"] == before
    assert ["one word", "two words"] == sorted(after)


@asynccontextmanager
async def nobody_answers(port: int) -> AsyncIterator[list[int]]:
    """Take every connection to a port of this machine and say nothing; gives its number once for each."""
    come: list[int] = []

    async def take(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        come.append(port)
        await reader.read()

    server = await asyncio.start_server(take, "127.0.0.1", port)
    try:
        yield come
    finally:
        server.close()


async def test_a_search_that_the_server_leaves_waiting_ends_in_its_time(node: Node) -> None:
    """It is not tried again, for a minute as the client would; the next call looks for the server, once, and the one after it is told at once."""
    store = store_on(node)
    await store.create(PROJECT)
    await store.apply(PROJECT, Change(put=[file_of("a.md", "one word")]))
    node.stop(signal.SIGKILL)

    errors, looks = [], []
    async with nobody_answers(node.ports["http"]) as come:
        for _ in range(3):
            with pytest.raises(StoreUnavailable) as error:
                await store.keywords(PROJECT, "word", scope=SCOPE, limit=5)
            errors.append(str(error.value))
            looks.append(len(come))
        await store.close()

    assert errors[0].endswith("did not answer in time")
    assert node.url in errors[1]
    assert errors[1] == errors[2]
    assert [0, 1, 1] == looks


async def test_the_server_that_is_away_is_told_once_in_the_log(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    """Its version while it is well, the reason while it is not, and well again once it is back."""
    store = store_on(node)
    well = await store.health()
    node.stop(signal.SIGKILL)
    store.server._looked_s = float("-inf")
    away = await store.health()
    again = await store.health()
    await asyncio.to_thread(node.start)
    store.server._looked_s = store.server._failed_s = float("-inf")
    back = await store.health()
    await store.close()

    assert well == back
    assert well.name.startswith("Weaviate 1.")
    assert well.is_well
    assert not away.is_well
    assert again == away
    assert node.url in away.problem
    assert 1 == caplog.text.count(away.problem)


async def test_an_installation_opens_while_its_server_is_away(tmp_path: Path) -> None:
    """Nothing is asked of it at the start; what needs it says that nobody answers there."""
    (ports,) = free_ports(1, ("http", "grpc"), beside={})
    async with AsyncExitStack() as stack:
        url = f"http://127.0.0.1:{ports['http']}"
        store = await open_store(settings_of(url, grpc_port=ports["grpc"]), tmp_path, stack)
        with pytest.raises(StoreUnavailable, match=url):
            await store.create(PROJECT)
        health = await health_of(store)

    assert isinstance(health, ServerHealth)
    assert url in health.problem


class Noting(WeaviatePassages):
    """A store that says when its first change was made."""

    def __init__(self, server: Server, changed: asyncio.Event) -> None:
        """Set `changed` then."""
        super().__init__(server)
        self._changed = changed

    async def apply(self, project: str, change: Change) -> int:
        """Write a change."""
        generation = await super().apply(project, change)
        self._changed.set()
        return generation


class Interrupting(FakeSource):
    """Stops a server when so many of its files were read and some of them are indexed."""

    def __init__(self, files: dict[str, bytes], node: Node, *, after: int) -> None:
        """Keep the files."""
        super().__init__(files)
        self._node = node
        self._after = after
        self.is_indexed = asyncio.Event()

    async def read(self, entries: Iterable[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
        """Read, and let the server go at that file."""
        async for one in super().read(entries):
            if self.calls["read"] == self._after:
                await self.is_indexed.wait()
                await asyncio.to_thread(self._node.stop, signal.SIGKILL)
            yield one


async def test_an_index_goes_on_by_itself_when_the_server_is_back(node: Node, tmp_path: Path) -> None:
    """Stopped in the middle of a first index: the source is due again soon, and that look makes it whole."""
    files = {f"{number}.md": page(f"text {number}") for number in range(1_200)}
    source = Interrupting(files, node, after=900)
    store = Noting(server_on(node), source.is_indexed)
    async with refresh_house(tmp_path) as house:
        settings = load(environ={}).settings
        indexing = Indexing(store, NoEmbedder(), files=settings.files, limits=settings.limits)
        house.refresh = Refresh(replace(house.parts, store=store, indexing=indexing))
        followed = await house.follow(source)

        first = await house.ran(followed)
        second = await house.ran(followed)  # nothing answers at all
        row = await house.row(followed)
        await asyncio.to_thread(node.start)
        store.server._failed_s = float("-inf")  # the next look is a minute later
        third = await house.ran(followed)

        assert ["store", "store", "indexed"] == [one.outcome for one in (first, second, third)]
        assert house.now + timedelta(seconds=60) == row.next_due_at
        assert files.keys() == (await store.manifest(house.project, followed)).keys()
        assert source.calls["read"] < 900 + len(files)
        assert {followed: None} == {name: one.updating_to for name, one in (await store.shown(house.project)).items()}
    await store.close()


async def test_a_commit_that_nobody_heard_of_is_asked_for(weaviate: Address) -> None:
    """The server took the state and its answer was lost: the caller is told, and the next call sees what is there."""
    async with Relay(weaviate.grpc_port) as relay:
        address = replace(weaviate, grpc_host="127.0.0.1", grpc_port=relay.port, query_s=5, write_s=1)
        store = WeaviatePassages(Server(address, Names("tests"), Layout()))
        await store.drop(PROJECT)
        await store.create(PROJECT)
        await store.apply(PROJECT, Change(put=[file_of("a.md", "old word")]))
        save = store._projects.save

        async def save_unheard(held: object, state: object) -> None:
            relay.is_mute = True
            try:
                await save(held, state)  # type: ignore[arg-type]
            finally:
                relay.is_mute = False

        store._projects.save = save_unheard  # type: ignore[method-assign]
        with pytest.raises(StoreUnavailable):
            await store.apply(PROJECT, Change(put=[file_of("a.md", "new word", blob="b2")]))
        store._projects.save = save  # type: ignore[method-assign]
        found = texts_of(await store.keywords(PROJECT, "word", scope=SCOPE, limit=5))
        entries = await store.manifest(PROJECT, SOURCE)
        generation = await store.apply(PROJECT, Change(put=[file_of("a.md", "newest word", blob="b3")]))
        at_last = texts_of(await store.keywords(PROJECT, "word", scope=SCOPE, limit=5))
        await store.close()

    assert relay.heard.is_set()
    assert ["new word"] == found
    assert "b2" == entries["a.md"].blob
    assert ["newest word"] == at_last
    assert generation >= 3
