"""What a rebuild lacks is carried over from the index before, with its vectors, on the server's side of things."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from weaviate.classes.data import DataObject

from pipelines.stores.local_vectors import restore
from pipelines.stores.passages import Vectors
from pipelines.stores.weaviate_agreed import Agreed
from pipelines.stores.weaviate_errors import server_errors
from pipelines.stores.weaviate_finding import Finding, Memory
from pipelines.stores.weaviate_inserting import insert
from pipelines.stores.weaviate_listing import Listing
from pipelines.stores.weaviate_rows import WHOLE, Row, entries_of, row_object, row_of
from pipelines.stores.weaviate_schema import VECTOR, object_id, place_of, row_id
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_state import Head
from pipelines.types import StoreUnavailable

_FILES_AT_ONCE: Final = 100
_OBJECTS_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Moving:
    """Copies files from one tenant to another."""

    server: Server

    async def carried_over(self, old: Head, new: Head, generation: int) -> Head:
        """The head of a rebuild that has also all sources it did not hold, born at `generation`; hidden ones stay hidden.

        Raises StoreUnavailable; then the rebuild is as before, and may be completed again.
        """
        held = {source for source, one in new.sums.items() if one.files} | set(new.shown)
        finding = Finding(self.server, Memory.of(0), old)
        rows = [row async for row in Listing(finding).rows() if row.entry.source not in held]
        for start in range(0, len(rows), _FILES_AT_ONCE):
            width = await self._copy(old, new, rows[start : start + _FILES_AT_ONCE], generation)
            new = replace(new, width=new.width or width)
        kept = {source: one for source, one in old.shown.items() if source not in held}
        gone_ahead = dict.fromkeys(kept, -1)
        merged = new.counting((), entries_of(rows))
        return replace(
            merged,
            generation=generation,
            shown={**new.shown, **kept},
            settled={**new.settled, **gone_ahead},
            hidden=new.hidden | old.hidden,
            languages=new.languages | old.languages,
            void=(*new.void, (new.generation + 1, generation - 1)) if generation > new.generation + 1 else new.void,
        )

    async def _copy(self, old: Head, new: Head, rows: Sequence[Row], born: int) -> int:
        """Copy some files, and give the width of their vectors, 0 where the copies have none."""
        names = self.server.names
        files = await self.server.reading(names.files(old.place.version), old.place.tenant)
        reads = await Agreed.of(self.server, names.files(old.place.version), files)
        whole = await reads.by_ids([row.id for row in rows], WHOLE)
        objects: list[DataObject[Any, None]] = []
        made: list[DataObject[Any, None]] = []
        for found, told in whole.items():
            row = row_of(found, told)
            ahead = row.ahead if row.born > old.settled.get(row.entry.source, -1) else ""
            id_ = row_id(new.place.tenant, row.entry.source, row.entry.path, born)
            made.append(row_object(replace(row, id=id_, born=born, ahead=ahead)))
            objects += await self._passages(old, new, row, id_, born)
        passages = await self.server.writing(names.passages(new.place.version), new.place.tenant)
        rows_there = await self.server.writing(names.files(new.place.version), new.place.tenant)
        if await insert(passages, objects) or await insert(rows_there, made):
            raise StoreUnavailable(
                "the Weaviate server refused files that a rebuild carries over; it will be tried again"
            )
        return next((len(one.vector[VECTOR]) for one in objects if isinstance(one.vector, Mapping)), 0)

    async def _passages(self, old: Head, new: Head, row: Row, id_: str, born: int) -> list[DataObject[Any, None]]:
        """The passages of a file with their vectors, as those of its copy."""
        collection = await self.server.reading(self.server.names.passages(old.place.version), old.place.tenant)
        ids = [object_id(row.id, at) for at in range(row.entry.passages)]
        found: list[DataObject[Any, None]] = []
        kept = restore(row.stored) if row.stored is not None and new.has_vectors and not old.has_vectors else None
        for start in range(0, len(ids), _OBJECTS_AT_ONCE):
            some = ids[start : start + _OBJECTS_AT_ONCE]
            with server_errors():
                page = await collection.query.fetch_objects_by_ids(
                    some, limit=len(some), include_vector=new.has_vectors and old.has_vectors
                )
            found += [_copied(one, kept, new, id_, born) for one in page.objects]
        if len(found) != row.entry.passages:
            raise StoreUnavailable(f"expected {row.entry.passages} passages of {row.entry.path!r}, found {len(found)}")
        return found


def _copied(one: Any, kept: Vectors | None, new: Head, id_: str, born: int) -> DataObject[Any, None]:
    """The object of a passage for the copy of its file; its vector is one of `kept` where it has none of its own."""
    at = place_of(str(one.uuid))[1]
    told = {name: value for name, value in one.properties.items() if value is not None}
    vector = one.vector.get(VECTOR) if one.vector else None
    if vector is None and kept is not None and at < len(kept):
        vector = kept[at].tolist()
    fits = {VECTOR: vector} if vector and new.has_vectors and new.width in {0, len(vector)} else None
    return DataObject(uuid=object_id(id_, at), properties={**told, "born": born}, vector=fits)
