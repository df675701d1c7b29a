"""Time from a delivery to its answer at 50 a second, and whether any is lost when the service is killed in between.

Run: .venv/bin/python -m benchmarks.webhooks [--rate 50] [--seconds 20] [--repositories 50] [--no-kill]
The service is `roomwise run` in a process of its own over a new data folder. Pushes to its repositories arrive at a
fixed rate, whatever becomes of those before them, each signed and with 20 commits (8 KB). In the middle the service is
ended by kill -9 and started again. Whoever gets no 202 sends the same delivery again one to three seconds later, as
GitHub's redelivery does on request. The time of an answer is that of the try that was answered; those around the kill
and the start, when all that was missed comes at once, are counted apart. At the end the state database is read: a
delivery is lost when it was answered 202 and its id is not kept, or its source was neither marked nor looked at. The
repositories themselves lie at an address where nothing listens, so every look at one fails at once.
"""

import argparse
import asyncio
import contextlib
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import psutil

from tests.e2e.followed import SETTINGS, follow, lost
from tests.e2e.service import environment
from tests.fakes.deliveries import Parcel

AGAIN_AFTER_S = (1.0, 3.0)
GIVEN_UP_AFTER_S = 120.0
COMMIT = {"id": "f" * 40, "message": "Change something " * 10, "added": ["a/b.py"] * 5, "modified": ["c/d.py"] * 10}


@dataclass(slots=True)
class Sent:
    """What the senders saw: seconds to the answer, by what was going on; tries that failed, by how."""

    calm_s: list[float] = field(default_factory=list)
    disturbed_s: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    taken: dict[str, str] = field(default_factory=dict)  # delivery to repository
    given_up: int = 0


@dataclass(slots=True)
class Service:
    """`roomwise run` over a folder, on one port. `is_disturbed` from a kill until a second after it is ready again."""

    folder: Path
    port: int
    process: asyncio.subprocess.Process | None = None
    is_disturbed: bool = False
    cpu_s: float = 0.0  # used from ready until the end, by each process that has ended
    _cpu_when_ready_s: float = 0.0

    async def start(self, http: httpx.AsyncClient) -> float:
        """Start it and wait until it answers; seconds."""
        began = time.perf_counter()
        words = ["run", "--port", str(self.port), "--data-dir", str(self.folder / "data")]
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "bot", *words),
                cwd=self.folder,
                env=environment(self.folder, **SETTINGS),
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        async with asyncio.timeout(120):
            while True:
                if await _is_ready(http):
                    self._cpu_when_ready_s = _cpu_s(self.process)
                    return time.perf_counter() - began
                await asyncio.sleep(0.05)

    async def kill_and_start(self, http: httpx.AsyncClient) -> float:
        """End it at once and start it again; seconds from the kill until it answers."""
        self.is_disturbed = True
        began = time.perf_counter()
        await self.end(signal.SIGKILL)
        await self.start(http)
        took = time.perf_counter() - began
        await asyncio.sleep(1)
        self.is_disturbed = False
        return took

    async def end(self, how: signal.Signals) -> None:
        """End it."""
        if self.process is not None:
            self.cpu_s += _cpu_s(self.process) - self._cpu_when_ready_s
            self.process.send_signal(how)
            await self.process.wait()


def _cpu_s(process: asyncio.subprocess.Process) -> float:
    """Processor seconds of a process and of its children that have ended."""
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


async def deliver(http: httpx.AsyncClient, service: Service, repository: str, parcel: Parcel, sent: Sent) -> None:
    """Send one delivery until it is taken."""
    began = time.perf_counter()
    while time.perf_counter() - began < GIVEN_UP_AFTER_S:
        was_disturbed, tried = service.is_disturbed, time.perf_counter()
        try:
            answer = await http.post("/webhooks/github", content=parcel.body, headers=parcel.headers)
        except httpx.HTTPError as error:
            sent.failed[type(error).__name__] += 1
        else:
            if answer.status_code == 202:
                times = sent.disturbed_s if was_disturbed or service.is_disturbed else sent.calm_s
                times.append(time.perf_counter() - tried)
                sent.taken[parcel.headers["x-github-delivery"]] = repository
                return
            sent.failed[str(answer.status_code)] += 1
        await asyncio.sleep(random.uniform(*AGAIN_AFTER_S))
    sent.given_up += 1


async def measure(wanted: argparse.Namespace, folder: Path) -> bool:
    """Deliver, kill, deliver on, and print; whether nothing was lost."""
    hubs = await follow(folder, wanted.repositories)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    service, sent, count = Service(folder, port), Sent(), int(wanted.rate * wanted.seconds)
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10.0, trust_env=False) as http,
        asyncio.TaskGroup() as running,
    ):
        print(f"started in {await service.start(http):.1f} s", flush=True)
        began, killing = time.perf_counter(), None
        for number in range(count):
            hub = hubs[number % len(hubs)]
            push = {"ref": "refs/heads/main", "repository": hub.described(), "commits": [COMMIT] * 20}
            send = partial(deliver, http, service, hub.repository, hub.send("push", push), sent)
            await asyncio.sleep(max(0.0, began + number / wanted.rate - time.perf_counter()))
            running.create_task(send())
            if number == count // 2 and not wanted.no_kill:
                killing = running.create_task(service.kill_and_start(http))
    took = time.perf_counter() - began
    await service.end(signal.SIGTERM)
    missing = await lost(folder, sent.taken)
    show(sent, took, len(missing), service.cpu_s, down_s=killing.result() if killing else None)
    return not (missing or sent.given_up)


def show(sent: Sent, took_s: float, missing: int, cpu_s: float, *, down_s: float | None) -> None:
    """Print the table."""
    count = len(sent.taken)
    print(f"{count} deliveries in {took_s:.1f} s; {1000 * cpu_s / count:.1f} ms of CPU each, the looks included")
    print("| | count | p50 | p95 | most | aim |\n|---|---|---|---|---|---|")
    for name, times in (("answered", sent.calm_s), ("answered around the kill", sent.disturbed_s)):
        if len(times) > 1:
            cuts = [1000 * cut for cut in statistics.quantiles(times, n=20, method="inclusive")]
            aim = "p95 100 ms" if times is sent.calm_s else ""
            print(
                f"| {name} | {len(times)} | {cuts[9]:.0f} ms | {cuts[18]:.0f} ms | {1000 * max(times):.0f} ms | {aim} |"
            )
    if down_s is not None:
        print(f"down for {down_s:.1f} s; tries that failed: {dict(sent.failed)}")
    print(f"lost: {missing}; given up: {sent.given_up}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--repositories", type=int, default=50)
    parser.add_argument("--no-kill", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        is_whole = asyncio.run(measure(given, Path(place)))
    sys.exit(0 if is_whole else 1)
