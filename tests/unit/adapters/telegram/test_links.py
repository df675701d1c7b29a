"""Links that bring a code to the bot."""

import pytest

from adapters.telegram.links import invitation


def test_a_link_carries_the_code() -> None:
    """To a private chat by start, to a group by startgroup."""
    assert "https://t.me/roomwise_bot?start=K7QF3MWX" == invitation("@roomwise_bot", "K7QF3MWX", to_group=False)
    assert "https://t.me/roomwise_bot?startgroup=K7QF-3MWX" == invitation("roomwise_bot", "K7QF-3MWX", to_group=True)


@pytest.mark.parametrize(
    ("username", "code"),
    [("", "K7QF3MWX"), ("@", "K7QF3MWX"), ("bot/x", "K7"), ("abcd", ""), ("abcd", "x" * 65), ("abcd", "ä")],
)
def test_there_is_no_link_that_would_not_work(username: str, code: str) -> None:
    """Telegram takes 64 signs of A-Z, a-z, 0-9, _ and -."""
    assert "" == invitation(username, code, to_group=False)
