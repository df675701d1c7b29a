"""Making and ending projects, with all that hangs on them."""

from datetime import datetime
from typing import Any

from bot.following import Following
from bot.rights import Role
from bot.state.database import Database
from bot.state.queries import people, projects, purges, rooms, sources
from bot.state.tables import Project
from pipelines.stores.passages import Counts, PassageStore


class Projects:
    """Projects as a whole: their row, rooms, sources and index together."""

    def __init__(self, db: Database, store: PassageStore, following: Following) -> None:
        self._db = db
        self._store = store
        self._following = following

    async def begin(self, name: str, *, person: str | None, now: datetime) -> Project:
        """Make a project; its maker, when he is somebody, is its admin. Raises UserError for the name."""

        async def make(session: Any) -> Project:
            made = await projects.create(session, name, created_by=person, now=now)
            if person is not None:
                await people.give_role(session, person, Role.ADMIN, project=made.id, given_by=person, now=now)
            return made

        made = await self._db.write(make)
        await self._store.create(made.id)
        return made

    async def end(self, project: str, *, now: datetime) -> None:
        """End a project for good: rooms are released first, so that nothing is answered from it any more."""
        followed = await self._db.read(lambda session: sources.list_of(session, project))

        async def release(session: Any) -> None:
            await rooms.release_project(session, project, now=now)
            await purges.forget_project(session, project=project)
            await projects.remove(session, project, now=now)

        await self._db.write(release)
        for source in followed:
            await self._following.end(source, now=now)
        await self._store.drop(project)

    async def counts(self, project: str) -> Counts:
        """How much a project's index holds."""
        return await self._store.counts(project)
