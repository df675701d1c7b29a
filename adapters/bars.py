"""Progress as text."""

from typing import Final

_SIGNS: Final = 20


def bar(progress: float) -> str:
    """Progress of 0 to 1 as a bar and in figures; 100 % only at the very end."""
    share = min(max(progress, 0.0), 1.0)
    done = int(share * _SIGNS)
    return f"{'█' * done}{'░' * (_SIGNS - done)} {int(share * 100 + 1e-9)} %"
