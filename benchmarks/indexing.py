"""Indexing speed, memory and event-loop lag on real files: those of the folders given, or of the Python installation.

Run it on an idle machine:

    .venv/bin/python benchmarks/indexing.py [--mb 50] [--workers 2] [--store local|memory|none] [--change 100] [FOLDER...]

Takes text files of all kinds up to --mb in all, spread over the folders, each content once. "local" writes to a real
store in a temporary folder, "none" drops what is made: the speed of the stages before. Prints MB/s and passages/s by
stage (stages overlap, and those of several workers are summed), the peak of the RSS of all processes together, and the
99th percentile of the event loop's lag, by a probe that wants to wake every 5 ms. Then --change files get another line
and are indexed again, from the comparison of all files to the last write.
"""

import argparse
import asyncio
import gc
import hashlib
import os
import sys
import sysconfig
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bot import platform
from config.load import load
from pipelines.components.embed import open_embedder
from pipelines.indexing import Indexing, Listed, Outcome, Plan
from pipelines.stores.passages import Change, PassageStore, Scope
from pipelines.types import Shown
from tests.fakes.passages import FakePassages

_WANTED = frozenset(
    "py pyi md mdx rst txt html js jsx ts tsx c h cc cpp hpp pyx go rs java kt swift scala rb php sh sql cs "
    "toml json yaml yml css proto ini cfg lua".split()
)
_PROBE_S = 0.005
_SAMPLE_S = 0.05
_LARGEST_BYTES = 1_000_000


class NoStore(FakePassages):
    """Keeps nothing of what is written, so that only the stages before the store are measured."""

    async def apply(self, project: str, change: Change) -> int:
        """Drop the change."""
        return 1


@dataclass(frozen=True, slots=True)
class Corpus:
    """Files by the path under which they are indexed: where each lies, and what a source would list."""

    places: dict[str, Path]
    listed: list[Listed]


def text_files(root: Path) -> list[tuple[str, str, Path]]:
    """List the text files below a folder as (hash of the path, path from the folder's name on, place)."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in {".git", "node_modules", "__pycache__"}]
        for name in names:
            place = Path(folder, name)
            if name.rpartition(".")[2].lower() in _WANTED and place.is_file() and not place.is_symlink():
                path = f"{root.name.strip('.')}/{place.relative_to(root).as_posix()}"
                found.append((hashlib.sha1(path.encode()).hexdigest(), path, place))
    return found


def corpus(roots: Sequence[Path], max_bytes: int) -> Corpus:
    """Choose files by the hash of their path up to `max_bytes` in all, each content once: the same ones each time."""
    places: dict[str, Path] = {}
    listed: list[Listed] = []
    seen: set[str] = set()
    size_bytes = 0
    for _, path, place in sorted(file for root in roots for file in text_files(root)):
        data = place.read_bytes() if place.stat().st_size < _LARGEST_BYTES else b""
        blob = hashlib.sha1(data).hexdigest()
        if not data or blob in seen:
            continue
        if size_bytes + len(data) > max_bytes:
            break
        # Elsewhere these folders hold other people's code, which is left out; here it is as good as any.
        name = path.replace("site-packages/", "").replace("vendor", "v").replace("third_party", "3p")
        seen.add(blob)
        size_bytes += len(data)
        places[name] = place
        listed.append(Listed(name, blob, len(data)))
    return Corpus(places, listed)


async def probe(lags_s: list[float]) -> None:
    """Note how late each wake-up is."""
    while True:
        due = time.perf_counter() + _PROBE_S
        await asyncio.sleep(_PROBE_S)
        lags_s.append(time.perf_counter() - due)


class Memory:
    """Samples, in a thread, the RSS of this process and of all that it started."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self.peak_by_process: list[int] = []
        self.cpu_s = 0.0
        self._own = psutil.Process()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._is_over.wait(_SAMPLE_S):
            held, cpu_s = [], 0.0
            for process in (self._own, *self._own.children(recursive=True)):
                with suppress(psutil.Error):
                    held.append(process.memory_info().rss)
                    times = process.cpu_times()
                    cpu_s += times.user + times.system
            self.cpu_s = max(self.cpu_s, cpu_s)
            if sum(held) > self.peak_bytes:
                self.peak_bytes, self.peak_by_process = sum(held), held


async def open_store(kind: str, folder: Path) -> PassageStore:
    """Open the store that is asked for."""
    if kind == "local":
        from pipelines.stores.local import LocalPassages

        return LocalPassages(folder)
    return FakePassages() if kind == "memory" else NoStore()


@dataclass(frozen=True, slots=True)
class Bench:
    """One project that is being indexed."""

    indexing: Indexing
    files: Corpus
    changed: frozenset[str] = frozenset()

    async def run(self, commit: str, listed: Sequence[Listed]) -> tuple[Plan, Outcome, float]:
        """Bring the index to a listing; returns the plan, what was done and the seconds from first to last."""
        started_s = time.perf_counter()
        plan = await self.indexing.plan("bench", "source", listed)
        target = Shown("source", "main", commit * 40, datetime.now(UTC))
        outcome = await self.indexing.run("bench", target, plan, self._read)
        return plan, outcome, time.perf_counter() - started_s

    async def _read(self, wanted: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        for file in wanted:
            data = await asyncio.to_thread(self.files.places[file.path].read_bytes)
            yield file, data + b"\nchangedhere\n" if file.path in self.changed else data


async def measure(arguments: argparse.Namespace, folder: Path) -> None:
    """Index the corpus once, then what changed of it, and print the tables."""
    paths = {name: Path(value) for name, value in sysconfig.get_paths().items()}
    roots = arguments.folders or [paths["purelib"], paths["stdlib"], Path("/usr/share/doc")]
    files = await asyncio.to_thread(corpus, roots, int(arguments.mb * 1_000_000))
    settings = load(environ={}, cwd=folder).settings
    store = await open_store(arguments.store, folder)
    embedder = open_embedder(settings.embedder)
    indexing = Indexing(store, embedder, files=settings.files, limits=settings.limits, workers=arguments.workers)
    lags_s: list[float] = []
    gc.collect()
    gc.freeze()  # as the service does: else collections walk over all imported code, and hold up the event loop
    before_mb = psutil.Process().memory_info().rss / 1e6
    await store.create("bench")
    bench = Bench(indexing, files)
    with Memory() as memory:
        probing = asyncio.create_task(probe(lags_s))
        plan, outcome, wall_s = await bench.run("1", files.listed)
        probing.cancel()
    show(plan, outcome, wall_s, memory.cpu_s)
    lags_s.sort()
    print(f"event loop lag p50 {lags_s[len(lags_s) // 2] * 1000:.1f} ms, ", end="")
    print(f"p99 {lags_s[int(len(lags_s) * 0.99)] * 1000:.1f} ms, worst {lags_s[-1] * 1000:.1f} ms")
    by_process = ", ".join(f"{held / 1e6:.0f}" for held in memory.peak_by_process)
    print(f"RSS before {before_mb:.0f} MB, peak of all processes {memory.peak_bytes / 1e6:.0f} MB ({by_process})")
    if arguments.change and arguments.store == "local":
        await change(bench, store, plan.changed[:: max(1, len(plan.changed) // arguments.change)][: arguments.change])
    await indexing.close()
    await store.close()


async def change(bench: Bench, store: PassageStore, some: Sequence[Listed]) -> None:
    """Give some files another line and index them again, once with cold and once with warm workers."""
    paths = frozenset(file.path for file in some)
    changed = replace(bench, changed=paths)
    for commit in "23":
        listed = [
            replace(file, blob=f"{commit}{file.blob[1:]}") if file.path in paths else file
            for file in bench.files.listed
        ]
        plan, outcome, wall_s = await changed.run(commit, listed)
        size_mb = plan.size_bytes / 1e6
        found = await store.keywords("bench", "changedhere", scope=Scope(), limit=2 * len(paths))
        print(f"{len(plan.changed)} changed files of {size_mb:.1f} MB are searchable after {wall_s:.2f} s ", end="")
        print(f"({len(found)} hits, {outcome.passages} passages)")


def show(plan: Plan, outcome: Outcome, wall_s: float, cpu_s: float) -> None:
    """Print the sums and the speed of each stage."""
    size_mb = plan.size_bytes / 1e6
    endings = Counter[str]()
    for file in plan.changed:
        endings[file.path.rpartition(".")[2].lower()] += file.size_bytes
    print(f"{size_mb:.1f} MB, {len(plan.changed)} files ({outcome.files} indexed), {outcome.passages} passages")
    print("MB by ending: " + ", ".join(f"{ending} {size / 1e6:.1f}" for ending, size in endings.most_common(12)))
    print(f"skipped {dict(outcome.skipped)}, redacted {outcome.redacted}")
    print(f"{'stage':8} {'s':>7} {'MB/s':>8} {'passages/s':>11}")
    for stage, seconds in {**outcome.timings, "all": wall_s, "all cpu": cpu_s}.items():
        per_s = 1 / (seconds or 1e-9)
        print(f"{stage:8} {seconds:7.2f} {size_mb * per_s:8.1f} {outcome.passages * per_s:11.0f}")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=lambda text: Path(text).resolve())
    parser.add_argument("--mb", type=float, default=50)
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--store", choices=("local", "memory", "none"), default="local")
    parser.add_argument("--change", type=int, default=100)
    arguments = parser.parse_args()
    platform.limit_memory_pools()  # as the service does
    sys.setswitchinterval(0.0005)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(arguments, Path(folder)))


if __name__ == "__main__":
    main()
