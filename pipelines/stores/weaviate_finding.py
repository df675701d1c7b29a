"""Searches on a Weaviate server: what a query hits, which of it may be seen, and the passages themselves.

A query names objects only; rows of the manifest and texts are fetched besides, and kept for the next search, since the
row and the text of an id never change. Whether a row counts is asked of the head in memory. So that hits that do not
count take nobody's place, a query that lost some asks for more.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from haystack import Document
from weaviate.classes.query import Filter, MetadataQuery

from pipelines.components.keywords import query_terms
from pipelines.components.query import squashed
from pipelines.side_by_side import side_by_side
from pipelines.stores.kept import Kept, Unpacked
from pipelines.stores.passages import Candidates, Scope, Vectors, Wanted
from pipelines.stores.weaviate_agreed import Agreed
from pipelines.stores.weaviate_errors import server_errors
from pipelines.stores.weaviate_pages import nearest_of_all
from pipelines.stores.weaviate_projects import Sweeps
from pipelines.stores.weaviate_rows import SHARED, WHOLE, Row, cosines, counts, document_of, passage_of_body, row_of
from pipelines.stores.weaviate_schema import SEARCHED, VECTOR, object_id, place_of
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_state import Head

T = TypeVar("T")

_MOST: Final = 10_000  # QUERY_MAXIMUM_RESULTS of a server that nobody configured
_MORE: Final = 4
_IDS_AT_ONCE: Final = 200
_MOST_TERMS: Final = 1_000
BODY: Final = ["body"]


class Hit(NamedTuple):
    """An object that a query found: its id, its file's row, its place there, its score, what it says (packed), its part."""

    id: str
    file: str
    at: int
    score: float
    body: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept of all projects together, up to a number of bytes each."""

    rows: Kept[str, Row]
    passages: Kept[str, Unpacked]

    @classmethod
    def of(cls, most_bytes: int) -> "Memory":
        """Share out so many bytes."""
        return cls(Kept(most_bytes // 2), Kept(most_bytes // 2))


@dataclass(frozen=True, slots=True)
class Finding:
    """Finds in one index for one search; `scope` says what may be seen."""

    server: Server
    memory: Memory
    head: Head
    scope: Scope = field(default_factory=Scope)
    sweeps: Sweeps = field(default_factory=Sweeps)

    async def candidates(self, wanted: Wanted) -> Candidates:
        """Find all that is wanted, all queries at once."""
        vector = wanted.vector
        meant = self._nearest(vector, wanted.nearest) if vector is not None else nothing()
        named = [self._defining(names, limit) for names, limit in wanted.definitions]
        worded = [self._worded(wanted.words_for(part), limit, part) for part, limit in wanted.parts.items()]
        near_first, *others = await side_by_side(meant, *named, *worded)
        hits = {hit.id: hit for found in (near_first, *others) for hit in found}
        by_words = {hit.id: hit.score for found in others[len(named) :] for hit in found}
        documents = await self._documents(hits, scored=False)
        near, in_file = ({}, {}) if vector is None else await self._closeness(hits.values(), vector)
        ids = {id_: one.id for id_, one in documents.items()}
        return Candidates(
            documents={one.id: one for one in documents.values()},
            by_words={ids[id_]: score for id_, score in by_words.items() if id_ in ids},
            near={ids[id_]: score for id_, score in near.items() if id_ in ids},
            near_in_file={ids[id_]: score for id_, score in in_file.items() if id_ in ids},
        )

    async def keywords(self, query: str, limit: int) -> list[Document]:
        """Find passages by words, best first."""
        hits = await self._worded(query, limit)
        return list((await self._documents({hit.id: hit for hit in hits})).values())

    async def dense(self, vector: Vectors, limit: int) -> list[Document]:
        """Find passages by cosine, best first."""
        hits = await self._nearest(vector, limit)
        return list((await self._documents({hit.id: hit for hit in hits})).values())

    async def passages(self, ids: Sequence[str]) -> list[Document]:
        """Fetch passages by the ids that they were written with, in the order asked."""
        found: dict[str, Document] = {}
        for start in range(0, len(ids), _IDS_AT_ONCE):
            some = list(ids[start : start + _IDS_AT_ONCE])
            hits = await self._filtered(Filter.by_property("pid").contains_any(some), _MOST)
            alive = await self._seen(hits, is_scoped=False)
            documents = await self._documents({hit.id: hit for hit in alive}, scored=False)
            found |= {one.id: one for one in documents.values()}
        return [found[one] for one in ids if one in found]

    async def of_row(self, ids: Iterable[tuple[str, str, int]]) -> list[Document]:
        """Fetch passages by object id, row and place, in this order; those that are not there are left out."""
        hits = {id_: Hit(id_, row, at, 0.0) for id_, row, at in ids}
        return list((await self._documents(hits, scored=False)).values())

    async def rows(self, ids: Iterable[str]) -> dict[str, Row]:
        """Fetch manifest rows by id, whether they count or not; those that are gone are left out."""
        tenant, wanted = self.head.place.tenant, list(dict.fromkeys(ids))
        found = self.memory.rows.find(tenant, wanted)
        missing = [one for one in wanted if one not in found]
        if missing:
            objects = await (await self.files()).by_ids(missing, WHOLE)
            read = {id_: row_of(id_, told) for id_, told in objects.items()}
            self.memory.rows.keep(tenant, read)
            found |= read
        return found

    async def nearest_by_rows(self, vector: Vectors, limit: int) -> list[Hit]:
        """Compare a unit vector with all in the rows of the files, whatever the server could search; best first."""
        near = await nearest_of_all(await self.files(), self._may_count, vector, limit)
        return [Hit(object_id(one.row, one.at), one.row, one.at, one.cosine) for one in near]

    def may_see(self, row: Row) -> bool:
        """Say whether the files of a row may be seen in this scope."""
        entry, scope = row.entry, self.scope
        is_named = scope.sources is None or entry.source in scope.sources
        return is_named and entry.source not in self.head.hidden and entry.room in {None, scope.room}

    async def _worded(self, words: str, limit: int, part: str | None = None) -> list[Hit]:
        terms = query_terms(words, self.head.languages)[:_MOST_TERMS]
        if not terms or limit < 1:
            return []
        collection, within = await self._passages(), self._within(part)

        async def ask(most: int) -> list[Hit]:
            with server_errors():
                found = await collection.query.bm25(
                    " ".join(terms),
                    query_properties=SEARCHED,
                    limit=most,
                    filters=within,
                    return_metadata=MetadataQuery(score=True),
                    return_properties=BODY,
                )
            hits = [_hit(one, one.metadata.score or 0.0) for one in found.objects]
            return [hit for hit in hits if hit.score > 0]

        return await self._enough(ask, limit)

    async def _nearest(self, vector: Vectors, limit: int) -> list[Hit]:
        if limit < 1:
            return []
        if not self.head.has_vectors:
            return await self.nearest_by_rows(vector, limit)
        if len(vector) != self.head.width:
            return []
        collection, within = await self._passages(), self._within()

        async def ask(most: int) -> list[Hit]:
            with server_errors():
                found = await collection.query.near_vector(
                    vector.tolist(),
                    target_vector=VECTOR,
                    limit=most,
                    filters=within,
                    return_metadata=MetadataQuery(distance=True),
                    return_properties=BODY,
                )
            return [_hit(one, 1.0 - (one.metadata.distance or 0.0)) for one in found.objects]

        return await self._enough(ask, limit)

    async def _defining(self, names: Sequence[str], limit: int) -> list[Hit]:
        asked = sorted({squashed(name) for name in names} - {""})
        if not asked or limit < 1:
            return []
        defines, part = Filter.by_property("defines").contains_any(asked), Filter.by_property("part")
        within = self._within()

        def ask(where: Any) -> Callable[[int], Awaitable[list[Hit]]]:
            return lambda most: self._filtered(where if within is None else where & within, most)

        found = await self._enough(ask(defines), limit)
        if len(found) < limit:  # all there are
            return sorted(found, key=lambda hit: hit.part != "code")
        proper, others = await side_by_side(
            self._enough(ask(defines & part.equal("code")), limit),
            self._enough(ask(defines & part.not_equal("code")), limit),
        )
        return [*proper, *others][:limit]

    async def _filtered(self, where: Any, most: int) -> list[Hit]:
        collection = await self._passages()
        with server_errors():
            found = await collection.query.fetch_objects(filters=where, limit=most, return_properties=[*BODY, "part"])
        return [_hit(one, 1.0) for one in found.objects]

    async def _enough(self, ask: Callable[[int], Awaitable[list[Hit]]], limit: int) -> list[Hit]:
        """Ask until so many hits may be seen, or there are no more.

        A server picks the best first and reads them then: what is swept away in between is not replaced, so that fewer
        hits than asked for say nothing while something is swept.
        """
        asked = min(limit, _MOST)
        while True:
            ended = self.sweeps.ended
            hits = await ask(asked)
            is_swept = self.sweeps.begun > ended
            seen = await self._seen(hits)
            if len(seen) >= limit or (len(hits) < asked and not is_swept) or asked >= _MOST:
                return seen[:limit]
            asked = min(asked * _MORE, _MOST)

    async def _seen(self, hits: Sequence[Hit], *, is_scoped: bool = True) -> list[Hit]:
        rows = await self.rows(hit.file for hit in hits)
        counting = {id_ for id_, row in rows.items() if self._may_count(row, is_scoped=is_scoped)}
        return [hit for hit in hits if hit.file in counting]

    async def _documents(self, hits: Mapping[str, Hit], *, scored: bool = True) -> dict[str, Document]:
        """Fetch what was hit, by object id and in this order; what is damaged or gone is left out."""
        tenant = self.head.place.tenant
        found = self.memory.passages.find(tenant, hits)
        bodies = {id_: hit.body for id_, hit in hits.items() if id_ not in found}
        missing = [id_ for id_, body in bodies.items() if not body]
        if missing:
            objects = await (await self._reads(self.server.names.passages)).by_ids(missing, BODY)
            bodies |= {id_: str(told["body"]) for id_, told in objects.items()}
        read = {id_: one for id_, body in bodies.items() if (one := passage_of_body(body))}
        self.memory.passages.keep(tenant, read)
        found |= read
        rows = await self.rows(hit.file for hit in hits.values())
        return {
            id_: document_of(found[id_], row, self._version(row), hit.score if scored else None)
            for id_, hit in hits.items()
            if id_ in found and (row := rows.get(hit.file)) is not None
        }

    async def _closeness(self, hits: Iterable[Hit], vector: Vectors) -> tuple[dict[str, float], dict[str, float]]:
        """The cosine of each hit, and that of the nearest passage of its file."""
        near, in_file = {}, {}
        by_file: dict[str, list[Hit]] = {}
        for hit in hits:
            by_file.setdefault(hit.file, []).append(hit)
        for id_, row in (await self.rows(by_file)).items():
            alike = cosines(row, vector)
            if alike is None:
                continue
            nearest = float(alike.max())
            for hit in by_file[id_]:
                if hit.at < len(alike):
                    near[hit.id], in_file[hit.id] = float(alike[hit.at]), nearest
        return near, in_file

    def _version(self, row: Row) -> str:
        return self.head.version_of(row.entry.source, row.born, row.ahead)

    def _within(self, part: str | None = None) -> Any:
        """What the server must leave out; nothing in the usual case, which is the fastest."""
        limits = [Filter.by_property("part").equal(part)] if part is not None else []
        groups, scope = self.head.groups, self.scope
        if any(room is not None for _, room in groups):
            rooms = [SHARED, *([scope.room] if scope.room else [])]
            limits.append(Filter.by_property("room").contains_any(rooms))
        if scope.sources is not None or self.head.hidden or self.head.purging:
            sources = {source for source, _ in groups} - self.head.hidden - self.head.purging
            allowed = sources if scope.sources is None else sources & scope.sources
            limits.append(Filter.by_property("source").contains_any(sorted(allowed) or ["-"]))
        return Filter.all_of(limits) if limits else None

    def _may_count(self, row: Row, *, is_scoped: bool = True) -> bool:
        return counts(row, self.head) and (not is_scoped or self.may_see(row))

    async def files(self) -> Agreed:
        """The tenant of the rows."""
        return await self._reads(self.server.names.files)

    async def _reads(self, named: Callable[[str], str]) -> Agreed:
        place = self.head.place
        name = named(place.version)
        return await Agreed.of(self.server, name, await self.server.reading(name, place.tenant))

    async def _passages(self) -> Any:
        place = self.head.place
        return await self.server.reading(self.server.names.passages(place.version), place.tenant)


async def nothing() -> list[Hit]:
    """Find nothing."""
    return []


def _hit(one: Any, score: float) -> Hit:
    id_ = str(one.uuid)
    told = one.properties
    return Hit(id_, *place_of(id_), score, str(told.get("body") or ""), str(told.get("part") or ""))
