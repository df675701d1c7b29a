"""More projects in use than may be awake at once, on a real Weaviate server."""

import asyncio

import pytest
from weaviate.classes.tenants import TenantActivityStatus

from pipelines.stores.passages import Change, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_upkeep import Rests
from tests.fakes.files import file_of, texts_of
from tests.fakes.weaviate_store import INSTALLATION, emptied_weaviate

pytestmark = pytest.mark.weaviate

SCOPE = Scope()


async def test_the_project_used_longest_ago_rests_and_answers_when_it_is_asked_again(weaviate: Address) -> None:
    """Its tenants are inactive then; the next question wakes them and has another project rest."""
    await (await emptied_weaviate(weaviate)).close()
    store = WeaviatePassages(Server(weaviate, Names(INSTALLATION), Layout()), rests=Rests(0, 0, most_awake=2))
    for name in ("a", "b", "c"):
        await store.create(name)
        await store.apply(name, Change(put=[file_of("x.md", f"word of {name}")]))
    async with asyncio.timeout(30):
        while await awake(store) != {"b", "c"}:
            pass
    found = texts_of(await store.keywords("a", "word", scope=SCOPE, limit=3))
    async with asyncio.timeout(30):
        while await awake(store) != {"a", "c"}:
            pass
    await store.close()

    assert ["word of a"] == found


async def awake(store: WeaviatePassages) -> set[str]:
    """The projects whose tenants are active."""
    client = await store.server.client()
    collection = client.collections.get(store.server.names.passages(store.server.layout.version))
    held = await collection.tenants.get()
    return {name.partition("-")[0] for name, one in held.items() if one.activity_status == TenantActivityStatus.ACTIVE}
