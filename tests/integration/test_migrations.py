"""Upgrades of the state database from every earlier revision, and what happens when one fails."""

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.pool import NullPool

from bot.errors import StateError
from bot.state.engines import state_url
from bot.state.migrations import upgrade as steps
from bot.state.revision import HEAD
from bot.state.schema import bring_to_head, revision_of
from bot.state.tables import metadata
from tests.fakes.state import NOW

SCRIPTS = ScriptDirectory.from_config(steps.alembic_config())
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()][::-1]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An SQLite database that is still empty."""
    made = create_engine(state_url(tmp_path / "state.db"), poolclass=NullPool)
    yield made
    made.dispose()


def _rows(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT id, name FROM person").fetchall()


def _add_person(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO person (id, name, created_at) VALUES ('p1', 'Ada', '2026-01-01')")
        connection.execute("INSERT INTO identity (network, native_id, person) VALUES ('n', '1', 'p1')")
        connection.commit()


def test_the_constant_names_the_newest_revision() -> None:
    """A start compares with the constant, so that it need not import Alembic."""
    assert [HEAD] == SCRIPTS.get_heads()
    assert REVISIONS == sorted(REVISIONS)


@pytest.mark.parametrize("start", [None, *REVISIONS])
def test_every_revision_comes_to_the_schema_of_the_models(engine: Engine, tmp_path: Path, start: str | None) -> None:
    """Rows that were there stay, children of changed tables too, and nothing differs from the tables."""
    path = tmp_path / "state.db"
    if start is not None:
        steps.upgrade(engine, backups=None, now=NOW, to=start)
        _add_person(path)

    bring_to_head(engine.url, backups=None, now=NOW)

    assert HEAD == revision_of(engine)
    with engine.connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), metadata)
        assert [] == connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    assert ([("p1", "Ada")] if start else []) == _rows(path)


BROKEN_STEP = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "%s"


def upgrade() -> None:
    op.create_table("half", sa.Column("id", sa.Integer()))
    op.execute("DELETE FROM person")
    raise RuntimeError("broken half-way")
"""


def _with_a_broken_step(folder: Path) -> Config:
    """Alembic's settings for a copy of our steps with one more."""
    copy = Path(shutil.copytree(Path(steps.__file__).parent, folder / "migrations"))
    (copy / "versions" / "9999_broken.py").write_text(BROKEN_STEP % HEAD)
    config = Config()
    config.set_main_option("script_location", str(copy).replace("%", "%%"))
    return config


def test_a_database_with_content_is_copied_first_and_three_copies_are_kept(tmp_path: Path) -> None:
    """The copy is whole and readable by its owner only; the oldest goes."""
    path, backups = tmp_path / "state.db", tmp_path / "backups"
    bring_to_head(state_url(path), backups=backups, now=NOW)
    assert not backups.exists()
    _add_person(path)

    for day in range(5):
        steps.copy_database(path, backups, name=f"state-{HEAD}-{NOW + timedelta(days=day):%Y%m%dT%H%M%S}.db")

    kept = sorted(backups.iterdir())
    assert [f"state-{HEAD}-2026030{day}" for day in (3, 4, 5)] == [copy.name.partition("T")[0] for copy in kept]
    assert [[("p1", "Ada")]] * 3 == [_rows(copy) for copy in kept]


def test_a_migration_that_fails_leaves_all_as_it_was(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a step is rolled back with it, and the copy beside it is whole."""
    path = tmp_path / "state.db"
    bring_to_head(engine.url, backups=None, now=NOW)
    _add_person(path)
    broken = _with_a_broken_step(tmp_path)
    monkeypatch.setattr(steps, "alembic_config", lambda: broken)

    with pytest.raises(RuntimeError, match="broken half-way"):
        steps.upgrade(engine, backups=tmp_path / "backups", now=NOW, to="9999")

    assert [("p1", "Ada")] == _rows(path)
    assert HEAD == revision_of(engine)
    assert not inspect(engine).has_table("half")
    assert [[("p1", "Ada")]] == [_rows(copy) for copy in (tmp_path / "backups").iterdir()]


def test_a_row_that_points_to_nothing_stops_the_migration(engine: Engine, tmp_path: Path) -> None:
    """Foreign keys are off meanwhile, so they are checked at the end; then nothing is kept."""
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE child (id INTEGER, parent INTEGER REFERENCES parent (id))")
        connection.execute("INSERT INTO child VALUES (1, 7)")
        connection.commit()

    with pytest.raises(StateError, match="every row to point to a row"):
        bring_to_head(engine.url, backups=None, now=NOW)
    assert revision_of(engine) is None


def test_two_starts_at_once_migrate_once(engine: Engine) -> None:
    """The second waits for the first and then finds nothing to do."""
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(bring_to_head, engine.url, backups=None, now=NOW) for _ in range(4)]:
            done.result()

    assert HEAD == revision_of(engine)
