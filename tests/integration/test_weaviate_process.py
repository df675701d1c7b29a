"""A Weaviate server of our own, started and stopped with Roomwise."""

import asyncio
from pathlib import Path

import pytest

from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_process import OwnServer
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from tests.machine import NEEDS, find_weaviate


@pytest.mark.weaviate
async def test_a_program_of_our_own_starts_stops_and_starts_again_with_what_it_held(tmp_path: Path) -> None:
    """The same folder gives the same projects, though the ports are others each time."""
    program = await asyncio.to_thread(find_weaviate)
    if program is None:
        pytest.skip(NEEDS["weaviate"])
    held = []
    for project in ("p1", "p2"):
        own = OwnServer(program, tmp_path)
        store = WeaviatePassages(Server(await own.start(), Names("own"), Layout()))
        try:
            await store.create(project)
            held.append(await store.projects())
        finally:
            await store.close()
            await own.stop()

    assert [["p1"], ["p1", "p2"]] == held
