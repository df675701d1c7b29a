"""Real worker processes: what they make, and that nothing is left of them."""

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest

from config.load import load
from pipelines.components.embed.bundled import open_bundled
from pipelines.components.prepare import embedded_text
from pipelines.making import crew as crew_module
from pipelines.making.crew import Alone, Crew
from pipelines.making.work import Chunk, Raw, Tools

FILES = load(environ={}, cwd=Path(__file__).parent).settings.files
ROOT = Path(__file__).resolve().parents[4]
TEXTS = {"docs/a.md": b"# Title\n\nsome text\n", "b.py": b"def run():\n    return 1\n", "c.bin": b"a\0b"}


def chunk(**files: bytes) -> Chunk:
    """Make a chunk of a source."""
    texts = {name.replace("_", "."): data for name, data in files.items()} or TEXTS
    return Chunk("s", [Raw(path, "b" * 40, data) for path, data in texts.items()])


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., Crew]]:
    """Open crews, which are closed at the end."""
    crews: list[Crew] = []

    def open_crew(*, most: int = 1, idle_s: float = 60.0, limit_s: float = 60.0, is_embedding: bool = False) -> Crew:
        crews.append(Crew(Tools(FILES, is_embedding), most=most, idle_s=idle_s, chunk_limit_s=limit_s))
        return crews[-1]

    yield open_crew
    for crew in crews:
        await crew.close()


@dataclass
class Trap:
    """What workers have begun, in order; `next` is set with each."""

    begun: list[str] = field(default_factory=list)
    next: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Note a file that a worker begins, and let it go on."""
        self.begun.append((await reader.readline()).decode().strip())
        self.next.set()
        writer.write(b"!")
        writer.close()

    async def until(self, path: str) -> None:
        """Wait until a worker has begun a file."""
        while path not in self.begun:
            self.next.clear()
            await self.next.wait()


@pytest.fixture
async def trap(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trap]:
    """Let workers die on a file that says DIE, and hang on one that says HANG, as a fault in a C library would."""
    held = Trap()
    server = await asyncio.start_server(held.take, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    code = f"""
        import os, socket, sys, threading
        sys.path.append(sys.argv[1])
        from pipelines.making import work, worker
        real = work.prepare

        def prepare(place, data, rules):
            with socket.create_connection({address!r}) as told:
                told.sendall(place.path.encode() + b"\\n")
                told.recv(1)
            if b"DIE" in data:
                os._exit(9)
            if b"HANG" in data:
                threading.Event().wait()
            return real(place, data, rules)

        work.prepare = prepare
        worker.main()
    """
    monkeypatch.setattr(crew_module, "_COMMAND", (sys.executable, "-P", "-c", textwrap.dedent(code), str(ROOT)))
    yield held
    server.close()


async def gone(pids: list[int]) -> None:
    """Wait until none of these processes is there."""
    left = [process for process in psutil.process_iter() if process.pid in pids]
    _, alive = await asyncio.to_thread(psutil.wait_procs, left, timeout=10)

    assert [] == alive


async def test_a_worker_makes_what_is_made_without_one(opened: Callable[..., Crew]) -> None:
    """The same passages, with vectors from the bundled embedder."""
    crew = opened(is_embedding=True)

    made = (await crew.make(chunk())).made
    alone = (await Alone(Tools(FILES)).make(chunk())).made

    assert [one.prepared for one in alone] == [one.prepared for one in made]
    texts = [embedded_text(document) for one in alone for document in one.prepared.documents]
    vectors = [one.vectors for one in made if one.vectors is not None]
    assert np.allclose(open_bundled().embed_now(texts), np.concatenate(vectors))


async def test_a_file_whose_vectors_are_known_gets_none(opened: Callable[..., Crew]) -> None:
    """Only what is wanted is embedded."""
    crew = opened(is_embedding=True)
    files = [Raw("a.md", "b", b"one", wants_vectors=False), Raw("b.md", "b", b"two")]

    first, second = (await crew.make(Chunk("s", files))).made

    assert (None, (1, 256)) == (first.vectors, second.vectors.shape if second.vectors is not None else None)


async def test_workers_share_the_work_and_stay_warm(opened: Callable[..., Crew]) -> None:
    """Not more than asked for are started, and the same ones go on."""
    crew = opened(most=2)

    await asyncio.gather(*(crew.make(chunk()) for _ in range(6)))
    first = set(crew.pids)
    await crew.make(chunk())

    assert (2, first) == (len(first), set(crew.pids))


async def test_a_worker_that_dies_costs_only_the_file_it_dies_on(opened: Callable[..., Crew], trap: Trap) -> None:
    """The others of its chunk are done once more; the bad one is tried twice and skipped with a reason."""
    made = (await opened().make(chunk(a_md=b"one", b_md=b"DIE", c_md=b"two"))).made

    assert ["", "crashed", ""] == [one.prepared.skipped for one in made]
    assert ["one", "two"] == [one.prepared.documents[0].content for one in made if one.prepared.documents]
    assert ["a.md", "b.md", "a.md", "b.md", "c.md"] == trap.begun


async def test_a_file_that_hangs_is_skipped_in_time(opened: Callable[..., Crew], trap: Trap) -> None:
    """Its worker is killed; nobody waits for it longer than the limit, twice."""
    crew = opened(limit_s=2.0)
    await crew.make(chunk(a_md=b"warm"))
    pids = crew.pids

    (made,) = (await crew.make(chunk(b_md=b"HANG"))).made

    assert "crashed" == made.prepared.skipped
    await gone(pids)


async def test_cancelling_ends_the_worker_that_worked(opened: Callable[..., Crew], trap: Trap) -> None:
    """No process works for nobody; the crew goes on with another one."""
    crew = opened()
    await crew.make(chunk(a_md=b"warm"))
    pids = crew.pids
    running = asyncio.create_task(crew.make(chunk(b_md=b"HANG")))
    await trap.until("b.md")

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    await gone(pids)
    assert "" == (await crew.make(chunk(a_md=b"one"))).made[0].prepared.skipped


async def test_closing_leaves_no_process_behind(opened: Callable[..., Crew], trap: Trap) -> None:
    """Neither one that rests nor one that works."""
    crew = opened(most=2)
    await asyncio.gather(*(crew.make(chunk(a_md=b"warm")) for _ in range(2)))
    pids = crew.pids
    running = asyncio.create_task(crew.make(chunk(b_md=b"HANG")))
    await trap.until("b.md")

    running.cancel()
    await crew.close()

    assert (2, []) == (len(pids), [pid for pid in pids if psutil.pid_exists(pid)])


async def test_workers_without_work_end(opened: Callable[..., Crew]) -> None:
    """Their memory is given back; new ones start when there is work again."""
    crew = opened(idle_s=0.05)
    await crew.make(chunk())
    pids = crew.pids

    await gone(pids)

    assert [] == crew.pids
    assert 3 == len((await crew.make(chunk())).made)


async def test_where_no_worker_can_start_the_work_is_done_here(
    opened: Callable[..., Crew], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that is missing, or that ends at once, does not stop an index."""
    for command in (("/nowhere/python",), (sys.executable, "-c", "pass")):
        monkeypatch.setattr(crew_module, "_COMMAND", command)

        assert 3 == len((await opened().make(chunk())).made)


async def test_a_key_of_the_service_does_not_reach_a_worker(
    opened: Callable[..., Crew], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings in the environment are for the service alone."""
    monkeypatch.setenv("ROOMWISE_LLM__API_KEY", "secret")
    crew = opened()
    await crew.make(chunk())

    assert "ROOMWISE_LLM__API_KEY" not in psutil.Process(crew.pids[0]).environ()


def test_a_worker_dies_with_the_process_that_started_it() -> None:
    """Also when that one is killed and can say nothing."""
    code = """
        import asyncio, threading
        from tests.unit.pipelines.making.test_crew import FILES, chunk
        from pipelines.making.crew import Crew
        from pipelines.making.work import Tools

        async def main():
            crew = Crew(Tools(FILES), most=1)
            await crew.make(chunk())
            print(crew.pids[0], flush=True)
            threading.Event().wait()

        asyncio.run(main())
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, env=environment, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)

        parent.kill()

    asyncio.run(gone([pid]))
