"""The project that a fresh installation starts with: Roomwise itself, so that there is something to ask at once."""

from collections.abc import Callable
from datetime import datetime
from importlib import resources
from pathlib import Path

from bot.following import Following, Wanted
from bot.projects import Projects
from bot.state.database import Database
from bot.state.queries import projects
from bot.state.tables import Source

NAME = "roomwise"


async def begin_first_project(
    db: Database,
    following: Following,
    every: Projects,
    *,
    checkout: Path | None,
    clock: Callable[[], datetime],
) -> Source | None:
    """Make the project `roomwise` when there never was any; it follows `checkout`, else the packaged docs.

    Returns the source whose first index is due, or None when there was nothing to do.
    """
    if await db.read(projects.was_ever_any):
        return None
    wanted = Wanted("checkout", NAME, str(checkout)) if checkout is not None else _packaged()
    if wanted is None:
        return None
    made = await every.begin(NAME, person=None, now=clock())
    return await following.begin(made.id, wanted, person=None, now=clock())


def _packaged() -> Wanted | None:
    """The documents inside the installed package."""
    folder = Path(str(resources.files("config"))) / "docs"
    return Wanted("folder", "docs", str(folder)) if folder.is_dir() else None
