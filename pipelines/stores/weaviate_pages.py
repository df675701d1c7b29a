"""All that a tenant or a collection on a Weaviate server holds, page by page."""

import heapq
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pipelines.stores.passages import Vectors
from pipelines.stores.weaviate_agreed import Agreed
from pipelines.stores.weaviate_errors import server_errors
from pipelines.stores.weaviate_rows import WHOLE, Row, cosines, row_of

_PAGE: Final = 1_000
_PAGE_OF_VECTORS: Final = 250  # some 2 MB with long files


class Near(NamedTuple):
    """How near a passage is, by its row and its place in the file."""

    cosine: float
    row: str
    at: int


async def all_objects(
    reads: Agreed, properties: Sequence[str], *, page: int = _PAGE
) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """Give all objects with these properties by id, in no order that means anything. Raises StoreUnavailable."""
    after: Any = None
    while True:
        with server_errors():
            found = await reads.collection.query.fetch_objects(
                limit=page, after=after, return_properties=list(properties), return_metadata=reads.metadata
            )
        for id_, told in (await reads.settled(found.objects, properties)).items():
            yield id_, told
        if len(found.objects) < page:
            return
        after = found.objects[-1].uuid


async def nearest_of_all(files: Agreed, may_count: Callable[[Row], bool], vector: Vectors, limit: int) -> list[Near]:
    """Compare a unit vector of shape (width,) with those in all rows of a tenant, and give the nearest, best first.

    For collections whose passages have no vectors of their own: exact, and in time that grows with the project. `files`
    is the tenant of the rows. Raises StoreUnavailable.
    """
    best: list[Near] = []
    async for id_, told in all_objects(files, WHOLE, page=_PAGE_OF_VECTORS):
        row = row_of(id_, told)
        alike = cosines(row, vector) if may_count(row) else None
        if alike is not None:
            found = (Near(float(cosine), row.id, at) for at, cosine in enumerate(alike))
            best = heapq.nlargest(limit, [*best, *found])
    return best
