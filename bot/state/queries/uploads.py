"""Files that people sent into rooms. Their contents lie in the data folder, their passages in the passage store."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.ids import new_id
from bot.state.queries import sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Source, Upload
from bot.state.vault import Vault

KIND = "upload"
_SHARED = "shared"  # the location of the source that holds a project's shared files; a room's has the room's id


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it came: where, from whom, its name and the hash of its content."""

    room: str
    project: str
    source: str
    person: str
    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is kept, with its name opened; a name whose key is lost is the file's id."""

    id: str
    room: str
    project: str
    source: str
    name: str
    sha256: str
    size_bytes: int
    at: datetime
    person: str | None = None
    is_shared: bool = False


def location_of(room: str | None) -> str:
    """The location of the source that holds a room's files, or with None the shared ones."""
    return room or _SHARED


async def source_of(session: AsyncSession, project: str, *, room: str | None, now: datetime) -> Source:
    """The source that holds a room's files, or with room None the project's shared ones; made when it is missing."""
    location = location_of(room)
    known = [row for row in await sources.list_of(session, project) if row.kind == KIND]
    found = next((row for row in known if row.location == location), None)
    if found is not None:
        return found
    name = f"uploads-{new_id()[:6]}" if room else "uploads"
    if await sources.by_name(session, project, name) is not None:
        name = f"uploads-{new_id()[:6]}"
    # What is found in one room only exposes nothing in another.
    new = NewSource(project, KIND, name, location, is_private=room is None)
    return await sources.add(session, new, now=now)


async def add(session: AsyncSession, vault: Vault, sent: Sent, *, now: datetime) -> Kept:
    """Keep a file that waits for being indexed."""
    upload = new_id()
    row = Upload(
        id=upload,
        room=sent.room,
        project=sent.project,
        source=sent.source,
        person=sent.person,
        name_sealed=vault.seal(_place(upload), sent.name),
        sha256=sent.sha256,
        size_bytes=sent.size_bytes,
        at=now,
    )
    session.add(row)
    await session.flush()
    return _kept(row, vault)


async def indexed(session: AsyncSession, vault: Vault, source: str) -> list[Kept]:
    """The indexed files of a source, the oldest first."""
    wanted = select(Upload).where(col(Upload.source) == source, col(Upload.state) == "indexed")
    return [_kept(row, vault) for row in await session.scalars(wanted.order_by(col(Upload.at), col(Upload.id)))]


async def expired(session: AsyncSession, vault: Vault, *, before: datetime) -> list[Kept]:
    """The files from before a time, the oldest first."""
    wanted = select(Upload).where(col(Upload.at) < before).order_by(col(Upload.at), col(Upload.id))
    return [_kept(row, vault) for row in await session.scalars(wanted)]


async def of_person(session: AsyncSession, vault: Vault, person: str) -> list[Kept]:
    """The files that a person sent and that are not shared with a project, the oldest first."""
    wanted = select(Upload).where(col(Upload.person) == person, col(Upload.shared_at).is_(None))
    return [_kept(row, vault) for row in await session.scalars(wanted.order_by(col(Upload.at), col(Upload.id)))]


async def known(session: AsyncSession) -> set[str]:
    """The ids of all files that are kept."""
    return set(await session.scalars(select(col(Upload.id))))


async def settle(session: AsyncSession, upload: str, *, replaces: Iterable[str]) -> None:
    """A file is indexed now, in place of others."""
    await session.execute(update(Upload).where(col(Upload.id) == upload).values(state="indexed"))
    await remove(session, replaces)


async def move(session: AsyncSession, upload: str, *, source: str, replaces: Iterable[str], now: datetime) -> None:
    """A file is shared: it belongs to another source now, in place of others."""
    moved = update(Upload).where(col(Upload.id) == upload)
    await session.execute(moved.values(source=source, shared_at=now))
    await remove(session, replaces)


async def remove(session: AsyncSession, uploads: Iterable[str]) -> None:
    """Forget files; their contents and passages are the caller's to remove."""
    await session.execute(delete(Upload).where(col(Upload.id).in_(list(uploads))))


def _kept(row: Upload, vault: Vault) -> Kept:
    name = vault.open(_place(row.id), row.name_sealed) or row.id
    return Kept(
        row.id,
        row.room,
        row.project,
        row.source,
        name,
        row.sha256,
        row.size_bytes,
        row.at,
        row.person,
        row.shared_at is not None,
    )


def _place(upload: str) -> str:
    return f"upload/{upload}/name_sealed"
