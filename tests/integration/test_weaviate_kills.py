"""A Weaviate store whose process or whose server is killed loses nothing it acknowledged and shows no half change."""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pipelines.stores.passages import Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.types import StoreUnavailable
from tests.fakes.files import PROJECT, SOURCE, file_of, texts_of
from tests.fakes.weaviate_nodes import Node, running_weaviate
from tests.fakes.weaviate_store import INSTALLATION, emptied_weaviate
from tests.integration.store_writer import FILES
from tests.integration.weaviate_writer import write

pytestmark = pytest.mark.weaviate

KILLS = int(os.environ.get("ROOMWISE_KILLS", "50"))
CHECKOUT = Path(__file__).parents[2]


def opened(address: Address) -> WeaviatePassages:
    """Open the store anew, as a process that was started again does."""
    return WeaviatePassages(Server(address, Names(INSTALLATION), Layout()))


async def emptied(address: Address) -> None:
    """Let the server hold nothing."""
    await (await emptied_weaviate(address)).close()


async def write_until_killed(
    address: Address, *, mode: str, first: int = 1, acknowledged: int = 0, more_s: float = 0.0
) -> int:
    """Run the writer, kill it `more_s` after it acknowledged so many changes, and return the last acknowledged."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.weaviate_writer", address.url, str(address.grpc_port), mode, str(first),
        cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert writer.stdout is not None
    last = first - 1
    while last < first - 1 + acknowledged and (line := await writer.stdout.readline()):
        last = int(line)
    if mode in {"steady", "rebuilding"}:
        try:
            await asyncio.wait_for(writer.wait(), more_s)
        except TimeoutError:
            writer.kill()
    rest = (await writer.communicate())[0].split()
    return int(rest[-1]) if rest else last


async def shown_by(store: WeaviatePassages) -> dict[str, list[str]]:
    """List what a store shows, by the way it was asked; "said" is by the manifest alone."""
    vector = file_of("x", "word n1").vectors
    assert vector is not None
    manifest = await store.manifest(PROJECT, SOURCE)
    return {
        "keywords": texts_of(await store.keywords(PROJECT, "word", scope=Scope(), limit=50)),
        "dense": texts_of(await store.dense(PROJECT, vector[0], scope=Scope(), limit=FILES)),
        "rows": [
            text
            for path in manifest
            for text in texts_of(await store.of_file(PROJECT, SOURCE, path))
            if text.startswith("word")
        ],
        "said": [f"word n{entry.blob.removeprefix('b')}" for entry in manifest.values()],
    }


async def shown_anew(address: Address) -> dict[str, list[str]]:
    """Reopen the store and list what it shows."""
    store = opened(address)
    try:
        return await shown_by(store)
    finally:
        await store.close()


def number_of(shown: dict[str, list[str]]) -> int:
    """The number that every file has, whatever way was asked. Fails for a change that shows in part."""
    ways = list(shown.values())
    (text,) = set(ways[0])
    assert [[text] * FILES] * len(ways) == ways
    return int(text.removeprefix("word n"))


async def kill_writers(address: Address, *, kills: int, seed: int) -> int:
    """Kill the process at random moments, always with a new one after it; gives how many changes were made."""
    await emptied(address)
    moment, number = random.Random(seed), 0
    for kill in range(kills):
        acknowledged = await write_until_killed(
            address, mode="rebuilding" if kill % 2 else "steady", first=number + 1,
            acknowledged=moment.randint(1, 6), more_s=moment.uniform(0.0, 0.3),
        )  # fmt: skip
        number = number_of(await shown_anew(address))
        assert acknowledged <= number <= acknowledged + 1
    return number


async def test_a_killed_process_loses_nothing_acknowledged(weaviate: Address) -> None:
    """Killed at random moments beside writes and switches, the next one finds the last change or the one after, whole."""
    assert await kill_writers(weaviate, kills=3, seed=0) >= 3


@pytest.mark.parametrize(("mode", "number"), [("before_state", 2), ("after_state", 3)])
async def test_a_kill_at_the_commit_shows_one_state_whole(weaviate: Address, mode: str, number: int) -> None:
    """With all passages written and the state not, the change before answers; right after the state, the new one."""
    await emptied(weaviate)
    await write_until_killed(weaviate, mode=mode)

    assert number == number_of(await shown_anew(weaviate))


async def test_what_a_kill_left_behind_is_never_counted(weaviate: Address) -> None:
    """The change after a kill goes to the same files; what the killed one wrote stays out of every search."""
    await emptied(weaviate)
    await write_until_killed(weaviate, mode="before_state")
    store = opened(weaviate)
    await write(store, 9, is_rebuilding=False)
    await store.close()

    assert 9 == number_of(await shown_anew(weaviate))


async def test_a_state_before_its_passages_shows(weaviate: Address) -> None:
    """The control: with the order turned round the same kill must be seen by the check above."""
    await emptied(weaviate)
    await write_until_killed(weaviate, mode="early_state")
    shown = await shown_anew(weaviate)

    assert [["word n3"] * FILES] * 4 != list(shown.values())
    assert [["word n2"] * FILES] * 4 != list(shown.values())


# The server is killed, and started again on the same data and ports.


class Writer:
    """Writes one number after the other to one open store, also while the server is away, and reads beside it."""

    def __init__(self, store: WeaviatePassages) -> None:
        self.store = store
        self.acknowledged = 0
        self.failures = 0
        self.searches = 0
        self.torn: Counter[str] = Counter()
        self._more = asyncio.Condition()

    async def write(self) -> None:
        """Write on; what fails is written again under the same number, as a refresh does."""
        while True:
            try:
                await write(self.store, self.acknowledged + 1, is_rebuilding=True)
            except StoreUnavailable:
                self.failures += 1
                await asyncio.sleep(0.05)
                continue
            async with self._more:
                self.acknowledged += 1
                self._more.notify_all()

    async def search(self) -> None:
        """Search on; each answer must be of one change, and none that was acknowledged may be missing from it."""
        while True:
            at_least = self.acknowledged
            try:
                found = texts_of(await self.store.keywords(PROJECT, "word", scope=Scope(), limit=50))
            except StoreUnavailable:
                await asyncio.sleep(0.05)
                continue
            self.searches += 1
            numbers = {int(text.removeprefix("word n")) for text in found}
            if at_least and (len(found) != FILES or len(numbers) != 1 or min(numbers) < at_least):
                self.torn[str((at_least, found))] += 1

    async def until(self, acknowledged: int) -> None:
        """Wait until so many changes were acknowledged."""
        async with self._more:
            await self._more.wait_for(lambda: self.acknowledged >= acknowledged)


@asynccontextmanager
async def writing(store: WeaviatePassages) -> AsyncIterator[Writer]:
    """Write and search until the block ends."""
    await store.create(PROJECT)
    writer = Writer(store)
    tasks = [asyncio.create_task(writer.write()), asyncio.create_task(writer.search())]
    try:
        yield writer
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def kill_servers(node: Node, *, kills: int, seed: int) -> tuple[Writer, float]:
    """Kill the server at random moments beside writes and searches; gives the writer, and the slowest way back.

    The way back counts from the server's being ready to the next acknowledged change.
    """
    address, moment, slowest_s = Address(node.url, grpc_port=node.grpc_port), random.Random(seed), 0.0
    await emptied(address)
    store = opened(address)
    async with writing(store) as writer:
        for _ in range(kills):
            await writer.until(writer.acknowledged + moment.randint(1, 6))
            await asyncio.sleep(moment.uniform(0.0, 0.2))
            await asyncio.to_thread(node.stop, signal.SIGKILL)
            await asyncio.to_thread(node.start)
            ready_s = time.perf_counter()
            await writer.until(writer.acknowledged + 1)
            slowest_s = max(slowest_s, time.perf_counter() - ready_s)
    await store.close()
    number = number_of(await shown_anew(address))
    assert writer.acknowledged <= number <= writer.acknowledged + 1
    return writer, slowest_s


async def test_a_killed_server_loses_nothing_acknowledged(weaviate_program: Path) -> None:
    """Killed beside writes, switches and searches, it comes back with all of it, and the open store goes on by itself."""
    with running_weaviate(weaviate_program) as (node,):
        writer, _ = await kill_servers(node, kills=3, seed=1)

    assert writer.failures > 0
    assert not writer.torn


@pytest.mark.torture
@pytest.mark.timeout(3600)
async def test_fifty_kills_of_the_process_lose_and_tear_nothing(weaviate: Address) -> None:
    """Killed fifty times beside writes and rebuilds: none lost, none torn."""
    number = await kill_writers(weaviate, kills=KILLS, seed=50)

    print(f"{KILLS} kills of the process, {number} changes: 0 lost, 0 torn")


@pytest.mark.torture
@pytest.mark.timeout(3600)
async def test_fifty_kills_of_the_server_lose_and_tear_nothing(weaviate_program: Path) -> None:
    """Killed fifty times beside writes, rebuilds and searches: none lost, none torn."""
    with running_weaviate(weaviate_program) as (node,):
        writer, slowest_s = await kill_servers(node, kills=KILLS, seed=51)

    print(
        f"{KILLS} kills of the server, {writer.acknowledged} changes, {writer.searches} searches: 0 lost, 0 torn; "
        f"slowest way back {slowest_s:.2f} s"
    )
    assert not writer.torn
