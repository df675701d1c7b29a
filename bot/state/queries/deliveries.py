"""Queries: what we send, recorded before and after. Nothing commits here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.state.tables import AnswerMessage, Delivery
from bot.state.vault import Vault

UNSENT: Final = ("pending", "sending")


class Unsent(NamedTuple):
    """A delivery that is not done, without its text."""

    id: str
    key: str
    room: str
    not_before: datetime | None


async def by_key(session: AsyncSession, key: str) -> Delivery | None:
    """The delivery with this key."""
    return (await session.execute(select(Delivery).where(_key == key))).scalar_one_or_none()


async def get(session: AsyncSession, delivery_id: str) -> Delivery | None:
    """The delivery with this id."""
    return await session.get(Delivery, delivery_id)


async def unsent(session: AsyncSession) -> Sequence[Unsent]:
    """Deliveries that are not done, oldest first: all of them, since many of one room may stand before another's."""
    wanted = select(_id, _key, _room, _not_before).where(_state.in_(UNSENT)).order_by(_created_at, _key)
    return [Unsent(*row) for row in (await session.execute(wanted)).all()]


async def of_inbox(session: AsyncSession, inbox_row: int) -> Sequence[Delivery]:
    """All that we said, or mean to say, about an inbox row."""
    return (await session.execute(select(Delivery).where(_inbox == inbox_row).order_by(_key))).scalars().all()


async def newest_sent(session: AsyncSession, room: str) -> str | None:
    """The network's id of the last message that we sent into a room."""
    statement = (
        select(_message).where(_room == room, _message.is_not(None)).order_by(_created_at.desc(), _key.desc()).limit(1)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def pending_by_purpose(session: AsyncSession) -> dict[str, int]:
    """How many deliveries are not done, by purpose."""
    statement = select(_purpose, func.count()).where(_state.in_(UNSENT)).group_by(_purpose)
    return {str(purpose): int(count) for purpose, count in (await session.execute(statement)).all()}


async def map_answer(session: AsyncSession, *, room: str, messages: Sequence[str], turn: str) -> None:
    """Remember which messages of a room show which turn, so that replies, thumbs and buttons find it."""
    for message in messages:
        await session.merge(AnswerMessage(room=room, message=message, turn=turn))


def seal_body(row: Delivery, text: str, vault: Vault) -> None:
    """Put a packed reply into a row."""
    row.body_sealed = vault.seal(_place(row), text)


def body_of(row: Delivery, vault: Vault) -> str | None:
    """The packed reply of a row; None when it is sent or cannot be read."""
    return vault.open(_place(row), row.body_sealed)


def give_up(row: Delivery, *, now: datetime) -> None:
    """Close a row that will never be sent; its text goes."""
    row.state = "given_up"
    row.body_sealed = None
    row.not_before = None
    row.sent_at = now


def _place(row: Delivery) -> str:
    return f"delivery/{row.id}/body_sealed"


_columns: Any = Delivery.__table__.c  # type: ignore[attr-defined]
_id, _key, _state, _room, _message, _purpose, _created_at, _inbox, _not_before = (
    _columns[name] for name in ("id", "key", "state", "room", "message", "purpose", "created_at", "inbox", "not_before")
)
