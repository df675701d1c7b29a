"""Tables in columns of one width each."""

from adapters.telegram.tables import WIDEST_COLUMNS, in_columns, width_of


def test_cells_stand_below_each_other() -> None:
    """Each column is as wide as its widest cell."""
    assert "a   | b\n----+--\nxyz | 1" == in_columns([["a", "b"], ["xyz", "1"]], ["", ""])


def test_signs_have_widths() -> None:
    """Two for Chinese and emoji, none for what is set on another sign."""
    assert [2, 4, 2, 1, 2] == [width_of(text) for text in ("ab", "漢字", "😀", "e\u0301", "👩\u200d💻")]


def test_a_row_of_the_widest_kind_fits_and_one_more_does_not() -> None:
    """Lines that wrap are no columns."""
    assert in_columns([["a" * (WIDEST_COLUMNS - 4), "b"]], ["", ""]) is not None
    assert in_columns([["a" * (WIDEST_COLUMNS - 3), "b"]], ["", ""]) is None
