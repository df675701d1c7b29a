"""Passages and vectors that were read lately, unpacked, for all open projects together.

A passage's key names text that cannot change, so nothing here is ever stale; whether a passage still is there, and at
which version, is asked of the rows each time.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

_BYTES_A_PASSAGE: Final = 1_500  # of the meta, the objects and the place here, besides the text
_BYTES_A_VECTOR: Final = 300


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A passage as it was written: its id, its text, and what its own row says of it. Nobody may change `meta`."""

    id: str
    text: str
    meta: Mapping[str, Any]

    @property
    def size_bytes(self) -> int:
        """Estimate the memory taken."""
        return len(self.text) + _BYTES_A_PASSAGE


@dataclass(frozen=True, slots=True)
class Row:
    """The vector of one passage as it is stored: int8 codes, one a byte, and their scale. None has no codes."""

    codes: bytes = b""
    scale: float = 0.0

    @property
    def size_bytes(self) -> int:
        """Estimate the memory taken."""
        return len(self.codes) + _BYTES_A_VECTOR


class _Sized(Protocol):
    @property
    def size_bytes(self) -> int: ...


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value", bound=_Sized)


class Kept(Generic[Key, Value]):
    """What was used last of many projects, up to a number of bytes. Any thread may use it."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._held: OrderedDict[tuple[Hashable, Key], Value] = OrderedDict()
        self._size_bytes = 0
        self._guard = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Count the bytes held, as far as the values estimate them."""
        return self._size_bytes

    def find(self, owner: Hashable, keys: Iterable[Key]) -> dict[Key, Value]:
        """Give what is held of these keys of one project, by key."""
        found = {}
        with self._guard:
            for key in keys:
                if (value := self._held.get((owner, key))) is not None:
                    self._held.move_to_end((owner, key))
                    found[key] = value
        return found

    def keep(self, owner: Hashable, values: Mapping[Key, Value]) -> None:
        """Hold values of one project by key; those used longest ago go when there are too many."""
        with self._guard:
            for key, value in values.items():
                self._let_go((owner, key))
                self._held[owner, key] = value
                self._size_bytes += value.size_bytes
            while self._size_bytes > self._most_bytes and self._held:
                self._let_go(next(iter(self._held)))

    def forget(self, owner: Hashable) -> None:
        """Let go of all that is held of one project."""
        with self._guard:
            for key in [key for key in self._held if key[0] == owner]:
                self._let_go(key)

    def _let_go(self, key: tuple[Hashable, Key]) -> None:
        if (value := self._held.pop(key, None)) is not None:
            self._size_bytes -= value.size_bytes
