"""Copies of SQLite databases as they are at one moment, while others go on writing."""

import contextlib
import logging
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Final

from adapters.copies import BACKED_UP, MARK
from bot.platform import set_private_mode, write_private_file

_DATABASE: Final = ".db"
_PASSING: Final = ("-journal", "-wal", "-shm", ".partial")
_log = logging.getLogger(__name__)


def copy_database(path: Path, copy: Path) -> None:
    """Copy the database at `path` to the file `copy`, whole and readable by its owner only, and on the disk for sure.

    Raises sqlite3.Error and OSError; what was begun is removed then.
    """
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = copy.with_name(f"{copy.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(partial),))
        set_private_mode(partial)
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        partial.replace(copy)
    finally:
        partial.unlink(missing_ok=True)


def is_whole(copy: Path) -> bool:
    """Whether SQLite can read all of a copy."""
    with contextlib.closing(sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.DatabaseError:
            return False


def copy_networks(folder: Path, copy: Path, made_at: str) -> None:
    """Copy what networks keep in files below `folder` into the folder `copy`, which appears at once and whole.

    Databases are marked as copies, since keys in them may be used on after this; and beside the originals it is said that
    they were copied. One that is damaged is left out, and so is what goes meanwhile. Nothing is made where there is
    nothing. Raises sqlite3.Error and OSError.
    """
    partial = copy.with_name(f"{copy.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    copied = [path for path in sorted(folder.rglob("*")) if _is_kept(path) and _copied(path, partial, folder, made_at)]
    if copied:
        partial.replace(copy)
    for path in copied:
        if path.suffix == _DATABASE:
            write_private_file(path.parent / BACKED_UP, made_at)


def _copied(path: Path, partial: Path, folder: Path, made_at: str) -> bool:
    """Copy one file to its place; whether it could be."""
    target = partial / path.relative_to(folder)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if path.suffix == _DATABASE:
            copy_database(path, target)
            _mark(target, made_at)
        else:
            shutil.copyfile(path, target)
            set_private_mode(target)
    except FileNotFoundError:
        return False
    except sqlite3.OperationalError:  # a full disk, or one who does not let go of the database: it is whole itself
        raise
    except sqlite3.DatabaseError as error:
        _log.warning("%s cannot be copied, and is in no backup: %s", path.name, error)
        target.unlink(missing_ok=True)
        return False
    return True


def _is_kept(path: Path) -> bool:
    """Whether a file does not belong to a moment, as a journal does, or what says when a copy was made."""
    return path.is_file() and path.name != BACKED_UP and not path.name.endswith(_PASSING)


def _mark(copy: Path, made_at: str) -> None:
    with contextlib.closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {MARK} (made_at TEXT NOT NULL)")
        connection.execute(f"INSERT INTO {MARK} VALUES (?)", (made_at,))  # noqa: S608 - a name of ours
