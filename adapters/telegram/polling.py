"""One long poll after the other, each watched over; and how long to wait after one that failed."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, Final

from telegram.error import Conflict, NetworkError, RetryAfter, TelegramError

from adapters.chat import Unreachable
from adapters.telegram.client import Client
from adapters.telegram.faults import fault_of
from adapters.telegram.health import Pulse
from adapters.telegram.wire import ALLOWED_UPDATES, update_id_of

LONGEST_POLL_S: Final = 50.0  # what the server allows
MARGIN_S: Final = 10.0
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
_SHORTEST_PAUSE_S: Final = 0.5  # the server takes a poll that comes sooner for a mistake, and answers it less


class WebhookSet(Unreachable):
    """Nothing can be asked for, since Telegram sends everything to a webhook."""


class Polling:
    """Asks for updates. `poll_s` is how long the server may wait before it says that there are none."""

    def __init__(
        self,
        client: Client,
        pulse: Pulse,
        *,
        poll_s: float = LONGEST_POLL_S,
        margin_s: float = MARGIN_S,
        jitter: Callable[[], float] = random.random,  # noqa: S311
    ) -> None:
        self._client = client
        self._pulse = pulse
        self._poll_s = poll_s
        self._margin_s = margin_s
        self._jitter = jitter
        self._failures = 0
        self._watch: asyncio.Timeout | None = None

    async def ask(self, offset: int) -> list[Any]:
        """The updates from an id on, as JSON; what lies before it is acknowledged. 0: all that is not acknowledged yet.

        Raises Unreachable with the time to wait; WebhookSet.
        """
        try:
            async with asyncio.timeout(self._poll_s + 2 * self._margin_s) as self._watch:
                updates = await self._asked(offset)
        except TimeoutError:
            fault: Unreachable = Unreachable("a poll was not answered in time; a new connection is made")
            await self._client.reconnect()
        except TelegramError as error:
            fault = self._fault(error)
            if isinstance(error, NetworkError):
                await self._client.reconnect()
        else:
            self._failures = 0
            self._pulse.beat()
            return updates
        finally:
            self._watch = None
        raise self.failed(fault)  # out here nothing of the library hangs on to it

    async def _asked(self, offset: int) -> list[Any]:
        query = {"timeout": int(self._poll_s), "allowed_updates": ALLOWED_UPDATES}
        began_s = time.monotonic()
        updates = await self._client.updates(
            {**query, "offset": offset} if offset else query, patience_s=self._poll_s + self._margin_s
        )
        known = [number for update in updates if (number := update_id_of(update)) is not None]
        if not known or known[-1] < offset:  # a server that at once brings us no further is not asked again at once
            await asyncio.sleep(max(0.0, _SHORTEST_PAUSE_S - (time.monotonic() - began_s)))
        return updates

    def interrupt(self) -> None:
        """End the poll that is under way, if there is one."""
        if self._watch is not None:
            self._watch.reschedule(0)

    def failed(self, fault: Unreachable) -> Unreachable:
        """Note a failure, and give it the time to wait: longer each time, and not the same for all who wait."""
        self._failures += 1
        pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self._failures - 1, 10))
        pause_s *= 0.5 + self._jitter() / 2
        fault.retry_after_s = max(_SHORTEST_PAUSE_S, fault.retry_after_s or pause_s)
        self._pulse.fail(str(fault))
        return fault

    def _fault(self, error: TelegramError) -> Unreachable:
        if isinstance(error, Conflict):
            self._pulse.happened("last conflict")
            if "webhook" in str(error).lower():
                return WebhookSet("a webhook is set, so that nothing can be asked for")
            return Unreachable("another program asks for this bot's updates: only one may, so stop the other one")
        if isinstance(error, RetryAfter):
            self._pulse.happened("last flood wait")
        fault = fault_of(error)
        return fault if isinstance(fault, Unreachable) else Unreachable(f"Telegram gives no updates: {fault}")
