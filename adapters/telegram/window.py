"""How many messages may go out within a span, counted no later than the network counts them.

The network counts a message when it arrives there, some time between its beginning and its end here. So one counts
from its beginning until a whole span after its end: then no span of the network's clock holds more than `most`.
Times are seconds of one clock that the caller reads.
"""

from bisect import insort
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Final

Turn = tuple[int, int]  # rank, then number: the smallest goes first

_NUMBERS: Final = count()
_LONGEST_EXTRA_S: Final = 60.0


@dataclass(slots=True)
class Window:
    """What went out within the last `span_s`, who waits to send, and until when the network asked us to be silent.

    A flood although there was room means that `most` is too many: then fewer may go, down to half of it, and one more
    again after each span without a flood.
    """

    most: int
    span_s: float
    _ended: deque[float] = field(default_factory=deque)
    _under_way: int = 0
    _line: list[Turn] = field(default_factory=list)
    _paused_until_s: float = float("-inf")
    _learned: int = 0  # 0: nothing
    _flooded_at_s: float = float("-inf")
    _floods: int = 0  # one after the other

    def join(self, rank: int) -> Turn:
        """Stand in line, behind those of the same rank."""
        turn = (rank, next(_NUMBERS))
        insort(self._line, turn)
        return turn

    def leave(self, turn: Turn) -> None:
        """Stand in line no more."""
        self._line.remove(turn)

    def before(self, turn: Turn) -> int:
        """How many stand before a turn."""
        return self._line.index(turn)

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    def wait_s(self, now_s: float, *, before: int) -> float:
        """Seconds until one more may go, when so many go before it or must find room after it; 0 for now."""
        return max(self.pause_s(now_s), self._until_free_s(now_s, before + 1 - self.left(now_s)))

    def left(self, now_s: float) -> int:
        """How many more may go now; the network's pause is not looked at."""
        return self._allowed(now_s) - self.used(now_s)

    def used(self, now_s: float) -> int:
        """How many count now."""
        while self._ended and self._ended[0] + self.span_s <= now_s:
            self._ended.popleft()
        return len(self._ended) + self._under_way

    def pause_s(self, now_s: float) -> float:
        """Seconds for which the network wants nothing; 0 for none."""
        return max(0.0, self._paused_until_s - now_s)

    def begin(self) -> None:
        """One is on its way."""
        self._under_way += 1

    def end(self, now_s: float, *, counts: bool = True) -> None:
        """One is through, or has failed."""
        self._under_way -= 1
        if counts:
            self._ended.append(now_s)

    def went_well(self) -> None:
        """The network took one: the next flood is the first again."""
        self._floods = 0

    def flood(self, now_s: float, wait_s: float) -> None:
        """The network took one not, and asks to wait; each further one in a row makes us wait longer than it asks.

        Several that were on their way together are one.
        """
        self._learned = max(1, self.most // 2, min(self._allowed(now_s), self.used(now_s) - 1))
        self._flooded_at_s = now_s
        if self.pause_s(now_s) == 0:
            wait_s += min(2.0**self._floods - 1, _LONGEST_EXTRA_S)
            self._floods += 1
        self.pause(now_s, wait_s)

    def pause(self, now_s: float, wait_s: float) -> None:
        """Let nothing go for so long."""
        self._paused_until_s = max(self._paused_until_s, now_s + wait_s)

    def is_idle(self, now_s: float) -> bool:
        """Whether there is nothing to remember."""
        is_quiet = not self._line and not self._under_way and self.pause_s(now_s) == 0
        return is_quiet and self.used(now_s) == 0 and self._allowed(now_s) == self.most

    def _allowed(self, now_s: float) -> int:
        if not self._learned:
            return self.most
        return min(self.most, self._learned + int((now_s - self._flooded_at_s) / self.span_s))

    def _until_free_s(self, now_s: float, missing: int) -> float:
        """Seconds until so many places have become free; what is on its way may end now at the earliest."""
        if missing <= 0:
            return 0.0
        ended_s = self._ended[missing - 1] if missing <= len(self._ended) else now_s
        return ended_s + self.span_s - now_s
