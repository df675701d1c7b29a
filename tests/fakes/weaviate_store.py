"""A store on a Weaviate server of the tests, and a stand-in for a server of long ago."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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


@asynccontextmanager
async def old_weaviate() -> AsyncIterator[int]:
    """Answer each request on a port of this machine as a Weaviate of version 1.30, as far as its version is asked."""
    server = await asyncio.start_server(_answer_as_old, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _answer_as_old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = json.dumps({"version": "1.30.0", "hostname": "old", "modules": {}}).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()
