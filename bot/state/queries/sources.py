"""What projects follow, and how the last run went. What is indexed is the passage store's to know."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.errors import UserError
from bot.state.ids import new_id
from bot.state.tables import Project, Source
from bot.state.words import clean_name, name_key


@dataclass(frozen=True, slots=True)
class NewSource:
    """What somebody wants followed. kind: folder, checkout, git or upload; `location` holds no credentials."""

    project: str
    kind: str
    name: str
    location: str
    ref: str = ""
    paths: list[str] = field(default_factory=list)
    is_private: bool = True
    interval_s: int = 300
    added_by: str | None = None
    repository: str | None = None


async def add(session: AsyncSession, new: NewSource, *, now: datetime) -> Source:
    """Follow a source; it is due at once. Raises UserError when the project has it, or one of that name, already."""
    name = clean_name(new.name)
    if await by_name(session, new.project, name) is not None:
        raise UserError("state.source_name_taken", name=name)
    source = Source(
        id=new_id(),
        project=new.project,
        kind=new.kind,
        name=name,
        location=new.location,
        ref=new.ref,
        paths=list(new.paths),
        is_private=new.is_private,
        interval_s=new.interval_s,
        added_by=new.added_by,
        repository=new.repository,
        added_at=now,
        next_due_at=now,
    )
    try:
        async with session.begin_nested():
            session.add(source)
            await session.flush()
    except IntegrityError as error:
        raise UserError("state.source_known", name=name) from error
    return source


async def get(session: AsyncSession, source: str) -> Source | None:
    """The source of an id, hidden ones too."""
    return await session.get(Source, source)


async def list_of(session: AsyncSession, project: str) -> list[Source]:
    """The sources of a project by name, hidden ones too."""
    found = await session.scalars(select(Source).where(col(Source.project) == project, col(Source.state) != "removed"))
    return sorted(found, key=lambda source: (name_key(source.name), source.id))


async def list_everywhere(session: AsyncSession) -> list[Source]:
    """The active sources of all projects that are not removed."""
    wanted = select(Source).join(Project, col(Project.id) == col(Source.project))
    wanted = wanted.where(col(Source.state) == "active", col(Project.removed_at).is_(None))
    return list(await session.scalars(wanted.order_by(col(Source.added_at), col(Source.id))))


async def remotes(session: AsyncSession) -> list[Source]:
    """Whatever follows a repository on the network; not what is removed, or was purged because it is gone."""
    wanted = select(Source).where(col(Source.kind) == "git", col(Source.location).contains("://"))
    wanted = wanted.where(col(Source.state) != "removed", col(Source.state_reason) != "purged")
    return list(await session.scalars(wanted))


async def by_name(session: AsyncSession, project: str, name: str) -> Source | None:
    """The source of a name as somebody typed it."""
    return next((source for source in await list_of(session, project) if name_key(source.name) == name_key(name)), None)


async def count(session: AsyncSession, project: str) -> int:
    """How many sources a project has."""
    wanted = select(func.count()).where(col(Source.project) == project, col(Source.state) != "removed")
    return int(await session.scalar(wanted) or 0)


async def due(session: AsyncSession, *, now: datetime, limit: int) -> list[Source]:
    """Sources to refresh now, hidden ones too since they may be back: dirty ones first, then by how long they waited.

    Uploads are not among them: nothing changes them but the messages that bring them.
    """
    wanted = select(Source).join(Project, col(Project.id) == col(Source.project))
    is_wanted = (col(Source.state) != "removed", col(Source.kind) != "upload")
    wanted = wanted.where(*is_wanted, col(Project.removed_at).is_(None), _is_due(now))
    ordered = wanted.order_by(col(Source.is_dirty).desc(), col(Source.next_due_at).asc(), col(Source.id))
    return list(await session.scalars(ordered.limit(limit)))


async def mark_dirty(session: AsyncSession, source: str) -> None:
    """Have a source refreshed as soon as possible, once more if a run is under way."""
    await session.execute(update(Source).where(col(Source.id) == source).values(is_dirty=True))


async def begin_run(session: AsyncSession, source: str, *, now: datetime) -> None:
    """A refresh starts: whatever marks the source dirty from now on needs another one."""
    await session.execute(update(Source).where(col(Source.id) == source).values(is_dirty=False, last_run_at=now))


async def record_run(
    session: AsyncSession,
    source: str,
    *,
    error: str | None,
    counts: dict[str, Any] | None = None,
    next_due_at: datetime,
    now: datetime,
) -> None:
    """A refresh ended: `error` None says well. `counts` None keeps the figures of the run before."""
    values: dict[str, Any] = {"next_due_at": next_due_at, "last_run_at": now}
    if error is None:
        values |= {"last_ok_at": now, "last_error": "", "failures": 0}
    else:
        values |= {"last_error": error, "failures": Source.failures + 1}
    if counts is not None:
        values["counts"] = counts
    await session.execute(update(Source).where(col(Source.id) == source).values(**values))


async def ending(session: AsyncSession) -> list[Source]:
    """Sources that were removed, or whose project was, and are still there: their end was cut off, or is under way."""
    wanted = select(Source).join(Project, col(Project.id) == col(Source.project))
    return list(
        await session.scalars(wanted.where(or_(col(Source.state) == "removed", col(Project.removed_at).is_not(None))))
    )


async def set_state(session: AsyncSession, source: str, state: str, *, reason: str = "", now: datetime) -> None:
    """Make a source active, hidden or removed, and keep since when and why."""
    changed = update(Source).where(col(Source.id) == source)
    await session.execute(changed.values(state=state, state_reason=reason, state_at=now))


async def hidden_since(session: AsyncSession, *, before: datetime) -> list[Source]:
    """Sources that have been hidden or removed since before a time, to be purged."""
    wanted = select(Source).where(col(Source.state).in_(["hidden", "removed"]), col(Source.state_at) < before)
    return list(await session.scalars(wanted.order_by(col(Source.state_at))))


async def remove(session: AsyncSession, source: str) -> None:
    """Forget a source. Its passages are the caller's to purge first."""
    await session.execute(delete(Source).where(col(Source.id) == source))


def _is_due(now: datetime) -> Any:
    return or_(col(Source.is_dirty).is_(True), col(Source.next_due_at).is_(None), col(Source.next_due_at) <= now)
