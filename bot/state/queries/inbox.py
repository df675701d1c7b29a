"""Queries: the inbox and the cursors. Nothing commits here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.tables import Cursor, Inbox, Room
from bot.state.upsert import insert_or_leave, insert_or_update
from bot.state.vault import Vault

OPEN: Final = ("waiting", "working")
POSTPONED: Final = "postponed"
HELD_BACK: Final = "held back: "  # so begins the outcome of a row whose text was a secret; its kind follows
ANSWERED: Final = "answered"  # the outcome of a question that was closed in the write of its answer
PART_OF: Final = "part of "  # so begins the outcome of a row that was worked on with another, whose id follows
ASKED_AGAIN: Final = "answer_now"  # the outcome of a postponed row that was put back by its button


async def add(session: AsyncSession, row: Inbox, *, body: str, vault: Vault) -> int | None:
    """Store an event and return its id; None when this event or this message, kind and revision is known."""
    values = row.model_dump(exclude={"id", "body_sealed"})
    statement = insert_or_leave(session, Inbox, values).returning(_id)
    found: int | None = (await session.execute(statement)).scalar_one_or_none()
    if found is not None:
        sealed = vault.seal(_place(found), body)
        await session.execute(update(Inbox).where(_id == found).values(body_sealed=sealed))
    return found


def body_of(row: Inbox, vault: Vault) -> str | None:
    """The packed event of a row; None when it is done or cannot be read."""
    return vault.open(_place(row.id), row.body_sealed)


async def get(session: AsyncSession, row_id: int) -> Inbox | None:
    """The row with this id."""
    return await session.get(Inbox, row_id)


async def of_message(session: AsyncSession, room: str, message: str) -> Inbox | None:
    """The row of a message that was sent to us in a room."""
    statement = select(Inbox).where(_room == room, _message == message, _kind == "message").order_by(_id).limit(1)
    return (await session.execute(statement)).scalar_one_or_none()


async def open_about(session: AsyncSession, room: str, message: str) -> Sequence[Inbox]:
    """The rows that are not done of a message and of its edits, the newest first."""
    statement = select(Inbox).where(_room == room, _message == message, _kind.in_(("message", "edited")))
    return (await session.execute(statement.where(_state.in_(OPEN)).order_by(_id.desc()))).scalars().all()


async def is_deleted(session: AsyncSession, room: str, message: str) -> bool:
    """Whether a message that was sent to us in a room was taken back."""
    statement = select(_id).where(_room == room, _message == message, _kind == "deleted").limit(1)
    return (await session.execute(statement)).first() is not None


async def waiting(session: AsyncSession, *, after: int = 0, limit: int = 500) -> Sequence[Inbox]:
    """Rows that wait, oldest first, with ids above `after`."""
    statement = select(Inbox).where(_state == "waiting", _id > after).order_by(_id).limit(limit)
    return (await session.execute(statement)).scalars().all()


async def claim(session: AsyncSession, row_id: int, *, owner: str, lease_until: datetime) -> Inbox | None:
    """Take a waiting row and count the attempt before work starts; None when it waits no more."""
    statement = (
        update(Inbox)
        .where(_id == row_id, _state == "waiting")
        .values(state="working", claimed_by=owner, lease_until=lease_until, attempts=_attempts + 1)
        .returning(Inbox)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def give_back(session: AsyncSession, row_id: int) -> None:
    """Let a claimed row wait again without counting the attempt, as when the program stops in good order."""
    statement = update(Inbox).where(_id == row_id, _state == "working")
    await session.execute(statement.values(state="waiting", claimed_by=None, lease_until=None, attempts=_attempts - 1))


async def reopen(session: AsyncSession, *, owner: str, now: datetime, even_leased: bool) -> int:
    """Let rows wait again whose worker is gone; returns how many.

    `even_leased` is right where only one process can exist; else a row is left alone until its lease is over.
    """
    gone = (_state == "working") & (_claimed_by.is_distinct_from(owner))
    if not even_leased:
        gone &= _lease_until < now
    statement = update(Inbox).where(gone).values(state="waiting", claimed_by=None, lease_until=None)
    return _count(await session.execute(statement))


async def finish(session: AsyncSession, row_id: int, *, state: str, outcome: str, now: datetime) -> None:
    """Close a row: its ids stay as long as a repeat is possible, its text goes."""
    statement = update(Inbox).where(_id == row_id, _state.in_((*OPEN, POSTPONED)))
    closed = {"state": state, "outcome": outcome, "finished_at": now, "body_sealed": None, "lease_until": None}
    await session.execute(statement.values(closed))


async def close_parts(session: AsyncSession, row_ids: Sequence[int], *, of: int, now: datetime) -> None:
    """Close rows that were worked on together with the row `of`, which holds what was said about them."""
    for row_id in row_ids:
        await finish(session, row_id, state="done", outcome=f"{PART_OF}{of}", now=now)


def worked_on_as(row: Inbox) -> int:
    """The id under which a row was answered: its own, or that of the row that it was a part of."""
    whole = row.outcome.removeprefix(PART_OF) if row.outcome.startswith(PART_OF) else ""
    return int(whole) if whole.isdigit() else int(row.id or 0)


async def open_of_person(session: AsyncSession, room: str, person: str | None, *, since: int) -> Sequence[Inbox]:
    """The open messages of a person in a room with ids from `since` on, oldest first, a hundred at most."""
    is_theirs = (_room == room) & (_columns["person"].is_not_distinct_from(person))
    statement = select(Inbox).where(is_theirs, _kind == "message", _state.in_(OPEN), _id >= since)
    return (await session.execute(statement.order_by(_id).limit(100))).scalars().all()


async def postpone(session: AsyncSession, row_ids: Sequence[int]) -> None:
    """Set rows aside until somebody asks for them."""
    await session.execute(update(Inbox).where(_id.in_(row_ids), _state == "waiting").values(state=POSTPONED))


async def answer_now(session: AsyncSession, room: str) -> int:
    """Let the postponed rows of a room wait again, marked so that their age no longer counts; returns how many."""
    statement = update(Inbox).where(_room == room, _state == POSTPONED)
    return _count(await session.execute(statement.values(state="waiting", outcome=ASKED_AGAIN)))


async def newest_message(session: AsyncSession, chat: str) -> str | None:
    """The network's id of the last message that came to us in a chat: in a room, or a group with its topics."""
    rooms = select(col(Room.id)).where(or_(col(Room.id) == chat, col(Room.parent) == chat))
    statement = select(_message).where(_room.in_(rooms), _kind == "message").order_by(_id.desc()).limit(1)
    return (await session.execute(statement)).scalar_one_or_none()


async def waiting_in(session: AsyncSession, project: str) -> int:
    """How many messages wait for their turn in the rooms of a project."""
    bound = select(col(Room.id)).where(col(Room.project) == project)
    counted = select(func.count(_id)).where(_state == "waiting", _kind == "message")
    inside = _room.in_(bound) | _room.in_(
        select(col(Room.id)).where(col(Room.parent).in_(bound), col(Room.project).is_(None))
    )
    return int((await session.execute(counted.where(inside))).scalar_one())


async def pressure(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many messages wait for their turn, and since when the oldest of them."""
    waiting = select(func.count(_id), func.min(Inbox.received_at))
    statement = waiting.where(_state == "waiting", _kind == "message")
    count, oldest = (await session.execute(statement)).one()
    return count, oldest


async def cursor(session: AsyncSession, network: str, account: str) -> str | None:
    """How far an account was read."""
    row = await session.get(Cursor, (network, account))
    return row.value if row else None


async def move_cursor(session: AsyncSession, network: str, account: str, *, value: str, now: datetime) -> None:
    """Remember how far an account was read."""
    new = {"network": network, "account": account, "value": value, "at": now}
    change = {"value": value, "at": now}
    await session.execute(insert_or_update(session, Cursor, new, unique=("network", "account"), change=change))


def _place(row_id: int | None) -> str:
    return f"inbox/{row_id}/body_sealed"


def _count(result: Any) -> int:
    return int(result.rowcount)


_columns: Any = Inbox.__table__.c  # type: ignore[attr-defined]
_id, _room, _message, _kind, _state = (_columns[name] for name in ("id", "room", "message", "kind", "state"))
_attempts, _claimed_by, _lease_until = (_columns[name] for name in ("attempts", "claimed_by", "lease_until"))
