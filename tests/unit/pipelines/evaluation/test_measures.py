"""Measures of one ranking, against figures worked out by hand."""

import math

import pytest

from pipelines.evaluation.measures import MEASURES, Level, Place, measured
from pipelines.evaluation.questions import Target


def test_a_perfect_ranking_scores_one() -> None:
    """Both answers first: every measure but precision is 1."""
    found = measured([Place("a"), Place("b"), Place("c")], [Target("a"), Target("b")], level=Level.FILE)

    assert {"nDCG@10": 1.0, "R@3": 1.0, "R@5": 1.0, "R@10": 1.0, "MRR@3": 1.0, "MRR": 1.0} == {
        name: value for name, value in found.items() if not name.startswith("P@")
    }
    assert (2 / 3, 0.2) == (found["P@3"], found["P@10"])


def test_answers_lower_down_score_less() -> None:
    """Answers at ranks 2 and 5 of three: worked out by hand."""
    places = [Place(name) for name in "xaxyb"]  # the second x is the same file
    found = measured(places, [Target("a"), Target("b"), Target("c")], level=Level.FILE)

    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert found["nDCG@10"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert (1 / 3, 2 / 3) == (found["R@3"], found["R@5"])
    assert (0.5, 0.5) == (found["MRR"], found["MRR@3"])


def test_a_file_stands_where_its_best_passage_stands() -> None:
    """By file, lines do not matter, neither in what is found nor in what is relevant."""
    found = measured([Place("a", 90, 99), Place("a", 1, 9)], [Target("a", 3, 4), Target("a", 7, 8)], level=Level.FILE)

    assert (1.0, 1.0, 1 / 3) == (found["nDCG@10"], found["R@3"], found["P@3"])


def test_lines_are_met_by_the_passage_that_shares_one() -> None:
    """By lines, another passage of the file is a miss, and whole files are met by any passage."""
    places = [Place("a", 90, 99), Place("a", 1, 9), Place("b", 5, 6)]
    found = measured(places, [Target("a", 9, 12), Target("b")], level=Level.LINES)

    assert (0.5, 1.0, 2 / 3) == (found["MRR"], found["R@3"], found["P@3"])


def test_nothing_scores_above_one() -> None:
    """A passage that meets two targets, and further ones that meet the same, gain no more than the best order."""
    places = [Place("a", 1, 50), Place("a", 2, 9), Place("b")]
    found = measured(places, [Target("a", 1, 2), Target("a", 5, 6), Target("b")], level=Level.LINES)

    assert all(0 <= found[name] <= 1 for name in MEASURES)
    assert found["R@3"] == 1.0


def test_nothing_found_scores_zero() -> None:
    """An empty ranking, and one with answers below rank ten, are worth nothing."""
    late = [*(Place(str(number)) for number in range(10)), Place("a")]

    assert {0.0} == {*measured([], [Target("a")], level=Level.FILE).values()}
    assert {0.0} == {*measured(late, [Target("a")], level=Level.FILE).values()}
    assert MEASURES == tuple(name for name in MEASURES if name in measured([], [Target("a")], level=Level.FILE))
