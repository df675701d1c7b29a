"""How fast the local store writes and finds, how large it gets on disk and in memory.

    .venv/bin/python -m benchmarks.store               # 10,000 and 100,000 passages, about three minutes
    .venv/bin/python -m benchmarks.store 600000        # one project of 600,000 passages, about six minutes more
    .venv/bin/python -m benchmarks.store 600000 --folder DIR   # keep the store in DIR, or serve what lies there

Texts are the Python files and documents of this installation, about 950 characters a passage, repeated with other
paths when there are too few. Vectors are random and of length 1, which costs as much to search as real ones. The
project holds one source. A process of its own serves what was written, so that its memory is that of serving alone.
CPU is that of all threads of the process; wall depends on what else the machine does.
"""

import argparse
import asyncio
import gc
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from benchmarks._passages import PROJECT, SCOPE, fill, measure, measure_first, measure_replacing, size_bytes, wanted
from bot.platform import limit_memory_pools
from config.load import load
from pipelines.components.embed import open_embedder
from pipelines.parts import no_views
from pipelines.searching import Searching
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Vectors


async def write(folder: Path, passages: int) -> None:
    """Write a project and print rates, memory and disk."""
    process = psutil.Process()
    store = LocalPassages(folder, writer_idle_s=0.5)
    await store.create(PROJECT)
    await fill(store, passages)
    print(f"  RSS after writing        {process.memory_info().rss / 1e6:8.0f} MB")
    await store.close()
    disk_bytes = size_bytes(folder)
    print(f"  disk                     {disk_bytes / 1e6:8.0f} MB, {disk_bytes / passages:8.0f} bytes a passage")


async def serve(folder: Path) -> None:
    """Open what lies in the folder and print the times of the first searches, of many, and the memory at the end."""
    process = psutil.Process()
    before_bytes = process.memory_info().rss
    store = LocalPassages(folder)
    searching = Searching(store, open_embedder(load(environ={}, cwd=folder).settings.embedder), no_views)

    async def search(question: str, _: Vectors) -> None:
        await searching.search(PROJECT, question, scope=SCOPE, limit=20)

    async def hybrid(question: str, vector: Vectors) -> None:
        await asyncio.gather(
            store.keywords(PROJECT, question, scope=SCOPE, limit=50),
            store.dense(PROJECT, vector, scope=SCOPE, limit=50),
        )

    await measure_first(search, "cold: open, first search", "second search")
    await measure("search with ranking, 20", search)
    print(f"  RSS serving searches     {process.memory_info().rss / 1e6:8.0f} MB")
    await measure_first(hybrid, "first keywords and dense", "second of these")
    await measure("keywords, 120", lambda q, _: store.keywords(PROJECT, q, scope=SCOPE, limit=120))
    await measure("candidates of a search", lambda q, v: store.candidates(PROJECT, wanted(q, v), scope=SCOPE))
    await measure("dense, 50", lambda _, v: store.dense(PROJECT, v, scope=SCOPE, limit=50))
    await measure("keywords and dense, 50", hybrid)
    rss_bytes = process.memory_info().rss
    print(f"  RSS, all vectors loaded  {rss_bytes / 1e6:8.0f} MB, {before_bytes / 1e6:.0f} MB of it before the store")
    await measure_replacing(store)
    await store.close()


def main() -> None:
    """Read the command line and measure each size."""
    reader = argparse.ArgumentParser(description="Measure the local store.")
    reader.add_argument("passages", nargs="*", type=int, default=[10_000, 100_000])
    reader.add_argument("--folder", type=Path)
    reader.add_argument("--serve", action="store_true", help="only serve what lies in --folder")
    given = reader.parse_args()
    limit_memory_pools()  # as the service does, and the next, too
    gc.freeze()
    if given.serve:
        asyncio.run(serve(given.folder))
        return
    for passages in given.passages:
        print(f"{passages} passages", flush=True)
        folder = given.folder or Path(tempfile.mkdtemp())
        if not (folder / PROJECT).exists():
            asyncio.run(write(folder, passages))
        subprocess.run([sys.executable, "-m", "benchmarks.store", "--serve", "--folder", str(folder)], check=True)
        if given.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
