"""Writes to a local store until it is killed; run by test_store_kill.py, never by itself.

Arguments: the store's folder, a mode, and the first number to write. "steady" writes on; "rebuilding" makes every third
change in a new index that takes the old one's place, "renewing" writes on beside a keyword index that is made anew two
files at a time, and "early_note" is a control for it: it notes files as taken in and dies before they are; "before_switch", "after_switch" and "early_switch" die at the
first of these: right before the one step, right after it, or, as another control, after a step taken too early; "after_terms" dies at the third change, right after the
keyword index was committed and before the rows are; "unmarked" is the control: the same, with the marks that make
a half-done change known left out, as a store with the order wrong would have it.
"""

import asyncio
import os
import sys
from pathlib import Path

from pipelines.stores import local_renewal, local_rows
from pipelines.stores.local import LocalPassages
from pipelines.stores.local_places import Places
from pipelines.stores.local_renewal import Renewal
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


def die_at_switch(*, is_done: bool) -> None:
    """Let the process end without any goodbye where one index takes the place of another: before or after the step."""
    switch = Places.switch

    def switch_and_die(places: Places, project: str) -> None:
        if is_done:
            switch(places, project)
        os._exit(137)

    Places.switch = switch_and_die  # type: ignore[method-assign, assignment]


def die_after_early_note() -> None:
    """Let the process end without any goodbye after files were noted as taken in that are not."""

    def note_and_die(renewal: Renewal) -> bool:
        renewal._upto += local_renewal._FILES_A_STEP
        renewal._note()
        os._exit(137)

    Renewal.step = note_and_die  # type: ignore[method-assign, assignment]


async def rebuild(store: LocalPassages, number: int, *, is_early: bool) -> None:
    """Write `number` into an index beside the one that answers, and switch; too early when the order is to be wrong."""
    draft = await store.begin_rebuild(PROJECT)
    change = numbered(number)
    await store.apply(draft, Change(put=change.put[:1]))
    if is_early:
        await store.switch(PROJECT)
        os._exit(137)
    await store.apply(draft, change)
    await store.switch(PROJECT)


async def write(root: Path, mode: str, first: int) -> None:
    """Write one number after the other, saying each on standard output once it is acknowledged."""
    store = LocalPassages(root)
    await store.create(PROJECT)
    is_rebuilding = mode.endswith(("switch", "rebuilding"))
    for number in range(first, 100_000):
        if is_rebuilding and number % 3 == 0:
            await rebuild(store, number, is_early=mode == "early_switch")
        else:
            await store.apply(PROJECT, numbered(number))
        print(number, flush=True)


if __name__ == "__main__":
    mode = sys.argv[2]
    if mode == "unmarked":
        local_rows.mark = lambda connection, ids: None
    if mode in {"unmarked", "after_terms"}:
        die_after_terms(3)
    if mode in {"before_switch", "after_switch"}:
        die_at_switch(is_done=mode == "after_switch")
    if mode in {"renewing", "early_note"}:
        local_renewal._FILES_A_STEP = 2  # type: ignore[misc]
    if mode == "early_note":
        die_after_early_note()
    asyncio.run(write(Path(sys.argv[1]), mode, int(sys.argv[3])))
