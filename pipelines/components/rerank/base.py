"""Order the best passages once more by a model: what a ranker is, and the limits within which one is asked."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from haystack import Document

from pipelines.components.resting import Rest
from pipelines.types import ModelUnavailable, Usage

OUTCOMES: Final = (
    "ok", "timeout", "unauthorised", "rate_limited", "garbage", "unreachable", "failed", "paused",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """Places in the list that was given, from 0, best first, each exactly once.

    `outcome` is "ok", or why the order is the one that was given: one of OUTCOMES.
    """

    places: tuple[int, ...]
    usage: Usage = field(default_factory=Usage)
    outcome: str = "ok"


class Reranker(Protocol):
    """A model that orders passages for a question. Safe for concurrent use."""

    async def rerank(self, query: str, passages: Sequence[Document], *, limit: int) -> Order:
        """Order `passages`; the first `limit` of them matter. Raises ModelUnavailable."""

    async def close(self) -> None:
        """Release what it holds."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many of the best passages a ranker is shown, and how long it may take; whether its work costs tokens."""

    top: int
    budget_ms: int
    pays: bool = False


class Reranking:
    """Asks a ranker within its bounds. Whatever goes wrong, passages keep the order that they have.

    After three faults in a row it is not asked for half a minute, so that not every search waits in vain.
    """

    def __init__(self, reranker: Reranker, bounds: Bounds, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reranker = reranker
        self._bounds = bounds
        self._counts: Counter[str] = Counter()
        self._rest = Rest("ranker", effect="passages keep their order", clock=clock)

    @property
    def top(self) -> int:
        """So many of the best passages are worth giving."""
        return self._bounds.top

    @property
    def pays(self) -> bool:
        """Say whether it uses tokens of the model that writes answers."""
        return self._bounds.pays

    @property
    def counts(self) -> Mapping[str, int]:
        """Count what came of each call so far, by outcome."""
        return {outcome: self._counts[outcome] for outcome in OUTCOMES}

    async def rerank(self, query: str, passages: Sequence[Document], *, limit: int) -> Order:
        """Order passages, at most `top` of them; the others keep their places behind. Never raises."""
        shown = list(passages[: self._bounds.top])
        order = await self._order(query, shown, limit) if len(shown) > 1 and query.strip() else None
        if order is None:
            return Order(tuple(range(len(passages))))
        self._counts[order.outcome] += 1
        return Order((*order.places, *range(len(shown), len(passages))), order.usage, order.outcome)

    async def probe(self) -> Order:
        """Order two short passages, to see whether the ranker works. Never raises."""
        passages = [Document(content=text) for text in ("The sky is blue.", "Roomwise searches passages.")]
        return await self.rerank("What does Roomwise search?", passages, limit=len(passages))

    async def close(self) -> None:
        """Release the ranker."""
        await self._reranker.close()

    async def _order(self, query: str, shown: Sequence[Document], limit: int) -> Order:
        as_given = tuple(range(len(shown)))
        if self._rest.is_on:
            return Order(as_given, outcome="paused")
        spent = Usage()
        try:
            async with asyncio.timeout(self._bounds.budget_ms / 1000):
                order = await self._reranker.rerank(query, shown, limit=limit)
            spent = order.usage
            _check(order, len(shown))
        except TimeoutError:
            return self._fell_back(Order(as_given, outcome="timeout"), f"no order within {self._bounds.budget_ms} ms")
        except ModelUnavailable as fault:
            outcome = fault.kind if fault.kind in OUTCOMES else "failed"
            return self._fell_back(Order(as_given, spent + fault.usage, outcome), str(fault))
        self._rest.worked()
        return order

    def _fell_back(self, order: Order, reason: str) -> Order:
        self._rest.failed(reason, kind=order.outcome)
        return order


def _check(order: Order, count: int) -> None:
    if sorted(order.places) != list(range(count)):
        raise ModelUnavailable(f"expected each of {count} places once in an order, got others", kind="garbage")


def shown_text(document: Document, *, max_chars: int) -> str:
    """Write a passage as a ranker reads it: its path and headings, then its beginning."""
    meta = document.meta
    head = " > ".join([str(meta.get("path") or ""), *map(str, meta.get("headings") or ())])
    return f"{head}\n{(document.content or '')[:max_chars]}"


def best_first(scores: Mapping[int, float], count: int) -> tuple[int, ...]:
    """Order places by their scores; those without one follow as they stood."""
    scored = sorted(scores, key=lambda place: (-scores[place], place))
    return (*scored, *(place for place in range(count) if place not in scores))
