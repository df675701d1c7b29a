"""Where we stand in the updates, and how each of them is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.cursor import Cursor


@pytest.mark.parametrize("text", [None, "", "soon", "-1", "1.", "1.2.3", "9" * 30])
def test_what_is_no_cursor_is_the_beginning(text: str | None) -> None:
    """A cursor of another kind is not guessed at."""
    assert Cursor() == Cursor.parse(text)


@given(offset=st.integers(0, 2**31), sequence=st.integers(0, 1000))
def test_a_cursor_is_read_as_it_was_written(offset: int, sequence: int) -> None:
    """Whatever the numbers."""
    cursor = Cursor(offset, sequence)

    assert cursor == Cursor.parse(cursor.text)


def test_the_next_update_moves_it() -> None:
    """A gap is nothing unusual."""
    assert Cursor(8) == Cursor(5).after(7)


def test_a_repeat_moves_nothing_and_keeps_its_name() -> None:
    """A webhook brings updates out of order, and everything may come twice."""
    cursor = Cursor(1000)

    assert cursor == cursor.after(950)
    assert "u950" == cursor.after(950).event(950)


def test_a_far_lower_id_begins_a_sequence_with_names_of_its_own() -> None:
    """And so does the next one."""
    first = Cursor(800_000_000)
    second = first.after(7)
    third = second.after(500_000).after(6)

    assert [Cursor(8, 1), Cursor(7, 2)] == [second, third]
    assert ["u7", "u7.1", "u7.2"] == [cursor.event(7) for cursor in (first, second, third)]


@given(ids=st.lists(st.integers(0, 2**31), max_size=30))
def test_no_two_ids_of_a_run_have_one_name(ids: list[int]) -> None:
    """Names are the same only for the same id in the same sequence."""
    cursor, named = Cursor(), set()
    for number in ids:
        cursor = cursor.after(number)
        named.add((number, cursor.sequence, cursor.event(number)))

    assert len(named) == len({name for _, _, name in named})
