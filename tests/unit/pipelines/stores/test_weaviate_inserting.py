"""What is written to a server whose connection breaks, or that refuses, against a recorded stub. It is no server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
import weaviate
from weaviate.classes.data import DataObject
from weaviate.proto.v1 import batch_delete_pb2, batch_pb2, weaviate_pb2_grpc

from pipelines.stores.weaviate_inserting import insert
from pipelines.types import StoreUnavailable

OBJECTS = [DataObject(uuid=f"00000000-0000-4000-8000-00000000000{at}", properties={"at": at}) for at in range(2)]
META = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"version":"1.40.0"}'


class RecordedStub(weaviate_pb2_grpc.WeaviateServicer):
    """Breaks so many calls off as a connection that is lost does, then refuses the second object so many times."""

    def __init__(self, *, breaks: int = 0, refusals: int = 0) -> None:
        self.breaks, self.refusals = breaks, refusals
        self.asked: list[str] = []

    async def BatchObjects(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Take a batch."""
        self.asked.append(f"insert {len(request.objects)}")
        if self.breaks:
            self.breaks -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        if not self.refusals:
            return batch_pb2.BatchObjectsReply()
        self.refusals -= 1
        at = len(request.objects) - 1
        return batch_pb2.BatchObjectsReply(errors=[batch_pb2.BatchObjectsReply.BatchError(index=at, error="no")])

    async def BatchDelete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Delete nothing, as there is nothing."""
        self.asked.append("delete")
        return batch_delete_pb2.BatchDeleteReply(matches=0)


@asynccontextmanager
async def collection_of(stub: RecordedStub) -> AsyncIterator[Any]:
    """Give the client's collection at a stub."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(META)
        writer.close()

    web, rpc = await asyncio.start_server(answer, "127.0.0.1", 0), grpc.aio.server()
    weaviate_pb2_grpc.add_WeaviateServicer_to_server(stub, rpc)  # type: ignore[no-untyped-call]
    port = rpc.add_insecure_port("127.0.0.1:0")
    await rpc.start()
    client = weaviate.use_async_with_custom(
        http_host="127.0.0.1", http_port=web.sockets[0].getsockname()[1], http_secure=False,
        grpc_host="127.0.0.1", grpc_port=port, grpc_secure=False, skip_init_checks=True,
    )  # fmt: skip
    await client.connect()
    try:
        yield client.collections.get("Any")
    finally:
        await client.close()
        await rpc.stop(None)
        web.close()


async def test_a_batch_that_the_client_sent_again_is_not_taken_for_written() -> None:
    """A server that had stored it, and not indexed it, would have taken it for done the second time."""
    stub = RecordedStub(breaks=1)
    async with collection_of(stub) as collection:
        with pytest.raises(StoreUnavailable, match="broke while a change was written"):
            await insert(collection, OBJECTS)
        after = await insert(collection, OBJECTS)

    assert ["insert 2", "insert 2", "insert 2"] == stub.asked
    assert {} == after


async def test_what_was_refused_is_deleted_before_it_is_sent_again() -> None:
    """What stands there already it would not index, if it is the same."""
    stub = RecordedStub(refusals=1)
    async with collection_of(stub) as collection:
        refused = await insert(collection, OBJECTS)

    assert ["insert 2", "delete", "insert 1"] == stub.asked
    assert {} == refused


async def test_what_is_refused_twice_is_told_by_its_place(caplog: pytest.LogCaptureFixture) -> None:
    """All else is written, and nothing of the objects themselves gets into the log."""
    stub = RecordedStub(refusals=2)
    async with collection_of(stub) as collection:
        refused = await insert(collection, OBJECTS)

    assert [1] == list(refused)
    assert "00000000-0000" not in caplog.text
