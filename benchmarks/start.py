"""Start time and memory of the whole service, beside a bare FastAPI and uvicorn process measured in the same run.

Run it on an idle machine:

    python3 bootstrap.py bench start

The first start makes a data folder and indexes what a fresh installation begins with: this checkout. Its memory is
sampled every 20 ms until the index is ready, and read again once it is idle. Then the service is started again and
again on that folder, by the command that `make run` stands for. "ready" is from the start of the process until GET
/readyz says so, "first answer" until the first question has its answer, "cpu" the processor time used until ready: on
a busy machine it is the fairer figure. Every figure but the first start's is the median of the rounds, with the worst beside it.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

_BARE = """
import sys, uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

app = FastAPI()

@app.get("/readyz")
async def ready() -> PlainTextResponse:
    return PlainTextResponse("ready")

uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""
_ROOT = Path(__file__).resolve().parent.parent
_IDLE_S = 8.0  # longer than the keyword writer stays open after a write
_QUESTION = "How is the data folder locked?"


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a server: seconds until it was ready, processor seconds until then, resident megabytes when idle."""

    ready_s: float
    cpu_s: float
    idle_mb: float
    answer_s: float = 0.0
    answered_mb: float = 0.0


def rss_mb(process: psutil.Process) -> float:
    """Resident megabytes of a process and its children.

    A child that has not become its own program yet still is the parent's memory, which would count twice.
    """
    total, own = process.memory_info().rss, process.cmdline()
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += child.memory_info().rss if child.cmdline() != own else 0
    return total / 1e6


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(command: list[str], environ: dict[str, str]) -> Iterator[psutil.Process]:
    """A process, ended with its block."""
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            yield psutil.Process(child.pid)
        finally:
            child.terminate()
            child.wait(30)


def until(is_done: Callable[[], bool], *, limit_s: float, pause_s: float = 0.01) -> None:
    """Ask again and again until something is so. Raises TimeoutError."""
    end_s = time.perf_counter() + limit_s
    while not is_done():
        if time.perf_counter() > end_s:
            raise TimeoutError(f"expected the server to get there within {limit_s} s")
        time.sleep(pause_s)


def is_ready(client: httpx.Client) -> bool:
    """Whether /readyz says ready."""
    try:
        response = client.get("/readyz")
    except httpx.TransportError:
        return False
    return response.status_code == 200 and response.text.startswith("ready")


def start(command: Callable[[int], list[str]], environ: dict[str, str], *, data_dir: Path | None) -> Start:
    """Start a server once and measure it; with a data folder it is asked a question, too."""
    port = free_port()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        began_s = time.perf_counter()
        with running(command(port), environ) as process:
            until(lambda: is_ready(client), limit_s=120)
            ready_s = time.perf_counter() - began_s
            used = process.cpu_times()
            answer_s = ask(client, data_dir, began_s) if data_dir else 0.0
            answered_mb = rss_mb(process)
            time.sleep(_IDLE_S if data_dir else 1.0)
            return Start(ready_s, used.user + used.system, rss_mb(process), answer_s, answered_mb)


def key_of(data_dir: Path) -> dict[str, str]:
    """The header that this machine's own commands call the service with."""
    key = json.loads((data_dir / "service.json").read_text("utf-8"))["key"]
    return {"Authorization": f"Bearer {key}"}


def ask(client: httpx.Client, data_dir: Path, began_s: float) -> float:
    """Ask a question and give the seconds since `began_s` when its answer was there."""
    body = {"question": _QUESTION, "project": "roomwise"}
    response = client.post("/api/ask", json=body, headers=key_of(data_dir))
    response.raise_for_status()
    assert response.json()["citations"], response.text
    return time.perf_counter() - began_s


def index_first(command: Callable[[int], list[str]], environ: dict[str, str], data_dir: Path) -> dict[str, float]:
    """Start on an empty folder, wait for the first index, and give seconds and megabytes."""
    port, peak_mb = free_port(), 0.0
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        began_s = time.perf_counter()
        with running(command(port), environ) as process:
            until(lambda: is_ready(client), limit_s=120)
            ready_s = time.perf_counter() - began_s
            asked_s = 0.0

            def is_indexed() -> bool:
                nonlocal peak_mb, asked_s
                peak_mb = max(peak_mb, rss_mb(process))
                if time.perf_counter() - asked_s < 0.5:
                    return False
                asked_s = time.perf_counter()
                projects = client.get("/api/status", headers=key_of(data_dir)).json()["projects"]
                return any(source["last_ok_at"] for project in projects for source in project["sources"])

            until(is_indexed, limit_s=600, pause_s=0.02)
            indexed_s = time.perf_counter() - began_s
            status = client.get("/api/status", headers=key_of(data_dir)).json()["projects"]
            time.sleep(_IDLE_S)
            return {
                "ready_s": ready_s,
                "indexed_s": indexed_s,
                "peak_mb": peak_mb,
                "steady_mb": rss_mb(process),
                "passages": float(sum(project["passages"] for project in status)),
            }


def duration_s(command: list[str], environ: dict[str, str]) -> float:
    """Seconds that a command takes until it has ended."""
    began_s = time.perf_counter()
    subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began_s


def statuses_s(
    service: Callable[[int], list[str]], command: list[str], environ: dict[str, str], rounds: int
) -> list[float]:
    """Seconds that a command takes beside a running service."""
    port = free_port()
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        running(service(port), environ),
    ):
        until(lambda: is_ready(client), limit_s=120)
        return [duration_s(command, environ) for _ in range(rounds)]


def line(name: str, values: list[float], unit: str, bare: list[float] | None = None) -> None:
    """Print the median and the worst of some figures, and how they compare with the bare process."""
    middle = statistics.median(values)
    beside = f"{middle / statistics.median(bare):8.1f} x" if bare else ""
    print(f"{name:34} {middle:8.2f} {max(values):8.2f} {unit:3} {beside}")


def measure(rounds: int, folder: Path) -> None:
    """Run everything and print the table."""
    data_dir = folder / "data"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROOMWISE_") and name != "PORT"}
    environ |= {"XDG_CONFIG_HOME": str(folder / "config"), "ROOMWISE_DATA_DIR": str(data_dir)}
    roomwise = [sys.executable, "-P", "-m", "bot"]

    def ours(port: int) -> list[str]:
        return [sys.executable, str(_ROOT / "bootstrap.py"), "run", "--port", str(port)]

    def theirs(port: int) -> list[str]:
        return [sys.executable, "-c", _BARE, str(port)]

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} processors, load {load:.1f} at the beginning, Python {sys.version.split()[0]}")
    os.chdir(folder)
    first = index_first(ours, environ, data_dir)
    bare, mine, commands = [], [], []
    for _ in range(rounds):
        bare.append(start(theirs, environ, data_dir=None))
        mine.append(start(ours, environ, data_dir=data_dir))
        commands.append([duration_s([*roomwise, word], environ) for word in ("--help", "version")])
    beside = statuses_s(ours, [*roomwise, "status"], environ, rounds)
    print(f"{'':34} {'median':>8} {'worst':>8}      against bare FastAPI + uvicorn")
    line("roomwise --help", [one for one, _ in commands], "s")
    line("roomwise version", [one for _, one in commands], "s")
    line("roomwise status beside a service", beside, "s")
    show(first, mine, bare)


def show(first: dict[str, float], mine: list[Start], bare: list[Start]) -> None:
    """Print what starts took and held."""
    ready_s, idle_mb = [one.ready_s for one in bare], [one.idle_mb for one in bare]
    line("bare: ready", ready_s, "s")
    line("bare: cpu until ready", [one.cpu_s for one in bare], "s")
    line("bare: RSS idle", idle_mb, "MB")
    line("make run: ready", [one.ready_s for one in mine], "s", ready_s)
    line("make run: cpu until ready", [one.cpu_s for one in mine], "s", [one.cpu_s for one in bare])
    line("make run: first answer", [one.answer_s for one in mine], "s", ready_s)
    line("make run: RSS after an answer", [one.answered_mb for one in mine], "MB", idle_mb)
    line("make run: RSS idle", [one.idle_mb for one in mine], "MB", idle_mb)
    print(
        f"first start: ready {first['ready_s']:.2f} s, {first['passages']:.0f} passages after {first['indexed_s']:.1f} s"
    )
    line("first index: RSS peak", [first["peak_mb"]], "MB", idle_mb)
    line("first index: RSS idle after", [first["steady_mb"]], "MB", idle_mb)


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments.rounds, Path(folder))


if __name__ == "__main__":
    main()
