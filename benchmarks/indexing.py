"""Indexing speed, memory and event-loop lag on 50 MB of mixed docs and code from the Python installation.

Run it on an idle machine:

    .venv/bin/python benchmarks/indexing.py [--mb 50] [--store local|memory|none]

"local" writes to a real store in a temporary folder, "none" drops what is prepared: the speed of these stages alone.
Prints MB/s and passages/s by stage, peak RSS of the process and the 99th percentile of the event loop's lag, by a
probe that wants to wake every 5 ms.
"""

import argparse
import asyncio
import gc
import hashlib
import sys
import sysconfig
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bot import platform
from config.load import load
from pipelines.components.embed import open_embedder
from pipelines.indexing import Indexing, Listed
from pipelines.stores.passages import Change, PassageStore
from pipelines.types import Shown
from tests.fakes.passages import FakePassages

_WANTED = {".py", ".pyi", ".md", ".rst", ".txt", ".html", ".js", ".ts", ".c", ".h", ".cpp", ".pyx", ".toml", ".json"}
_PROBE_S = 0.005


class NoStore(FakePassages):
    """Keeps nothing of what is written, so that only the stages before the store are measured."""

    async def apply(self, project: str, change: Change) -> int:
        """Drop the change."""
        return 1


def corpus(root_folders: Sequence[Path], max_bytes: int) -> dict[str, Path]:
    """Choose text files by path, spread over all folders, up to `max_bytes` in all; the same ones each time."""
    files = [
        (hashlib.sha1(str(path.relative_to(root)).encode()).hexdigest(), path)
        for root in root_folders
        for path in root.rglob("*")
        if path.suffix in _WANTED and path.is_file() and path.stat().st_size < 1_000_000
    ]
    chosen, size_bytes = {}, 0
    for _, path in sorted(files):
        size_bytes += path.stat().st_size
        if size_bytes > max_bytes:
            break
        chosen["/".join(path.parts[-4:]).replace("site-packages/", "").replace("vendor", "v")] = path
    return chosen


async def probe(lags_s: list[float], rss_bytes: list[int]) -> None:
    """Note how late each wake-up is, and how much memory is in use."""
    process = psutil.Process()
    while True:
        due = time.perf_counter() + _PROBE_S
        await asyncio.sleep(_PROBE_S)
        lags_s.append(time.perf_counter() - due)
        if len(lags_s) % 10 == 0:
            rss_bytes.append(process.memory_info().rss)


async def open_store(kind: str, folder: Path) -> PassageStore:
    """Open the store that is asked for."""
    if kind == "local":
        from pipelines.stores.local import LocalPassages

        return LocalPassages(folder)
    return FakePassages() if kind == "memory" else NoStore()


async def measure(kind: str, max_bytes: int, folder: Path) -> None:
    """Index the corpus once and print the table."""
    paths = {name: Path(value) for name, value in sysconfig.get_paths().items()}
    files = await asyncio.to_thread(corpus, [paths["purelib"], paths["stdlib"], Path("/usr/share/doc")], max_bytes)
    settings = load(environ={}, cwd=folder).settings
    store = await open_store(kind, folder)
    indexing = Indexing(store, open_embedder(settings.embedder), files=settings.files, limits=settings.limits)
    listed = [Listed(path, hashlib.sha1(path.encode()).hexdigest(), at.stat().st_size) for path, at in files.items()]

    async def read(wanted: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        for file in wanted:
            yield file, await asyncio.to_thread(files[file.path].read_bytes)

    lags_s: list[float] = []
    rss_bytes: list[int] = [psutil.Process().memory_info().rss]
    gc.collect()
    probing = asyncio.create_task(probe(lags_s, rss_bytes))
    await store.create("bench")
    started_s, cpu_s = time.perf_counter(), time.process_time()
    plan = await indexing.plan("bench", "source", listed)
    planned_s = time.perf_counter() - started_s
    outcome = await indexing.run("bench", Shown("source", "main", "1" * 40, datetime.now(UTC)), plan, read)
    wall_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    probing.cancel()
    await store.close()

    size_mb = sum(file.size_bytes for file in plan.changed) / 1e6
    print(f"store {kind}: {size_mb:.1f} MB, {outcome.files} files, {outcome.passages} passages, plan {planned_s:.2f} s")
    print(f"skipped {dict(outcome.skipped)}, redacted {outcome.redacted}")
    print(f"{'stage':8} {'s':>7} {'MB/s':>8} {'passages/s':>11}")
    for stage, seconds in {**outcome.timings, "all": wall_s, "all cpu": cpu_s}.items():
        print(
            f"{stage:8} {seconds:7.2f} {size_mb / (seconds or 1e-9):8.1f} {outcome.passages / (seconds or 1e-9):11.0f}"
        )
    lags_s.sort()
    print(f"event loop lag p50 {lags_s[len(lags_s) // 2] * 1000:.1f} ms, ", end="")
    print(f"p99 {lags_s[int(len(lags_s) * 0.99)] * 1000:.1f} ms, worst {lags_s[-1] * 1000:.1f} ms")
    print(f"RSS before {rss_bytes[0] / 1e6:.0f} MB, peak {max(rss_bytes) / 1e6:.0f} MB")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, default=50)
    parser.add_argument("--store", choices=("local", "memory", "none"), default="local")
    arguments = parser.parse_args()
    platform.limit_memory_pools()  # as the service does
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(arguments.store, int(arguments.mb * 1_000_000), Path(folder)))


if __name__ == "__main__":
    main()
