"""A real Weaviate in a folder of its own, on free ports of 127.0.0.1: one node, or several that know each other.

The program is found by `tests.machine.find_weaviate`; it is no part of this project and is only ever spoken to.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.fakes.ports import free_ports

_STARTS_S = 60.0
_ALONE: Mapping[str, str] = {
    "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
    "AUTOSCHEMA_ENABLED": "false",
    "CLUSTER_IN_LOCALHOST": "true",
    "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
    "DEFAULT_VECTORIZER_MODULE": "none",
    "DISABLE_TELEMETRY": "true",
    "ENABLE_MODULES": "",
    "GO_PROFILING_DISABLE": "true",
    "LOG_LEVEL": "warning",
}


@dataclass
class Node:
    """A node that runs, or that has been stopped and may be started again."""

    program: Path
    folder: Path
    name: str
    ports: Mapping[str, int]
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address, with no path."""
        return f"http://127.0.0.1:{self.ports['http']}"

    @property
    def grpc_port(self) -> int:
        """The port for gRPC."""
        return self.ports["grpc"]

    @property
    def log(self) -> str:
        """What it has printed."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def launch(self) -> None:
        """Start it, without waiting."""
        command = [str(self.program), "--scheme", "http", "--host", "127.0.0.1", "--port", str(self.ports["http"])]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**_inherited(), **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def await_ready(self) -> None:
        """Wait until it answers. Raises RuntimeError with its log when it ends instead."""
        until_s = time.monotonic() + _STARTS_S
        while time.monotonic() < until_s:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"expected Weaviate to start, got {self.log[-2000:]}")
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/v1/.well-known/ready", timeout=5).is_success:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"expected Weaviate to be ready within {_STARTS_S:.0f} s, got {self.log[-2000:]}")

    def start(self) -> None:
        """Start it; it answers when this returns."""
        self.launch()
        self.await_ready()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, by a signal; nothing happens when it has ended."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextlib.contextmanager
def running_weaviate(program: Path, *, nodes: int = 1, **environment: str) -> Iterator[list[Node]]:
    """Start nodes that know each other; all is gone at the end. `environment` is what each is told besides."""
    folder = Path(tempfile.mkdtemp(prefix="roomwise-weaviate-"))
    made = _nodes(program, folder, nodes, environment)
    try:
        for one in made:
            one.launch()
        for one in made:
            one.await_ready()
        yield made
    finally:
        for one in made:
            one.stop(signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def _nodes(program: Path, folder: Path, count: int, environment: Mapping[str, str]) -> list[Node]:
    # A node finds the data of another one port above its gossip, and what it asks it one above its raft.
    ports = free_ports(count, ("http", "grpc", "gossip", "raft"), beside={"gossip": "data", "raft": "internal"})
    names = [f"node{number}" for number in range(1, count + 1)]
    joined = ",".join(f"{name}:{own['raft']}" for name, own in zip(names, ports, strict=True))
    made = []
    for name, own in zip(names, ports, strict=True):
        (folder / name).mkdir()
        told = {
            **_ALONE,
            "PERSISTENCE_DATA_PATH": str(folder / name / "data"),
            "CLUSTER_HOSTNAME": name,
            "CLUSTER_GOSSIP_BIND_PORT": str(own["gossip"]),
            "CLUSTER_DATA_BIND_PORT": str(own["data"]),
            "CLUSTER_JOIN": ",".join(f"127.0.0.1:{other['gossip']}" for other in ports if other is not own),
            "GRPC_PORT": str(own["grpc"]),
            "RAFT_PORT": str(own["raft"]),
            "RAFT_INTERNAL_RPC_PORT": str(own["internal"]),
            "RAFT_BOOTSTRAP_EXPECT": str(count),
            "RAFT_JOIN": joined,
            **environment,
        }
        made.append(Node(program, folder / name, name, own, told))
    return made


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR", "GOMAXPROCS"}}
