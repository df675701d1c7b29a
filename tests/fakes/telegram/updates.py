"""The updates that wait for the bot, and the long poll that hands them out until a higher offset confirms them."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from tests.fakes.telegram.errors import HAS_WEBHOOK, NEW_WEBHOOK, OTHER_POLL, ApiError
from tests.fakes.telegram.judge import Judge
from tests.fakes.telegram.news import News

Json = dict[str, Any]
LEFT_OUT = {"chat_member", "message_reaction", "message_reaction_count"}  # unless they are asked for
LONGEST_POLL_S = 50
_AHEAD = 10  # so far may an offset be past the end; a farther one counts as none


class Updates:
    """The queue. Only what a poll has confirmed by its offset, or a webhook by its 2xx, leaves it."""

    def __init__(self, judge: Judge, news: News, *, first_id: int) -> None:
        self.waiting: deque[Json] = deque()
        self.allowed: set[str] = set()
        self.has_webhook = False
        self.arrived = News()
        self.confirmed: list[int] = []
        self._judge, self._news = judge, news
        self._next = first_id
        self._poll: asyncio.Future[None] | None = None
        self._asked: tuple[int, float] = (-1, 0.0)  # the last poll's offset, and when

    def push(self, kind: str, what: Json) -> int | None:
        """Queue an update; its id, or None when the bot does not want its kind."""
        if kind not in self.allowed if self.allowed else kind in LEFT_OUT:
            return None
        number = self._next
        update: Json = {"update_id": number, kind: what}
        self._next += 1
        self._judge.told(update)
        self.waiting.append(update)
        self.arrived.tell()
        self._news.tell()
        return number

    def repeat(self, update: Json) -> None:
        """Queue an update once more, ahead of all others, as after a confirmation that was lost."""
        self.waiting.appendleft(update)
        self.arrived.tell()

    def restart(self, next_id: int) -> None:
        """Number from elsewhere, as Telegram does after a week without updates. What waited is dropped, as it is old."""
        self.waiting.clear()
        self._next = next_id

    def allow(self, kinds: Sequence[str] | None) -> None:
        """Choose the kinds from now on; None leaves them as they are, none at all means the default."""
        if kinds is not None:
            self.allowed = set(kinds)

    async def poll(self, *, offset: int, limit: int, timeout_s: float) -> list[Json]:
        """Confirm what lies before the offset and give what comes next. Raises ApiError 409, as one polls at a time."""
        if self.has_webhook:
            raise ApiError(409, HAS_WEBHOOK)
        limit, timeout_s = self._slowed(offset, limit, min(timeout_s, LONGEST_POLL_S))
        self._confirm(offset)
        if not self.waiting and timeout_s > 0:
            await self._wait(timeout_s)
        return list(self.waiting)[:limit]

    def end_poll(self, reason: str = NEW_WEBHOOK) -> None:
        """Refuse the poll that waits now."""
        if self._poll and not self._poll.done():
            self._poll.set_exception(ApiError(409, reason))

    def done(self, update: Json) -> None:
        """Take out an update that a webhook has confirmed."""
        if update in self.waiting:
            self.waiting.remove(update)
        self.confirmed.append(update["update_id"])
        self._news.tell()

    def clear(self) -> None:
        """Forget what waits."""
        self.waiting.clear()

    def _slowed(self, offset: int, limit: int, timeout_s: float) -> tuple[int, float]:
        """The official server's guard against a client that asks again and again for the same."""
        before, at = self._asked
        now = time.monotonic()
        self._asked = (offset, now)
        if offset != before:
            return limit, timeout_s
        return 1 if now < at + 0.5 else limit, max(timeout_s, 3) if now < at + 3 else timeout_s

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            while len(self.waiting) > -offset:
                self.confirmed.append(self.waiting.popleft()["update_id"])
        elif offset <= self._next + _AHEAD:
            while self.waiting and self.waiting[0]["update_id"] < offset:
                self.confirmed.append(self.waiting.popleft()["update_id"])
        self._news.tell()

    async def _wait(self, timeout_s: float) -> None:
        self.end_poll(OTHER_POLL)
        mine = self._poll = asyncio.get_running_loop().create_future()
        arrived = asyncio.ensure_future(self.arrived.wait())
        try:
            await asyncio.wait({mine, arrived}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrived.cancel()
        if mine.done():
            mine.result()
        mine.cancel()
