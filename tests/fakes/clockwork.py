"""A clock that is moved on by hand, with those who sleep by it."""

import asyncio
import heapq
from collections.abc import Coroutine
from itertools import count
from typing import Any


class Clockwork:
    """Seconds from 0. `wait` ends once the time has come; `run` lets it come as soon as everybody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._numbers = count()
        self._asleep: list[tuple[float, int, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        """Say the time."""
        return self.now_s

    async def wait(self, seconds: float) -> None:
        """Wait until the clock has moved on so far."""
        waker = asyncio.get_running_loop().create_future()
        heapq.heappush(self._asleep, (self.now_s + seconds, next(self._numbers), waker))
        await waker

    async def until(self, at_s: float) -> None:
        """Wait until a time."""
        await self.wait(max(0.0, at_s - self.now_s))

    async def run(self, *work: Coroutine[Any, Any, Any]) -> list[Any]:
        """Do all of the work side by side, and give what each came to."""
        tasks = [asyncio.ensure_future(one) for one in work]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            if not asyncio.get_running_loop()._ready:  # type: ignore[attr-defined]  # everybody sleeps
                self._wake_the_next()
        return [task.result() for task in tasks]

    def _wake_the_next(self) -> None:
        while self._asleep:
            at_s, _, waker = heapq.heappop(self._asleep)
            if not waker.done():
                self.now_s = max(self.now_s, at_s)
                waker.set_result(None)
                return
