"""Queries: a room that its network gave another id, where messages are numbered anew. Nothing commits here."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.queries import rooms
from bot.state.tables import AnswerMessage, Confirmation, Conversation, Delivery, Inbox, Room, Turn, Upload

_OF_NO_BINDING: Final = -2
_WITH_MESSAGES: Final[tuple[Any, ...]] = (Inbox, Delivery, AnswerMessage)
_WITH_BINDINGS: Final[tuple[Any, ...]] = (Delivery, Turn)
_OF_ROOMS: Final[tuple[Any, ...]] = (Conversation, Inbox, Delivery, Turn, AnswerMessage, Upload, Confirmation)
_KEPT: Final = ("project", "bound_by", "bound_at", "is_open_to_guests", "muted_reason", "answer_mode", "language")


async def move(session: AsyncSession, room: str, *, native_id: str, now: datetime) -> None:
    """Let a room be known by another id; ours stays, and so does its binding. To be told again changes nothing.

    Where a room of the new id was met before, it becomes one with this room: what was said there, its topics, and its
    binding if this room has none. Old ids of messages would name others there, so that they get the old id in front.
    """
    found = await rooms.get(session, room)
    if found is None or found.native_id == native_id:
        return
    other = await rooms.at(session, found.network, found.account, native_id)
    await _put_ids_away(session, found)
    if other is not None:
        await _merge(session, found, other, now=now)
    await rooms.change(session, room, native_id=native_id, is_silent=False)
    await session.refresh(found)


async def _put_ids_away(session: AsyncSession, room: Room) -> None:
    before = f"{room.native_id}/"
    for table in _WITH_MESSAGES:
        columns = table.__table__.c
        known = update(table).where(columns.room == room.id, columns.message != "")
        await session.execute(known.values(message=before + columns.message), execution_options=_WHOLE)
    more = update(Delivery).where(col(Delivery.room) == room.id).values(more=[])
    await session.execute(more, execution_options=_WHOLE)


async def _merge(session: AsyncSession, room: Room, other: Room, *, now: datetime) -> None:
    """Give a room all that another has, which then is no more."""
    takes_binding = room.project is None and other.project is not None
    binding = max(room.binding, other.binding) + 1 if takes_binding else room.binding
    is_same = takes_binding or room.project == other.project
    for table in _WITH_BINDINGS:
        columns = table.__table__.c
        bound = update(table).where(columns.room == other.id, columns.binding == other.binding)
        said = bound.values(binding=binding if is_same else _OF_NO_BINDING)
        await session.execute(said, execution_options=_WHOLE)
    if not is_same:
        ended = update(Conversation).where(col(Conversation.room) == other.id, col(Conversation.closed_at).is_(None))
        await session.execute(ended.values(closed_at=now), execution_options=_WHOLE)
    for table in _OF_ROOMS:
        columns = table.__table__.c
        there = update(table).where(columns.room == other.id).values(room=room.id)
        await session.execute(there, execution_options=_WHOLE)
    await session.execute(
        update(Room).where(col(Room.parent) == other.id).values(parent=room.id), execution_options=_WHOLE
    )
    taken = {name: getattr(other, name) for name in _KEPT} if takes_binding else {}
    values = {"title": other.title, "kind": other.kind, "is_public": other.is_public, "binding": binding, **taken}
    await session.execute(delete(Room).where(col(Room.id) == other.id), execution_options=_WHOLE)
    await rooms.change(session, room.id, **values)


# Rows that this session has read are not looked at; they are read again where it matters.
_WHOLE: Final = {"synchronize_session": False}
