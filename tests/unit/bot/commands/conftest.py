"""A house to type commands in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.house import Typing, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Typing]:
    """Commands over a real database, a store and a network in memory."""
    async with open_house(tmp_path) as opened:
        yield opened
