"""What goes wrong on request."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.fakes.telegram.errors import ApiError

How = Literal["error", "error_after", "reset_before", "reset_after", "held", "held_after", "malformed"]


@dataclass(slots=True)
class Fault:
    """Something that happens to the next `times` requests of a method (-1: to all), in a chat if one is named.

    error         it is refused with `code`, and `retry_after` where that is not 0
    error_after   the same, although it was done
    reset_before  the connection is reset, and nothing was done
    reset_after   the connection is reset, although it was done
    held          nothing is done and nothing answered until `release`
    held_after    it is done, and not answered until `release`
    malformed     it is done, and the answer is no JSON
    """

    method: str
    how: How = "error"
    code: int = 500
    description: str = ""
    retry_after: int = 0
    times: int = 1
    chat: int | None = None
    happened: int = 0
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    def concerns(self, method: str, chat: object) -> bool:
        """Whether it is about a request."""
        return self.method.lower() in ("*", method) and self.chat in (None, chat)

    def release(self) -> None:
        """Let go on what is held."""
        self.is_over.set()

    @property
    def error(self) -> ApiError:
        """The refusal."""
        if self.code == 429:
            return ApiError(429, self.description or f"retry after {self.retry_after}", retry_after=self.retry_after)
        return ApiError(self.code, self.description)


class Faults:
    """Those that wait to happen, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._held: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Let one happen."""
        self._waiting.append(fault)
        return fault

    def take(self, method: str, chat: object) -> Fault | None:
        """Take the first that concerns a request, and count it."""
        for fault in self._waiting:
            if fault.concerns(method, chat):
                fault.times -= 1
                fault.happened += 1
                if fault.times == 0:
                    self._waiting.remove(fault)
                if fault.how.startswith("held"):
                    self._held.append(fault)
                return fault
        return None

    def clear(self) -> None:
        """Let nothing more happen, and let go on what is held."""
        self._waiting.clear()
        for fault in self._held:
            fault.release()

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._waiting)
