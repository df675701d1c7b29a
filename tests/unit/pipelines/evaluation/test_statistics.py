"""The bootstrap and the paired test: repeatable, wide where little is known, and never certain by chance."""

import numpy as np
import pytest

from pipelines.evaluation.statistics import RESAMPLES, difference, interval


def test_the_same_values_give_the_same_interval() -> None:
    """The generator is seeded, so that a figure can be repeated to the last digit."""
    values = np.random.default_rng(1).random(80).tolist()

    assert interval(values) == interval(values)


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Of 200 samples of 60 from a known distribution about 95 % hold its mean."""
    drawn = np.random.default_rng(7)
    hits = 0
    for _ in range(200):
        found = interval(drawn.beta(2, 5, size=60).tolist())
        hits += found.low <= 2 / 7 <= found.high

    assert 180 <= hits <= 199


def test_a_constant_has_no_width() -> None:
    """When every question scores the same nothing is uncertain about the sample."""
    found = interval([0.5] * 10)

    assert (0.5, 0.5, 0.5) == (found.mean, found.low, found.high)


def test_a_true_difference_is_found_and_chance_is_not() -> None:
    """A shift of every pair is significant; noise around nothing is not; p is never 0."""
    drawn = np.random.default_rng(3)
    before = drawn.random(100)
    shifted = difference(before.tolist(), (before + 0.05 + drawn.normal(0, 0.02, 100)).tolist())
    noise = difference(before.tolist(), (before + drawn.choice([-0.1, 0.1], 100)).tolist())

    assert shifted.low > 0
    assert shifted.p == pytest.approx(1 / (RESAMPLES + 1))
    assert noise.p > 0.01
    assert noise.low < 0 < noise.high


def test_no_difference_at_all_is_certain_to_be_chance() -> None:
    """Two equal runs have p = 1."""
    assert difference([0.1, 0.9], [0.1, 0.9]).p == 1.0


@pytest.mark.parametrize(("before", "after"), [([], []), ([0.1], [0.1, 0.2])])
def test_pairs_are_needed(before: list[float], after: list[float]) -> None:
    """Nothing to compare, or lists of other lengths, are refused."""
    with pytest.raises(ValueError, match="expected"):
        difference(before, after)
