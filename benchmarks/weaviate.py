"""How fast the store on a Weaviate server writes and finds, and what it takes, beside the local store.

    .venv/bin/python -m benchmarks.weaviate ingest search replace 100000
    .venv/bin/python -m benchmarks.weaviate tenants 2000    # projects of 50 passages
    .venv/bin/python -m benchmarks.weaviate recall 100000   # what each kind of index finds, and what it takes
    .venv/bin/python -m benchmarks.weaviate quality [EVALS] [--checkout NAME=FOLDER ...]

The server is that of WEAVIATE_URL (with WEAVIATE_GRPC_PORT and WEAVIATE_API_KEY), which must hold nothing that is called
`benchmarks`, or else a `weaviate` program on PATH, which is started on free ports, with its data on the disk, and stopped
again. Passages and questions are those of `benchmarks.store`. Each step runs in a process of its own, so that its memory
is that of this step alone; CPU is that of all threads of the process. --folder keeps what is written, for another run.
"""

import argparse
import asyncio
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil

from benchmarks._passages import (
    PROJECT,
    SCOPE,
    changes,
    file_of,
    fill,
    measure,
    measure_first,
    measure_replacing,
    quantiles,
    questions,
    size_bytes,
    texts,
    unit_rows,
    wanted,
)
from benchmarks._weaviate import Watched, collections_of, let_rest, opened, served
from bot.platform import limit_memory_pools
from config.load import load
from pipelines.components.embed import open_embedder
from pipelines.parts import no_views
from pipelines.searching import Searching
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Change, PassageStore, Vectors
from pipelines.stores.weaviate_schema import Layout

LAYOUTS: Final = {
    "none": Layout("none"),
    "flat": Layout("flat", quantized=False),
    "flat-quantized": Layout("flat", quantized=True),
    "hnsw": Layout("hnsw", quantized=False),
    "hnsw-quantized": Layout("hnsw", quantized=True),
}
USUAL: Final = "none"  # what the bundled embedder gets
PASSAGES_A_PROJECT: Final = 50
WOKEN: Final = 200
RECALLED: Final = 20
ON_ITS_WAY_S: Final = 20.0  # until a server has given back memory


@dataclass(frozen=True, slots=True)
class Bench:
    """One step: how many passages or projects, the folder of the local store, and the kind of index."""

    number: int
    local: Path
    layout: str

    def store(self) -> PassageStore:
        """The store on the server."""
        return opened(LAYOUTS[self.layout])


def note(name: str, text: str) -> None:
    """Print a figure."""
    print(f"  {name:24} {text}", flush=True)


def own_mb() -> float:
    """The memory of this process."""
    return float(psutil.Process().memory_info().rss / 1e6)


async def write_local(bench: Bench) -> None:
    """Write the passages into the local store."""
    store = LocalPassages(bench.local, writer_idle_s=0.5)
    if (await store.counts(PROJECT)).passages < bench.number:
        print(f"local store, {bench.number} passages written")
        await store.create(PROJECT)
        await fill(store, bench.number)
        note("RSS after writing", f"{own_mb():8.0f} MB")
    await store.close()
    note("disk, local store", f"{size_bytes(bench.local) / bench.number:8.0f} bytes a passage")


async def write(bench: Bench) -> None:
    """Write the passages to the server; it keeps them from a run before."""
    watched, store = Watched(), opened(LAYOUTS[bench.layout])
    if (await store.counts(PROJECT)).passages < bench.number:
        print(f"Weaviate, {bench.layout}, {bench.number} passages written")
        await store.drop(PROJECT)
        disk_bytes, burnt_s = watched.disk_bytes, watched.cpu_s
        await store.create(PROJECT)
        await fill(store, bench.number)
        note("CPU of the server", f"{bench.number / (watched.cpu_s - burnt_s):8.0f} passages per CPU second")
        note("RSS after writing", f"{own_mb():8.0f} MB, server {watched.rss_mb:8.0f} MB")
        await let_rest(store)
        note("disk, Weaviate", f"{(watched.disk_bytes - disk_bytes) / bench.number:8.0f} bytes a passage")
    await let_rest(store)
    await store.close()


async def _ask(store: PassageStore, folder: Path, watched: Watched | None, *, finds_by_vectors: bool) -> None:
    """Ask all questions in each way, and print what that takes."""
    embedder = open_embedder(load(environ={}, cwd=folder).settings.embedder)
    searching = Searching(store, embedder, no_views)

    async def candidates(question: str, vector: Vectors) -> None:
        await store.candidates(PROJECT, wanted(question, vector), scope=SCOPE)

    async def candidates_and_near(question: str, vector: Vectors) -> None:
        await store.candidates(PROJECT, wanted(question, vector, nearest=40), scope=SCOPE)

    async def search(question: str, _: Vectors) -> None:
        await searching.search(PROJECT, question, scope=SCOPE, limit=20)

    await measure_first(candidates, "cold: first candidates", "second of these")
    ways = {"candidates": candidates, "search with ranking, 20": search}
    if finds_by_vectors:
        ways |= {"candidates, 40 nearest": candidates_and_near}
    for name, way in ways.items():
        burnt_s = watched.cpu_s if watched else 0.0
        await measure(name, way)
        if watched:
            note("", f"server {1000 * (watched.cpu_s - burnt_s) / len(questions()):.1f} ms CPU a search")
    note("RSS", f"{own_mb():8.0f} MB" + (f", server {watched.rss_mb:8.0f} MB" if watched else ""))


async def search_local(bench: Bench) -> None:
    """Ask the local store."""
    print("local store, searches")
    store = LocalPassages(bench.local)
    await _ask(store, bench.local, None, finds_by_vectors=True)
    await store.close()


async def search(bench: Bench) -> None:
    """Ask the server, whose tenants rest at first."""
    print(f"Weaviate, {bench.layout}, searches")
    store = bench.store()
    await _ask(store, bench.local, Watched(), finds_by_vectors=LAYOUTS[bench.layout].has_vectors)
    await store.close()


async def replace_local(bench: Bench) -> None:
    """Replace a file in the local store."""
    print("local store, a file replaced")
    store = LocalPassages(bench.local)
    await measure_replacing(store)
    await store.close()


async def replace(bench: Bench) -> None:
    """Replace a file on the server."""
    print(f"Weaviate, {bench.layout}, a file replaced")
    store = bench.store()
    await measure_replacing(store)
    await store.close()


async def make_tenants(bench: Bench) -> None:
    """Make many small projects and let them rest."""
    print(f"Weaviate, {bench.layout}, {bench.number} projects of {PASSAGES_A_PROJECT} passages")
    watched, store, random_numbers = Watched(), opened(LAYOUTS[bench.layout]), np.random.default_rng(1)
    note("RSS of the server", f"{watched.rss_mb:8.0f} MB before, {watched.disk_bytes / 1e6:.0f} MB on the disk")
    spent_ms = []
    files = (one for one in texts() if len(one[1]) >= PASSAGES_A_PROJECT // 2)
    for number in range(bench.number):
        vectors = [unit_rows(PASSAGES_A_PROJECT // 2, random_numbers) for _ in range(2)]
        put = [
            file_of(path, parts[: PASSAGES_A_PROJECT // 2], some)
            for some, (path, parts) in zip(vectors, islice(files, 2), strict=True)
        ]
        began = time.perf_counter()
        await store.create(f"p{number}")
        await store.apply(f"p{number}", Change(put=put))
        spent_ms.append(1000 * (time.perf_counter() - began))
    note("made and filled", f"wall p50/p95 {quantiles(spent_ms)} ms a project")
    note("RSS of the server", f"{watched.rss_mb:8.0f} MB with all awake, ours {own_mb():.0f} MB")
    began = time.perf_counter()
    await let_rest(store)
    note("let rest", f"{time.perf_counter() - began:8.1f} s for all")
    await asyncio.sleep(ON_ITS_WAY_S)
    note("RSS of the server", f"{watched.rss_mb:8.0f} MB at rest, {watched.disk_bytes / 1e6:.0f} MB on the disk")
    await store.close()


async def wake_tenants(bench: Bench) -> None:
    """Ask some of the projects that rest, each for the first time."""
    watched, store = Watched(), bench.store()
    began = time.perf_counter()
    await store.projects()
    note("projects read", f"{1000 * (time.perf_counter() - began):8.0f} ms")
    spent_ms, asked, vectors = [], questions(), unit_rows(WOKEN, np.random.default_rng(3))
    for at in range(min(WOKEN, bench.number)):
        began = time.perf_counter()
        number = at * bench.number // WOKEN if bench.number > WOKEN else at
        await store.candidates(f"p{number}", wanted(asked[at], vectors[at]), scope=SCOPE)
        spent_ms.append(1000 * (time.perf_counter() - began))
    note("woken by a question", f"wall p50/p95 {quantiles(spent_ms)} ms")
    note("RSS of the server", f"{watched.rss_mb:8.0f} MB then, ours {own_mb():.0f} MB")
    await store.close()


async def recall(bench: Bench) -> None:
    """Write passages with the vectors that the bundled embedder gives them, and count what a search finds of them."""
    watched, store = Watched(), opened(LAYOUTS[bench.layout])
    embedder = open_embedder(load(environ={}, cwd=bench.local).settings.embedder)
    await store.create(PROJECT)
    rows: dict[str, int] = {}
    parts: list[Vectors] = []
    wall_s, burnt_s = 0.0, watched.cpu_s
    for change in changes(bench.number):
        put = []
        for file in change.put:
            made = await embedder.embed([one.content or "" for one in file.documents])
            parts.append(made)
            rows |= {one.id: len(rows) + at for at, one in enumerate(file.documents)}
            put.append(type(file)(file.entry, file.documents, made))
        began = time.perf_counter()
        await store.apply(PROJECT, Change(put=put))
        wall_s += time.perf_counter() - began
    built_cpu_s = watched.cpu_s - burnt_s
    vectors = np.concatenate(parts)
    asked = [await embedder.embed_query(question) for question in questions()]
    shares, spent_ms = [], []
    for vector in asked:
        began = time.perf_counter()
        found = await store.dense(PROJECT, vector, scope=SCOPE, limit=RECALLED)
        spent_ms.append(1000 * (time.perf_counter() - began))
        exact = vectors @ vector
        least = np.partition(exact, -RECALLED)[-RECALLED] - 1e-6  # what stands twice in the corpus is as good
        shares.append(sum(exact[rows[one.id]] >= least for one in found) / RECALLED)
    print(
        f"| {bench.layout} | {bench.number} | {np.mean(shares):.3f} | {wall_s:.1f} s | {built_cpu_s:.1f} s "
        f"| {watched.rss_mb:.0f} MB | {quantiles(spent_ms)} ms |",
        flush=True,
    )
    await store.drop(PROJECT)
    await store.close()


async def remove(bench: Bench) -> None:
    """Delete what was written to a server that is not ours."""
    store = opened(LAYOUTS[bench.layout])
    for project in await store.projects():
        await store.drop(project)
    for name in await collections_of(store):
        await store.server.drop_collection(name)
    await store.close()


Step = Callable[[Bench], Coroutine[Any, Any, None]]
_WRITTEN: Final[tuple[Step, ...]] = (write_local, write)
PARTS: Final[dict[str, tuple[Step, ...]]] = {
    "ingest": _WRITTEN,
    "search": (*_WRITTEN, search_local, search),
    "replace": (*_WRITTEN, replace_local, replace),
    "tenants": (make_tenants, wake_tenants),
    "recall": (recall,),
}
STEPS: Final = {one.__name__: one for part in PARTS.values() for one in part} | {"remove": remove}


def run_apart(bench: Bench, steps: list[str], told: dict[str, str]) -> None:
    """Run each step in a process of its own."""
    for step in steps:
        command = [sys.executable, "-m", "benchmarks.weaviate", "step", str(bench.number), "--step", step]
        options = ["--local", str(bench.local), "--layout", bench.layout]
        subprocess.run([*command, *options], env={**os.environ, **told}, check=True)


def measure_parts(parts: list[str], number: int, layout: str, folder: Path | None) -> None:
    """Run the steps of all parts, each once, on one server."""
    place = folder or Path(tempfile.mkdtemp(prefix="roomwise-local-"))
    bench = Bench(number, place / "local", layout)
    steps = list(dict.fromkeys(step.__name__ for part in parts for step in PARTS[part]))
    with served(folder / "weaviate" if folder else None) as told:
        run_apart(bench, steps if told and folder is not None else [*steps, "remove"], dict(told))
    if folder is None:
        shutil.rmtree(place, ignore_errors=True)


def measure_recall(number: int) -> None:
    """Measure each kind of index on a server of its own."""
    print(f"| index | passages | recall@{RECALLED} | written, wall | server CPU | server RSS | search p50/p95 |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for layout in (name for name, one in LAYOUTS.items() if one.has_vectors):
        measure_parts(["recall"], number, layout, None)


def measure_quality(words: list[str]) -> int:
    """Ask the questions with known answers of both stores, question by question."""
    program, url = shutil.which("weaviate"), os.environ.get("WEAVIATE_URL", "")
    other = f"weaviate.url={url}" if url else f"weaviate.program={program}"
    command = [sys.executable, "-m", "benchmarks.quality", *words, "--markdown", "--compare", other]
    return subprocess.run(command, check=False).returncode


def main() -> None:
    """Read the command line and measure."""
    reader = argparse.ArgumentParser(description="Measure the store on a Weaviate server.")
    reader.add_argument("words", nargs="+", help="parts, then a number of passages or projects")
    reader.add_argument("--folder", type=Path)
    reader.add_argument("--layout", choices=[*LAYOUTS], default=USUAL)
    reader.add_argument("--local", type=Path, help=argparse.SUPPRESS)
    reader.add_argument("--step", help=argparse.SUPPRESS)
    given = reader.parse_args()
    parts, number = given.words[:-1], int(given.words[-1])
    if given.step:
        limit_memory_pools()  # as the service does, and the next, too
        gc.freeze()
        asyncio.run(STEPS[given.step](Bench(number, given.local, given.layout)))
    elif parts == ["recall"]:
        measure_recall(number)
    else:
        measure_parts(parts, number, given.layout, given.folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["quality"]:
        sys.exit(measure_quality(sys.argv[2:]))
    main()
