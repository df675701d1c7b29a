"""Named keys to the JSON API: hashed, revocable, limited to projects, to a scope and to their owner's rights."""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.rights import Actor, Way
from bot.state.ids import hashed, new_id
from bot.state.queries import people
from bot.state.tables import ApiToken
from bot.state.words import clean_name

PREFIX = "rwk_"
CHECK_CHARS = 6
SCOPES = ("ask", "admin")
LONGEST = timedelta(days=365)
USED_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a token is to be; `projects` are ids, and nothing else is reached. "" is the whole installation."""

    name: str
    person: str
    scope: str
    projects: tuple[str, ...]


async def make(session: AsyncSession, new: NewToken, *, valid_for: timedelta, now: datetime) -> str:
    """A new token, to be shown once. Raises ValueError for an unknown scope or more than a year."""
    if new.scope not in SCOPES:
        raise ValueError(f"expected a scope ({', '.join(SCOPES)}), got {new.scope!r}")
    if not timedelta(0) < valid_for <= LONGEST:
        raise ValueError(f"expected at most {LONGEST.days} days, got {valid_for!r}")
    body = secrets.token_urlsafe(32)
    token = PREFIX + body + _check(body)
    session.add(
        ApiToken(
            id=new_id(),
            name=clean_name(new.name),
            token_hash=hashed(token),
            person=new.person,
            scope=new.scope,
            projects=list(new.projects),
            made_at=now,
            expires_at=now + valid_for,
        )
    )
    await session.flush()
    return token


def looks_like_token(text: str) -> bool:
    """Whether a text has the form of our tokens, checksum included; secret scanners use the same rule."""
    body = text.removeprefix(PREFIX)
    return body != text and len(body) > CHECK_CHARS and _check(body[:-CHECK_CHARS]) == body[-CHECK_CHARS:]


async def by_token(session: AsyncSession, token: str, *, now: datetime) -> ApiToken | None:
    """The token that somebody sent, unless it is unknown, expired or revoked."""
    if not looks_like_token(token):
        return None
    wanted = select(ApiToken).where(
        col(ApiToken.token_hash) == hashed(token), col(ApiToken.revoked_at).is_(None), col(ApiToken.expires_at) > now
    )
    return (await session.scalars(wanted)).first()


async def load_actor(session: AsyncSession, token: ApiToken, *, now: datetime) -> Actor:
    """Whoever uses the token: its owner with the rights he has now, in the token's projects only."""
    owner = await people.load_actor(session, token.person, way=Way.TOKEN, token_scope=token.scope, now=now)
    return replace(owner.limited_to(token.projects), way=Way.TOKEN)


async def use(session: AsyncSession, token: str, *, now: datetime) -> Actor | None:
    """Whoever sent a token, or None when it is not valid; notes that it is used, at most once a minute."""
    found = await by_token(session, token, now=now)
    if found is None:
        return None
    if found.used_at is None or found.used_at <= now - USED_STEP:
        await session.execute(update(ApiToken).where(col(ApiToken.id) == found.id).values(used_at=now))
    return await load_actor(session, found, now=now)


async def list_of(session: AsyncSession, person: str) -> list[ApiToken]:
    """The tokens of a person that are not revoked, oldest first."""
    wanted = select(ApiToken).where(col(ApiToken.person) == person, col(ApiToken.revoked_at).is_(None))
    return list(await session.scalars(wanted.order_by(col(ApiToken.made_at), col(ApiToken.id))))


async def revoke(session: AsyncSession, token: str, *, now: datetime) -> bool:
    """Whether the token (its id) was valid and is not any more."""
    gone = update(ApiToken).where(col(ApiToken.id) == token, col(ApiToken.revoked_at).is_(None))
    return (await session.execute(gone.values(revoked_at=now).returning(col(ApiToken.id)))).first() is not None


def _check(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:CHECK_CHARS]
