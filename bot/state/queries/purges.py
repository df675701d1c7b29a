"""Taking out of the state what a source or a project has left in it. Nothing commits here."""

import json

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.queries import changes
from bot.state.tables import Memory, Turn
from bot.state.vault import Vault


async def forget_source(session: AsyncSession, vault: Vault, *, project: str, source: str) -> int:
    """Take the quotes of a source out of all turns of a project; the answers' texts stay. Returns how many turns.

    What changed in the source, paths among it, goes as well.
    """
    await changes.forget(session, source)
    found = await session.scalars(select(Turn).where(col(Turn.project) == project))
    changed = 0
    for turn in found:
        if source not in turn.sources:
            continue
        place = f"turn/{turn.id}/citations_sealed"
        cited = json.loads(vault.open(place, turn.citations_sealed) or "[]")
        kept = [{**one, "quote": ""} if one.get("source") == source else one for one in cited]
        turn.citations_sealed = vault.seal(place, json.dumps(kept, ensure_ascii=False))
        turn.sources = [one for one in turn.sources if one != source]
        changed += 1
    await session.flush()
    return changed


async def forget_project(session: AsyncSession, *, project: str) -> None:
    """Delete everything that was asked, answered and remembered in a project."""
    await session.execute(delete(Turn).where(col(Turn.project) == project))
    await session.execute(delete(Memory).where(col(Memory.project) == project))
