"""What comes before the first sync: to be connected, and to be the one installation that answers."""

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

from adapters.backoff import Backoff
from adapters.chat import ChatError, Unreachable
from adapters.matrix.connecting import Connecting
from adapters.matrix.cursor import Cursor
from adapters.matrix.faults import LoginEnded
from adapters.matrix.health import Pulse
from adapters.matrix.lease import Lease, Occupied
from adapters.matrix.surroundings import Spawn
from adapters.pausing import is_set_within

_log = logging.getLogger(__name__)
_RELEASE_S = 2.0


class Starting(Protocol):
    """Starts the client's encryption, once nobody else can use its keys."""

    async def __call__(self, *, is_behind: bool) -> None:
        """Have the client started; `is_behind` when the server counts more starts of ours than we do.

        Raises LoginEnded when only a person can help, and Unreachable.
        """


class Entering:
    """Lets one account in, and waits outside for as long as another installation answers."""

    def __init__(self, connecting: Connecting, lease: Lease, starting: Starting, pulse: Pulse, spawn: Spawn) -> None:
        self._connecting = connecting
        self._lease = lease
        self._starting = starting
        self._pulse = pulse
        self._spawn = spawn
        self._backoff = Backoff()
        self._closed = asyncio.Event()
        self._is_waiting = False
        self._is_renewing = False

    async def enter(self, place: Cursor) -> Cursor:
        """Connect, and be the one that answers. Returns where to go on: where another installation stood before us.

        One that has no place yet begins with what comes, whoever answered before. Raises LoginEnded, and Unreachable
        with the time to wait.
        """
        inherited = ""
        try:
            await self._connecting.connect()
            inherited = await self._claimed()
            await self._starting(is_behind=self._lease.is_behind)
        except LoginEnded:
            raise
        except Unreachable as fault:
            fault.retry_after_s = fault.retry_after_s or self._backoff.failed()
            self._pulse.fail(str(fault))
            raise
        self._backoff.succeeded()
        if not inherited or not place.since:
            return place
        _log.warning("taking the place of another installation, from where it stood when it was last heard of")
        return Cursor(inherited)

    async def wait_for_login(self, ended: LoginEnded) -> bool:
        """Say what is wrong, and wait until somebody has logged in anew. False when we are closed meanwhile."""
        return await self._connecting.wait_for_login(ended)

    async def close(self) -> None:
        """Wait no longer, and leave our place to whoever wants it."""
        self._closed.set()
        self._connecting.close()
        with suppress(ChatError, TimeoutError):
            async with asyncio.timeout(_RELEASE_S):
                await self._lease.release()

    async def _claimed(self) -> str:
        """Where another stood whose place we have taken, "" when nobody did."""
        while not self._closed.is_set():
            try:
                inherited = await self._lease.take()
            except Occupied as fault:
                self._say(fault)
                await is_set_within(self._closed, fault.retry_after_s)
            else:
                self._is_waiting = False
                self._keep_renewing()
                return inherited
        return ""

    def _say(self, fault: Occupied) -> None:
        self._pulse.fail(str(fault))
        if not self._is_waiting:
            self._is_waiting = True
            _log.error("not answering: %s", fault)

    def _keep_renewing(self) -> None:
        if not self._is_renewing:
            self._is_renewing = True
            self._spawn(self._renew())

    async def _renew(self) -> None:
        try:
            await self._lease.run()
        finally:
            self._is_renewing = False
