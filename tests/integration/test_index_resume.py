"""A large index that is cut off: nothing is left running, and what was finished is not done again."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from config.load import load
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing, Listed, Outcome, Progress
from pipelines.stores.local import LocalPassages
from pipelines.types import Shown

FILES = 1800
ROOT = Path(__file__).resolve().parents[2]
TREE = {
    f"folder{number % 50}/{number}.md": f"# Page {number}\n\n{'words and more ' * 170}\n" for number in range(FILES)
}
LISTING = [Listed(path, hashlib.sha1(text.encode()).hexdigest(), len(text)) for path, text in TREE.items()]


async def index(
    folder: Path, *, workers: int, told: list[str] | None = None, is_talking: bool = False, reads: int = FILES
) -> Outcome:
    """Bring the index in a folder to the tree; what is read is noted in `told`, what is done is printed.

    After so many files the reading waits for ever.
    """
    settings = load(environ={}, cwd=folder).settings
    store = LocalPassages(folder)
    indexing = Indexing(store, NoEmbedder(), files=settings.files, limits=settings.limits, workers=workers)

    async def read(files: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        for number, file in enumerate(files):
            if number == reads:
                await asyncio.Event().wait()
            if told is not None:
                told.append(file.path)
            yield file, TREE[file.path].encode()

    def show(progress: Progress) -> None:
        if is_talking:
            children = [child.pid for child in psutil.Process().children()]
            print(progress.stage, progress.done, *children, flush=True)

    try:
        await store.create("p")
        plan = await indexing.plan("p", "s", LISTING)
        target = Shown("s", "main", "c1", datetime(2026, 1, 1, tzinfo=UTC))
        return await indexing.run("p", target, plan, read, on_progress=show)
    finally:
        await indexing.close()
        await store.close()


@contextmanager
def indexing_process(folder: Path, *, reads: int = FILES) -> Iterator["subprocess.Popen[str]"]:
    """Index in a process of its own, which prints its steps."""
    code = f"""
        import asyncio
        import signal
        from pathlib import Path
        from tests.integration.test_index_resume import index

        # Ignored, and inherited, where a shell has started the tests in the background.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        asyncio.run(index(Path({str(folder)!r}), workers=1, is_talking=True, reads={reads}))
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True) as one:
        yield one


def workers_after_writes(process: "subprocess.Popen[str]", *, writes: int) -> list[int]:
    """Read what a process says until it has begun so many writes; gives the processes it has started."""
    assert process.stdout is not None
    for line in process.stdout:
        stage, _, *pids = line.split()
        writes -= stage == "writing"
        if not writes:
            return [int(pid) for pid in pids]
    raise AssertionError(f"expected more writes before the end, got {process.stderr and process.stderr.read()}")


def end_of(pids: Sequence[int], *, within_s: float) -> list[int]:
    """Wait for processes to end; gives those that did not."""
    left = [process for process in psutil.process_iter() if process.pid in pids]
    return [process.pid for process in psutil.wait_procs(left, timeout=within_s)[1]]


@pytest.mark.parametrize("writes", [2, 3])
def test_a_killed_index_goes_on_without_doing_finished_files_again(tmp_path: Path, writes: int) -> None:
    """A killed process takes its workers along; the next one reads the other files only, and the index is whole."""

    async def finished() -> set[str]:
        store = LocalPassages(tmp_path)
        try:
            return {*await store.manifest("p", "s")}
        finally:
            await store.close()

    with indexing_process(tmp_path) as process:
        workers = workers_after_writes(process, writes=writes)
        process.kill()

    assert (1, []) == (len(workers), end_of(workers, within_s=10))
    done = asyncio.run(finished())
    told: list[str] = []
    asyncio.run(index(tmp_path, workers=0, told=told))

    assert 0 < len(done) < FILES
    assert {*TREE} - done == {*told}
    assert {*TREE} == asyncio.run(finished())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no Ctrl-C to one process")
def test_an_interrupted_index_ends_soon_and_leaves_no_process(tmp_path: Path) -> None:
    """Ctrl-C reaches the workers too, which must not mind; their process ends them."""
    with indexing_process(tmp_path, reads=FILES - 1) as process:
        workers = workers_after_writes(process, writes=2)
        for pid in (process.pid, *workers):
            os.kill(pid, signal.SIGINT)
        _, errors = process.communicate(timeout=10)

    assert (1, []) == (len(workers), end_of(workers, within_s=0))
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "worker.py" not in errors
