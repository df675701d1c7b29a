"""Who holds the data folder: one process at a time, known to all others of this machine."""

import contextlib
import errno
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from bot.platform.folders import DataFolderUnusable, PlatformError, using, write_private_file

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK_TRIES = 10
LOCK_PAUSE_S = 0.05
_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}


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


class DataFolderLock:
    """Held by the one process that may write the data folder; the operating system frees it when that one dies.

    `service.json` beside it (mode 0600) tells other commands whom to call.
    """

    def __init__(self, data_dir: Path, descriptor: int) -> None:
        self._data_dir = data_dir
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, data_dir: Path, *, command: str) -> Self:
        """Take the lock for `command`, such as "run". Raises DataFolderInUse when another process has it.

        A command that only looks who holds it takes it for a moment, so a few tries are made.
        Raises DataFolderUnusable when it cannot be locked or written, such as on a full disk.
        """
        for attempt in range(LOCK_TRIES):
            descriptor = _try_lock(data_dir)
            if descriptor is not None:
                return cls._held(data_dir, descriptor, Holder(pid=os.getpid(), command=command))
            if attempt + 1 < LOCK_TRIES:
                time.sleep(LOCK_PAUSE_S)
        raise DataFolderInUse(data_dir, _read_holder(data_dir))

    @classmethod
    def _held(cls, data_dir: Path, descriptor: int, holder: Holder) -> Self:
        lock = cls(data_dir, descriptor)
        try:
            lock._write(holder)
        except DataFolderUnusable:
            lock.release()
            raise
        return lock

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
        with using(self._data_dir):
            write_private_file(self._data_dir / "service.json", json.dumps(asdict(holder)) + "\n")


def holder_of(data_dir: Path) -> Holder | None:
    """Who holds the folder now; None when nobody does. A holder without an address cannot be called.

    Raises DataFolderUnusable when it may not be looked at, such as another user's.
    """
    with using(data_dir):
        if not (data_dir / "lock").exists():
            return None
    descriptor = _try_lock(data_dir)
    if descriptor is not None:
        os.close(descriptor)
        return None
    return _read_holder(data_dir) or Holder(pid=0, command="?")


def _try_lock(data_dir: Path) -> int | None:
    """A descriptor that holds the lock, or None when another one does."""
    with using(data_dir):
        descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform == "win32":
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in _TAKEN:
                return None
            raise  # a file system without locks, for one
    return descriptor


def _read_holder(data_dir: Path) -> Holder | None:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Holder(**json.loads((data_dir / "service.json").read_text("utf-8")))
    return None
