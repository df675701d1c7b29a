"""A real PostgreSQL server in a folder of its own, for the length of a test run."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _as_user() -> tuple[str, list[str]]:
    """The server refuses to run as root; Debian's package has made a user for it."""
    if sys.platform != "win32" and os.geteuid() == 0:
        return "postgres", ["runuser", "-u", "postgres", "--"]
    return getpass.getuser(), []


@contextmanager
def running_postgresql(programs: Path) -> Iterator[str]:
    """Start a server; gives the address of its database, and takes everything away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="roomwise-pg-"))
    user, become = _as_user()
    if become:
        shutil.chown(folder, user)
    port = _free_port()
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
    data, log = str(folder / "data"), str(folder / "log")

    def call(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*become, str(programs / program), *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"expected {program} to work, got {done.stdout}{done.stderr}")

    try:
        call("initdb", "-D", data, "-A", "trust", "-U", user, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        # What the server prints would keep the pipe open, so it has a log of its own.
        call("pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start")
        try:
            yield f"postgresql://{user}@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
