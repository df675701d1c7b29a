"""Three Weaviate nodes on one machine that hold each project three times, and the loss of one of them."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from config.load import load
from config.weaviate import Node as Another
from pipelines.stores.opening import open_store
from pipelines.stores.passages import Change, PassageStore, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address, Agreement
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.types import StoreUnavailable
from tests.fakes.files import PROJECT, SOURCE, file_of, texts_of
from tests.fakes.weaviate_nodes import Node, running_weaviate
from tests.integration.store_writer import FILES
from tests.integration.test_weaviate_kills import number_of, shown_by, writing

pytestmark = [pytest.mark.weaviate, pytest.mark.timeout(600)]

THREE = Layout(replicas=3)


@pytest.fixture
def nodes(weaviate_program: Path) -> Iterator[list[Node]]:
    """Three nodes that know each other."""
    with running_weaviate(weaviate_program, nodes=3) as three:
        yield three


def led(nodes: list[Node]) -> tuple[Node, Node]:
    """The node that leads the others, and another one."""
    stood = httpx.get(f"{nodes[0].url}/v1/cluster/statistics", timeout=20).json()["statistics"]
    leading = {one["leaderId"] for one in stood}
    stays = next(node for node in nodes if node.name in leading)
    return stays, next(node for node in nodes if node is not stays)


def store_on(node: Node, agreement: Agreement) -> WeaviatePassages:
    """Open the store by one of the nodes."""
    address = Address(node.url, grpc_port=node.grpc_port, query_s=10, write_s=20)
    return WeaviatePassages(Server(address, Names("three"), THREE, agreement))


async def shown_on(node: Node, agreement: Agreement) -> dict[str, list[str]]:
    """What a store that is opened anew by one node shows."""
    store = store_on(node, agreement)
    try:
        return await shown_by(store)
    finally:
        await store.close()


async def test_a_node_that_is_killed_stops_nobody(nodes: list[Node]) -> None:
    """Writes and searches go on by another node, nothing is lost, and all three agree once it is back.

    A search by words asks one replica, that of the node which is asked, and a majority may have taken a write a moment
    before that one: so what searches see meanwhile is not held to be whole here; see test_weaviate_stale.py.
    """
    quorum = Agreement("QUORUM", "QUORUM")
    store = store_on(nodes[0], quorum)
    async with writing(store) as writer:
        await writer.until(3)
        await asyncio.to_thread(nodes[2].stop, signal.SIGKILL)
        await writer.until(writer.acknowledged + 4)
        alone = writer.acknowledged
        await asyncio.to_thread(nodes[2].start)
        await writer.until(writer.acknowledged + 3)
    await store.close()
    shown = [number_of(await shown_on(node, quorum)) for node in nodes]

    assert writer.searches > 0
    assert alone >= 7
    assert writer.acknowledged <= shown[0] <= writer.acknowledged + 1
    assert [shown[0]] * 3 == shown


async def test_the_node_of_the_url_is_waited_for(nodes: list[Node]) -> None:
    """Which node is asked is the operator's to say: while that one is away every call says so, afterwards it goes on."""
    store = store_on(nodes[0], Agreement("QUORUM", "QUORUM"))
    await store.create(PROJECT)
    await store.apply(PROJECT, Change(put=[file_of(f"f{one}.md", "word n1", blob="b1") for one in range(FILES)]))
    await asyncio.to_thread(nodes[0].stop, signal.SIGKILL)
    with pytest.raises(StoreUnavailable):
        await store.keywords(PROJECT, "word", scope=Scope(), limit=5)
    await asyncio.to_thread(nodes[0].start)
    found = await store.keywords(PROJECT, "word", scope=Scope(), limit=5)
    manifest = await store.manifest(PROJECT, SOURCE)
    await store.close()

    assert (FILES, FILES) == (len(found), len(manifest))


async def test_questions_go_on_by_another_node(nodes: list[Node], tmp_path: Path) -> None:
    """The node of the url is killed: the next question is answered by the next, changes too, also when it is back.

    It is one that does not lead: while the others choose a leader, a question may be told to be asked again.
    """
    _, first = led(nodes)
    others = [node for node in nodes if node is not first]
    there = tuple(Another(url=one.url, grpc_port=one.grpc_port) for one in others)
    told = {"url": first.url, "grpc_port": first.grpc_port, "replicas": 3, "fallback": there, "write_timeout_s": 10}
    settings = load(environ={}).settings.weaviate.model_copy(update=told)
    async with AsyncExitStack() as stack:
        store = await open_store(settings, tmp_path, stack)
        await store.create(PROJECT)
        await store.apply(PROJECT, Change(put=[file_of("a.md", "old word")]))
        await asyncio.to_thread(first.stop, signal.SIGKILL)
        away = texts_of(await store.keywords(PROJECT, "word", scope=Scope(), limit=5))
        await written(store, Change(put=[file_of("a.md", "new word", blob="b2")]))
        changed = texts_of(await store.keywords(PROJECT, "word", scope=Scope(), limit=5))
        await asyncio.to_thread(first.start)
        back = texts_of(await store.keywords(PROJECT, "word", scope=Scope(), limit=5))

    assert ["old word"] == away
    assert [["new word"]] * 2 == [changed, back]


async def test_all_nodes_away_are_all_named(nodes: list[Node]) -> None:
    """Whoever reads the error sees every address that was tried."""
    first, second = (Address(one.url, grpc_port=one.grpc_port, query_s=2) for one in nodes[:2])
    for node in nodes:
        await asyncio.to_thread(node.stop, signal.SIGKILL)
    store = WeaviatePassages(Server(replace(first, others=(second,)), Names("three"), THREE))
    with pytest.raises(StoreUnavailable, match=f"{first.url}.*{second.url}"):
        await store.projects()
    await store.close()


async def written(store: PassageStore, change: Change) -> None:
    """Write a change, again while the nodes choose a leader, as a refresh does."""
    while True:
        try:
            await store.apply(PROJECT, change)
        except StoreUnavailable:
            continue
        return
