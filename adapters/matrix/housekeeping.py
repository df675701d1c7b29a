"""What must be done beside the syncs, and never holds them up: letters between devices, and keys.

Each chore does what is due and is done at once when nothing is. One that fails is tried again after a pause, and the
others go on.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from adapters.backoff import Backoff
from adapters.chat import ChatError, Unreachable
from adapters.matrix.surroundings import Spawn
from adapters.pausing import is_set_within

Chore = Callable[[], Awaitable[None]]
_log = logging.getLogger(__name__)


class Housekeeping:
    """Does the chores, one after the other, whenever it is woken. `chores` is by their names, in their order."""

    def __init__(
        self, spawn: Spawn, chores: Mapping[str, Chore], *, elapsed_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._spawn = spawn
        self._chores = chores
        self._elapsed_s = elapsed_s
        self._waits = {name: Backoff() for name in chores}
        self._due_s = dict.fromkeys(chores, 0.0)
        self._woken = asyncio.Event()
        self._is_running = False
        self._is_closed = False

    def wake(self) -> None:
        """Have done what is due, soon."""
        self._woken.set()
        if not self._is_running and not self._is_closed:
            self._is_running = True
            self._spawn(self._run())

    def close(self) -> None:
        """Do nothing more."""
        self._is_closed = True
        self._woken.set()

    async def round(self) -> float | None:
        """Do each chore once, but those that failed a moment ago. Returns after how long these are due, in seconds."""
        for name in self._chores:
            if self._due_s[name] <= self._elapsed_s():
                await self._do(name)
        waits = [due_s - self._elapsed_s() for name, due_s in self._due_s.items() if self._waits[name].failures]
        return max(0.0, min(waits)) if waits else None

    async def _do(self, name: str) -> None:
        waits = self._waits[name]
        try:
            await self._chores[name]()
        except ChatError as error:
            told_s = error.retry_after_s if isinstance(error, Unreachable) else None
            self._due_s[name] = self._elapsed_s() + max(told_s or 0.0, waits.failed())
            if waits.failures == 1:
                _log.warning("%s: %s; it is tried again", name, error)
        else:
            waits.succeeded()

    async def _run(self) -> None:
        try:
            while not self._is_closed:
                self._woken.clear()
                pause_s = await self.round()
                await is_set_within(self._woken, pause_s)
        finally:
            self._is_running = False  # after what nobody foresaw the next sync begins it anew
