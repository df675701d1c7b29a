"""Signed-in browsers. The cookie's value is known to the browser only; here lies its hash."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.ids import hashed, new_secret
from bot.state.tables import WebSession

SEEN_STEP = timedelta(minutes=1)  # so that not every request is a write


@dataclass(frozen=True, slots=True)
class NewSession:
    """What the browser is given: the cookie's value and the value that its forms must repeat."""

    token: str
    csrf: str
    expires_at: datetime


async def make(session: AsyncSession, person: str, *, valid_for: timedelta, now: datetime) -> NewSession:
    """Sign a browser in as `person`."""
    made = NewSession(token=new_secret() + new_secret(), csrf=new_secret(), expires_at=now + valid_for)
    session.add(
        WebSession(
            token_hash=hashed(made.token),
            person=person,
            csrf=made.csrf,
            made_at=now,
            seen_at=now,
            expires_at=made.expires_at,
        )
    )
    await session.flush()
    return made


async def by_token(session: AsyncSession, token: str, *, now: datetime) -> WebSession | None:
    """The session of a cookie, unless it has ended; only reads."""
    wanted = select(WebSession).where(col(WebSession.token_hash) == hashed(token), col(WebSession.expires_at) > now)
    return (await session.scalars(wanted)).first()


async def end(session: AsyncSession, token: str) -> None:
    """Sign a browser out."""
    await session.execute(delete(WebSession).where(col(WebSession.token_hash) == hashed(token)))


async def use(session: AsyncSession, token: str, *, now: datetime) -> WebSession | None:
    """The session of a cookie, unless it has ended; notes that it is used, at most once a minute."""
    found = await by_token(session, token, now=now)
    if found is not None and found.seen_at <= now - SEEN_STEP:
        await session.execute(
            update(WebSession).where(col(WebSession.token_hash) == found.token_hash).values(seen_at=now)
        )
    return found
