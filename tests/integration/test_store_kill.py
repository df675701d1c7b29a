"""A local store that is killed while it writes has lost nothing it acknowledged and shows no half change."""

import asyncio
import random
import sys
from pathlib import Path

import pytest

from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Scope
from tests.fakes.files import PROJECT, SOURCE, file_of, texts_of
from tests.integration.store_writer import FILES

CHECKOUT = Path(__file__).parents[2]


async def write_until_killed(root: Path, *, mode: str = "steady", acknowledged: int = 0, more_s: float = 0.0) -> int:
    """Run the writer, kill it `more_s` after it acknowledged so many changes, and return the last acknowledged."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.store_writer", str(root), mode,
        cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert writer.stdout is not None
    last = 0
    while last < acknowledged and (line := await writer.stdout.readline()):
        last = int(line)
    if mode == "steady":
        try:
            await asyncio.wait_for(writer.wait(), more_s)
        except TimeoutError:
            writer.kill()
    rest = (await writer.communicate())[0].split()
    return int(rest[-1]) if rest else last


async def numbers_found(root: Path) -> dict[str, list[str]]:
    """Reopen the store and list what it shows, by the way it was asked."""
    store = LocalPassages(root)
    scope = Scope()
    vector = file_of("x", "word n1").vectors
    assert vector is not None
    shown = {
        "keywords": texts_of(await store.keywords(PROJECT, "word", scope=scope, limit=50)),
        "dense": texts_of(await store.dense(PROJECT, vector[0], scope=scope, limit=FILES)),
        "rows": [
            text
            for path in await store.manifest(PROJECT, SOURCE)
            for text in texts_of(await store.of_file(PROJECT, SOURCE, path))
            if text.startswith("word")
        ],
    }
    await store.close()
    return shown


@pytest.mark.parametrize("seed", range(5))
async def test_a_kill_loses_nothing_acknowledged(tmp_path: Path, seed: int) -> None:
    """Killed at a random moment, the store opens with the last acknowledged change or the one after, whole."""
    moment = random.Random(seed)

    acknowledged = await write_until_killed(
        tmp_path, acknowledged=moment.randint(1, 12), more_s=moment.uniform(0.0, 0.1)
    )
    shown = await numbers_found(tmp_path)

    possible = ([f"word n{acknowledged}"] * FILES, [f"word n{acknowledged + 1}"] * FILES)
    assert shown["rows"] in possible
    assert shown["rows"] == shown["keywords"] == shown["dense"]


async def test_a_kill_between_the_two_commits_is_put_right(tmp_path: Path) -> None:
    """When terms are of the new change and rows still of the old, opening makes the terms old again."""
    await write_until_killed(tmp_path, mode="after_terms")
    shown = await numbers_found(tmp_path)

    assert ["word n2"] * FILES == shown["rows"] == shown["keywords"] == shown["dense"]


async def test_without_marks_a_kill_between_the_commits_shows(tmp_path: Path) -> None:
    """The control: with the marks left out the same kill must be seen by the check above."""
    await write_until_killed(tmp_path, mode="unmarked")
    shown = await numbers_found(tmp_path)

    assert ["word n2"] * FILES == shown["rows"]
    assert shown["rows"] != shown["keywords"]
