"""The project that a fresh installation starts with: Roomwise itself, so that there is something to ask at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.following import Following, Wanted
from bot.projects import Projects
from bot.state.database import Database
from bot.state.queries import projects
from bot.state.tables import Source

NAME: Final = "roomwise"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where this program runs from: its git checkout, or None when it is installed, and its documents."""

    checkout: Path | None
    docs: Path


async def begin_first_project(
    db: Database, following: Following, every: Projects, *, folders: Folders, clock: Callable[[], datetime]
) -> Source | None:
    """Make the project `roomwise` when there never was any; it follows the checkout, else the documents.

    Returns the source whose first index is due, or None when there was nothing to do.
    """
    wanted = _wanted(folders)
    if wanted is None or await db.read(projects.was_ever_any):
        return None
    made = await every.begin(NAME, person=None, now=clock())
    return await following.begin(made.id, wanted, person=None, now=clock())


def _wanted(folders: Folders) -> Wanted | None:
    if folders.checkout is not None:
        return Wanted("checkout", NAME, str(folders.checkout))
    return Wanted("folder", "docs", str(folders.docs)) if folders.docs.is_dir() else None
