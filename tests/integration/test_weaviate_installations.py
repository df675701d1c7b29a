"""Several installations on one Weaviate server, and collections there that none of them made."""

import httpx
import pytest

from pipelines.stores import weaviate_schema, weaviate_state
from pipelines.stores.passages import Change, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.types import StoreUnavailable
from tests.fakes.files import PROJECT, file_of, texts_of

pytestmark = pytest.mark.weaviate


def opened(address: Address, *, installation: str, layout: Layout | None = None) -> WeaviatePassages:
    """Open a store."""
    return WeaviatePassages(Server(address, Names(installation), layout or Layout()))


async def test_a_collection_of_somebody_else_is_left_alone(weaviate: Address) -> None:
    """One of our name that Roomwise did not make is told, and nothing is written to it."""
    name = Names("foreign").projects
    async with httpx.AsyncClient(base_url=weaviate.url, timeout=30) as client:
        await client.delete(f"/v1/schema/{name}")
        made = {"class": name, "properties": [{"name": "project", "dataType": ["text"]}], "vectorizer": "none"}
        (await client.post("/v1/schema", json=made)).raise_for_status()
        store = opened(weaviate, installation="foreign")
        with pytest.raises(StoreUnavailable, match=name):
            await store.create(PROJECT)
        await store.close()
        objects = (await client.get("/v1/objects", params={"class": name})).json()["objects"]
        await client.delete(f"/v1/schema/{name}")

    assert [] == objects


async def test_an_installation_takes_nothing_of_one_that_begins_like_it(weaviate: Address) -> None:
    """Not even when it gives up the collections of an older version: those of the other are of that version too."""
    older = Layout(made_by="a program of before")
    other, before = (
        opened(weaviate, installation="abc", layout=older),
        opened(weaviate, installation="ab", layout=older),
    )
    for one in (before, other):
        await one.create(PROJECT)
        await one.apply(PROJECT, Change(put=[file_of("a.md", f"word of {one.server.names.installation}")]))
    await before.close()
    now = opened(weaviate, installation="ab")
    await now.drop(PROJECT)
    client = await now.server.client()
    left = {name for name in await client.collections.list_all(simple=True) if name.startswith("Roomwiseab")}
    texts = texts_of(await other.keywords(PROJECT, "word", scope=Scope(), limit=5))
    await other.drop(PROJECT)
    for name in left:
        await client.collections.delete(name)
    await now.close()
    await other.close()

    names = other.server.names
    assert {Names("ab").projects, names.projects, names.passages(older.version), names.files(older.version)} == left
    assert ["word of abc"] == texts


async def test_an_index_of_an_older_schema_is_made_anew(weaviate: Address) -> None:
    """It is not taken for an index that finds nothing: the project is not there until it is made again, and then indexed.

    The collections of the old schema go.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weaviate_schema, "SCHEMA_VERSION", 1)
        patch.setattr(weaviate_state, "STATE_VERSION", 1)
        before = opened(weaviate, installation="older")
        await before.create(PROJECT)
        await before.apply(PROJECT, Change(put=[file_of("a.md", "old word")]))
        await before.close()
        old = set(await before.server.pair(Layout().version))
    now = opened(weaviate, installation="older")
    held = list(await now.projects())
    await now.create(PROJECT)
    await now.apply(PROJECT, Change(put=[file_of("a.md", "new word")]))
    texts = texts_of(await now.keywords(PROJECT, "word", scope=Scope(), limit=5))
    client = await now.server.client()
    left = set(await client.collections.list_all(simple=True))
    await now.drop(PROJECT)
    await now.close()

    assert [] == held
    assert ["new word"] == texts
    assert not old & left


async def test_a_collection_of_a_newer_schema_is_left_to_the_newer_program(weaviate: Address) -> None:
    """The older one says that it is too old, and takes nothing for somebody else's."""
    newer = opened(weaviate, installation="newer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weaviate_schema, "SCHEMA_VERSION", 99)
        await newer.create(PROJECT)
    older = opened(weaviate, installation="newer")
    with pytest.raises(StoreUnavailable, match=r"99.*update the program"):
        await older.projects()
    await older.close()
    await newer.drop(PROJECT)
    await newer.close()
