"""Webhooks: whose they are, the ids of deliveries that were taken in, and what a delivery changes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.queries import repositories, sources
from bot.state.tables import Project, Repository, Source, WebhookDelivery
from bot.state.upsert import insert_or_leave

# Kinds of sources that a repository on the network stands behind.
_REMOTE = ("git", "threads")


@dataclass(frozen=True, slots=True)
class Known:
    """Repositories that a delivery names, and the sources that follow them, each beside its repository."""

    repositories: Sequence[Repository]
    followed: Sequence[tuple[Source, Repository]]


NOTHING_KNOWN: Final = Known((), ())


async def named(
    session: AsyncSession, *, host: str, node_ids: Collection[str] = (), keys: Collection[str] = ()
) -> Known:
    """The known repositories of a host that have one of these node ids or location keys."""
    is_named = or_(col(Repository.node_id).in_(list(node_ids)), col(Repository.location_key).in_(list(keys)))
    return await _known(session, col(Repository.host) == host, is_named)


async def of_owner(session: AsyncSession, *, host: str, owner: str) -> Known:
    """The known repositories of an owner, whatever the case of its letters."""
    begins = col(Repository.location_key).startswith(f"https://{host}/{owner}/".casefold(), autoescape=True)
    return await _known(session, col(Repository.host) == host, begins)


async def _known(session: AsyncSession, *conditions: ColumnElement[bool]) -> Known:
    """Ask for repositories and those who follow them at once: a delivery is answered within milliseconds.

    Hidden sources are among them. One that is not tied to its repository yet is found by its location.
    """
    is_untied = and_(col(Source.repository).is_(None), func.lower(col(Source.location)) == col(Repository.location_key))
    follows = and_(
        or_(col(Source.repository) == col(Repository.id), is_untied),
        col(Source.kind).in_(_REMOTE),
        col(Source.state) != "removed",
    )
    wanted = select(Repository, Source, col(Project.id)).where(*conditions).outerjoin(Source, follows)
    wanted = wanted.outerjoin(Project, and_(col(Project.id) == col(Source.project), col(Project.removed_at).is_(None)))
    rows: list[Any] = list(await session.execute(wanted.order_by(col(Repository.id), col(Source.id))))
    found = {repository.id: repository for repository, _, _ in rows}
    return Known(list(found.values()), [(source, row) for row, source, project in rows if project is not None])


async def repository_of(session: AsyncSession, source: Source) -> Repository | None:
    """The repository behind a source, if it is known."""
    if source.repository is not None:
        return await repositories.get(session, source.repository)
    return await repositories.by_location(session, source.location)


async def know(session: AsyncSession, source: Source, *, host: str) -> Repository:
    """The repository behind a source; a row is made for it when there is none, and the source is tied to it."""
    found = await repository_of(session, source)
    if found is None:
        found = await repositories.get_or_add(session, source.location, host=host)
    if source.repository is None:
        await sources.link(session, [source.id], found.id)
    return found


async def keep(
    session: AsyncSession, delivery: str, *, event: str, repository: str | None, outcome: str, now: datetime
) -> bool:
    """Keep the id of a delivery; False when it is there already."""
    values = {"id": delivery, "event": event, "repository": repository, "at": now, "outcome": outcome}
    made = insert_or_leave(session, WebhookDelivery, values, unique=("id",)).returning(col(WebhookDelivery.id))
    return (await session.execute(made)).first() is not None


async def note_event(session: AsyncSession, repository: str, event: str, *, problem: str | None, now: datetime) -> None:
    """A delivery of this repository was taken in. It tells what is wrong with its hook, unless that is None."""
    told = {"hook_event": event, "hook_event_at": now} | ({} if problem is None else {"hook_problem": problem})
    await session.execute(update(Repository).where(col(Repository.id) == repository).values(**told))


async def note_problem(session: AsyncSession, repository: str, problem: str) -> None:
    """Keep what is wrong with the deliveries of a repository, by a stable word; '' for nothing."""
    changed = update(Repository).where(col(Repository.id) == repository, col(Repository.hook_problem) != problem)
    await session.execute(changed.values(hook_problem=problem))


async def set_secret(session: AsyncSession, repository: str, sealed: str, *, now: datetime) -> None:
    """Keep a new secret of a repository's webhook; what was said of the one before goes."""
    changed = update(Repository).where(col(Repository.id) == repository)
    values = {"hook_event": "", "hook_event_at": None, "hook_problem": ""}
    await session.execute(changed.values(hook_secret_sealed=sealed, hook_made_at=now, **values))


async def with_secret(session: AsyncSession) -> list[Repository]:
    """Every repository for which a secret was made."""
    wanted = select(Repository).where(col(Repository.hook_secret_sealed) != "")
    return list(await session.scalars(wanted.order_by(col(Repository.id))))


async def last_at(session: AsyncSession) -> datetime | None:
    """When a delivery was last taken in, by any repository's hook or an App's."""
    return await session.scalar(select(func.max(col(WebhookDelivery.at))))
