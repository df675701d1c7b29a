"""Writes to a Weaviate store until it is killed; run by test_weaviate_kills.py, never by itself.

Arguments: the server's URL, its gRPC port, a mode, and the first number to write. "steady" writes on; "rebuilding" makes
every third change in a new index that takes the old one's place. These die at their third change: "before_state" when
all passages and rows are written and the state is not, "after_state" right after that; and "early_state" is the control:
the state is written first, as a store with the order wrong would have it, and the passages never.
"""

import asyncio
import os
import sys
from typing import Any

from pipelines.stores.passages import Change
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_projects import Held, Projects
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_state import Head, State
from pipelines.stores.weaviate_writing import Writing
from tests.fakes.files import PROJECT
from tests.fakes.weaviate_store import INSTALLATION
from tests.integration.store_writer import numbered

_CHANGE = 3


def die_at_state(*, is_done: bool) -> None:
    """Let the process end without any goodbye where the third change is committed: before or after that step."""
    save, done = Projects.save, 0

    async def save_and_die(projects: Projects, held: Held, state: State) -> None:
        nonlocal done
        is_change = state.current is not None and state.current.files > 0
        done += is_change
        if done == _CHANGE and not is_done:
            os._exit(137)
        await save(projects, held, state)
        if done == _CHANGE:
            os._exit(137)

    Projects.save = save_and_die  # type: ignore[method-assign, assignment]


def leave_passages_to_later() -> None:
    """Let the third change write nothing before its state."""
    write, done = Writing._write, 0

    async def write_later(writing: Writing, head: Head, *told: Any) -> Any:
        nonlocal done
        done += 1
        return (set(), frozenset()) if done == _CHANGE else await write(writing, head, *told)

    Writing._write = write_later  # type: ignore[method-assign, assignment]


async def rebuild(store: WeaviatePassages, number: int) -> None:
    """Write `number` into an index beside the one that answers, and switch."""
    draft = await store.begin_rebuild(PROJECT)
    change = numbered(number)
    await store.apply(draft, Change(put=change.put[:1]))
    await store.apply(draft, change)
    await store.switch(PROJECT)


async def write(store: WeaviatePassages, number: int, *, is_rebuilding: bool) -> None:
    """Write one number."""
    if is_rebuilding and number % 3 == 0:
        await rebuild(store, number)
    else:
        await store.apply(PROJECT, numbered(number))


async def write_on(address: Address, mode: str, first: int) -> None:
    """Write one number after the other, saying each on standard output once it is acknowledged."""
    store = WeaviatePassages(Server(address, Names(INSTALLATION), Layout()))
    await store.create(PROJECT)
    for number in range(first, 100_000):
        await write(store, number, is_rebuilding=mode == "rebuilding")
        print(number, flush=True)


if __name__ == "__main__":
    url, port, mode, first = sys.argv[1:]
    if mode == "early_state":
        leave_passages_to_later()
    if mode in {"before_state", "after_state", "early_state"}:
        die_at_state(is_done=mode != "before_state")
    asyncio.run(write_on(Address(url, grpc_port=int(port)), mode, int(first)))
