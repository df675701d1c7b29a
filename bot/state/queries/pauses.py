"""What hosts let our credentials do, and until when they are not asked, so that a restart does not forget it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from adapters.forge import Allowance
from bot.state.tables import HostPause
from bot.state.upsert import insert_or_update


async def keep(session: AsyncSession, allowance: Allowance, *, now: datetime) -> None:
    """Keep what a host has said last of one credential."""
    values = {
        "remaining": allowance.remaining,
        "most": allowance.most,
        "resets_at": allowance.resets_at,
        "paused_until": allowance.paused_until,
        "reason": allowance.reason,
        "at": now,
    }
    made = insert_or_update(session, HostPause, {"key": allowance.key, **values}, unique=("key",), change=values)
    await session.execute(made)


async def list_all(session: AsyncSession) -> list[Allowance]:
    """What is known of every host and credential, by key."""
    found = await session.scalars(select(HostPause).order_by(col(HostPause.key)))
    return [Allowance(one.key, one.remaining, one.most, one.resets_at, one.paused_until, one.reason) for one in found]
