"""What adapters remember besides their cursors."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.state.tables import AdapterNote


async def get(session: AsyncSession, network: str, account: str, key: str) -> Any | None:
    """The value last put under a key, or None."""
    found = await session.get(AdapterNote, (network, account, key))
    return None if found is None else found.value["v"]


async def put(session: AsyncSession, network: str, account: str, key: str, *, value: Any) -> None:
    """Keep a JSON value under a key."""
    await session.merge(AdapterNote(network=network, account=account, key=key, value={"v": value}))
