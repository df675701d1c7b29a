"""A project that gets from one kind of vector index to another, on a real Weaviate server."""

import pytest

from pipelines.stores.passages import Change, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from tests.fakes.files import PROJECT, file_of, texts_of
from tests.fakes.passages import unit
from tests.fakes.weaviate_store import INSTALLATION, emptied_weaviate

pytestmark = pytest.mark.weaviate

SCOPE = Scope()


@pytest.mark.parametrize(("before", "after"), [("none", "flat"), ("none", "hnsw"), ("flat", "none"), ("flat", "hnsw")])
async def test_vectors_go_along_with_what_a_rebuild_carries_over(weaviate: Address, before: str, after: str) -> None:
    """Where passages had no vectors of their own they get those of their file's row; what is nearest stays so."""
    store = await emptied_weaviate(weaviate, Layout(before))
    await store.create(PROJECT)
    await store.apply(
        PROJECT, Change(put=[file_of("a.md", "alpha", "two words"), file_of("b.md", "bravo and charlie")])
    )
    nearest = await store.dense(PROJECT, unit(9, 1.0, 1), scope=SCOPE, limit=2)
    await store.close()

    store = WeaviatePassages(Server(weaviate, Names(INSTALLATION), Layout(after)))
    await store.begin_rebuild(PROJECT)
    await store.switch(PROJECT)
    again = await store.dense(PROJECT, unit(9, 1.0, 1), scope=SCOPE, limit=2)
    await store.apply(PROJECT, Change(put=[file_of("c.md", "two words", "two words")]))
    more = await store.dense(PROJECT, unit(9, 1.0, 1), scope=SCOPE, limit=2)
    await store.close()

    assert ["two words", "bravo and charlie"] == texts_of(nearest)
    assert ["two words", "bravo and charlie"] == texts_of(again)
    assert ["two words", "two words"] == texts_of(more)
