"""Reads that do not wait for a node that is gone while another one could answer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from pipelines.stores.weaviate_server import Server
from pipelines.types import StoreUnavailable

Result = TypeVar("Result")

_PATIENCE_S: Final = 2.0


async def answered(server: Server, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a read, and once more by another node where the one that was asked turns out to be gone meanwhile."""
    task = asyncio.create_task(work())
    try:
        return await _while_there(server, task)
    except StoreUnavailable:
        if not await server.is_gone():
            raise
    finally:
        task.cancel()
    return await work()


async def _while_there(server: Server, task: "asyncio.Task[Result]") -> Result:
    """What a read gives. Raises StoreUnavailable, too when it has not ended and the node that was asked is gone."""
    while True:
        done, _ = await asyncio.wait({task}, timeout=_PATIENCE_S)
        if done:
            return task.result()
        if await server.is_gone():
            raise StoreUnavailable("the node of the Weaviate server that was asked is gone")
