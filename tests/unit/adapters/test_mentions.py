"""How our own name leaves a text."""

import pytest

from adapters.mentions import without


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("@us where?", "where?"),
        ("@us, where?", "where?"),
        ("@us: where?", "where?"),
        ("where, @us?", "where,?"),
        ("tell me @us where", "tell me where"),
        ("@us @us", ""),
        ("nobody", "nobody"),
    ],
)
def test_a_name_leaves_no_hole(text: str, kept: str) -> None:
    """Neither a comma at the beginning nor two spaces in the middle."""
    spots = [(at, at + 3) for at in range(len(text)) if text.startswith("@us", at)]

    assert kept == without(text, spots)
