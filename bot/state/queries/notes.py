"""What adapters remember besides their cursors."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.state.tables import AdapterNote

_note: Any = AdapterNote


async def get(session: AsyncSession, network: str, account: str, key: str) -> Any | None:
    """The value last put under a key, or None."""
    found = await session.get(AdapterNote, (network, account, key))
    return None if found is None else found.value["v"]


async def put(session: AsyncSession, network: str, account: str, key: str, *, value: Any) -> None:
    """Keep a JSON value under a key."""
    await session.merge(AdapterNote(network=network, account=account, key=key, value={"v": value}))


async def drop(session: AsyncSession, network: str, account: str, key: str) -> None:
    """Forget what is kept under a key."""
    await session.execute(delete(AdapterNote).where(*_of(network, account), _note.key == key))


async def under(session: AsyncSession, network: str, account: str, prefix: str) -> Mapping[str, Any]:
    """All values whose key begins with `prefix`, by key, in the keys' order."""
    begins = _note.key.startswith(prefix, autoescape=True)
    found = await session.scalars(select(AdapterNote).where(*_of(network, account), begins).order_by(_note.key))
    return {note.key: note.value["v"] for note in found}


def _of(network: str, account: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _note.network == network, _note.account == account
