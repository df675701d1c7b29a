"""How sure a mean is, and a difference of two: the bootstrap and a paired permutation test, both seeded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

RESAMPLES: Final = 10_000
SEED: Final = 20_261_123
_AT_ONCE: Final = 500  # resamples in memory at a time


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the interval that holds it with 95 % confidence."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean difference of pairs with its 95 % interval, and how likely so large a one is by chance (two-sided)."""

    mean: float
    low: float
    high: float
    p: float


def interval(values: Sequence[float], *, seed: int = SEED) -> Interval:
    """Give the mean of values, one a question, with the percentile bootstrap's interval over questions.

    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. Raises ValueError without values.
    """
    held = _some(values)
    drawn = np.random.default_rng(seed)
    means = np.concatenate(
        [held[drawn.integers(len(held), size=(_AT_ONCE, len(held)))].mean(axis=1) for _ in _rounds()]
    )
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(held.mean()), float(low), float(high))


def difference(before: Sequence[float], after: Sequence[float], *, seed: int = SEED) -> Difference:
    """Compare two settings question by question: after - before.

    The interval is the bootstrap's; `p` is of the test that turns the sign of each pair at random, counted so that it
    is never 0. Source: Smucker, Allan, Carterette, "A comparison of statistical significance tests for information
    retrieval evaluation", CIKM 2007. Raises ValueError without pairs, or when one is longer.
    """
    if len(before) != len(after):
        raise ValueError(f"expected as many values after as before, got {len(before)} and {len(after)}")
    pairs = _some(after) - _some(before)
    found = interval(pairs.tolist(), seed=seed)
    drawn = np.random.default_rng(seed + 1)
    as_far = 0
    for _ in _rounds():
        signs = drawn.integers(2, size=(_AT_ONCE, len(pairs)), dtype=np.int8) * 2 - 1
        as_far += int(np.count_nonzero(np.abs(signs @ pairs) >= abs(pairs.sum()) - 1e-9))
    return Difference(found.mean, found.low, found.high, (as_far + 1) / (RESAMPLES + 1))


def _rounds() -> range:
    return range(RESAMPLES // _AT_ONCE)


def _some(values: Sequence[float]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    if not len(values):
        raise ValueError("expected at least one value, got none")
    return np.asarray(values, dtype=np.float64)
