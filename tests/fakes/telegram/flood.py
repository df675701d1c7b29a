"""How often a bot may speak: a model of Telegram's limits, which are told nowhere but in 429s.

Messages and edits count together (tdlib/td#3034). In a group 20 a minute; in a private chat one a second, with a
short burst; over all chats 30 a second.
"""

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

from tests.fakes.telegram.errors import too_many

COUNTED = {"sendmessage", "editmessagetext", "editmessagereplymarkup", "senddocument", "sendmessagedraft"}


@dataclass(slots=True)
class Flood:
    """The limits, off until a test turns them on. `scale` makes this clock run so many times faster."""

    is_on: bool = False
    scale: float = 1.0
    group_per_minute: int = 20
    private_per_minute: int = 60
    private_burst: int = 5
    per_second: int = 30
    refused: int = 0  # how many 429s this model has given
    _sent: dict[int, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _all: deque[float] = field(default_factory=deque)
    _until: dict[int, float] = field(default_factory=dict)

    def count(self, chat: int, *, is_group: bool) -> None:
        """Count a message or an edit. Raises ApiError 429, with which the chat stays closed for as long as it says."""
        if not self.is_on:
            return
        now = time.monotonic() * self.scale
        wait_s = self._until.get(chat, now) - now
        if wait_s <= 0:
            wait_s = max(self._wait_here(chat, now, is_group=is_group), _wait(self._all, now, self.per_second, 1.0))
            self._until[chat] = now + wait_s
        if wait_s > 0:
            self.refused += 1
            raise too_many(int(wait_s / self.scale) + 1)
        self._sent[chat].append(now)
        self._all.append(now)

    def _wait_here(self, chat: int, now: float, *, is_group: bool) -> float:
        sent = self._sent[chat]
        if is_group:
            return _wait(sent, now, self.group_per_minute, 60.0)
        window_s = self.private_burst * 60.0 / self.private_per_minute
        return _wait(sent, now, self.private_burst, window_s)


def _wait(sent: deque[float], now: float, most: int, window_s: float) -> float:
    """How long until one more fits into the window; 0 for now."""
    while sent and sent[0] <= now - window_s:
        sent.popleft()
    return window_s - (now - sent[-most]) if len(sent) >= most else 0.0
