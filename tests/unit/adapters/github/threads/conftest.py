"""A host in memory, and who follows its threads."""

from pathlib import Path

import pytest

from tests.fakes.threads import FakeThreads
from tests.fakes.threads_reader import Reader


@pytest.fixture
def host() -> FakeThreads:
    """A host with nothing on it yet."""
    return FakeThreads()


@pytest.fixture
def reader(host: FakeThreads, tmp_path: Path) -> Reader:
    """Who follows all kinds with room enough."""
    return Reader(tmp_path / "shelf", host)
