"""Asking a passage store, as all its contract tests do."""

from pipelines.stores.passages import PassageStore, Scope
from tests.fakes.files import PROJECT, texts_of
from tests.fakes.passages import unit

EVERYWHERE = Scope()


async def found(store: PassageStore, query: str, *, scope: Scope = EVERYWHERE, limit: int = 10) -> list[str]:
    """Search by words and list the texts found."""
    return texts_of(await store.keywords(PROJECT, query, scope=scope, limit=limit))


async def near(store: PassageStore, *direction: float, scope: Scope = EVERYWHERE, limit: int = 10) -> list[str]:
    """Search by direction and list the texts found."""
    return texts_of(await store.dense(PROJECT, unit(*direction), scope=scope, limit=limit))
