"""Notices when somebody who passes for a person is a program that answers whatever we say.

In memory only: a program that is one shows it again within a minute.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

PAUSE: Final = timedelta(minutes=10)
_WINDOW: Final = timedelta(minutes=1)
_MOST_KNOWN: Final = 10_000


class Heed(Enum):
    """What to do with a message."""

    ANSWER = "answer"
    STOP = "stop"  # it is one too many: say so once, and answer no more for a while
    IGNORE = "ignore"  # it came in that while


@dataclass(slots=True)
class _Exchange:
    """What one person sent lately, as it is worked on, and since when it is not answered."""

    recent: deque[tuple[datetime, str]] = field(default_factory=deque)
    stopped_at: datetime | None = None


@dataclass(slots=True)
class Loops:
    """Counts the messages of each person; `most` within a minute are answered, 0 means any number."""

    most: int
    _known: dict[str, _Exchange] = field(default_factory=dict)

    def heed(self, person: str, message: str, *, at: datetime) -> Heed:
        """What to do with a message of a person, by when it was sent; the same message twice counts once.

        What had to wait comes in any order: only messages within a minute of each other are too many together.
        """
        if not self.most:
            return Heed.ANSWER
        exchange = self._known.setdefault(person, _Exchange())
        if exchange.stopped_at is not None and -_WINDOW < at - exchange.stopped_at < PAUSE:
            return Heed.IGNORE
        if any(known == message for _, known in exchange.recent):
            return Heed.ANSWER
        exchange.recent.append((at, message))
        if len(exchange.recent) > self.most + 1:
            exchange.recent.popleft()
        if sum(abs(at - known) < _WINDOW for known, _ in exchange.recent) <= self.most:
            self._forget(at)
            return Heed.ANSWER
        exchange.recent.clear()
        exchange.stopped_at = at
        return Heed.STOP

    def _forget(self, now: datetime) -> None:
        """Let go of those who have been quiet, when there are many."""
        if len(self._known) > _MOST_KNOWN:
            for person in list(self._quiet(now)):
                del self._known[person]

    def _quiet(self, now: datetime) -> Iterator[str]:
        for person, exchange in self._known.items():
            is_silenced = exchange.stopped_at is not None and now - exchange.stopped_at < PAUSE
            if not is_silenced and all(now - at >= _WINDOW for at, _ in exchange.recent):
                yield person
