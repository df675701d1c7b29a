"""Debian's sshd on 127.0.0.1, for this user and one key; it serves whatever repositories the user can read."""

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:/usr/bin")


@dataclass(frozen=True, slots=True)
class Sshd:
    """Where it listens, the key that it lets in, and its own key as ssh-keyscan would print it, under a host's name."""

    port: int
    key_file: Path
    host_key: str

    def known_as(self, host: str) -> str:
        """The line of known_hosts for it under that name."""
        return f"[{host}]:{self.port} {self.host_key}\n"


@asynccontextmanager
async def running_sshd(folder: Path) -> AsyncIterator[Sshd]:
    """Start it with keys of its own in `folder`; it is gone when the block is left."""
    await asyncio.to_thread(_prepare, folder)
    port = _free_port()
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "authorized",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    assert SSHD
    process = await asyncio.create_subprocess_exec(
        SSHD, "-D", "-e", "-f", "/dev/null", *words, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    try:
        async with asyncio.timeout(20):
            while b"listening on" not in (line := await process.stderr.readline()):
                assert line, "sshd has ended"
        yield Sshd(port, folder / "user", (folder / "host.pub").read_text().strip())
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def _prepare(folder: Path) -> None:
    """Make both keys, and the folder in which sshd locks itself in before anybody has signed in."""
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    (folder / "authorized").write_text((folder / "user.pub").read_text())
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def user() -> str:
    """Who may sign in: the account that the tests run under."""
    return getpass.getuser()
