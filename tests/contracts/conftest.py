"""The stores that run the contract of PassageStore, and the GitHub emulator."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import PassageStore
from tests.contracts.github import Rest
from tests.fakes.files import PROJECT
from tests.fakes.github.hub import Hub
from tests.fakes.github.server import running_emulator, trusting
from tests.fakes.passages import FakePassages

_ON_A_SERVER: Final = {"weaviate": ("none", False), "weaviate-flat": ("flat", True), "weaviate-hnsw": ("hnsw", False)}
_SERVED: Final = [pytest.param(name, marks=pytest.mark.weaviate) for name in _ON_A_SERVER]


@pytest.fixture(params=["fake", "local", *_SERVED])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PassageStore]:
    """Give an open store that holds one empty project."""
    made = await _opened(request, tmp_path)
    await made.create(PROJECT)
    yield made
    await made.close()


async def _opened(request: pytest.FixtureRequest, folder: Path) -> PassageStore:
    if request.param == "fake":
        return FakePassages()
    if request.param == "local":
        return LocalPassages(folder, writer_idle_s=0.05)
    from pipelines.stores.weaviate_schema import Layout  # loads the client, which takes a second
    from tests.fakes.weaviate_store import emptied_weaviate

    index, is_quantized = _ON_A_SERVER[request.param]
    return await emptied_weaviate(request.getfixturevalue("weaviate"), Layout(index, quantized=is_quantized))


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """An emulator that this process and git trust, with a token for acme's repositories."""
    async with running_emulator(tmp_path) as running:
        running.add_token("token", repositories=["acme/*"])
        with trusting(running):
            yield running


@pytest.fixture
async def web(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the emulator that signs in with the token."""
    headers = {"authorization": "Bearer token"}
    async with httpx.AsyncClient(base_url=hub.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
async def rest(hub: Hub) -> AsyncIterator[Rest]:
    """REST, where every answer is compared with GitHub's description."""
    async with httpx.AsyncClient(timeout=30) as client:
        yield Rest(hub, client)
