"""A project on a Weaviate server as a whole: all its passages, those of any room and of any width of vectors too."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from haystack import Document

from pipelines.stores.local_vectors import restore
from pipelines.stores.passages import Vectors
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_agreed import Agreed
from pipelines.stores.weaviate_finding import BODY, Finding
from pipelines.stores.weaviate_listing import Listing
from pipelines.stores.weaviate_pages import all_objects
from pipelines.stores.weaviate_rows import Row, document_of, passage_of_body
from pipelines.stores.weaviate_schema import place_of

_ROWS_AT_ONCE: Final = 1_000


class WholePassages(WeaviatePassages):
    """The store with what a view of one project needs besides."""

    async def fitting(self, project: str, fits: Callable[[Document], bool]) -> list[Document]:
        """List all passages that fit, in no order that means anything; the server sends all of the project's."""

        async def read(found: Finding) -> list[Document]:
            return [one async for one in _all(found) if fits(one)]

        return await self._read(project, read, empty=[])

    async def keywords_anywhere(self, project: str, query: str, *, limit: int) -> list[Document]:
        """Find passages of any room by words (BM25), best first."""
        return await self._read(project, lambda found: _Anywhere.of(found).keywords(query, limit), empty=[])

    async def dense_anywhere(self, project: str, vector: Vectors, *, limit: int) -> list[Document]:
        """Find passages of any room by cosine to one unit vector, whatever its width, best first."""
        return await self._read(project, lambda found: _Anywhere.of(found).dense(vector, limit), empty=[])

    async def first_vectors(self, project: str, source: str, paths: Collection[str]) -> Mapping[str, Vectors]:
        """Find the vector of the first passage of each of some files, by path; of shape (width,)."""

        async def read(found: Finding) -> Mapping[str, Vectors]:
            wanted = [row.id async for row in Listing(found).rows(source) if row.entry.path in paths]
            whole = [row async for row in _whole(found, wanted)]
            return {row.entry.path: restore(row.stored)[0] for row in whole if row.stored is not None}

        return await self._read(project, read, empty={})


class _Anywhere(Finding):
    """Finds in all rooms, and compares vectors here that the server does not hold since their width is another."""

    @classmethod
    def of(cls, found: Finding) -> "_Anywhere":
        """The same index, searched so."""
        # The server is asked for rooms only where there are some.
        groups = frozenset((source, None) for source, _ in found.head.groups)
        return cls(found.server, found.memory, replace(found.head, groups=groups), sweeps=found.sweeps)

    def may_see(self, row: Row) -> bool:
        return row.entry.source not in self.head.hidden

    async def dense(self, vector: Vectors, limit: int) -> list[Document]:
        if self.head.has_vectors and len(vector) == self.head.width:
            return await super().dense(vector, limit)
        hits = await self.nearest_by_rows(vector, limit)
        return list((await self._documents({hit.id: hit for hit in hits})).values())


async def _all(found: Finding) -> AsyncIterator[Document]:
    """All passages that count, without their vectors."""
    head, names = found.head, found.server.names
    rows = {row.id: row async for row in Listing(found).rows()}
    name = names.passages(head.place.version)
    reads = await Agreed.of(found.server, name, await found.server.reading(name, head.place.tenant))
    async for id_, told in all_objects(reads, BODY):
        row = rows.get(place_of(id_)[0])
        passage = passage_of_body(str(told["body"])) if row is not None else None
        if row is not None and passage is not None:
            yield document_of(passage, row, head.version_of(row.entry.source, row.born, row.ahead))


async def _whole(found: Finding, ids: Sequence[str]) -> AsyncIterator[Row]:
    """Rows with their vectors, a page in memory at a time."""
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        for row in (await found.rows(ids[start : start + _ROWS_AT_ONCE])).values():
            yield row
