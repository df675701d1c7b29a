"""A real Synapse in a folder of its own, on 127.0.0.1, with its limits lifted unless a test sets others.

It runs in an environment apart from ours and is only ever spoken to over HTTP (`tests.machine.find_synapse`).
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

SECRET = "known to the tests"
UNLIMITED = {"per_second": 10_000, "burst_count": 10_000}
DEFAULT_LIMITS: Mapping[str, Any] = {"rc_message": {"per_second": 0.2, "burst_count": 10}}
"""What Synapse allows a user when its settings say nothing; for `running_synapse(**DEFAULT_LIMITS)`."""


@dataclass(frozen=True, slots=True)
class Account:
    """A login on the server; `user` is the whole id."""

    user: str
    device: str
    token: str
    password: str


@dataclass
class Synapse:
    """A server that runs, or that has been stopped and may be started again."""

    folder: Path
    python: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    admin: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        """The address, with no path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def command(self) -> list[str]:
        """What starts it."""
        return [str(self.python), "-m", "synapse.app.homeserver", "-c", str(self.folder / "homeserver.yaml")]

    def start(self) -> None:
        """Start it; it answers when this returns. Raises RuntimeError with its log when it ends instead."""
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        # It tells systemd, or whoever else has made this socket, when it listens.
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as told:
            told.bind(str(ready))
            told.settimeout(0.5)
            with (self.folder / "synapse.log").open("ab") as log:
                self.process = subprocess.Popen(
                    self.command,
                    cwd=self.folder,
                    env=dict(os.environ, NOTIFY_SOCKET=str(ready), PYTHONDONTWRITEBYTECODE=""),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            while not _is_told(told):
                if self.process.poll() is not None:
                    raise RuntimeError(f"expected Synapse to start, got {self.log[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, by a signal; nothing happens when it has ended."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    async def restart(self) -> None:
        """Stop it and start it with the same data."""
        await asyncio.to_thread(self.stop)
        await asyncio.to_thread(self.start)

    @property
    def log(self) -> str:
        """What it has printed."""
        return (self.folder / "synapse.log").read_text("utf-8", "replace")

    async def register(self, name: str, *, admin: bool = False) -> Account:
        """Make a user whose name begins so; no two calls make the same one."""
        fields: dict[str, Any] = {"username": f"{name}-{next(self._numbers)}", "password": f"the password of {name}"}
        path = "/_synapse/admin/v1/register"
        fields["nonce"] = (await self.call("GET", path))["nonce"]
        signed = [fields["nonce"], fields["username"], fields["password"], "admin" if admin else "notadmin"]
        mac = hmac.new(SECRET.encode(), "\0".join(signed).encode(), hashlib.sha1).hexdigest()
        made = await self.call("POST", path, {**fields, "admin": admin, "mac": mac})
        return Account(made["user_id"], made["device_id"], made["access_token"], fields["password"])

    async def exempt(self, user: str) -> None:
        """Let a user send as much as they like, as docs/matrix.md tells operators."""
        await self.limit(user, per_second=0, burst=0)

    async def limit(self, user: str, *, per_second: int, burst: int) -> None:
        """Allow a user so many messages; 0 and 0 is no limit at all."""
        body = {"messages_per_second": per_second, "burst_count": burst}
        await self.administer("POST", f"v1/users/{quote(user)}/override_ratelimit", body)

    async def deactivate(self, user: str) -> None:
        """Close an account for good; its rooms see it leave."""
        await self.administer("POST", f"v1/deactivate/{quote(user)}", {"erase": False})

    async def revoke(self, account: Account) -> None:
        """Make the account's token unknown, and its device with it."""
        await self.call("POST", "/_matrix/client/v3/logout", {}, token=account.token)

    async def administer(self, method: str, path: str, body: Any = None) -> Any:
        """Call the admin API, below /_synapse/admin/."""
        if not self.admin:
            self.admin = (await self.register("administrator", admin=True)).token
        return await self.call(method, f"/_synapse/admin/{path}", body, token=self.admin)

    async def call(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """One request; gives its JSON. Raises httpx.HTTPStatusError for anything but success."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(verify=False, timeout=60) as client:
            answer = await client.request(method, self.url + path, json=body, headers=headers)
        answer.raise_for_status()
        return answer.json()


@contextlib.contextmanager
def running_synapse(folder: Path, python: Path, **overrides: Any) -> Iterator[Synapse]:
    """Start a server in a folder that exists, with an interpreter that has Synapse; it is gone at the end.

    `overrides` are settings of homeserver.yaml.
    """
    synapse = Synapse(folder, python, _free_port())
    settings = {**_settings(folder, synapse.port), **overrides}
    (folder / "homeserver.yaml").write_text(json.dumps(settings), "utf-8")  # JSON is YAML
    (folder / "log.yaml").write_text(json.dumps(_LOG), "utf-8")
    seed = base64.b64encode(os.urandom(32)).decode().rstrip("=")
    (folder / "signing.key").write_text(f"ed25519 a_test {seed}\n", "ascii")
    try:
        synapse.start()
        yield synapse
    finally:
        synapse.stop()
        shutil.rmtree(folder, ignore_errors=True)


_LOG = {
    "version": 1,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
}


def _settings(folder: Path, port: int) -> dict[str, Any]:
    listener = {"port": port, "tls": False, "type": "http", "bind_addresses": ["127.0.0.1"]}
    return {
        "server_name": "localhost",
        "report_stats": False,
        "listeners": [{**listener, "resources": [{"names": ["client", "media"], "compress": False}]}],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "log_config": str(folder / "log.yaml"),
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "registration_shared_secret": SECRET,
        "macaroon_secret_key": SECRET,
        "form_secret": SECRET,
        "enable_registration": False,
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "federation_domain_whitelist": [],
        "url_preview_enabled": False,
        "user_directory": {"enabled": False},
        "presence": {"enabled": False},
        "max_upload_size": "5M",
        "bcrypt_rounds": 4,
        **{f"rc_{name}": UNLIMITED for name in "message registration room_creation media_create".split()},
        **{f"rc_{name}": UNLIMITED for name in "admin_redaction joins_per_room reports".split()},
        "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), UNLIMITED),
        "rc_joins": dict.fromkeys(("local", "remote"), UNLIMITED),
        "rc_invites": dict.fromkeys(("per_room", "per_user", "per_issuer"), UNLIMITED),
    }


def _is_told(told: socket.socket) -> bool:
    """Whether it said that it listens; waits for that half a second."""
    try:
        return b"READY=1" in told.recv(1024)
    except TimeoutError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
