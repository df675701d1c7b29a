"""Queries: the messages of the web chat. Nothing commits here."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.web.log import Entry, WebRow
from bot.state.tables import Room, WebMessage
from bot.state.vault import Vault


async def append(
    session: AsyncSession, room: str, key: str, entry: Entry, *, vault: Vault, now: datetime
) -> tuple[int, bool]:
    """Add a message to the room with this id; returns its `seq` and whether it is new (else the key was known)."""
    known = await by_key(session, room, key)
    if known is not None:
        return known, False
    row = WebMessage(
        room=room, key=key, person=entry.author, body_sealed="", stage=entry.stage, change=0, created_at=now
    )
    row.reply_to, row.turn = entry.reply_to, entry.turn
    row.change = await _next_change(session, room)
    session.add(row)
    await session.flush()
    row.body_sealed = vault.seal(_place(row.seq), _packed(entry))
    await session.flush()
    return int(row.seq or 0), True


async def replace(
    session: AsyncSession, room: str, seq: int, entry: Entry, *, vault: Vault, now: datetime
) -> bool | None:
    """Let a message say something else. True: changed; False: it said so already; None: there is none to change."""
    row = await session.get(WebMessage, seq)
    if row is None or row.room != room or row.deleted_at is not None:
        return None
    if row.stage == entry.stage and vault.open(_place(seq), row.body_sealed) == _packed(entry):
        return False
    row.body_sealed = vault.seal(_place(seq), _packed(entry))
    row.stage, row.turn, row.edited_at = entry.stage, entry.turn, now
    row.change = await _next_change(session, room)
    await session.flush()
    return True


async def clear(session: AsyncSession, room: str, seq: int, *, now: datetime) -> bool:
    """Empty a message; false when it is gone already."""
    row = await session.get(WebMessage, seq)
    if row is None or row.room != room or row.deleted_at is not None:
        return False
    row.body_sealed, row.deleted_at = "", now
    row.change = await _next_change(session, room)
    await session.flush()
    return True


async def by_key(session: AsyncSession, room: str, key: str) -> int | None:
    """The `seq` of the message with this key in a room."""
    statement = select(_web.seq).where(_web.room == room, _web.key == key)
    found: int | None = (await session.execute(statement)).scalar_one_or_none()
    return found


async def get(session: AsyncSession, room: str, seq: int, *, vault: Vault) -> WebRow | None:
    """One message of a room."""
    row = await session.get(WebMessage, seq)
    return None if row is None or row.room != room else _opened(row, vault)


async def since(session: AsyncSession, room: str, change: int, *, limit: int, vault: Vault) -> Sequence[WebRow]:
    """What changed after `change`, in the order of changes."""
    statement = select(WebMessage).where(_web.room == room, _web.change > change).order_by(_web.change).limit(limit)
    return [_opened(row, vault) for row in (await session.execute(statement)).scalars()]


async def page(
    session: AsyncSession, room: str, *, before_seq: int | None, limit: int, vault: Vault
) -> Sequence[WebRow]:
    """The newest messages before `before_seq`, oldest first."""
    statement = select(WebMessage).where(_web.room == room).order_by(_web.seq.desc()).limit(limit)
    if before_seq is not None:
        statement = statement.where(_web.seq < before_seq)
    return [_opened(row, vault) for row in (await session.execute(statement)).scalars()][::-1]


async def newest_change(session: AsyncSession, room: str) -> int:
    """The highest `change` of a room; 0 for an empty one."""
    found: int | None = (await session.execute(select(func.max(_web.change)).where(_web.room == room))).scalar_one()
    return found or 0


async def _next_change(session: AsyncSession, room: str) -> int:
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer; here the room's row is the lock
        await session.execute(select(_room.id).where(_room.id == room).with_for_update())
    return await newest_change(session, room) + 1


def _packed(entry: Entry) -> str:
    return json.dumps(dict(entry.body), ensure_ascii=False)


def _opened(row: WebMessage, vault: Vault) -> WebRow:
    body = vault.open(_place(row.seq), row.body_sealed) if row.body_sealed else None
    return WebRow(
        seq=int(row.seq or 0),
        change=row.change,
        key=row.key,
        author=row.person,
        body=json.loads(body) if body else {},
        stage=row.stage,
        reply_to=row.reply_to,
        turn=row.turn,
        created_at=row.created_at,
        edited_at=row.edited_at,
        is_deleted=row.deleted_at is not None,
    )


def _place(seq: int | None) -> str:
    return f"web_message/{seq}/body_sealed"


_web: Any = WebMessage.__table__.c  # type: ignore[attr-defined]
_room: Any = Room.__table__.c  # type: ignore[attr-defined]
