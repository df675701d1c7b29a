"""A node that was away and that nobody has brought up to date is asked: what was deleted meanwhile must not come back."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from pipelines.stores.passages import Change, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Agreement
from tests.fakes.files import PROJECT, SOURCE, file_of, texts_of
from tests.fakes.weaviate_nodes import Node, running_weaviate
from tests.integration.test_weaviate_nodes import led, store_on

pytestmark = [pytest.mark.weaviate, pytest.mark.timeout(300)]

QUORUM = Agreement("QUORUM", "QUORUM")
OTHER = "01k00000000000000000000002"


@pytest.fixture
def nodes(weaviate_program: Path) -> Iterator[list[Node]]:
    """Three nodes that are never brought up to date in the background, so that one that was away stays behind."""
    with running_weaviate(weaviate_program, nodes=3, ASYNC_REPLICATION_DISABLED="true") as three:
        yield three


@pytest.fixture
def pair(nodes: list[Node]) -> tuple[Node, Node]:
    """The node that leads the others, which stays, and another one."""
    return led(nodes)


@asynccontextmanager
async def opened(node: Node) -> AsyncIterator[WeaviatePassages]:
    """Open a store by a node, and close it."""
    store = store_on(node, QUORUM)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def missed_by(node: Node, *, by: Node) -> AsyncIterator[WeaviatePassages]:
    """A store by another node, whose work in the block the first one misses; all is swept up before it comes back."""
    async with opened(by) as store:
        await asyncio.to_thread(node.stop, signal.SIGKILL)
        yield store
        await asyncio.gather(*store._tasks)
    await asyncio.to_thread(node.start)


async def found_by(store: WeaviatePassages, word: str) -> list[str]:
    """What a search by words finds."""
    return sorted(texts_of(await store.keywords(PROJECT, word, scope=Scope(), limit=50)))


async def test_what_a_node_missed_is_not_answered_from_it(pair: tuple[Node, Node]) -> None:
    """A replaced and a removed file, and a project dropped: all as the others have them."""
    stays, away = pair
    async with opened(stays) as store:
        await store.create(PROJECT)
        await store.create(OTHER)
        put = [file_of(name, "old words", blob="b1") for name in ("kept.md", "changed.md", "removed.md")]
        await store.apply(PROJECT, Change(put=put))
    async with missed_by(away, by=stays) as store:
        changed = Change(put=[file_of("changed.md", "new words", blob="b2")], remove=[(SOURCE, "removed.md")])
        await store.apply(PROJECT, changed)
        await store.drop(OTHER)
    async with opened(away) as store:
        projects = await store.projects()
        old = await found_by(store, "old")
        manifest = {path: entry.blob for path, entry in (await store.manifest(PROJECT, SOURCE)).items()}
        generation = await store.apply(PROJECT, Change(put=[file_of("changed.md", "newest words", blob="b3")]))
    async with opened(stays) as store:
        after = await found_by(store, "words")
        counts = await store.counts(PROJECT)

    assert [PROJECT] == projects
    assert ["old words"] == old
    assert {"kept.md": "b1", "changed.md": "b2"} == manifest
    assert generation > 2
    assert ["newest words", "old words"] == after
    assert (2, 2) == (counts.files, counts.passages)


async def test_a_project_that_a_node_missed_is_known_by_it(pair: tuple[Node, Node]) -> None:
    """It was made, and another one hidden, while that node was away."""
    stays, away = pair
    async with opened(stays) as store:
        await store.create(PROJECT)
        await store.apply(PROJECT, Change(put=[file_of("a.md", "one word")]))
    async with missed_by(away, by=stays) as store:
        await store.create(OTHER)
        await store.hide(PROJECT, SOURCE, hidden=True)
    async with opened(away) as store:
        projects = await store.projects()
        found = await found_by(store, "word")

    assert sorted([PROJECT, OTHER]) == projects
    assert [] == found


async def test_a_node_that_was_away_catches_up_as_the_example_sets_it(weaviate_program: Path) -> None:
    """With the settings of docs/compose.cluster.yml a search that it makes is whole again after a while."""
    example = yaml.safe_load((Path(__file__).parents[2] / "docs/compose.cluster.yml").read_text("utf-8"))
    told = {name: value for name, value in example["x-settings"].items() if name.startswith("ASYNC_REPLICATION_")}
    with running_weaviate(weaviate_program, nodes=3, **told) as nodes:
        stays, away = led(nodes)
        async with opened(stays) as store:
            await store.create(PROJECT)
        async with missed_by(away, by=stays) as store:
            await store.apply(PROJECT, Change(put=[file_of(f"{one}.md", "new words") for one in range(9)]))
        async with opened(away) as store:
            while len(found := await found_by(store, "new")) < 9:
                assert set(found) <= {"new words"}

    assert 3 == len(told)
    assert ["new words"] * 9 == found
