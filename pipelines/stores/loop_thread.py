"""An event loop in a thread of its own, for callers that have none and wait for what they ask."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from pipelines.types import StoreUnavailable

Result = TypeVar("Result")


class LoopThread:
    """Starts when it is first needed. Any thread may ask, but not the loop's own."""

    def __init__(self, name: str, at_end: Callable[[], Awaitable[None]]) -> None:
        """Name the thread; `at_end` releases on the loop what was made there."""
        self._name = name
        self._at_end = at_end
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()
        self._is_closed = False

    def run(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Run `work` on the loop and give its result. Raises StoreUnavailable when closed, or closed meanwhile."""
        with self._guard:
            loop = self._started()
            future = asyncio.run_coroutine_threadsafe(work(), loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError as error:
            raise _closed() from error
        except BaseException:
            future.cancel()  # nobody waits any more: a person has interrupted this thread
            raise

    def close(self) -> None:
        """Release what was made there and end the thread; does nothing the second time."""
        with self._guard:
            self._is_closed = True
            thread, self._thread = self._thread, None
            if thread is None or self._loop is None:
                return
            self._loop.call_soon_threadsafe(self._ending.set)
        thread.join()

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._is_closed:
            raise _closed()
        if self._loop is None:
            ready = threading.Event()
            # A daemon: who forgets to close must still be able to end.
            self._thread = threading.Thread(
                target=lambda: asyncio.run(self._serve(ready)), name=self._name, daemon=True
            )
            self._thread.start()
            ready.wait()
        assert self._loop is not None  # noqa: S101 - set before `ready`
        return self._loop

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        ready.set()
        await self._ending.wait()
        await self._at_end()


def _closed() -> StoreUnavailable:
    return StoreUnavailable("the passage store is closed")
