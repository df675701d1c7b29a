"""Nothing that a search still reads is swept away on a Weaviate server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pipelines.stores.passages import Change, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from tests.fakes.files import PROJECT, SOURCE, file_of, texts_of
from tests.fakes.weaviate_store import emptied_weaviate

pytestmark = pytest.mark.weaviate


@pytest.fixture
async def store(weaviate: Address) -> AsyncIterator[WeaviatePassages]:
    """A store with one file in its first version."""
    made = await emptied_weaviate(weaviate)
    await made.create(PROJECT)
    await made.apply(PROJECT, version(1))
    yield made
    await made.close()


def version(number: int) -> Change:
    """One file in another version."""
    return Change(put=[file_of("a.md", f"word {number}", blob=f"b{number}")])


async def swept(store: WeaviatePassages) -> None:
    """Wait until nothing goes on beside the calls."""
    while tasks := list(store._tasks):
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_sweep_that_waited_takes_nothing_that_became_dead_meanwhile(store: WeaviatePassages) -> None:
    """A reader of the first version holds the sweep up; one of the second began before the third, and reads on."""
    held = await store._projects.find(PROJECT)
    assert held is not None
    with held.reading(PROJECT):
        await store.apply(PROJECT, version(2))
        await asyncio.sleep(0)  # the sweep begins, and waits
        second = held.reading(PROJECT)
        head = second.__enter__()
        await store.apply(PROJECT, version(3))
        await asyncio.sleep(0)
    sweeps = list(store._tasks)
    await asyncio.wait(sweeps, return_when=asyncio.FIRST_COMPLETED)
    assert head is not None
    (row,) = await store._writing.rows_at(head, {(SOURCE, "a.md")})
    second.__exit__(None, None, None)
    await swept(store)
    with held.reading(PROJECT) as last:
        assert last is not None
        left = await store._writing.rows_at(head, {(SOURCE, "a.md")})
    texts = texts_of(await store.keywords(PROJECT, "word", scope=Scope(), limit=9))

    assert "b2" == row.entry.blob
    assert [] == left
    assert ["word 3"] == texts
