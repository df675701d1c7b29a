"""Brings the state database to the schema that this program knows."""

import importlib
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from bot.errors import NewerDatabase, StateUnavailable
from bot.platform import set_private_mode
from bot.state.revision import HEAD


def bring_to_head(url: URL, *, backups: Path | None, now: datetime) -> None:
    """Make or upgrade the schema at `url`; blocking, so call it in a thread. A database at HEAD costs one query.

    An SQLite database with content is copied into `backups` first. All steps are one transaction.
    Raises NewerDatabase, StateUnavailable.
    """
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    try:
        found = revision_of(engine)
        if found is not None and found > HEAD:
            raise NewerDatabase(_newer(engine, found))
        if found != HEAD:
            # Alembic takes a while to import and most starts do not need it.
            importlib.import_module("bot.state.migrations.upgrade").upgrade(engine, backups=backups, now=now)
        if url.get_backend_name() == "sqlite":
            set_private_mode(Path(url.database or ""))
    except DBAPIError as error:
        raise StateUnavailable(
            f"expected a state database at {url.render_as_string()!r}, got {error.orig!r}"
        ) from error
    finally:
        engine.dispose()


def revision_of(engine: Engine) -> str | None:
    """The schema's revision, such as "0001"; None for an empty database."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found


def _newer(engine: Engine, found: str) -> str:
    with engine.connect() as connection:
        program = connection.execute(text("SELECT newest_program FROM installation")).scalar()
    return (
        f"expected a state database of schema {HEAD} or older, got {found!r}: the database is from a newer version "
        f"of the program ({program or 'unknown'}); install that version or restore an older copy"
    )
