"""How heads are asked in batches that shrink when they were too much, so that one slow repository stops no other."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from adapters.dialing import SourceLate
from adapters.forge import Asked, Seen
from adapters.source import SourceError, SourceUnreachable

MOST: Final = 100
_MISSES: Final = 3  # so many repositories in a row, each asked alone without an answer, are the host's fault

Result = Seen | SourceError
Ask = Callable[[Sequence[Asked]], Awaitable[Sequence[Result | None]]]
"""Asks a batch: a result for each, None where the host did not get to it. Raises SourceLate when it was all too much."""


class BatchSize:
    """How many repositories go into one query: halved when that was too much, slowly grown again."""

    def __init__(self, most: int = MOST) -> None:
        self.now = most
        self._most = most

    def shrink(self, asked: int) -> None:
        """Take half of what was too much."""
        self.now = max(1, asked // 2)

    def grow(self, asked: int) -> None:
        """Take a quarter more after a full batch."""
        if asked >= self.now:
            self.now = min(self._most, self.now + max(1, self.now // 4))


@dataclass(frozen=True, slots=True)
class _Place:
    """A repository that still needs a result, and where that belongs."""

    index: int
    asked: Asked


class Round:
    """One pass over repositories that are asked with the same token; `results` fills up while it goes."""

    def __init__(self, asked: Sequence[Asked], ask: Ask, size: BatchSize) -> None:
        self.results: dict[int, Result] = {}
        self._pending = deque(_Place(index, one) for index, one in enumerate(asked))
        self._ask = ask
        self._size = size
        self._misses = 0

    async def run(self) -> None:
        """Ask until every repository has a result.

        Raises SourceLate when the host does not even answer for single repositories, one after the other, and what asking
        raises; what had been answered until then stands in `results`.
        """
        while self._pending:
            batch = [self._pending.popleft() for _ in range(min(self._size.now, len(self._pending)))]
            try:
                results = await self._ask([place.asked for place in batch])
            except SourceLate:
                self._missed(batch)
            else:
                self._take(batch, results)

    def _take(self, batch: Sequence[_Place], results: Sequence[Result | None]) -> None:
        """Keep what was answered; ask again for the rest, in smaller batches."""
        left = [place for place, result in zip(batch, results, strict=True) if result is None]
        if len(left) < len(batch):
            self._misses = 0
        for place, result in zip(batch, results, strict=True):
            if result is not None:
                self._keep(place, result)
        if left:
            self._missed(left, of=len(batch))
        else:
            self._size.grow(len(batch))

    def _keep(self, place: _Place, result: Result) -> None:
        """Keep a result. What its node id does not lead to any more is asked for by name: it may have been made anew."""
        is_missing = isinstance(result, SourceError) and getattr(result, "reason", "") == "gone"
        if is_missing and place.asked.node_id and place.asked.repository:
            self._pending.append(_Place(place.index, replace(place.asked, node_id="")))
        else:
            self.results[place.index] = result

    def _missed(self, places: Sequence[_Place], *, of: int = 0) -> None:
        """Halve the batch, or give a single repository up. Raises SourceLate when it looks as if nothing is answered."""
        asked = of or len(places)
        self._size.shrink(asked)
        if asked > 1:
            self._pending.extendleft(reversed(places))
            return
        self._misses += 1
        place, has_answers = places[0], len(self.results) > 0
        if self._misses >= _MISSES or not (self._pending or has_answers):
            self._pending.appendleft(place)
            raise SourceLate("expected an answer about at least one repository, got none, alone as they were asked")
        self.results[place.index] = SourceUnreachable(
            f"expected an answer about {place.asked.repository}, got none in time"
        )
