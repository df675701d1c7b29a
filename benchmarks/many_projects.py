"""What thousands of small projects cost: 4,000 projects of 25 passages in one local store.

    .venv/bin/python -m benchmarks.many_projects          # 4,000 projects, about four minutes
    .venv/bin/python -m benchmarks.many_projects 400      # fewer

Every project is made, filled by one change and searched once while cold; then one project in twenty is searched again
while warm, and a writer goes through them. Handles and memory must not grow with the number of projects.
"""

import asyncio
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
import psutil

from benchmarks._passages import SCOPE, file_of, quantiles, questions, size_bytes, texts, unit_rows
from bot.platform import limit_memory_pools
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Change, Vectors

PASSAGES_A_PROJECT = 25


def now(process: psutil.Process) -> str:
    """Say what the process holds."""
    handles = process.num_fds() if sys.platform != "win32" else process.num_handles()  # type: ignore[attr-defined]
    return f"RSS {process.memory_info().rss / 1e6:5.0f} MB, {handles:4} handles, {process.num_threads():3} threads"


async def fill(store: LocalPassages, projects: int, process: psutil.Process) -> None:
    """Make and fill all projects, one after the other."""
    random_numbers = np.random.default_rng(1)
    files = (found for found in texts() if len(found[1]) >= PASSAGES_A_PROJECT)
    began, burnt = time.perf_counter(), time.process_time()
    for number, (path, parts) in enumerate(islice(files, projects)):
        file = file_of(path, parts[:PASSAGES_A_PROJECT], unit_rows(PASSAGES_A_PROJECT, random_numbers))
        await store.create(f"p{number}")
        await store.apply(f"p{number}", Change(put=[file]))
        if number % (projects // 4) == 0:
            print(f"  after {number:5} projects     {now(process)}")
    spent_s = time.perf_counter() - began
    print(f"  fill                     {1000 * spent_s / projects:.1f} ms a project wall, "
          f"{1000 * (time.process_time() - burnt) / projects:.1f} ms CPU")  # fmt: skip


async def search(store: LocalPassages, project: str, question: str, vector: Vectors) -> float:
    """Search by words and by vector at once and return the milliseconds."""
    began = time.perf_counter()
    await asyncio.gather(
        store.keywords(project, question, scope=SCOPE, limit=10), store.dense(project, vector, scope=SCOPE, limit=10)
    )
    return 1000 * (time.perf_counter() - began)


async def run(projects: int) -> None:
    """Measure and print."""
    process = psutil.Process()
    asked = questions()
    vectors = unit_rows(len(asked), np.random.default_rng(3))
    print(f"{projects} projects of {PASSAGES_A_PROJECT} passages\n  before                   {now(process)}")
    with tempfile.TemporaryDirectory() as folder:
        store = LocalPassages(Path(folder))
        await fill(store, projects, process)
        print(f"  after filling            {now(process)}, disk {size_bytes(Path(folder)) / 1e6:.0f} MB")
        cold_ms = [
            await search(store, f"p{number}", asked[number % len(asked)], vectors[number % len(asked)])
            for number in range(projects)
        ]
        print(
            f"  hybrid, opening each     wall p50/p95 {quantiles(cold_ms)} ms\n  after searching all      {now(process)}"
        )
        warm_ms = [
            await search(store, f"p{number % 20}", asked[number % len(asked)], vectors[number % len(asked)])
            for number in range(400)
        ]
        print(f"  hybrid, open already     wall p50/p95 {quantiles(warm_ms)} ms")
        await store.close()
    print(f"  closed                   {now(process)}")


if __name__ == "__main__":
    limit_memory_pools()  # as the service does
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 4000))
