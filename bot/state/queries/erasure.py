"""Taking a person out of the state altogether. Nothing commits here.

Deleted texts leave the file itself once `Database.checkpoint` has run, since `secure_delete` is on.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.rights import INSTALLATION
from bot.state.queries import inbox, people
from bot.state.tables import (
    Conversation,
    Delivery,
    Identity,
    Inbox,
    Memory,
    Person,
    Room,
    Tally,
    Turn,
    Upload,
    WebMessage,
)

_OF_ONE = ("private", "web")  # rooms that belong to one person


async def rooms_waiting(session: AsyncSession, person: str) -> list[str]:
    """The rooms in which something that the person sent is not done yet."""
    open_ones = select(col(Inbox.room)).where(col(Inbox.person) == person, col(Inbox.state).in_(inbox.OPEN))
    return list(await session.scalars(open_ones.distinct()))


async def forget_person(session: AsyncSession, person: str, *, now: datetime) -> None:
    """Delete a person with everything he wrote and all that was said to him alone. Raises UserError for the last owner.

    The audit keeps the bare id. Ids of handled messages stay as long as a repeat is possible, and a private room stays
    without its name and binding, so that a last message can be sent there; `delete_rooms` takes it later. Files that
    he sent are the caller's to remove first.
    """
    await people.take_role(session, person, project=INSTALLATION, now=now)
    own = await _rooms_of(session, person)
    sent = select(col(Inbox.id)).where(col(Inbox.person) == person)
    for doomed in (
        delete(Delivery).where(or_(col(Delivery.inbox).in_(sent), col(Delivery.room).in_(own))),
        delete(WebMessage).where(or_(col(WebMessage.room).in_(own), col(WebMessage.person) == person)),
        delete(Turn).where(or_(col(Turn.room).in_(own), col(Turn.person) == person)),
        delete(Conversation).where(col(Conversation.room).in_(own)),
        delete(Memory).where(col(Memory.person) == person),
        delete(Tally).where(col(Tally.subject).like(f"%/{person}")),
        delete(Identity).where(col(Identity.person) == person),
    ):
        await session.execute(doomed)
    await _unlink(session, person, own, now=now)
    await session.execute(delete(Person).where(col(Person.id) == person))


async def delete_rooms(session: AsyncSession, *, before: datetime) -> int:
    """Delete old rooms of one person that hold nothing any more and are bound to nothing; gives how many."""
    held: tuple[Any, ...] = (Inbox, Delivery, Conversation, WebMessage, Upload)
    holds = or_(*(exists().where(col(table.room) == col(Room.id)) for table in held))
    empty = and_(col(Room.kind).in_(_OF_ONE), col(Room.project).is_(None), col(Room.created_at) < before, ~holds)
    return len((await session.execute(delete(Room).where(empty).returning(col(Room.id)))).all())


async def _rooms_of(session: AsyncSession, person: str) -> list[str]:
    """The rooms that belong to the person alone: web rooms carry the id in their name, others hold what he wrote."""
    wrote = or_(
        col(Room.id).in_(select(col(Inbox.room)).where(col(Inbox.person) == person)),
        col(Room.id).in_(select(col(Turn.room)).where(col(Turn.person) == person)),
        and_(col(Room.kind) == "web", col(Room.native_id).like(f"%.{person}")),
    )
    return list(await session.scalars(select(col(Room.id)).where(col(Room.kind).in_(_OF_ONE), wrote)))


async def _unlink(session: AsyncSession, person: str, own: list[str], *, now: datetime) -> None:
    """Close what still waits of the person, and let neither messages nor rooms tell who it was."""
    waiting = update(Inbox).where(col(Inbox.person) == person, col(Inbox.finished_at).is_(None))
    await session.execute(waiting.values(state="dropped", outcome="deleted", finished_at=now))
    written = update(Inbox).where(col(Inbox.person) == person)
    await session.execute(written.values(person=None, body_sealed=None))
    emptied: dict[str, Any] = {"title": "", "settings": {}, "project": None, "bound_by": None, "bound_at": None}
    await session.execute(update(Room).where(col(Room.id).in_(own)).values(**emptied, binding=Room.binding + 1))
