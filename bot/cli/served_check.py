"""How the indexes on a Weaviate server stand, for `roomwise check --index`."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from config.settings import Settings
from pipelines.parts import INDEX_FOLDER, index_made_by, open_embedder
from pipelines.stores.local_check import Condition
from pipelines.stores.opening import open_weaviate
from pipelines.types import StoreUnavailable

if TYPE_CHECKING:
    from pipelines.stores.weaviate import WeaviatePassages


async def examine_served(
    settings: Settings, projects: Sequence[str], *, is_repairing: bool
) -> list[tuple[Condition, Condition]]:
    """Examine projects that lie on a server, and put them right when asked to: how each stood, and how it stands then.

    Raises ModelUnavailable when something is to be put right and the embedder, which names the index, cannot be had.
    """
    if not projects:
        return []
    if not settings.weaviate.is_set:
        return [(one, one) for one in map(_without_server, projects)]
    async with AsyncExitStack() as stack:
        try:
            store = await _opened(settings, stack, is_repairing=is_repairing)
        except StoreUnavailable as error:
            return [(one, one) for one in (_unreached(project, error) for project in projects)]
        return [await _examined(store, project, is_repairing=is_repairing) for project in projects]


async def _opened(settings: Settings, stack: AsyncExitStack, *, is_repairing: bool) -> "WeaviatePassages":
    """Open the store on the server; what only looks makes no collections, and needs no embedder to name them."""
    folder = settings.data_dir / INDEX_FOLDER
    if not is_repairing:
        return await open_weaviate(settings.weaviate, folder, stack, made_by="", finds_by_vectors=False)
    embedder = await open_embedder(settings.embedder, settings.data_dir, stack)
    made_by, reads = index_made_by(embedder), embedder.reads_sentences
    return await open_weaviate(settings.weaviate, folder, stack, made_by=made_by, finds_by_vectors=reads)


async def _examined(store: "WeaviatePassages", project: str, *, is_repairing: bool) -> tuple[Condition, Condition]:
    try:
        before = await store.examine(project)
        after = await store.repair(before) if is_repairing else before
    except StoreUnavailable as error:
        before = after = _unreached(project, error)
    return before, after


def _unreached(project: str, error: StoreUnavailable) -> Condition:
    cure = "nothing is known of the index itself: look at the server, and ask again"
    return Condition(project, database=str(error), cure=cure)


def _without_server(project: str) -> Condition:
    return Condition(project, database="it lies on a server, and none is set", cure="set weaviate.url again")
