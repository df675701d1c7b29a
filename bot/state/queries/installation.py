"""The one row that says which installation this is."""

import re
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.state.ids import new_id
from bot.state.tables import Installation


async def ensure(session: AsyncSession, *, program: str, now: datetime) -> Installation:
    """This installation, made at the first start; it remembers the newest `program` version that ever ran on it."""
    found = (await session.scalars(select(Installation))).first()
    if found is None:
        found = Installation(id=new_id(), created_at=now)
        session.add(found)
    if _numbers(program) > _numbers(found.newest_program):
        found.newest_program = program
    await session.flush()
    return found


async def rewrite(session: AsyncSession) -> None:
    """Write what is there already: it changes nothing and shows that a write gets through."""
    await session.execute(update(Installation).values(created_at=Installation.created_at))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
