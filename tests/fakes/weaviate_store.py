"""A store on a Weaviate server of the tests."""

from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server

INSTALLATION = "tests"


async def emptied_weaviate(address: Address, layout: Layout | None = None) -> WeaviatePassages:
    """Open a store that holds nothing; what tests before it have left is removed."""
    store = WeaviatePassages(Server(address, Names(INSTALLATION), layout or Layout()))
    for project in await store.projects():
        await store.drop(project)
    return store
