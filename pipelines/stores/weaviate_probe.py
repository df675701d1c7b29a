"""What a look at a Weaviate server tells, for `roomwise check`: nothing is made or changed there."""

from dataclasses import dataclass

from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_errors import server_errors
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.types import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Looked:
    """The version of a server, how many nodes it has, and which of them are not well.

    A key that may not ask for the nodes leaves both empty.
    """

    version: str
    nodes: int = 0
    unwell: tuple[str, ...] = ()


async def look_at(address: Address) -> Looked:
    """Look at a server. Raises StoreUnavailable with what keeps it from working for us."""
    server = Server(address, Names("none"), Layout())
    try:
        client = await server.client()
        try:
            with server_errors(address.shown):
                nodes = await client.cluster.nodes()
        except StoreUnavailable:
            return Looked(server.version)
        unwell = tuple(sorted(f"{one.name} ({one.status})" for one in nodes if one.status != "HEALTHY"))
        return Looked(server.version, len(nodes), unwell)
    finally:
        await server.close()
