"""One sync after the other, each watched over."""

import asyncio
import time
from typing import Final

from adapters.backoff import Backoff
from adapters.chat import Refused, Unreachable
from adapters.matrix.client import Client, Query
from adapters.matrix.faults import AtLimit, LoginEnded
from adapters.matrix.filters import sync_filter
from adapters.matrix.health import Pulse
from adapters.matrix.received import Received

_MARGIN_S: Final = 15.0
_WHOLE_S: Final = 90.0  # the first sync of a large account takes its server long, and it goes on while nobody waits
_LONGEST_WHOLE_S: Final = 900.0
_SHORTEST_PAUSE_S: Final = 0.5
_REFUSALS: Final = 3


class PlaceLost(Unreachable):
    """The server does not know any more where we stopped."""


class Polling:
    """Asks for what is new. `poll_s` is how long the server may wait before it says that nothing is."""

    def __init__(self, client: Client, pulse: Pulse, *, poll_s: float, margin_s: float = _MARGIN_S) -> None:
        self._client = client
        self._pulse = pulse
        self._poll_s = poll_s
        self._margin_s = margin_s
        self._whole_s = _WHOLE_S
        self._backoff = Backoff()
        self._refusals = 0
        self._watch: asyncio.Timeout | None = None

    async def ask(self, since: str, *, whole: bool) -> Received:
        """What is new since a token ("": everything there is); `whole` has the state of all rooms, too, and comes at once.

        Raises LoginEnded, PlaceLost, and Unreachable with the time to wait.
        """
        began_s = time.monotonic()
        limit_s = self._whole_s if whole else self._poll_s + self._margin_s
        try:
            received = await self._watched(since, whole=whole, answer_s=limit_s)
        except TimeoutError:
            fault: Unreachable = Unreachable("a sync has no end; a new one is begun")
        except LoginEnded:
            raise
        except Unreachable as error:
            fault = error
        except Refused as error:
            fault = self._refused(since, error)
        else:
            self._succeeded()
            if received.next_batch == since and not whole:
                # A server that says at once that nothing is new is not asked again at once.
                await asyncio.sleep(max(0.0, _SHORTEST_PAUSE_S - (time.monotonic() - began_s)))
            return received
        if whole and time.monotonic() - began_s >= limit_s:
            self._whole_s = min(_LONGEST_WHOLE_S, self._whole_s * 2)
        raise self.failed(fault)

    def interrupt(self) -> None:
        """End the sync that is under way, if there is one."""
        if self._watch is not None:
            self._watch.reschedule(0)

    def failed(self, fault: Unreachable) -> Unreachable:
        """Note a failure, and give it the time to wait."""
        pause_s = self._backoff.failed()
        fault.retry_after_s = max(_SHORTEST_PAUSE_S, fault.retry_after_s or pause_s)
        self._pulse.fail(str(fault))
        return fault

    async def _watched(self, since: str, *, whole: bool, answer_s: float) -> Received:
        async with asyncio.timeout(answer_s + self._margin_s) as watch:
            self._watch = watch
            try:
                return await self._asked(since, whole=whole, answer_s=answer_s)
            finally:
                self._watch = None  # what has ended cannot be interrupted

    async def _asked(self, since: str, *, whole: bool, answer_s: float) -> Received:
        query: Query = {
            "filter": sync_filter(),
            "timeout": 0 if whole else int(self._poll_s * 1000),
            "since": since or None,
            "full_state": "true" if whole else None,
        }
        return Received.read(await self._client.call("GET", "/sync", query=query, answer_s=answer_s))

    def _succeeded(self) -> None:
        self._refusals = 0
        self._whole_s = _WHOLE_S
        self._backoff.succeeded()
        self._pulse.beat()

    def _refused(self, since: str, error: Refused) -> Unreachable:
        self._refusals += not isinstance(error, AtLimit)  # which says nothing of our place
        if since and self._refusals >= _REFUSALS:
            self._refusals = 0
            return PlaceLost(f"the server does not know any more where we stopped ({error})")
        return Unreachable(f"the server gives no sync: {error}")
