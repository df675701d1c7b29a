"""How Telegram counts, as far as it is known: a message counts when it arrives, edits like messages."""

import random
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from config.load import default_values
from config.telegram import Telegram
from tests.fakes.clockwork import Clockwork


def settings(**more: Any) -> Telegram:
    """The section [telegram] as it is packaged, with some values replaced."""
    return Telegram.model_validate({**default_values()["telegram"], **more})


@dataclass(slots=True)
class Limits:
    """A server that notes what it would refuse. What is sent arrives somewhere on its way, which takes a while."""

    clock: Clockwork
    group_per_minute: int = 20
    per_second: int = 30
    latency_s: Callable[[], float] = lambda: 0.05
    arrived: defaultdict[int, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    refused: list[tuple[float, int]] = field(default_factory=list)
    _all: deque[float] = field(default_factory=deque)

    async def take(self, chat: int) -> None:
        """Carry a message there, count it, and carry the answer back."""
        await self.clock.wait(self.latency_s())
        now_s = self.clock()
        span_s, most = (60.0, self.group_per_minute) if chat < 0 else (5.0, 5)
        is_over = [
            len([one for one in self.arrived[chat] if one > now_s - span_s]) >= most,
            len([one for one in self._all if one > now_s - 1.0]) >= self.per_second,
        ]
        if any(is_over):
            self.refused.append((now_s, chat))
        self.arrived[chat].append(now_s)
        self._all.append(now_s)
        await self.clock.wait(self.latency_s())


def uneven(seed: int, longest_s: float) -> Callable[[], float]:
    """Latencies between nothing and so long."""
    numbers = random.Random(seed)
    return lambda: numbers.uniform(0.0, longest_s)
