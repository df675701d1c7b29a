"""The stores that run the contract of PassageStore."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import PassageStore
from tests.fakes.files import PROJECT
from tests.fakes.passages import FakePassages


@pytest.fixture(params=["fake", "local"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PassageStore]:
    """Give an open store that holds one empty project."""
    made: PassageStore = FakePassages() if request.param == "fake" else LocalPassages(tmp_path, writer_idle_s=0.05)
    await made.create(PROJECT)
    yield made
    await made.close()
