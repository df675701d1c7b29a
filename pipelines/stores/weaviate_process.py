"""A Weaviate server of our own: a program that somebody installed, started and stopped with Roomwise.

It listens on this machine only, but for its gRPC port, which Weaviate opens on all addresses: who comes there needs the
key, which is new with every start.

One that outlived us, because we were killed, is found by what was written down of it, and used again.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from pipelines.stores.weaviate_address import Address
from pipelines.types import StoreUnavailable

_STARTS_S: Final = 60.0
_STOPS_S: Final = 30.0
_LOOK_S: Final = 0.2
_PASSED_ON: Final = ("PATH", "HOME", "TMPDIR", "TEMP", "SYSTEMROOT", "GOMAXPROCS", "GOMEMLIMIT", "LIMIT_RESOURCES")


@dataclass(frozen=True, slots=True)
class _Running:
    """What is written down of a server."""

    pid: int
    http: int
    grpc: int
    key: str


class OwnServer:
    """Runs `program` with its data in `folder`, which is made."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._running: _Running | None = None

    async def start(self) -> Address:
        """Start it, or find it running; gives where it is. Raises StoreUnavailable with the end of what it printed."""
        return await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """End it and wait until its data is written."""
        await asyncio.to_thread(self._stop)

    def _start(self) -> Address:
        left = self._left()
        if left is not None and _answers(left):
            self._running = left
            return _address(left)
        if not self._program.is_file():
            raise StoreUnavailable(f"expected a program at weaviate.program, {self._program} is none")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.ExitStack() as taken:
            http, grpc = _free_port(taken), _free_port(taken)
            # A node finds its own data and its own raft one port above these, wherever it is told that they are.
            gossip, raft = _free_pair(taken), _free_pair(taken)
        key = secrets.token_urlsafe(24)
        told = {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
            "AUTHENTICATION_APIKEY_ENABLED": "true",
            "AUTHENTICATION_APIKEY_ALLOWED_KEYS": key,
            "AUTHENTICATION_APIKEY_USERS": "roomwise",
            "AUTHORIZATION_ADMINLIST_ENABLED": "true",
            "AUTHORIZATION_ADMINLIST_USERS": "roomwise",
            "AUTOSCHEMA_ENABLED": "false",
            "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
            "CLUSTER_BIND_ADDR": "127.0.0.1",
            "CLUSTER_IN_LOCALHOST": "true",
            "CLUSTER_HOSTNAME": "roomwise",
            "CLUSTER_GOSSIP_BIND_PORT": str(gossip),
            "CLUSTER_DATA_BIND_PORT": str(gossip + 1),
            "DEFAULT_VECTORIZER_MODULE": "none",
            "DISABLE_TELEMETRY": "true",
            "ENABLE_MODULES": "",
            "GO_PROFILING_DISABLE": "true",
            "GRPC_PORT": str(grpc),
            "LOG_LEVEL": "warning",
            "PERSISTENCE_DATA_PATH": str(self._folder / "data"),
            "RAFT_BOOTSTRAP_EXPECT": "1",
            "RAFT_PORT": str(raft),
            "RAFT_INTERNAL_RPC_PORT": str(raft + 1),
            "RAFT_ENABLE_ONE_NODE_RECOVERY": "true",  # its ports are others at each start
        }
        self._process = self._launched(http, told)
        self._running = _Running(self._process.pid, http, grpc, key)
        self._write(self._running)
        self._await_ready(self._running)
        return _address(self._running)

    def _launched(self, http: int, told: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        command = [str(self._program), "--scheme", "http", "--host", "127.0.0.1", "--port", str(http)]
        with (self._folder / "weaviate.log").open("wb") as log:
            try:
                return subprocess.Popen(  # noqa: S603 - the program that the settings name
                    command,
                    cwd=self._folder,
                    env=dict(told),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for us, who stop it in time
                )
            except OSError as error:
                raise StoreUnavailable(f"expected to start {self._program}: {error}") from error

    def _await_ready(self, running: _Running) -> None:
        until_s = time.monotonic() + _STARTS_S
        while time.monotonic() < until_s:
            if self._process is not None and self._process.poll() is not None:
                break
            if _answers(running):
                return
            time.sleep(_LOOK_S)
        self._stop()
        raise StoreUnavailable(f"expected {self._program} to start, it says: {self._last_words()}")

    def _stop(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        with contextlib.suppress(OSError):
            os.kill(running.pid, signal.SIGTERM)
        until_s = time.monotonic() + _STOPS_S
        while time.monotonic() < until_s and self._is_there(running):
            time.sleep(_LOOK_S)
        if self._is_there(running):
            with contextlib.suppress(OSError):
                os.kill(running.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self._note.unlink(missing_ok=True)

    def _is_there(self, running: _Running) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        return _answers(running)

    @property
    def _note(self) -> Path:
        return self._folder / "running.json"

    def _write(self, running: _Running) -> None:
        self._note.touch(mode=0o600)
        self._note.write_text(json.dumps(asdict(running)), "utf-8")

    def _left(self) -> _Running | None:
        """What is written down of a server that may still run."""
        try:
            found: dict[str, Any] = json.loads(self._note.read_text("utf-8"))
            return _Running(**found)
        except (OSError, ValueError, TypeError):
            return None

    def _last_words(self) -> str:
        try:
            return (self._folder / "weaviate.log").read_text("utf-8", "replace")[-500:]
        except OSError as error:
            return str(error)


def _answers(running: _Running) -> bool:
    """Say whether the server is there and takes our key: another one on its port does not."""
    with contextlib.suppress(httpx.HTTPError):
        headers = {"Authorization": f"Bearer {running.key}"}
        url = f"http://127.0.0.1:{running.http}/v1"
        return all(
            httpx.get(f"{url}/{path}", headers=headers, timeout=5).is_success for path in (".well-known/ready", "nodes")
        )
    return False


def _address(running: _Running) -> Address:
    return Address(f"http://127.0.0.1:{running.http}", grpc_port=running.grpc, api_key=running.key)


def _free_port(taken: contextlib.ExitStack, port: int = 0) -> int:
    """A port that nobody listens on, any or this one, held until `taken` is left. Raises OSError, OverflowError."""
    probe = taken.enter_context(contextlib.closing(socket.socket()))
    probe.bind(("127.0.0.1", port))
    found: int = probe.getsockname()[1]
    return found


def _free_pair(taken: contextlib.ExitStack) -> int:
    """The lower of two free ports that stand together."""
    while True:
        port = _free_port(taken)
        with contextlib.suppress(OSError, OverflowError):
            _free_port(taken, port + 1)
            return port
