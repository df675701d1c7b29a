"""All that differs by operating system: folders, modes, locks, signals, disk and memory figures.

PlatformError
├── DataFolderUnusable     it cannot be made, read or written
├── DataFolderInUse        another process holds it; says which
└── KeyInDataFolder        the key would lie beside what it protects
"""

import asyncio
import contextlib
import ctypes
import json
import os
import re
import secrets
import shutil
import signal
import string
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import platformdirs
import psutil

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

APP = "roomwise"
LOCK_TRIES = 10
LOCK_PAUSE_S = 0.05


class PlatformError(Exception):
    """The machine does not give what Roomwise needs; the text says what to do."""


class DataFolderUnusable(PlatformError):
    """The data folder cannot be made, read or written."""


class KeyInDataFolder(PlatformError):
    """The key file would lie inside the data folder, so that a copy of the folder would give everything away."""


@dataclass(frozen=True)
class Holder:
    """The process that holds a data folder: a service with its address and key, or a command without them."""

    pid: int
    command: str
    address: str = ""
    key: str = ""

    def __repr__(self) -> str:
        """Everything but the key."""
        return f"Holder(pid={self.pid}, command={self.command!r}, address={self.address!r})"


class DataFolderInUse(PlatformError):
    """Another process holds the data folder; `holder` says which, if it has already written so."""

    def __init__(self, data_dir: Path, holder: Holder | None) -> None:
        self.holder = holder
        who = "another process"
        if holder is not None:
            where = f" at {holder.address}" if holder.address else ""
            who = f"`roomwise {holder.command}`{where} (process {holder.pid})"
        super().__init__(
            f"expected the data folder {str(data_dir)!r} to be free, but {who} uses it; "
            "stop that one, or name another folder by --data-dir"
        )


# --- folders -------------------------------------------------------------------------------------------------


def checkout_root() -> Path | None:
    """The folder of the git checkout that this program runs from; None when it is installed."""
    root = Path(__file__).resolve().parent.parent
    project = root / "pyproject.toml"
    if not (root / ".git").exists() or not project.is_file():
        return None
    named = re.search(r'^name = "roomwise"$', project.read_text("utf-8"), re.MULTILINE)
    return root if named else None


def packaged_docs() -> Path:
    """The folder of Roomwise's own documentation: docs of the source tree, else what the installed package brought."""
    above = Path(__file__).resolve().parent.parent
    return above / "docs" if (above / "pyproject.toml").is_file() else above / "roomwise_docs"


def default_data_dir(checkout: Path | None) -> Path:
    """./data inside a checkout, else the platform's folder for a user's data."""
    if checkout is not None:
        return checkout / "data"
    return platformdirs.user_data_path(APP, appauthor=False)


def open_data_folder(data_dir: Path) -> Path:
    """Make the folder if needed, for its owner only, and give its full path.

    Raises DataFolderUnusable when it is no folder or cannot be read and written.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        set_private_mode(data_dir)
        probe = data_dir / f".probe-{secrets.token_hex(4)}"
        probe.write_bytes(b"")
        probe.unlink()
        list(data_dir.iterdir())
    except OSError as error:
        raise DataFolderUnusable(
            f"expected to read and write the data folder {str(data_dir)!r}, got {error.strerror or error!r}; "
            "give it to the user who runs Roomwise, or name another by --data-dir or ROOMWISE_DATA_DIR"
        ) from error
    return data_dir.resolve()


def installation_id(data_dir: Path) -> str:
    """The random name of this installation, ten lower-case letters and digits, made once per data folder."""
    path = data_dir / "installation"
    with contextlib.suppress(FileNotFoundError):
        return path.read_text("ascii").strip()
    letters = string.ascii_lowercase + string.digits
    made = secrets.choice(string.ascii_lowercase) + "".join(secrets.choice(letters) for _ in range(9))
    write_private_file(path, made + "\n")
    return made


def key_file(data_dir: Path, *, configured: Path | None = None) -> Path:
    """Where the key of this installation's encrypted columns lies; the file need not exist yet.

    By default in the platform's folder for a user's settings, one key for each installation.
    Raises KeyInDataFolder when `configured` lies inside the data folder.
    """
    if configured is None:
        folder = platformdirs.user_config_path(APP, appauthor=False)
        configured = folder / f"{installation_id(data_dir)}.key"
    if configured.resolve().is_relative_to(data_dir.resolve()):
        raise KeyInDataFolder(
            f"expected the key file outside the data folder {str(data_dir)!r}, got {str(configured)!r}; "
            "set key_file to a path elsewhere, on another disk if you can"
        )
    return configured


# --- files ---------------------------------------------------------------------------------------------------


def set_private_mode(path: Path) -> None:
    """Let only the owner read and write; on Windows the folder's inherited rights already say so."""
    if sys.platform != "win32":
        path.chmod(0o700 if path.is_dir() else 0o600)


def is_open_to_others(path: Path) -> bool:
    """Whether anybody but the owner may read or write the file; on Windows the folder's inherited rights decide."""
    return sys.platform != "win32" and bool(path.stat().st_mode & 0o077)


def write_private_file(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only, never seen half written or with other rights."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


# --- the lock on the data folder -----------------------------------------------------------------------------


class DataFolderLock:
    """Held by the one process that may write the data folder; the operating system frees it when that one dies.

    `service.json` beside it (mode 0600) tells other commands whom to call.
    """

    def __init__(self, data_dir: Path, descriptor: int, holder: Holder) -> None:
        self._data_dir = data_dir
        self._descriptor: int | None = descriptor
        self._write(holder)

    @classmethod
    def acquire(cls, data_dir: Path, *, command: str) -> Self:
        """Take the lock for `command`, such as "run". Raises DataFolderInUse when another process has it.

        A command that only looks who holds it takes it for a moment, so a few tries are made.
        """
        for attempt in range(LOCK_TRIES):
            descriptor = _try_lock(data_dir)
            if descriptor is not None:
                return cls(data_dir, descriptor, Holder(pid=os.getpid(), command=command))
            if attempt + 1 < LOCK_TRIES:
                time.sleep(LOCK_PAUSE_S)
        raise DataFolderInUse(data_dir, _read_holder(data_dir))

    def announce(self, *, address: str, key: str) -> None:
        """Write where this service listens and the key with which commands of this machine may call it."""
        self._write(Holder(pid=os.getpid(), command="run", address=address, key=key))

    def release(self) -> None:
        """Free the folder; a second call does nothing."""
        if self._descriptor is None:
            return
        (self._data_dir / "service.json").unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _write(self, holder: Holder) -> None:
        write_private_file(self._data_dir / "service.json", json.dumps(asdict(holder)) + "\n")


def holder_of(data_dir: Path) -> Holder | None:
    """Who holds the folder now; None when nobody does. A holder without an address cannot be called."""
    if not (data_dir / "lock").exists():
        return None
    descriptor = _try_lock(data_dir)
    if descriptor is not None:
        os.close(descriptor)
        return None
    return _read_holder(data_dir) or Holder(pid=0, command="?")


def _try_lock(data_dir: Path) -> int | None:
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _read_holder(data_dir: Path) -> Holder | None:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Holder(**json.loads((data_dir / "service.json").read_text("utf-8")))
    return None


# --- process and machine -------------------------------------------------------------------------------------


@contextlib.contextmanager
def on_stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on the running loop at SIGTERM or Ctrl-C, for as long as the block lasts."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
    else:
        wanted = (signal.SIGINT, signal.SIGTERM)
    before = [(number, signal.getsignal(number)) for number in wanted]
    for number in wanted:
        if sys.platform == "win32":  # its loops have no add_signal_handler
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        else:
            loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number, handler in before:
            if sys.platform != "win32":
                loop.remove_signal_handler(number)
            signal.signal(number, handler)


def free_disk_bytes(path: Path) -> int:
    """Free bytes on the disk that holds `path`, as an ordinary user may use them."""
    return shutil.disk_usage(path).free


def rss_bytes(*, with_children: bool = False) -> int:
    """Resident memory of this process, and of all its children if asked."""
    process = psutil.Process()
    total: int = process.memory_info().rss
    for child in process.children(recursive=True) if with_children else ():
        with contextlib.suppress(psutil.Error):
            total += child.memory_info().rss
    return total


_M_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


def limit_memory_pools() -> None:
    """Let all threads allocate from two pools. Each thread's own would keep what it once needed: 25 MB after an index.

    Call it before threads are started. Does nothing where the C library is not glibc.
    """
    _call_glibc("mallopt", _M_ARENA_MAX, _ARENAS)


def give_back_memory() -> None:
    """Return to the system what was freed, 40 MB after an index of 12 MB. Blocks for some milliseconds.

    Does nothing where the C library is not glibc.
    """
    _call_glibc("malloc_trim", 0)


def _call_glibc(name: str, *arguments: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # musl has neither function
            getattr(ctypes.CDLL(None), name)(*arguments)
