"""Where lines are cut into passages."""

from pipelines.components.splitting.spans import BLANK, INNER, MAX_CHARS, OUTER, spans_of


def test_what_fits_is_one_passage() -> None:
    """Weak boundaries do not close a short passage."""
    assert [(0, 3)] == spans_of([10, 10, 10], {1: BLANK, 2: INNER}, {})


def test_a_definition_stays_whole_where_it_fits() -> None:
    """The passage before it is closed early, though a later boundary would fill it more."""
    sizes = [100] * 30

    assert [(0, 5), (5, 19), (19, 30)] == spans_of(sizes, {5: INNER, 12: BLANK, 19: INNER}, {5: 19, 19: 30})
    assert (0, 5) not in spans_of(sizes, {5: INNER, 12: BLANK, 19: INNER}, {})


def test_a_large_definition_is_cut_at_its_strongest_boundary() -> None:
    """Within half a passage before the limit; else at the limit."""
    assert [(0, 12), (12, 20)] == spans_of([100] * 20, {9: BLANK, 12: BLANK}, {0: 20})
    assert [(0, 15), (15, 20)] == spans_of([100] * 20, {3: BLANK}, {0: 20})


def test_small_neighbours_share_a_passage() -> None:
    """Until it is long enough to be closed at an outer definition."""
    assert [(0, 4), (4, 6)] == spans_of([100] * 6, dict.fromkeys(range(1, 6), OUTER), {})


def test_a_line_over_the_limit_is_a_passage_of_its_own() -> None:
    """No line is cut."""
    assert [(0, 1), (1, 2), (2, 3)] == spans_of([10, MAX_CHARS * 3, 10], {}, {})


def test_nothing_gives_nothing() -> None:
    """An empty text has no passages."""
    assert [] == spans_of([], {}, {})


def test_a_line_after_a_blank_one_is_asked_for_where_nothing_better_is_near() -> None:
    """It counts as if it were listed, the latest first, and below what is listed as stronger."""
    sizes = [100] * 20

    assert [(0, 12), (12, 20)] == spans_of(sizes, {}, {}, lambda index: index in {9, 12})
    assert [(0, 9), (9, 20)] == spans_of(sizes, {9: INNER}, {}, lambda index: index == 12)
    assert spans_of(sizes, {9: BLANK, 12: BLANK}, {}) == spans_of(sizes, {}, {}, lambda index: index in {9, 12})
