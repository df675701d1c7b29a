"""The calls under way in an opened index: those that came before it closes are waited for, later ones refused."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.types import StoreUnavailable


class Superseded(StoreUnavailable):
    """Another index has taken the place of this one: open the project again and repeat the call there."""


class Calls:
    """Counts the calls of any thread in the index that lies in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._changed = threading.Condition()
        self._running = 0
        self._is_closed = False
        self.is_superseded = False  # set once another index answers for the project; whoever sets it holds the writing

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count a call. Raises StoreUnavailable once the index is being closed, Superseded when another took its place."""
        with self._changed:
            if self._is_closed:
                refusal = Superseded if self.is_superseded else StoreUnavailable
                raise refusal(f"the index in {self._folder} is being closed: try again")
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def end(self) -> None:
        """Refuse later calls and wait for those under way."""
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: self._running == 0)

    def demand_current(self) -> None:
        """Raise Superseded when another index answers for the project by now."""
        if self.is_superseded:
            raise Superseded(f"the index in {self._folder} was replaced by another: try again")
