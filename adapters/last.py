"""A mapping that holds the newest entries only: what is remembered in memory of messages without end."""

from collections import OrderedDict
from typing import Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")
MOST: Final = 10_000  # entries: some MB


class Last(OrderedDict[K, V]):
    """A mapping that forgets its oldest entries beyond `most`."""

    def __init__(self, most: int = MOST) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: K, value: V) -> None:
        """Remember an entry as the newest."""
        self[key] = value
        self.move_to_end(key)
        while len(self) > self._most:
            self.popitem(last=False)
