"""Repositories on the network, as their hosts last described them; sources of several projects may follow one."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.ids import new_id
from bot.state.tables import Repository, Source, WebhookDelivery
from bot.state.upsert import insert_or_leave


def location_key(location: str) -> str:
    """What makes two addresses the same repository: letters' case does not count, as hosts have it."""
    return location.casefold()


async def get(session: AsyncSession, repository: str) -> Repository | None:
    """The repository of an id."""
    return await session.get(Repository, repository)


async def by_location(session: AsyncSession, location: str) -> Repository | None:
    """The repository at an address, such as https://github.com/acme/app."""
    wanted = select(Repository).where(col(Repository.location_key) == location_key(location))
    return (await session.scalars(wanted)).first()


async def by_node_id(session: AsyncSession, host: str, node_id: str) -> Repository | None:
    """The repository that a host knows by this id, whatever it is called now; the one that was seen last."""
    wanted = select(Repository).where(col(Repository.host) == host, col(Repository.node_id) == node_id)
    newest_first = (col(Repository.seen_at).is_(None), col(Repository.seen_at).desc(), col(Repository.id))
    return (await session.scalars(wanted.order_by(*newest_first))).first()


async def get_or_add(session: AsyncSession, location: str, *, host: str) -> Repository:
    """The repository at an address, a new row when nobody has followed it. `host` has its port unless it is the usual one."""
    values = {"id": new_id(), "host": host, "location": location, "location_key": location_key(location)}
    values |= {"default_branch": "", "hook_secret_sealed": "", "hook_event": "", "hook_problem": ""}
    made = insert_or_leave(session, Repository, {**values, "is_archived": False}, unique=("location_key",))
    await session.execute(made)
    found = await by_location(session, location)
    if found is None:
        raise LookupError(f"expected the repository {location!r} that was just written, got none")
    return found


async def describe(
    session: AsyncSession,
    repository: str,
    *,
    node_id: str,
    default_branch: str,
    is_private: bool,
    is_archived: bool,
) -> None:
    """Keep what the host says of a repository. An id that is known is never replaced by an empty one."""
    values = {"default_branch": default_branch, "is_private": is_private, "is_archived": is_archived}
    changed = update(Repository).where(col(Repository.id) == repository)
    await session.execute(changed.values(**values, **({"node_id": node_id} if node_id else {})))


async def mark_seen(session: AsyncSession, ids: Sequence[str], *, now: datetime) -> None:
    """Keep that repositories were readable at a time."""
    await session.execute(update(Repository).where(col(Repository.id).in_(ids)).values(seen_at=now))


async def rename(session: AsyncSession, repository: str, location: str) -> str:
    """Give a repository its new address and return the id under which it is kept then.

    When that address is followed already, under another row, the two become one. The row with a webhook's secret stays,
    since no other could open it; that of the new address when both have one or none has.
    """
    there = await by_location(session, location)
    here = await session.get(Repository, repository)
    if there is not None and there.id != repository:
        stays_here = here is not None and bool(here.hook_secret_sealed) and not there.hook_secret_sealed
        goes, stays = (there.id, repository) if stays_here else (repository, there.id)
        for table in (Source, WebhookDelivery):
            moved = update(table).where(col(table.repository) == goes)
            await session.execute(moved.values(repository=stays))
        await session.execute(delete(Repository).where(col(Repository.id) == goes))
        if not stays_here:
            return stays
    changed = update(Repository).where(col(Repository.id) == repository)
    await session.execute(changed.values(location=location, location_key=location_key(location)))
    return repository
