"""Writes to a local store until it is killed; run by test_store_kill.py, never by itself.

Arguments: the store's folder, then a mode. "steady" writes on; "after_terms" dies at the third change, right after the
keyword index was committed and before the rows are; "unmarked" is the control: the same, with the marks that make
a half-done change known left out, as a store with the order wrong would have it.
"""

import asyncio
import os
import sys
from pathlib import Path

from pipelines.stores import local_rows
from pipelines.stores.local import LocalPassages
from pipelines.stores.local_terms import SideIndex
from pipelines.stores.passages import Change
from tests.fakes.files import PROJECT, file_of

FILES = 4


def numbered(number: int) -> Change:
    """Make the change that writes `number` into every file."""
    return Change(
        put=[file_of(f"f{one}.md", f"word n{number}", f"more n{number}", blob=f"b{number}") for one in range(FILES)]
    )


def die_after_terms(calls: int) -> None:
    """Let the process end without any goodbye after the keyword index was committed for the nth time."""
    commit, done = SideIndex.commit, 0

    def commit_and_die(index: SideIndex) -> None:
        nonlocal done
        commit(index)
        done += 1
        if done == calls:
            os._exit(137)

    SideIndex.commit = commit_and_die  # type: ignore[method-assign, assignment]


async def write(root: Path) -> None:
    """Write one number after the other, saying each on standard output once it is acknowledged."""
    store = LocalPassages(root)
    await store.create(PROJECT)
    for number in range(1, 100_000):
        await store.apply(PROJECT, numbered(number))
        print(number, flush=True)


if __name__ == "__main__":
    mode = sys.argv[2]
    if mode == "unmarked":
        local_rows.mark = lambda connection, ids: None
    if mode != "steady":
        die_after_terms(3)
    asyncio.run(write(Path(sys.argv[1])))
