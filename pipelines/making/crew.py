"""Worker processes on this machine: started when there is much to do, ended when there was nothing for a while.

They are new interpreters, never forks, and talk by pipes. A worker that dies or hangs costs no other file: those of
its chunk are done once more, each alone in a fresh worker, and the one on which it dies again is left out.
"""

import asyncio
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from pipelines.components.prepare import Prepared
from pipelines.making.work import Chunk, Made, Tools, Work, Workbench
from pipelines.making.worker import READY, Answer

CRASHED: Final = "crashed"
IDLE_S: Final = 20.0
# A chunk of 1 MB takes a second; one that takes as long as this, and a second for each 50 KB, holds a trap.
CHUNK_LIMIT_S: Final = 120.0
_LEAST_BYTES_PER_S: Final = 50_000
_ROOT: Final = Path(__file__).resolve().parents[2]
# The root goes last, so that in an installed package nothing of its neighbours hides the standard library.
_CODE: Final = "import sys; sys.path.append(sys.argv[1]); from pipelines.making.worker import main; main()"
_COMMAND: Final = (sys.executable, "-P", "-c", _CODE, str(_ROOT))

# What talking to a process raises that is gone, ValueError when its pipes were closed meanwhile.
_BROKEN: Final = (OSError, EOFError, ValueError, pickle.UnpicklingError)

_log = structlog.get_logger(__name__)


class Maker(Protocol):
    """Makes chunks of files into passages."""

    @property
    def at_once(self) -> int:
        """Count the chunks that can be worked on at the same time."""

    async def make(self, chunk: Chunk) -> Work:
        """Give what became of each file."""


class Alone:
    """Makes one chunk at a time in a thread of this process, without vectors."""

    at_once = 1

    def __init__(self, tools: Tools) -> None:
        self._workbench = Workbench(replace(tools, is_embedding=False))
        self._seat = asyncio.Semaphore(1)

    async def make(self, chunk: Chunk) -> Work:
        """Give what became of each file."""
        async with self._seat:
            return await asyncio.to_thread(self._workbench.make, chunk)


class WorkerLost(Exception):
    """A worker died or hung while it worked."""


class NoWorker(Exception):
    """No worker can be started on this machine."""


class Worker:
    """One process. All methods but `kill` block and are called from threads, one at a time."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._process: subprocess.Popen[bytes] | None = None
        self._is_unwanted = False

    @property
    def pid(self) -> int | None:
        """The id of the process while it runs."""
        return self._process.pid if self._process else None

    def ask(self, chunk: Chunk) -> Answer:
        """Let the process work, starting it when it does not run. Raises NoWorker, or WorkerLost when it dies."""
        process = self._process or self._start()
        try:
            answer: Answer = _exchange(process, chunk)
        except _BROKEN as error:
            self.end()
            raise WorkerLost(f"expected an answer of a worker, got {error!r}") from error
        return answer

    def kill(self) -> None:
        """Let the process die now, from any thread; `end` puts away what is left."""
        self._is_unwanted = True
        if self._process is not None:
            self._process.kill()

    def end(self) -> None:
        """End the process and wait until it is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _start(self) -> "subprocess.Popen[bytes]":
        try:
            process = self._process = _spawn()
            if self._is_unwanted:
                process.kill()
            if _exchange(process, self._tools) == READY:
                return process
        except _BROKEN as error:
            self.end()
            raise NoWorker(f"expected a worker process to start, got {error!r}") from error
        raise NoWorker("expected a worker process to be ready, got another answer")


class Crew:
    """Up to `most` workers for all projects. Must be used and closed on one event loop."""

    def __init__(
        self, tools: Tools, *, most: int, idle_s: float = IDLE_S, chunk_limit_s: float = CHUNK_LIMIT_S
    ) -> None:
        """Start nothing yet. Workers end after `idle_s` without work, and one that works longer than the limit.

        The limit grows by a second for each 50 KB of a chunk.
        """
        self._tools = tools
        self.at_once = most
        self._idle_s = idle_s
        self._chunk_limit_s = chunk_limit_s
        self._seats = asyncio.Semaphore(most)
        self._threads = ThreadPoolExecutor(most + 1, thread_name_prefix="crew")
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._alone: Alone | None = None
        self._is_closed = False
        self._resting: asyncio.TimerHandle | None = None

    @property
    def pids(self) -> list[int]:
        """List the processes that run."""
        return [pid for worker in (*self._idle, *self._busy) if (pid := worker.pid) is not None]

    async def make(self, chunk: Chunk) -> Work:
        """Give what became of each file; one that ends a worker twice is skipped as "crashed"."""
        try:
            return await self._make(chunk)
        except WorkerLost as lost:
            _log.warning("worker_lost", source=chunk.source, files=len(chunk.files), error=str(lost))
        return Work([await self._make_single(single) for single in chunk.singles()])

    async def close(self) -> None:
        """End all workers, also those that work; calls under way fail."""
        self._is_closed = True
        if self._resting is not None:
            self._resting.cancel()
        workers = [*self._idle, *self._busy]
        self._idle.clear()
        for worker in workers:
            worker.kill()
        await asyncio.gather(*(self._in_thread(worker.end) for worker in workers))
        self._threads.shutdown(wait=False)

    async def _make_single(self, chunk: Chunk) -> Made:
        try:
            (made,) = (await self._make(chunk)).made
        except WorkerLost as lost:
            path = chunk.files[0].path
            _log.error("file_not_prepared", source=chunk.source, path=path, error=str(lost))
            return Made(Prepared(skipped=CRASHED))
        return made

    async def _make(self, chunk: Chunk) -> Work:
        async with self._seats:
            if self._alone is None:
                try:
                    return await self._ask(chunk)
                except NoWorker as error:
                    _log.warning(
                        "no_workers", error=str(error), effect="files are indexed in the service's own process"
                    )
                    self._alone = Alone(self._tools)
        return await self._alone.make(chunk)

    async def _ask(self, chunk: Chunk) -> Work:
        """Ask one worker; it is ended when it takes too long or when nobody waits for it any more."""
        if self._is_closed:
            raise RuntimeError("expected workers to be there, but they were ended with the service")
        limit_s = self._chunk_limit_s + chunk.size_bytes / _LEAST_BYTES_PER_S
        worker = self._idle.pop() if self._idle else Worker(self._tools)
        self._busy.add(worker)
        try:
            async with asyncio.timeout(limit_s):
                answer: Answer = await self._in_thread(worker.ask, chunk)
        except TimeoutError:
            self._discard(worker)
            raise WorkerLost(f"expected an answer within {limit_s:.0f} s, got none") from None
        except BaseException:
            self._discard(worker)
            raise
        self._busy.discard(worker)
        self._idle.append(worker)
        self._rest_later()
        for level, event, values in answer.logged:
            getattr(_log, level, _log.info)(event, **values)
        return answer.work

    def _discard(self, worker: Worker) -> None:
        """Kill a worker whose thread may still wait for it; the thread sees its end and puts it away."""
        worker.kill()
        self._busy.discard(worker)
        if not self._is_closed:
            self._threads.submit(worker.end)

    def _rest_later(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
        self._resting = asyncio.get_running_loop().call_later(self._idle_s, self._rest)

    def _rest(self) -> None:
        """End the workers that have nothing to do."""
        idle, self._idle = self._idle, []
        for worker in idle:
            self._threads.submit(worker.end)

    def _in_thread(self, work: Any, *arguments: Any) -> "asyncio.Future[Any]":
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _spawn() -> "subprocess.Popen[bytes]":
    """Start a new interpreter that imports from where we came from, with its own share of pools and threads."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ROOMWISE_")}
    wanted = {"TOKENIZERS_PARALLELISM": "false", "MALLOC_ARENA_MAX": "2"}
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**own, **wanted}
    )


def _exchange(process: "subprocess.Popen[bytes]", message: object) -> Any:
    if process.stdin is None or process.stdout is None:
        raise EOFError("no pipes")
    pickle.dump(message, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
    process.stdin.flush()
    return pickle.load(process.stdout)  # noqa: S301 - from the worker that we started
