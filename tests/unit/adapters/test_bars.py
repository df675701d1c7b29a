"""Progress as text."""

import pytest

from adapters.bars import bar


@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        (-1.0, "░" * 20 + " 0 %"),
        (0.5, "█" * 10 + "░" * 10 + " 50 %"),
        (0.29, "█" * 5 + "░" * 15 + " 29 %"),
        (0.999, "█" * 19 + "░ 99 %"),
        (7.0, "█" * 20 + " 100 %"),
    ],
)
def test_progress_is_a_bar_with_figures(progress: float, shown: str) -> None:
    """All is done only at the very end, and never more than all."""
    assert shown == bar(progress)
