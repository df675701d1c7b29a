"""The project that a fresh installation starts with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.first_project import Folders, begin_first_project
from bot.state.queries import projects
from bot.state.tables import Source
from tests.fakes.house import Typing, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Typing]:
    """A fresh installation."""
    async with open_house(tmp_path) as opened:
        yield opened


async def begun(house: Typing, folders: Folders) -> Source | None:
    """Start the service once."""
    return await begin_first_project(
        house.db, house.house.following, house.house.projects, folders=folders, clock=lambda: house.now
    )


async def test_it_follows_its_own_checkout(house: Typing, tmp_path: Path) -> None:
    """In a project of its own name, whose first index begins at once."""
    row = await begun(house, Folders(tmp_path, tmp_path / "docs"))

    assert row is not None
    assert ("checkout", "roomwise", str(tmp_path)) == (row.kind, row.name, row.location)
    found = await house.db.read(lambda session: projects.by_name(session, "roomwise"))
    assert found is not None
    await house.settle()
    assert 1 == (await house.store.counts(found.id)).files


async def test_without_a_checkout_it_follows_its_documents(house: Typing, tmp_path: Path) -> None:
    """Those that came with the package."""
    (tmp_path / "docs").mkdir()
    row = await begun(house, Folders(None, tmp_path / "docs"))

    assert row is not None
    assert ("folder", "docs") == (row.kind, row.name)


async def test_without_anything_there_is_no_project(house: Typing, tmp_path: Path) -> None:
    """An empty one would help nobody."""
    assert None is await begun(house, Folders(None, tmp_path / "missing"))
    assert [] == await house.db.read(projects.list_all)


async def test_it_is_made_once_in_the_life_of_an_installation(house: Typing, tmp_path: Path) -> None:
    """Who removed it does not get it back, and who has another does not get it besides."""
    row = await begun(house, Folders(tmp_path, tmp_path))
    assert row is not None
    await house.house.projects.end(row.project, now=house.now)

    assert None is await begun(house, Folders(tmp_path, tmp_path))
    assert [] == await house.db.read(projects.list_all)
