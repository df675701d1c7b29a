"""Copies of an SQLite state database as it is at one moment, while others go on writing."""

import contextlib
import os
import sqlite3
from pathlib import Path

from bot.platform import set_private_mode


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
