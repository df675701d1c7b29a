"""Work of the clock that something else wants done at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

GAP_S: Final = 1.0


class Sooner:
    """Does its work when it is called, one after the other and at most once a second, so that a burst becomes few."""

    def __init__(
        self,
        work: Callable[[], Awaitable[object]],
        *,
        pause: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(GAP_S),
    ) -> None:
        self._work = work
        self._pause = pause
        self._wanted = asyncio.Event()

    def __call__(self) -> None:
        """Have the work done soon, once more if it is under way."""
        self._wanted.set()

    async def run(self) -> None:
        """Work for ever."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._work()
            await self._pause()
