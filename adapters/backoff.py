"""How long to wait after one failure after the other: longer each time, and not the same for all who wait."""

import random
from collections.abc import Callable
from typing import Final

_MOST_DOUBLINGS: Final = 10


class Backoff:
    """Counts failures in a row. Pauses begin at `first_s`, double, and end at `longest_s`; half of each is by chance."""

    def __init__(
        self,
        *,
        first_s: float = 1.0,
        longest_s: float = 60.0,
        jitter: Callable[[], float] = random.random,  # noqa: S311
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._jitter = jitter
        self.failures = 0

    def failed(self) -> float:
        """Count a failure, and say how long to wait, in seconds."""
        self.failures += 1
        pause_s = min(self._longest_s, self._first_s * 2.0 ** min(self.failures - 1, _MOST_DOUBLINGS))
        return pause_s * (0.5 + self._jitter() / 2)

    def succeeded(self) -> None:
        """Begin anew."""
        self.failures = 0
