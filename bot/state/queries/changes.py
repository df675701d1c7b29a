"""What each refresh changed in a source, for the summary that rooms get. Nothing commits here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.tables import Change, Source

FILES_KEPT: Final = 200  # of one change; the counts say how many there were


class Changed(TypedDict):
    """One change. `before` is "" for a first index; `files` are (sign, path), sign + new, ~ changed, - gone, > moved.

    The counts are of files; a file that moved is counted as moved only. Paths are as the store has them.
    """

    at: datetime
    ref: str
    before: str
    after: str
    added: int
    changed: int
    removed: int
    moved: int
    files: Sequence[Sequence[str]]


async def add(session: AsyncSession, source: str, **change: Unpack[Changed]) -> None:
    """Keep what a refresh changed in a source; of the files the first FILES_KEPT."""
    kept: dict[str, Any] = {**change, "files": [list(file) for file in change["files"][:FILES_KEPT]]}
    session.add(Change(source=source, **kept))
    await session.flush()


async def since(session: AsyncSession, project: str, after: datetime) -> list[Change]:
    """What changed in the followed sources of a project later than `after`, oldest first; files people sent left out."""
    wanted = select(Change).join(Source, col(Source.id) == col(Change.source))
    is_followed = (col(Source.state) != "removed", col(Source.kind) != "upload")
    wanted = wanted.where(col(Source.project) == project, *is_followed, col(Change.at) > after)
    return list(await session.scalars(wanted.order_by(col(Change.id))))


async def delete_old(session: AsyncSession, *, before: datetime) -> int:
    """Delete what changed before a time; how many rows."""
    old = delete(Change).where(col(Change.at) < before).returning(col(Change.id))
    return len((await session.execute(old)).all())


async def forget(session: AsyncSession, source: str) -> None:
    """Delete what is kept of a source's changes: its paths are part of what a purge takes out."""
    await session.execute(delete(Change).where(col(Change.source) == source))
