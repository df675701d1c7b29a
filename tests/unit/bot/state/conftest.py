"""The database that the tests of queries use; tests/integration/test_postgresql.py gives them another."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.state.database import Database
from bot.state.vault import Vault
from tests.fakes.state import open_database


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty SQLite database."""
    opened = await open_database(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def vault() -> Vault:
    """A vault with a key of its own."""
    return Vault([Fernet.generate_key().decode()])
