"""Signals, sockets, disk and memory of the machine."""

import asyncio
import contextlib
import ctypes
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path


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


def allow_quick_restart(listening: socket.socket) -> None:
    """Let the next service have the port at once; on Windows that would let two programs share it."""
    if sys.platform != "win32":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def free_disk_bytes(path: Path) -> int:
    """Free bytes on the disk that holds `path`, as an ordinary user may use them."""
    return shutil.disk_usage(path).free


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
