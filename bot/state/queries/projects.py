"""Projects. Names are for showing; everything else goes by id."""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.errors import UserError
from bot.rights import Actor, Role
from bot.state.ids import new_id
from bot.state.tables import Grant, Project, Source
from bot.state.words import clean_name, name_key


async def create(
    session: AsyncSession, name: str, *, created_by: str | None, store: str = "local", now: datetime
) -> Project:
    """A new project. Raises UserError when the name is not free or not usable."""
    shown = clean_name(name)
    project = Project(
        id=new_id(), name=shown, name_key=name_key(shown), store=store, created_by=created_by, created_at=now
    )
    await _keep(session, project)
    return project


async def get(session: AsyncSession, project: str) -> Project | None:
    """The project of an id; None when there is none or it was removed."""
    found = await session.get(Project, project)
    return None if found is None or found.removed_at is not None else found


async def by_name(session: AsyncSession, name: str) -> Project | None:
    """The project of a name as somebody typed it; ask the rights before you tell that it exists."""
    wanted = select(Project).where(col(Project.name_key) == name_key(name), col(Project.removed_at).is_(None))
    return (await session.scalars(wanted)).first()


async def list_all(session: AsyncSession) -> list[Project]:
    """Every project, by name."""
    found = await session.scalars(select(Project).where(col(Project.removed_at).is_(None)))
    return sorted(found, key=lambda project: project.name_key)


async def list_for(session: AsyncSession, actor: Actor) -> list[Project]:
    """The projects in which the actor is at least a member, by name. Nobody is shown the name of another."""
    return [project for project in await list_all(session) if actor.role_in(project.id) >= Role.MEMBER]


async def list_named(session: AsyncSession, actor: Actor, name: str) -> Project | None:
    """The project of a name if the actor has a right to it; None is the same for unknown and forbidden."""
    project = await by_name(session, name)
    return project if project is not None and actor.role_in(project.id) >= Role.MEMBER else None


async def rename(session: AsyncSession, project: str, name: str) -> Project:
    """Give a project another name. Raises UserError when the name is not free or not usable."""
    found = await session.get_one(Project, project)
    shown = clean_name(name)
    found.name, found.name_key = shown, name_key(shown)
    await _keep(session, found)
    return found


async def remove(session: AsyncSession, project: str, *, now: datetime) -> None:
    """End a project: its name is free again, its roles are gone. Rooms and sources are the caller's to release."""
    found = await session.get_one(Project, project)
    found.removed_at = now
    found.name_key = f"{found.name_key}\x1f{found.id}"
    for grant in await session.scalars(select(Grant).where(col(Grant.project) == project)):
        await session.delete(grant)
    await session.flush()


async def has_private_source(session: AsyncSession, project: str) -> bool:
    """Whether the project follows anything that not everybody may read."""
    wanted = exists().where(
        col(Source.project) == project, col(Source.is_private).is_(True), col(Source.state) != "removed"
    )
    return bool(await session.scalar(select(wanted)))


async def _keep(session: AsyncSession, project: Project) -> None:
    name = project.name
    try:
        async with session.begin_nested():
            session.add(project)
            await session.flush()
    except IntegrityError as error:
        raise UserError("state.name_taken", name=name) from error


async def was_ever_any(session: AsyncSession) -> bool:
    """Whether a project was ever made here, removed ones included."""
    return bool(await session.scalar(select(exists().where(col(Project.id).is_not(None)))))
