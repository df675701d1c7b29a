"""Whether the service can do its work: people are heard, what they ask can be made durable, and the index is reached."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from bot.errors import StateError
from bot.state.database import Database
from bot.state.queries import installation
from pipelines.stores.health import health_of
from pipelines.stores.passages import PassageStore

_EVERY_S: Final = 1.0
_LIMIT_S: Final = 2.0


class Readiness:
    """Found out by a write that changes nothing, once a second at most, however many ask. `clock` counts seconds.

    `are_connected` says whether every network that is configured is connected; the server of the store, if it needs one,
    must be well.
    """

    def __init__(
        self,
        db: Database,
        clock: Callable[[], float],
        *,
        are_connected: Callable[[], Awaitable[bool]],
        store: PassageStore,
    ) -> None:
        self._db = db
        self._clock = clock
        self._are_connected = are_connected
        self._store = store
        self._asking = asyncio.Lock()
        self._answer = False
        self._is_good_until_s = float("-inf")

    async def is_ready(self) -> bool:
        """Whether the state database takes a write within 2 s, every network is connected, and the index is reached."""
        async with self._asking:
            if self._clock() >= self._is_good_until_s:
                self._answer = await self._commits() and await self._are_connected() and await self._reaches_index()
                self._is_good_until_s = self._clock() + _EVERY_S
            return self._answer

    async def _commits(self) -> bool:
        try:
            async with asyncio.timeout(_LIMIT_S):
                await self._db.write(installation.rewrite)
        except (StateError, TimeoutError):
            return False
        return True

    async def _reaches_index(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LIMIT_S):
                health = await health_of(self._store)
                return health is None or health.is_well
        return False
