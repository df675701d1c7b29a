"""What people see as one sign is not cut."""

import pytest

from adapters.telegram.graphemes import whole_before


@pytest.mark.parametrize(
    "sign",
    [
        "e\u0301",
        "a\u0323\u0302\u0308",
        "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}",
        "👨\u200d👩\u200d👧\u200d👦",
        "👍🏽",
        "❤\ufe0f",
        "🇩🇪",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "\u1112\u1161\u11ab",
        "각\u11a8",
        "नि",
    ],
)
def test_a_sign_stays_whole(sign: str) -> None:
    """Wherever the cut falls in it, it moves before the sign, and behind it nothing moves."""
    text = f"ab{sign}cd"
    behind = 2 + len(sign)

    assert {2} == {whole_before(text, at, least=0) for at in range(2, behind)}
    assert behind == whole_before(text, behind, least=0)


def test_flags_are_pairs() -> None:
    """Between two flags is a border, inside one is none."""
    assert [0, 2, 2, 4] == [whole_before("🇩🇪🇫🇷", at, least=-1) for at in (1, 2, 3, 4)]


def test_a_sign_longer_than_any_is_cut() -> None:
    """So is one that would leave nothing."""
    text = "a" + "\u0301" * 200

    assert 150 == whole_before(text, 150, least=0)
    assert 10 == whole_before(text, 10, least=5)
