"""Rooms: where people talk, which project a room is bound to, and how it wants to be treated."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.chat import RoomAddress, RoomFacts
from bot.state.ids import new_id
from bot.state.tables import Conversation, Room
from bot.state.upsert import insert_or_leave
from bot.state.words import clean

HINT_PAUSE = timedelta(days=1)
AS_PARENT = ""  # the answer mode of a topic that has none of its own


async def get(session: AsyncSession, room: str) -> Room | None:
    """The room of an id."""
    return await session.get(Room, room)


async def at(session: AsyncSession, network: str, account: str, native_id: str) -> Room | None:
    """The room that a network knows by `native_id`."""
    wanted = select(Room).where(
        col(Room.network) == network, col(Room.account) == account, col(Room.native_id) == native_id
    )
    return (await session.scalars(wanted)).first()


async def ensure(
    session: AsyncSession,
    address: RoomAddress,
    facts: RoomFacts | None = None,
    *,
    answer_mode: str = "mention",
    now: datetime,
) -> Room:
    """The room at an address, made when unknown; its facts follow the network where they are given."""
    found = await at(session, address.network, address.account, address.room)
    if found is None:
        parent = None
        if facts is not None and facts.parent is not None:
            parent = (await ensure(session, facts.parent, answer_mode=answer_mode, now=now)).id
        own_mode = answer_mode if parent is None else AS_PARENT
        values = _new_room(address, parent=parent, answer_mode=own_mode, now=now)
        await session.execute(insert_or_leave(session, Room, values, unique=("network", "account", "native_id")))
        found = await at(session, address.network, address.account, address.room)
        if found is None:
            raise LookupError(f"expected the room that was just made at {address!r}, got none")
    if facts is not None:
        _follow(found, facts)
        await session.flush()
    return found


async def any_answers_all(session: AsyncSession) -> bool:
    """Whether there is a group where everything is answered."""
    wanted = select(col(Room.id)).where(
        col(Room.answer_mode) == "all", col(Room.kind) != "web", col(Room.parent).is_(None)
    )
    return (await session.execute(wanted.limit(1))).first() is not None


async def list_of(session: AsyncSession, project: str) -> list[Room]:
    """The rooms bound to a project, oldest first."""
    wanted = select(Room).where(col(Room.project) == project)
    return list(await session.scalars(wanted.order_by(col(Room.created_at), col(Room.id))))


async def topics_of(session: AsyncSession, room: str) -> list[Room]:
    """The rooms inside a room, oldest first."""
    wanted = select(Room).where(col(Room.parent) == room)
    return list(await session.scalars(wanted.order_by(col(Room.created_at), col(Room.id))))


async def binding_of(session: AsyncSession, room: str) -> tuple[str | None, int] | None:
    """The project of a room and the number of its binding as they are now; None for an unknown room.

    An answer that was made for another pair must not be sent.
    """
    found = await session.get(Room, room, populate_existing=True)
    if found is None:
        return None
    if found.project is not None or found.parent is None:
        return found.project, found.binding
    parent = await session.get(Room, found.parent, populate_existing=True)
    return (None, found.binding) if parent is None else (parent.project, found.binding + parent.binding)


async def as_it_is_treated(session: AsyncSession, room: Room) -> Room:
    """A copy of the room with what it has from its parent, where it has none of its own: project, mode, language."""
    parent = await session.get(Room, room.parent) if room.parent is not None else None
    if parent is None:
        return room
    mode = room.answer_mode or parent.answer_mode
    inherited = {"answer_mode": mode, "language": room.language or parent.language}
    if room.project is None:
        inherited["project"] = parent.project
    return Room(**{**room.model_dump(), **inherited})


async def bind(session: AsyncSession, room: str, *, project: str, bound_by: str | None, now: datetime) -> Room:
    """Bind a room to a project; open conversations end, since their history belongs to what was bound before.

    So does what guests were let into, and what the room was muted for.
    """
    return await _rebind(session, room, {"project": project, "bound_by": bound_by, "bound_at": now}, now=now)


async def unbind(session: AsyncSession, room: str, *, now: datetime) -> Room:
    """Bind a room to nothing; it is no longer open to guests."""
    return await _rebind(session, room, {"project": None, "bound_by": None, "bound_at": None}, now=now)


async def release_project(session: AsyncSession, project: str, *, now: datetime) -> list[str]:
    """Unbind every room of a project that ends; gives their ids."""
    bound = [room.id for room in await list_of(session, project)]
    for room in bound:
        await unbind(session, room, now=now)
    return bound


async def change(session: AsyncSession, room: str, **values: Any) -> None:
    """Set columns of a room: answer_mode, language, muted_reason, is_open_to_guests, is_silent, title, native_id..."""
    await session.execute(update(Room).where(col(Room.id) == room).values(**values))


async def note(session: AsyncSession, room: str, name: str, *, value: Any) -> None:
    """Keep a setting of a room beside its others."""
    found = await session.get(Room, room, populate_existing=True)
    if found is not None:
        await change(session, room, settings={**found.settings, name: value})


async def set_mode(session: AsyncSession, room: str, mode: str) -> None:
    """Which messages are answered: mention, all or off."""
    await change(session, room, answer_mode=mode)


async def set_language(session: AsyncSession, room: str, language: str | None) -> None:
    """The language of what we say there; None: each person's own."""
    await change(session, room, language=language)


async def mute(session: AsyncSession, room: str, *, reason: str) -> None:
    """Answer nothing from the project there, for a reason that people are shown."""
    await change(session, room, muted_reason=reason)


async def unmute(session: AsyncSession, room: str) -> None:
    """Answer again."""
    await change(session, room, muted_reason="")


async def hint_once_a_day(session: AsyncSession, room: str, *, now: datetime) -> bool:
    """Whether the hint of an unbound room may be given now; true at most once in 24 hours."""
    due = update(Room).where(
        col(Room.id) == room, or_(col(Room.hinted_at).is_(None), col(Room.hinted_at) <= now - HINT_PAUSE)
    )
    return (await session.execute(due.values(hinted_at=now).returning(col(Room.id)))).first() is not None


async def set_silent(session: AsyncSession, room: str, *, is_silent: bool) -> list[str]:
    """Note whether we can say anything in a room and its topics; gives their ids."""
    every = update(Room).where(or_(col(Room.id) == room, col(Room.parent) == room))
    return list(await session.scalars(every.values(is_silent=is_silent).returning(col(Room.id))))


async def _rebind(session: AsyncSession, room: str, values: dict[str, Any], *, now: datetime) -> Room:
    # A topic's own number goes above the sum with its group's that counted until now, so that none ever comes again.
    group: Any = Room.__table__.alias()  # type: ignore[attr-defined]
    of_topic = select(col(Room.parent)).where(col(Room.id) == room).scalar_subquery()
    above = select(group.c.binding).where(group.c.id == of_topic).scalar_subquery()
    binding = col(Room.binding) + 1 + func.coalesce(above, 0)
    fresh = {"binding": binding, "muted_reason": "", "is_open_to_guests": False}
    await session.execute(update(Room).where(col(Room.id) == room).values(**values, **fresh))
    inside = update(Room).where(col(Room.parent) == room, col(Room.project).is_(None))
    await session.execute(inside.values(is_open_to_guests=False))
    open_ones = update(Conversation).where(col(Conversation.room) == room, col(Conversation.closed_at).is_(None))
    await session.execute(open_ones.values(closed_at=now))
    return await session.get_one(Room, room, populate_existing=True)


def _new_room(address: RoomAddress, *, parent: str | None, answer_mode: str, now: datetime) -> dict[str, Any]:
    row = Room(
        id=new_id(),
        network=address.network,
        account=address.account,
        native_id=address.room,
        parent=parent,
        answer_mode=answer_mode,
        created_at=now,
    )
    return row.model_dump()


def _follow(room: Room, facts: RoomFacts) -> None:
    room.title = clean(facts.title) or room.title
    room.kind = facts.kind
    room.is_public = facts.is_public
    room.is_encrypted = facts.is_encrypted
