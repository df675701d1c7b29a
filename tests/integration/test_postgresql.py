"""The same queries on PostgreSQL, so that no SQLite-only SQL gets in.

Every test of the query modules runs here again; only the database under it is another.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from cryptography.fernet import Fernet
from sqlalchemy import create_engine, text

from bot.state.database import Database
from bot.state.engines import state_url
from bot.state.revision import HEAD
from bot.state.schema import revision_of
from bot.state.tables import metadata
from bot.state.vault import Vault
from tests.fakes.postgresql import running_postgresql
from tests.fakes.state import NOW
from tests.unit.bot.state.test_queries_access import *  # noqa: F403
from tests.unit.bot.state.test_queries_changes import *  # noqa: F403
from tests.unit.bot.state.test_queries_codes import *  # noqa: F403
from tests.unit.bot.state.test_queries_digests import *  # noqa: F403
from tests.unit.bot.state.test_queries_erasure import *  # noqa: F403
from tests.unit.bot.state.test_queries_flow import *  # noqa: F403
from tests.unit.bot.state.test_queries_jobs import *  # noqa: F403
from tests.unit.bot.state.test_queries_people import *  # noqa: F403
from tests.unit.bot.state.test_queries_projects import *  # noqa: F403
from tests.unit.bot.state.test_queries_repositories import *  # noqa: F403
from tests.unit.bot.state.test_queries_retention import *  # noqa: F403
from tests.unit.bot.state.test_queries_rooms import *  # noqa: F403

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server(postgres_programs: Path) -> Iterator[str]:
    """One server for all tests here."""
    with running_postgresql(postgres_programs) as address:
        yield address


@pytest.fixture
async def db(server: str) -> AsyncIterator[Database]:
    """An empty database, made by the migrations."""
    engine = create_engine(state_url(server))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    opened = await Database.open(server, backups=None, clock=lambda: NOW)
    yield opened
    await opened.close()


@pytest.fixture
def vault() -> Vault:
    """A vault with a key of its own."""
    return Vault([Fernet.generate_key().decode()])


async def test_the_schema_is_that_of_the_models(db: Database, server: str) -> None:
    """The migrations make on PostgreSQL what the tables say; opening again changes nothing."""
    again = await Database.open(server, backups=None, clock=lambda: NOW)
    await again.close()
    engine = create_engine(state_url(server))
    assert HEAD == revision_of(engine)
    with engine.connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
