"""Acts that wait for their asker's yes. What is done comes from here, never from the button that was pressed."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.errors import UserError
from bot.state.ids import new_id
from bot.state.tables import Confirmation
from bot.state.vault import Vault

VALID_FOR = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody asked for in a room: the command with all its arguments."""

    person: str
    room: str
    command: str
    arguments: dict[str, Any]


async def ask(session: AsyncSession, vault: Vault, act: Act, *, now: datetime) -> str:
    """Let an act wait for two minutes; gives the id that the button carries."""
    confirmation = new_id()
    session.add(
        Confirmation(
            id=confirmation,
            person=act.person,
            room=act.room,
            command=act.command,
            arguments_sealed=vault.seal(_place(confirmation), json.dumps(act.arguments)),
            made_at=now,
            expires_at=now + VALID_FOR,
        )
    )
    await session.flush()
    return confirmation


async def take(session: AsyncSession, vault: Vault, confirmation: str, *, person: str, now: datetime) -> Act:
    """The act, once, for the one who asked for it; ask the gate again before it is done.

    Raises UserError when another person answers, the time is over, or it was answered already.
    """
    taken = update(Confirmation).where(
        col(Confirmation.id) == confirmation,
        col(Confirmation.person) == person,
        col(Confirmation.used_at).is_(None),
        col(Confirmation.expires_at) > now,
    )
    row = (await session.scalars(taken.values(used_at=now).returning(Confirmation))).first()
    if row is None:
        raise UserError(await _why_not(session, confirmation, person=person))
    arguments = vault.open(_place(row.id), row.arguments_sealed)
    if arguments is None:
        raise UserError("confirm.expired")
    return Act(person=row.person, room=row.room, command=row.command, arguments=json.loads(arguments))


async def newest(session: AsyncSession, *, person: str, room: str, now: datetime, upto: datetime | None = None) -> str:
    """The act that this person was last asked about in a room, whatever became of it since; `upto` a time, if given.

    Earlier ones cannot be meant by a word alone. Raises UserError when there is none, or only others have one.
    """
    wanted = select(Confirmation).where(col(Confirmation.room) == room, col(Confirmation.expires_at) > now - VALID_FOR)
    if upto is not None:
        wanted = wanted.where(col(Confirmation.made_at) <= upto)
    asked = (await session.scalars(wanted.order_by(col(Confirmation.made_at).desc(), col(Confirmation.id)))).all()
    own = next((row for row in asked if row.person == person), None)
    if own is None:
        is_others = any(row.used_at is None and row.expires_at > now for row in asked)
        raise UserError("confirm.not_yours" if is_others else "confirm.none")
    return own.id


async def drop(session: AsyncSession, confirmation: str, *, person: str, now: datetime) -> None:
    """Let an act that waited for this person's yes not be done. Raises UserError as `take` does."""
    gone = update(Confirmation).where(
        col(Confirmation.id) == confirmation, col(Confirmation.person) == person, col(Confirmation.used_at).is_(None)
    )
    if (await session.execute(gone.values(used_at=now).returning(col(Confirmation.id)))).first() is None:
        raise UserError(await _why_not(session, confirmation, person=person))


async def _why_not(session: AsyncSession, confirmation: str, *, person: str) -> str:
    row = await session.get(Confirmation, confirmation, populate_existing=True)
    if row is None:
        return "confirm.expired"
    if row.person != person:
        return "confirm.not_yours"
    return "confirm.expired" if row.used_at is None else "confirm.answered_already"


def _place(confirmation: str) -> str:
    return f"confirmation/{confirmation}/arguments"
