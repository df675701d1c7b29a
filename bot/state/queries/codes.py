"""One-time codes: login links, claims of ownership, bindings of rooms, invitations of people.

Only hashes are kept. A code works once: redeeming is a single UPDATE, so of two who try at once one wins.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.ids import as_typed, hashed, new_code, new_id, new_secret
from bot.state.queries import limits
from bot.state.tables import Invite

TRIES_PER_SENDER = 5
TRIES_IN_ALL = 20
TRIES_WINDOW = timedelta(minutes=15)


class Purpose(StrEnum):
    """What a code is for."""

    LOGIN = "login"  # a link to our own pages: 128 bits
    CLAIM = "claim"  # become an owner on a network
    BIND = "bind"  # a room to a project
    JOIN = "join"  # a project


@dataclass(frozen=True, slots=True)
class NewCode:
    """What a code gives to whoever redeems it."""

    purpose: Purpose
    person: str | None = None
    project: str | None = None
    role: str = ""
    made_by: str | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The invite that was redeemed, or None; `is_blocked` says that too many wrong codes came."""

    invite: Invite | None
    is_blocked: bool = False


async def make(session: AsyncSession, new: NewCode, *, valid_for: timedelta, now: datetime) -> str:
    """A new code, to be shown once: it cannot be read again."""
    code = new_secret() if new.purpose is Purpose.LOGIN else new_code()
    session.add(
        Invite(
            id=new_id(),
            purpose=new.purpose,
            code_hash=hashed(code),
            person=new.person,
            project=new.project,
            role=new.role,
            made_by=new.made_by,
            made_at=now,
            expires_at=now + valid_for,
        )
    )
    await session.flush()
    return code


def shown(code: str) -> str:
    """A typed code in two halves: "K7QF-3MWX"."""
    return f"{code[:4]}-{code[4:]}"


async def find(session: AsyncSession, purpose: Purpose, code: str, *, now: datetime) -> Invite | None:
    """The invite of a code that would still work; looking does not use it up."""
    wanted = select(Invite).where(
        col(Invite.code_hash) == _hash_of(purpose, code),
        col(Invite.purpose) == purpose,
        col(Invite.used_at).is_(None),
        col(Invite.expires_at) > now,
    )
    return (await session.scalars(wanted)).first()


async def redeem(
    session: AsyncSession, purpose: Purpose, code: str, *, used_by: str | None, now: datetime
) -> Invite | None:
    """Use a code up. None when it is unknown, used, expired, or made for something else."""
    code_hash = _hash_of(purpose, code)
    used = update(Invite).where(
        col(Invite.code_hash) == code_hash,
        col(Invite.purpose) == purpose,
        col(Invite.used_at).is_(None),
        col(Invite.expires_at) > now,
    )
    found = (await session.scalars(used.values(used_at=now, used_by=used_by).returning(Invite))).first()
    return found if found is not None and hmac.compare_digest(found.code_hash, code_hash) else None


async def redeem_typed(
    session: AsyncSession, purpose: Purpose, code: str, *, sender: str, used_by: str | None, now: datetime
) -> Redeemed:
    """Use up a code that somebody typed, guarding against guesses.

    After 5 wrong codes of a `sender`, or 20 of all, in 15 minutes nothing is accepted; at 20 every waiting code of
    that purpose dies, and new ones must be made.
    """
    if await _has_guessed_too_often(session, purpose, sender, now=now):
        return Redeemed(None, is_blocked=True)
    invite = await redeem(session, purpose, code, used_by=used_by, now=now)
    if invite is None:
        await _count_wrong(session, purpose, sender, now=now)
    return Redeemed(invite)


async def kill(session: AsyncSession, purpose: Purpose, code: str, *, now: datetime) -> bool:
    """Whether a code was waiting and is dead now, such as one typed where others read it."""
    return await redeem(session, purpose, code, used_by=None, now=now) is not None


async def kill_all(session: AsyncSession, purpose: Purpose, *, now: datetime) -> int:
    """Let every waiting code of a purpose die; gives how many there were."""
    waiting = update(Invite).where(col(Invite.purpose) == purpose, col(Invite.used_at).is_(None))
    return len((await session.execute(waiting.values(used_at=now).returning(col(Invite.id)))).all())


def _hash_of(purpose: Purpose, code: str) -> str:
    return hashed(code.strip() if purpose is Purpose.LOGIN else as_typed(code))


async def _has_guessed_too_often(session: AsyncSession, purpose: Purpose, sender: str, *, now: datetime) -> bool:
    own = await limits.amount(session, f"code/{purpose}/{sender}", now=now)
    return own >= TRIES_PER_SENDER or await limits.amount(session, f"code/{purpose}", now=now) >= TRIES_IN_ALL


async def _count_wrong(session: AsyncSession, purpose: Purpose, sender: str, *, now: datetime) -> None:
    await limits.add(session, f"code/{purpose}/{sender}", 1, until=now + TRIES_WINDOW, now=now)
    if await limits.add(session, f"code/{purpose}", 1, until=now + TRIES_WINDOW, now=now) >= TRIES_IN_ALL:
        await kill_all(session, purpose, now=now)
