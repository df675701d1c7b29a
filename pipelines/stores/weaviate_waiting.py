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
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work())
            await _leave_when_gone(server, task)
    except ExceptionGroup as failures:
        failure = failures.exceptions[0]
        if not isinstance(failure, StoreUnavailable) or not await server.is_gone():
            raise failure from None
    else:
        if not task.cancelled():
            return task.result()
    return await work()


async def _leave_when_gone(server: Server, task: "asyncio.Task[Any]") -> None:
    """Wait until a read has ended, or end it: the node that was asked is gone."""
    while not (await asyncio.wait({task}, timeout=_PATIENCE_S))[0]:
        if await server.is_gone():
            task.cancel()
