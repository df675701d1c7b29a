"""Names and ids as they are stored."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.state.ids import hashed, new_id
from bot.state.words import clean, name_key


@given(st.text())
def test_a_cleaned_text_is_one_printable_line(text: str) -> None:
    """PostgreSQL refuses NUL, people are confused by the rest; cleaning twice changes nothing."""
    cleaned = clean(text)

    assert len(cleaned) <= 200
    assert not re.search(r"[\x00-\x1f\x7f]", cleaned)
    assert cleaned == clean(cleaned)


@pytest.mark.parametrize(
    ("one", "other"), [("ROOM  wise", "room wise"), ("Stra\u00dfe", "STRASSE"), ("e\u0301", "\u00c9")]
)
def test_names_that_people_take_for_one_are_one(one: str, other: str) -> None:
    """Case, spaces and the form of accents do not count."""
    assert name_key(one) == name_key(other)


def test_ids_are_random_letters_and_digits() -> None:
    """They stand in paths and addresses."""
    made = {new_id() for _ in range(500)}

    assert 500 == len(made)
    assert all(re.fullmatch(r"[a-z0-9]{16}", one) for one in made)


def test_a_hash_is_the_same_each_time_and_not_the_code() -> None:
    """SHA-256 in hexadecimal."""
    assert hashed("K7QF3MWX") == hashed("K7QF3MWX") != hashed("K7QF3MWY")
    assert 64 == len(hashed("x"))
