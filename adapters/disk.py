"""Reading files below one folder and never outside of it.

The check and the opening are one act: every part of a path is opened relative to the folder before it and without
following links, so a link that is put in place between a check and a read leads nowhere. Where the system cannot do
that (Windows), the real path is compared before and after opening.
"""

import asyncio
import hashlib
import os
import stat
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from adapters.paths import decode_name, is_safe_path
from adapters.source import Entry

_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_FOLDER: int = getattr(os, "O_DIRECTORY", 0) | _NO_FOLLOW
_FILE: int = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CAN_OPEN_BELOW = os.open in os.supports_dir_fd and bool(_NO_FOLLOW)

# A file written within this time of being hashed may change again without a new time stamp (git calls it racy).
_RACY_NS = 2_000_000_000

_PORTION_FILES = 64
_PORTION_BYTES = 1_000_000


def blob_id(content: bytes) -> str:
    """Name content as git does: SHA-1 over the header 'blob <size>' and the content, 40 hex digits."""
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def listing_id(entries: Iterable[Entry]) -> str:
    """Name a whole listing by its paths and blobs, 40 hex digits; the order of entries does not matter."""
    digest = hashlib.sha1(usedforsecurity=False)
    for line in sorted(f"{entry.path}\0{entry.blob}\0" for entry in entries):
        digest.update(line.encode("utf-8"))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: tuple[int, int, int, int]  # size, mtime_ns, ctime_ns, inode
    blob: str


class Disk:
    """The files below `root`, read safely, their content hashes remembered while their stamps stay the same.

    Files over `max_bytes` are never read: their blob is made of size and time, so that a change shows.
    Not safe for use by two threads at once.
    """

    def __init__(self, root: Path, *, max_bytes: int = 64_000_000) -> None:
        self.root = root.resolve()
        self._max_bytes = max_bytes
        self._known: dict[str, _Known] = {}

    def entry(self, path: str, mode: str = "") -> Entry | None:
        """Describe the regular file at a stored path; None when it is not there or is no regular file."""
        found = self._stat(path)
        if found is None or not stat.S_ISREG(found.st_mode):
            return None
        blob = self._blob(path, found)
        executable = bool(found.st_mode & stat.S_IXUSR) and os.sep == "/"
        return Entry(path, blob, found.st_size, mode or ("100755" if executable else "100644")) if blob else None

    def read(self, path: str) -> bytes | None:
        """Read a regular file; None when it vanished, is no regular file, is too large, or lies behind a link."""
        if not is_safe_path(path):
            return None
        try:
            descriptor = self._open(decode_name(path))
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > self._max_bytes:
                return None
            try:
                return file.read(self._max_bytes + 1)
            except OSError:
                return None

    def forget_others(self, paths: Collection[str]) -> None:
        """Drop what is remembered of all paths but these."""
        self._known = {path: known for path, known in self._known.items() if path in paths}

    def _stat(self, path: str) -> os.stat_result | None:
        if not is_safe_path(path):
            return None
        try:
            return (self.root / decode_name(path)).lstat()
        except (OSError, ValueError):
            return None

    def _blob(self, path: str, found: os.stat_result) -> str | None:
        stamp = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        known = self._known.get(path)
        if known and known.stamp == stamp:
            return known.blob
        if found.st_size > self._max_bytes:
            return blob_id(f"{found.st_size} {found.st_mtime_ns}".encode())
        hashed_at_ns = time.time_ns()
        content = self.read(path)
        if content is None:
            return None
        blob = blob_id(content)
        if hashed_at_ns - max(found.st_mtime_ns, found.st_ctime_ns) > _RACY_NS:
            self._known[path] = _Known(stamp, blob)
        return blob

    def _open(self, name: str) -> int:
        """Open a file below the root for reading. Raises OSError, also when any part is a link."""
        if not _CAN_OPEN_BELOW:
            return self._open_by_real_path(name)
        *folders, last = name.split("/")
        at = os.open(self.root, os.O_RDONLY | _FOLDER)
        try:
            for folder in folders:
                below = os.open(folder, os.O_RDONLY | _FOLDER, dir_fd=at)
                os.close(at)
                at = below
            return os.open(last, _FILE, dir_fd=at)
        finally:
            os.close(at)

    def _open_by_real_path(self, name: str) -> int:
        path = self.root / name
        self._demand_no_link(path)
        descriptor = os.open(path, _FILE)
        try:
            self._demand_no_link(path)
            _demand_same(descriptor, path)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _demand_no_link(self, path: Path) -> None:
        real = os.path.normcase(path.resolve(strict=True))
        if real != os.path.normcase(path):
            raise OSError(f"expected a file without links on its way, got {str(path)!r}")


def _demand_same(descriptor: int, path: Path) -> None:
    if not os.path.samestat(os.fstat(descriptor), path.lstat()):
        raise OSError(f"expected {path.name!r} to stay the same file while it is opened, got another one")


async def read_unchanged(disk: Disk, entries: Iterable[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
    """Read entries in order, off the event loop; those that vanished or changed since they were listed are left out."""
    for few in _in_portions(entries):
        for entry, content in await asyncio.to_thread(_read_same, disk, few):
            yield entry, content


def _in_portions(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Split entries so that one visit to a thread pays, and no more than about 1 MB is held at once."""
    few: list[Entry] = []
    size_bytes = 0
    for entry in entries:
        few.append(entry)
        size_bytes += entry.size_bytes
        if len(few) >= _PORTION_FILES or size_bytes >= _PORTION_BYTES:
            yield few
            few, size_bytes = [], 0
    if few:
        yield few


def _read_same(disk: Disk, entries: Iterable[Entry]) -> list[tuple[Entry, bytes]]:
    read = ((entry, disk.read(entry.path)) for entry in entries)
    return [(entry, content) for entry, content in read if content is not None and blob_id(content) == entry.blob]
