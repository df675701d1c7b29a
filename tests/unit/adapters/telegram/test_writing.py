"""Which chat and topic a room's address names."""

import pytest

from adapters.chat import Refused, RoomAddress
from adapters.telegram.writing import Place, number_of, place_of


def room(name: str) -> RoomAddress:
    """A room by its native id."""
    return RoomAddress("telegram", "1", name)


@pytest.mark.parametrize(
    ("name", "place"),
    [("42", Place(42)), ("-4242", Place(-4242)), ("-1001234567890/7", Place(-1001234567890, 7))],
)
def test_an_address_names_chat_and_topic(name: str, place: Place) -> None:
    """Topics only where there is a slash."""
    assert place == place_of(room(name))


@pytest.mark.parametrize("name", ["", "-", "a", "4/", "/4", "4/a", "4/-1", "4/5/6", "--4", "٤", "4 "])
def test_any_other_address_is_refused(name: str) -> None:
    """Digits of other scripts are no ids of Telegram."""
    with pytest.raises(Refused):
        place_of(room(name))


def test_places_know_who_numbers_their_messages() -> None:
    """Supergroups do it for themselves, all others share one row of numbers."""
    assert [False, False, True] == [Place(chat).has_own_ids for chat in (42, -4242, -1001234567890)]
    assert [True, False] == [Place(chat).is_private for chat in (42, -42)]


@pytest.mark.parametrize("text", [None, "", "draft:1:2", "-1", "1.0", "²"])
def test_what_is_no_message_id_has_no_number(text: str | None) -> None:
    """Such as the name of a draft."""
    assert number_of(text) is None
