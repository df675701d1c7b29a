"""Buttons and what comes back from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import Button
from adapters.telegram.keyboard import ACTIONS, data_of, keyboard, read


def test_rows_of_buttons_become_a_keyboard() -> None:
    """Label and data, row by row; an empty row is none."""
    rows = ((Button("Yes", "confirm", "c1.yes"), Button("No", "confirm", "c1.no")), (), (Button("Up", "up", "t1"),))

    assert [
        [{"text": "Yes", "callback_data": "confirm:c1.yes"}, {"text": "No", "callback_data": "confirm:c1.no"}],
        [{"text": "Up", "callback_data": "up:t1"}],
    ] == keyboard(rows)


def test_no_buttons_are_no_keyboard() -> None:
    """Telegram is not told of an empty one."""
    assert keyboard(()) is None
    assert keyboard(((),)) is None


@given(st.sampled_from(sorted(ACTIONS)), st.text(min_size=1, max_size=12))
def test_what_is_put_together_comes_apart(action: str, data: str) -> None:
    """A colon in the data is the data's own."""
    assert (action, data) == read(data_of(Button("x", action, data)))


@pytest.mark.parametrize("data", ["", "up", "up:", ":x", "other:x", "UP:x", " up:x"])
def test_what_is_not_ours_is_nothing(data: str) -> None:
    """Anybody can send any data for a button."""
    assert read(data) is None


def test_data_of_sixty_four_bytes_fits_and_one_more_is_refused() -> None:
    """Bytes are counted, not signs; the fault shows where the button is made."""
    assert "command:" + "ä" * 28 == data_of(Button("x", "command", "ä" * 28))
    with pytest.raises(ValueError, match="expected at most 64 bytes of callback data, got 66: 'command:ä"):
        data_of(Button("x", "command", "ä" * 29))


@pytest.mark.parametrize("button", [Button("x", "other", "y"), Button("x", "up", "")])
def test_a_button_that_would_not_come_back_is_refused(button: Button) -> None:
    """An action that nobody knows would be silent for ever."""
    with pytest.raises(ValueError, match="expected a known action and some data for a button"):
        data_of(button)
