"""The record of who did or tried what. Rows are only added; each carries the hash of the one before.

The database itself refuses to change a row, and to delete one that retention has not given up. Whoever gets round that
breaks the chain, which `verify_chain` shows.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.tables import Audit, AuditFloor


@dataclass(frozen=True, slots=True)
class Act:
    """What is recorded: ids and names of commands, never what people wrote. outcome: allowed, refused or failed."""

    action: str
    way: str
    outcome: str
    person: str | None = None
    role: str = ""
    target: str = ""
    place: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """How many rows were read, and the id of the first that does not continue the one before it, if any."""

    rows: int
    broken_at: int | None = None


async def append(session: AsyncSession, act: Act, *, now: datetime) -> Audit:
    """Record an act."""
    floor = await _floor(session)  # locked on PostgreSQL, so that two rows never continue the same one
    last = (await session.scalars(select(Audit).order_by(col(Audit.id).desc()).limit(1))).first()
    row = Audit(
        at=now,
        person=act.person,
        role=act.role,
        action=act.action,
        target=act.target,
        place=act.place,
        way=act.way,
        outcome=act.outcome,
        detail=act.detail,
        previous_hash=floor.hash if last is None else last.hash,
    )
    row.hash = _hash_of(row)
    session.add(row)
    await session.flush()
    return row


async def latest(session: AsyncSession, *, limit: int) -> list[Audit]:
    """The newest acts, newest first."""
    return list(await session.scalars(select(Audit).order_by(col(Audit.id).desc()).limit(limit)))


async def verify_chain(session: AsyncSession) -> ChainCheck:
    """Read every row and find the first that was changed, or stands after one that was cut out."""
    expected = (await session.get_one(AuditFloor, 1)).hash
    rows = 0
    async for row in await session.stream_scalars(select(Audit).order_by(col(Audit.id))):
        rows += 1
        if row.previous_hash != expected or row.hash != _hash_of(row):
            return ChainCheck(rows, broken_at=row.id)
        expected = row.hash
    return ChainCheck(rows)


async def prune(session: AsyncSession, *, before: datetime) -> int:
    """Delete the acts from before a time; gives how many. Only the oldest go, so that the chain still holds."""
    floor = await _floor(session)
    kept = select(col(Audit.id)).where(col(Audit.at) >= before).order_by(col(Audit.id)).limit(1)
    first_kept = await session.scalar(kept)
    doomed = select(Audit).where(col(Audit.id) < first_kept) if first_kept is not None else select(Audit)
    last = (await session.scalars(doomed.order_by(col(Audit.id).desc()).limit(1))).first()
    if last is None or last.id is None:
        return 0
    below = last.id + 1
    await session.execute(update(AuditFloor).where(col(AuditFloor.id) == floor.id).values(below=below, hash=last.hash))
    gone = await session.execute(delete(Audit).where(col(Audit.id) < below).returning(col(Audit.id)))
    return len(gone.all())


async def _floor(session: AsyncSession) -> AuditFloor:
    return await session.get_one(AuditFloor, 1, with_for_update=True, populate_existing=True)


def _hash_of(row: Audit) -> str:
    said = [
        row.previous_hash,
        row.at.astimezone(UTC).isoformat(),
        row.person,
        row.role,
        row.action,
        row.target,
        row.place,
        row.way,
        row.outcome,
        row.detail,
    ]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
