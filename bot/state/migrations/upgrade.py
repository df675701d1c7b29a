"""Upgrades the schema under a lock, in one transaction, with a copy beforehand."""

from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from bot.errors import StateError
from bot.state import copies
from bot.state.revision import HEAD
from bot.state.schema import revision_of

KEPT_COPIES = 3
_LOCK = 0x726F6F6D  # "room": any number that nobody else takes in this database


def alembic_config() -> Config:
    """Alembic's settings, built here since there is no alembic.ini in a wheel."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def upgrade(engine: Engine, *, backups: Path | None, now: datetime, to: str = HEAD) -> None:
    """Bring the schema from whatever revision it has to `to`; a failure leaves it as it was.

    Raises StateError when a row points to nothing afterwards, and DBAPIError.
    """
    config = alembic_config()
    before = revision_of(engine)
    with engine.connect() as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        _lock(connection, is_sqlite=is_sqlite)
        if is_sqlite and before is not None and backups is not None:
            copy_database(Path(str(engine.url.database)), backups, name=f"state-{before}-{now:%Y%m%dT%H%M%S}.db")
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        if is_sqlite:
            _refuse_dangling(connection)
        connection.commit()


def copy_database(path: Path, folder: Path, *, name: str) -> Path:
    """Copy an SQLite database as it is now into `folder`, keep the newest copies only, and give the copy's path."""
    copy = folder / name
    copies.copy_database(path, copy)
    newest_first = sorted(folder.glob("state-*.db"), key=lambda found: (found.stat().st_mtime_ns, found.name))[::-1]
    for old in newest_first[KEPT_COPIES:]:
        old.unlink()
    return copy


def _lock(connection: Connection, *, is_sqlite: bool) -> None:
    if not is_sqlite:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        return
    driver = connection.connection.driver_connection
    if driver is None:
        raise StateError("expected an open connection, got none")
    driver.isolation_level = None
    driver.execute("PRAGMA journal_mode = WAL")
    # On, changing a parent table in batch mode would delete its children. It can only be set outside a transaction.
    driver.execute("PRAGMA foreign_keys = OFF")
    driver.execute("PRAGMA busy_timeout = 30000")
    connection.begin()
    driver.execute("BEGIN IMMEDIATE")  # schema changes are part of it, so a crash half-way leaves nothing


def _refuse_dangling(connection: Connection) -> None:
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if dangling:
        raise StateError(
            f"expected every row to point to a row after the migration, got {dangling[:5]!r}; nothing was changed"
        )
