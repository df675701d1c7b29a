"""Copies of the state database, made while it is in use, each with a manifest that says what it is.

Beside each lies a copy of what networks keep in files, such as the keys of encrypted rooms. It is made after that of the
database: keys that are newer than the messages that wait for them still open these.
"""

import asyncio
import contextlib
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bot import platform
from bot.outcome import DiskLow
from bot.state.copies import copy_database, copy_networks, is_whole
from bot.state.revision import HEAD
from bot.version import PROGRAM
from config.settings import Backup

FOLDER: Final = "backups"
NETWORKS: Final = "networks"
"""The folder in the data folder with what networks keep in files."""
_KEYS: Final = ".networks"
_OURS: Final = "backup-????????T??????Z"
_WRONG_CLOCK: Final = timedelta(hours=1)
_UPGRADE_COPIES: Final = "state-*.db"  # made before a change of the schema, bot.state.migrations


class BackupFailed(Exception):
    """The copy could not be made; the text says what was expected, what came and what to do."""


@dataclass(frozen=True, slots=True)
class Made:
    """A copy as its manifest describes it. `schema` is that of the database, `file` lies beside the manifest."""

    file: str
    made_at: str
    program: str
    schema: str
    bytes: int
    sha256: str


class Backups:
    """The copies of one database. `file` is None where it is no SQLite database, `data_dir` holds copies by default."""

    def __init__(
        self, file: Path | None, data_dir: Path, settings: Backup, *, min_free_bytes: int, clock: Callable[[], datetime]
    ) -> None:
        self._file = file
        self._copies = data_dir / FOLDER
        self._networks = data_dir / NETWORKS
        self.folder = Path(settings.folder) if settings.folder else self._copies
        self._settings = settings
        self._min_free_bytes = min_free_bytes
        self._clock = clock
        self._turn = asyncio.Lock()

    async def make(self) -> Made | None:
        """Copy the database now and let the oldest copies go; None where that is for the operator's pg_dump.

        Raises DiskLow before anything is written, and BackupFailed.
        """
        if self._file is None:
            return None
        async with self._turn:
            return await asyncio.to_thread(self._make, self._file)

    def _make(self, file: Path) -> Made:
        now = self._clock().astimezone(UTC)
        copy = self.folder / f"backup-{now:%Y%m%dT%H%M%SZ}.db"
        with self._faults():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._demand_room(file.stat().st_size)
            copy_database(file, copy)
            if not is_whole(copy):
                copy.unlink()
                raise BackupFailed(f"expected a whole copy of {file}, got a damaged one: the database may be damaged")
            with copy.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            copy_networks(self._networks, copy.with_suffix(_KEYS), now.isoformat())
            made = Made(copy.name, now.isoformat(), PROGRAM, HEAD, copy.stat().st_size, digest)
            platform.write_private_file(copy.with_suffix(".json"), json.dumps(asdict(made), indent=2) + "\n")
            self._prune(now, kept=copy.stem)
        return made

    def _demand_room(self, size_bytes: int) -> None:
        free, least = platform.free_disk_bytes(self.folder), self._min_free_bytes + size_bytes
        if free < least:
            raise DiskLow(
                f"expected {least // 1_000_000} MB of free disk space for a copy of the state database, "
                f"got {free // 1_000_000} MB: free some, or name another folder by backup.folder"
            )

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise BackupFailed(
                f"expected to write a copy of the state database in {self.folder}, got {error}"
            ) from error

    def _prune(self, now: datetime, *, kept: str) -> None:
        """Keep the newest copies, none beyond its time but the one just made; what a kill left half made goes as well."""
        newest_first = sorted(self.folder.glob(f"{_OURS}.json"), reverse=True)
        others = [manifest for manifest in newest_first if manifest.stem != kept]
        cut_off = {copy for copy in self.folder.glob(f"{_OURS}.db") if not copy.with_suffix(".json").exists()}
        for number, manifest in enumerate(others, start=1):
            if number >= self._settings.keep or self._is_over(_made_at(manifest), now):
                manifest.unlink()
                manifest.with_suffix(".db").unlink(missing_ok=True)
                shutil.rmtree(manifest.with_suffix(_KEYS), ignore_errors=True)
        older = (copy for copy in self._copies.glob(_UPGRADE_COPIES) if self._is_over(_changed_at(copy), now))
        for left in (*cut_off, *self.folder.glob(f"{_OURS}.db.partial"), *older):
            left.unlink(missing_ok=True)
        for keys in self.folder.glob(f"{_OURS}{_KEYS}*"):
            if keys.suffix == ".partial" or not keys.with_suffix(".json").exists():
                shutil.rmtree(keys, ignore_errors=True)

    def _is_over(self, at: datetime, now: datetime) -> bool:
        """Whether a copy has had its time. One from the future was made by a clock that was wrong, nobody knows when."""
        longest = self._settings.longest
        return longest is not None and not now - longest <= at <= now + _WRONG_CLOCK


def _made_at(manifest: Path) -> datetime:
    """When a copy was made; one whose manifest cannot be read counts as from long ago."""
    try:
        said: dict[str, Any] = json.loads(manifest.read_text("utf-8"))
        return datetime.fromisoformat(str(said["made_at"])).astimezone(UTC)
    except (ValueError, KeyError, TypeError):
        return datetime.min.replace(tzinfo=UTC)


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
