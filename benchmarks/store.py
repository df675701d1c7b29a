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
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count, cycle
from pathlib import Path
from sysconfig import get_paths

import numpy as np
import psutil
from haystack import Document

from bot.platform import limit_memory_pools
from config.load import load
from pipelines.components.embed import open_embedder
from pipelines.components.roles import part_of
from pipelines.parts import no_views
from pipelines.searching import Searching
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Change, Entry, IndexedFile, Scope, Vectors, Wanted
from pipelines.types import passage_id

PROJECT, SOURCE, WIDTH = "bench", "s1", 256
PASSAGE_CHARS = 950
FILES_A_CHANGE = 500
QUERIES = 200
SCOPE = Scope()
Search = Callable[[str, Vectors], Awaitable[object]]


def unit_rows(rows: int, random_numbers: np.random.Generator) -> Vectors:
    """Make random unit vectors: float32 of shape (rows, WIDTH)."""
    made = random_numbers.standard_normal((rows, WIDTH), dtype=np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def texts() -> Iterator[tuple[str, list[str]]]:
    """Give (path, passages) of the files of this installation, over and over under new folders."""
    roots = [Path(get_paths()[name]) for name in ("stdlib", "purelib")]
    found = sorted(
        (root, path) for root in roots for kind in ("*.py", "*.txt", "*.md", "*.rst") for path in root.rglob(kind)
    )
    for round_number in count():
        for root, path in found:
            text = path.read_text(encoding="utf-8", errors="replace")[:40_000]
            passages = [text[at : at + PASSAGE_CHARS] for at in range(0, len(text), PASSAGE_CHARS)]
            yield f"r{round_number}/{path.relative_to(root).as_posix()}", passages


def file_of(path: str, passages: list[str], vectors: Vectors, *, blob: str = "b1") -> IndexedFile:
    """Make a file ready to be written."""
    kind = "code" if path.endswith(".py") else "docs"
    documents = [
        Document(
            id=passage_id(SOURCE, path, blob, at),
            content=text,
            meta={
                "first_line": at * 20 + 1, "last_line": at * 20 + 20, "header": path, "headings": [],
                "scope": [], "symbols": re.findall(r"^(?:def|class) (\w+)", text, re.MULTILINE), "kind": kind,
                "part": part_of(path, kind),
            },
        )
        for at, text in enumerate(passages)
    ]  # fmt: skip
    return IndexedFile(Entry(SOURCE, path, blob, "b-1", len(passages), sum(map(len, passages))), documents, vectors)


def changes(passages: int) -> Iterator[Change]:
    """Give changes of up to FILES_A_CHANGE files until so many passages are reached."""
    random_numbers = np.random.default_rng(1)
    files: list[IndexedFile] = []
    for path, parts in texts():
        kept = parts[:passages]
        if kept:
            files.append(file_of(path, kept, unit_rows(len(kept), random_numbers)))
        passages -= len(kept)
        if len(files) == FILES_A_CHANGE or passages <= 0:
            yield Change(put=files)
            files = []
        if passages <= 0:
            return


def questions() -> list[str]:
    """Make questions of five words that stand together somewhere, with some filler."""
    choice = random.Random(2)
    asked = []
    for _, passages in texts():
        words = re.findall(r"[A-Za-z_]{4,}", passages[0] if passages else "")
        if len(words) > 40:
            start = choice.randrange(len(words) - 5)
            asked.append("how does the " + " ".join(words[start : start + 5]) + " work")
        if len(asked) == QUERIES:
            return asked
    return asked


def quantiles(spent_ms: list[float]) -> str:
    """Write the median and the 95th percentile."""
    return f"{statistics.median(spent_ms):8.2f} {statistics.quantiles(spent_ms, n=20)[-1]:8.2f}"


async def measure(name: str, search: Search) -> None:
    """Run all questions through one kind of search, one after the other, and print wall and CPU."""
    vectors = unit_rows(QUERIES, np.random.default_rng(3))
    await search("warm up", vectors[0])
    wall_ms, cpu_ms = [], []
    for question, vector in zip(questions(), cycle(vectors), strict=False):
        began, burnt = time.perf_counter(), time.process_time()
        await search(question, vector)
        wall_ms.append(1000 * (time.perf_counter() - began))
        cpu_ms.append(1000 * (time.process_time() - burnt))
    print(f"  {name:24} wall p50/p95 {quantiles(wall_ms)}   cpu p50/p95 {quantiles(cpu_ms)} ms")


async def measure_first(search: Search, *names: str) -> None:
    """Run one question as often as there are names, and print the wall and CPU time of each run."""
    vector = unit_rows(1, np.random.default_rng(5))[0]
    for name in names:
        began, burnt = time.perf_counter(), time.process_time()
        await search("how does the parser of arguments work", vector)
        wall_ms, cpu_ms = 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - burnt)
        print(f"  {name:24} wall {wall_ms:8.0f} ms, cpu {cpu_ms:8.0f} ms")


def wanted(question: str, vector: Vectors) -> Wanted:
    """Give what a search of the product asks the store for when a question leans to code."""
    return Wanted(question, {"code": 60, "docs": 16, "aside": 8}, [((), 20), (question.split(), 10)], vector)


async def fill(store: LocalPassages, passages: int) -> None:
    """Write the passages and print the rates of the store alone, without making texts and vectors."""
    wall_s = cpu_s = 0.0
    for change in changes(passages):
        began, burnt = time.perf_counter(), time.process_time()
        await store.apply(PROJECT, change)
        wall_s += time.perf_counter() - began
        cpu_s += time.process_time() - burnt
    print(
        f"  write                    {passages / wall_s:8.0f} passages/s wall, {passages / cpu_s:8.0f} per CPU second"
    )


async def measure_replacing(store: LocalPassages) -> None:
    """Replace a file of 20 passages, fifty times, and print what one costs."""
    random_numbers = np.random.default_rng(4)
    spent_ms = []
    for number in range(50):
        parts = [f"replaced {number} " + "some words of a file " * 40] * 20
        file = file_of(f"r0/file{number % 5}.py", parts, unit_rows(20, random_numbers), blob=f"b{number}")
        began = time.perf_counter()
        await store.apply(PROJECT, Change(put=[file]))
        spent_ms.append(1000 * (time.perf_counter() - began))
    print(f"  {'replace a file of 20':24} wall p50/p95 {quantiles(spent_ms)} ms")


def size_bytes(folder: Path) -> int:
    """Add up the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


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
