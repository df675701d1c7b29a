"""What an index on a Weaviate server lists: its manifest, the passages of a file, headings, and known vectors."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from haystack import Document
from weaviate.classes.query import Filter

from pipelines.stores.headings import Outline, nearest_first, pick_headings
from pipelines.stores.local_vectors import Codes
from pipelines.stores.passages import Entry
from pipelines.stores.weaviate_agreed import AT_MOST, Objects
from pipelines.stores.weaviate_errors import server_errors
from pipelines.stores.weaviate_finding import Finding
from pipelines.stores.weaviate_pages import all_objects
from pipelines.stores.weaviate_rows import TOLD, WHOLE, Row, counts, row_of
from pipelines.stores.weaviate_schema import object_id

_PAGE: Final = 1_000
_FEW: Final = 5_000  # so many rows are found by their source; of more, all are read
_OUTLINED_FILES: Final = 40
_OUTLINED_PASSAGES: Final = 40
_ENOUGH_FILES: Final = 400
_DEEPEST: Final = 12
_ROWS_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Listing:
    """Lists what a search may find."""

    finding: Finding

    async def manifest(self, source: str) -> dict[str, Entry]:
        """What is indexed of a source, by path."""
        rows = (row async for row in self.rows(source))
        return {row.entry.path: row.entry async for row in rows}

    async def rows(self, source: str | None = None) -> AsyncIterator[Row]:
        """The rows that count, of one source or of all, without vectors."""
        pages = self._found(source) if source is not None and self.finding.head.files <= _FEW else self._all()
        async for row in pages:
            if source in {None, row.entry.source} and counts(row, self.finding.head):
                yield row

    async def of_file(self, source: str, path: str, *, limit: int | None = None) -> list[Document]:
        """All passages of a file in the order of its lines, or the first so many."""
        where = Filter.by_property("source").equal(source) & Filter.by_property("path").equal(path)
        rows = [row for row in await self._fitting(where, TOLD) if (row.entry.source, row.entry.path) == (source, path)]
        return [one for row in rows for one in await self._passages(row, limit)]

    async def codes_of(self, source: str, blob: str, path: str | None = None) -> Codes | None:
        """The vectors of a blob that is indexed under any path of a source, or under `path`."""
        where = Filter.by_property("source").equal(source) & Filter.by_property("blob").equal(blob)
        if path is not None:
            where &= Filter.by_property("path").equal(path)
        rows = await self._fitting(where, WHOLE)
        wanted = [row for row in rows if row.entry.source == source and row.entry.blob == blob]
        fitting = (row.stored for row in wanted if path in {None, row.entry.path})
        return next((stored for stored in fitting if stored is not None), None)

    async def headings(self, limit: int) -> list[Mapping[str, Any]]:
        """Headings and main symbols that a newcomer would meet first."""
        by_path: dict[str, list[Row]] = {}
        for depth in range(_DEEPEST):
            rows = await self._some(Filter.by_property("depth").equal(depth))
            for row in rows:
                if row.entry.passages and self.finding.may_see(row):
                    by_path.setdefault(row.entry.path, []).append(row)
            if sum(map(len, by_path.values())) >= min(_ENOUGH_FILES, self.finding.head.files):
                break
        chosen = [row for path in nearest_first(by_path, per_kind=_OUTLINED_FILES) for row in by_path[path]]
        places = [
            (object_id(row.id, at), row.id, at)
            for row in chosen
            for at in range(min(row.entry.passages, _OUTLINED_PASSAGES))
        ]
        return pick_headings(map(_outline, await self.finding.of_row(places)), limit=limit)

    async def _passages(self, row: Row, limit: int | None) -> list[Document]:
        wanted = row.entry.passages if limit is None else min(limit, row.entry.passages)
        return await self.finding.of_row((object_id(row.id, at), row.id, at) for at in range(wanted))

    async def _found(self, source: str) -> AsyncIterator[Row]:
        """The rows of a source; all there are where it has more than the server gives at once, dead ones counted."""
        found = await (await self.finding.files()).fitting(Filter.by_property("source").equal(source), TOLD)
        if len(found) < AT_MOST:
            for row in self._counting(found):
                yield row
            return
        async for row in self._all():
            yield row

    async def _all(self) -> AsyncIterator[Row]:
        """All rows in the order of their ids."""
        async for id_, told in all_objects(await self.finding.files(), TOLD):
            yield row_of(id_, told)

    async def _fitting(self, where: Any, properties: Sequence[str]) -> list[Row]:
        """The rows that fit and count."""
        return self._counting(await (await self.finding.files()).fitting(where, properties))

    async def _some(self, where: Any) -> list[Row]:
        """Some of them, when there are very many."""
        reads = await self.finding.files()
        with server_errors():
            found = await reads.collection.query.fetch_objects(
                filters=where, limit=_ROWS_AT_ONCE, return_properties=TOLD, return_metadata=reads.metadata
            )
        return self._counting(await reads.settled(found.objects, TOLD))

    def _counting(self, found: Objects) -> list[Row]:
        rows = [row_of(id_, told) for id_, told in found.items()]
        return [row for row in rows if counts(row, self.finding.head)]


def _outline(document: Document) -> Outline:
    meta = document.meta
    return Outline(meta["path"], meta.get("headings") or (), meta.get("symbols") or (), str(meta.get("kind", "text")))
