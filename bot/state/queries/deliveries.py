"""Queries: what we send, recorded before and after. Nothing commits here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.state.tables import AnswerMessage, Delivery, Room
from bot.state.vault import Vault

UNSENT: Final = ("pending", "sending")
_LOOKED_AT: Final = 50


class Unsent(NamedTuple):
    """A delivery that is not done, without its text. `chat` is its room, or the group of its topic.

    One that `is_unclear` may have arrived already, as a message whose id nobody knows.
    """

    id: str
    key: str
    chat: str
    not_before: datetime | None
    is_unclear: bool


async def by_key(session: AsyncSession, key: str) -> Delivery | None:
    """The delivery with this key."""
    return (await session.execute(select(Delivery).where(_key == key))).scalar_one_or_none()


async def get(session: AsyncSession, delivery_id: str) -> Delivery | None:
    """The delivery with this id."""
    return await session.get(Delivery, delivery_id)


async def unsent(session: AsyncSession) -> Sequence[Unsent]:
    """Deliveries that are not done, in the order in which a chat's go out: what is unclear first, then the oldest.

    All of them, since many of one room may stand before another's.
    """
    chat = func.coalesce(_room_parent, _room)
    wanted = select(_id, _key, chat, _not_before, _is_unclear).join(Room, _room_id == _room)
    ordered = wanted.where(_state.in_(UNSENT)).order_by(_is_unclear.desc(), _created_at, _key)
    return [Unsent(*row[:4], bool(row[4])) for row in (await session.execute(ordered)).all()]


async def unsent_in(session: AsyncSession, rooms: Sequence[str]) -> Sequence[Delivery]:
    """The deliveries of some rooms that are not done."""
    return (await session.execute(select(Delivery).where(_room.in_(rooms), _state.in_(UNSENT)))).scalars().all()


async def waits_before(session: AsyncSession, chat: str, *, own: Delivery | None) -> bool:
    """Whether a new message of a chat must go out before `own` (None: before one that is not recorded yet)."""
    wanted = select(_id).where(_in_chat(chat), _state.in_(UNSENT), _message.is_(None))
    if own is not None:
        is_older = (_created_at < own.created_at) | ((_created_at == own.created_at) & (_key < own.key))
        wanted = wanted.where(_id != own.id, is_older | _is_unclear)
    return (await session.execute(wanted.limit(1))).first() is not None


async def parts_of(session: AsyncSession, key: str) -> Sequence[Delivery]:
    """The further parts of a long message: their keys are its own with a number."""
    wanted = select(Delivery).where(_key > f"{key}/", _key < f"{key}0").order_by(_key)
    return [row for row in (await session.execute(wanted)).scalars() if row.key.removeprefix(f"{key}/").isdigit()]


async def of_inbox(session: AsyncSession, inbox_row: int) -> Sequence[Delivery]:
    """All that we said, or mean to say, about an inbox row."""
    return (await session.execute(select(Delivery).where(_inbox == inbox_row).order_by(_key))).scalars().all()


async def of_message(session: AsyncSession, room: str, message: str) -> Delivery | None:
    """The delivery that a message of ours in a room is."""
    wanted = select(Delivery).where(_room == room, _message == message).order_by(_created_at.desc()).limit(1)
    return (await session.execute(wanted)).scalar_one_or_none()


async def newest_sent(session: AsyncSession, chat: str) -> str | None:
    """The highest id among the last messages that we sent into a chat, where the network counts them."""
    latest = select(_message, _more).where(_in_chat(chat), _message.is_not(None))
    rows = (await session.execute(latest.order_by(_created_at.desc(), _key.desc()).limit(_LOOKED_AT))).all()
    found = [message for row in rows for message in (row[0], *row[1]) if message.isdigit()]
    return max(found, key=int, default=None)


async def sent_behind(session: AsyncSession, chat: str, after: str | None) -> set[str]:
    """The ids of all our recorded messages in a chat that are higher than `after`."""
    wanted = select(_message, _more).where(_in_chat(chat), _message.is_not(None))
    if after is not None and after.isdigit():
        length = func.length(_message)
        wanted = wanted.where((length > len(after)) | ((length == len(after)) & (_message > after)))
    return {message for row in (await session.execute(wanted)).all() for message in (row[0], *row[1])}


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


def _in_chat(chat: str) -> Any:
    return _room.in_(select(_room_id).where(or_(_room_id == chat, _room_parent == chat)))


_columns: Any = Delivery.__table__.c  # type: ignore[attr-defined]
_id, _key, _state, _room, _message, _more, _purpose, _created_at, _inbox, _not_before = (
    _columns[name]
    for name in ("id", "key", "state", "room", "message", "more", "purpose", "created_at", "inbox", "not_before")
)
_room_id: Any = Room.__table__.c.id  # type: ignore[attr-defined]
_room_parent: Any = Room.__table__.c.parent  # type: ignore[attr-defined]
_is_unclear: Any = (_state == "sending") & _message.is_(None)
