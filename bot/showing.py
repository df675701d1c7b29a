"""Whether sources are searched: hidden when they are gone, shown again when they are back, whatever the store can write.

A source is marked hidden in the database even if its store had no room for that. So each look at the source and each
start of the service hides it again, which costs nothing once it is written.
"""

import asyncio

import structlog

from bot.outcome import Ran
from bot.state.database import Database
from bot.state.queries import sources
from bot.state.tables import Source
from pipelines.stores.passages import PassageStore
from pipelines.types import StoreUnavailable

_log = structlog.get_logger(__name__)


async def show(store: PassageStore, row: Source, ran: Ran) -> bool:
    """Hide a source that is gone, or show one that is back, and say whether the store has that for good.

    Raises StoreUnavailable for a source that cannot be shown yet.
    """
    if ran.outcome == "gone":
        return row.state_reason == "purged" or await _hide(store, row)
    if ran.is_ok and row.state == "hidden":
        await store.hide(row.project, row.id, hidden=False)
    return True


async def hide_again(db: Database, store: PassageStore) -> None:
    """Hide what must not be found, before anything is answered."""
    rows = await db.read(sources.out_of_sight)
    await asyncio.gather(*(_hide(store, row) for row in rows))


async def _hide(store: PassageStore, row: Source) -> bool:
    try:
        await store.hide(row.project, row.id, hidden=True)
    except StoreUnavailable as error:
        _log.warning("source not hidden for good yet", source=row.id, error=str(error))
        return False
    return True
