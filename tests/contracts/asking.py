"""Asking a passage store, as all its contract tests do."""

from datetime import UTC, datetime

from pipelines.stores.passages import PassageStore, Scope, Wanted
from pipelines.types import Shown
from tests.fakes.files import PROJECT, texts_of
from tests.fakes.passages import unit

EVERYWHERE = Scope()
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


async def found(store: PassageStore, query: str, *, scope: Scope = EVERYWHERE, limit: int = 10) -> list[str]:
    """Search by words and list the texts found."""
    return texts_of(await store.keywords(PROJECT, query, scope=scope, limit=limit))


async def near(store: PassageStore, *direction: float, scope: Scope = EVERYWHERE, limit: int = 10) -> list[str]:
    """Search by direction and list the texts found."""
    return texts_of(await store.dense(PROJECT, unit(*direction), scope=scope, limit=limit))


async def defining(store: PassageStore, *names: str, scope: Scope = EVERYWHERE, limit: int = 10) -> list[str]:
    """Ask for definitions and list the texts found."""
    found = await store.candidates(PROJECT, Wanted(definitions=[(names, limit)]), scope=scope)
    return texts_of(list(found.documents.values()))


def shown(source: str, commit: str, updating_to: str | None = None) -> Shown:
    """Say at which version a source is searched."""
    return Shown(source, "main", commit, NOON, updating_to=updating_to)
