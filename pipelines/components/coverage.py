"""How much of a question a text speaks of, counted fast: the words of a line are looked at once, then joined as bits."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from pipelines.components.asked import Weights
from pipelines.components.keywords import terms


class Coverage:
    """The concepts of one question with their weights."""

    def __init__(self, weights: Weights) -> None:
        self._weights = [weight for _, weight in weights]
        self._total = sum(self._weights)
        self._bits: dict[str, int] = {}
        for at, (concept, _) in enumerate(weights):
            for stem in concept.stems:
                self._bits[stem] = self._bits.get(stem, 0) | 1 << at

    def mask(self, text: str) -> int:
        """Give the concepts that a text speaks of, as bits."""
        return reduce(or_, (self._bits.get(term, 0) for term in terms(text)), 0)

    def share(self, mask: int) -> float:
        """Give the weighted share (0..1) of the concepts in a mask; 0 without concepts."""
        if not self._total or not mask:
            return 0.0
        return sum(weight for at, weight in enumerate(self._weights) if mask >> at & 1) / self._total

    def of(self, text: str) -> float:
        """Give the share (0..1) of the question that a text speaks of."""
        return self.share(self.mask(text))


def joined(masks: Iterable[int]) -> int:
    """Give all concepts of several masks."""
    return reduce(or_, masks, 0)
