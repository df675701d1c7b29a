"""Reads that a majority of the replicas agrees on, whichever node is asked.

A search of a cluster is made by one replica, whatever level is asked for: on a node that was away it misses what was
written meanwhile and finds what was deleted. The level decides on what the server says of each object found: whether
the others have it so. One that they do not is asked for by its id alone, which the server does answer by a majority; it
brings the replicas that lag up to date in doing so. Where a collection has one replica nothing is asked twice.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from weaviate.classes.query import MetadataQuery

from pipelines.side_by_side import side_by_side
from pipelines.stores.weaviate_errors import server_errors
from pipelines.stores.weaviate_server import Server
from pipelines.types import StoreUnavailable

_IDS_AT_ONCE: Final = 200
_LOOKS: Final = 3
AT_MOST: Final = 10_000
"""What a server gives at once that nobody configured (QUERY_MAXIMUM_RESULTS)."""
_AGREEMENT: Final = MetadataQuery(is_consistent=True)

Objects = dict[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Agreed:
    """Reads from a collection, or from a tenant of it, opened at the level that is to agree."""

    collection: Any
    is_replicated: bool

    @classmethod
    async def of(cls, server: Server, name: str, collection: Any) -> "Agreed":
        """Read from an opened collection of that name."""
        return cls(collection, await server.is_replicated(name))

    @property
    def metadata(self) -> MetadataQuery | None:
        """What a search has to ask for, so that `settled` can tell."""
        return _AGREEMENT if self.is_replicated else None

    async def by_ids(self, ids: Collection[str], properties: Sequence[str]) -> Objects:
        """Fetch objects by id; those that are not there are left out. Raises StoreUnavailable."""
        found: Objects = {}
        wanted = list(ids)
        for _ in range(_LOOKS):
            seen = await self._seen(wanted, properties)
            found |= {str(one.uuid): one.properties for one in seen if self._is_sure(one)}
            if not self.is_replicated:
                return found
            wanted = await self._existing(one for one in wanted if one not in found)
            if not wanted:
                return found
        raise StoreUnavailable("the nodes of the Weaviate server do not agree yet on what they hold: ask again later")

    async def settled(self, seen: Sequence[Any], properties: Sequence[str]) -> Objects:
        """What a search with `metadata` saw, as a majority has it."""
        sure = {str(one.uuid): one.properties for one in seen if self._is_sure(one)}
        return sure | await self.by_ids([str(one.uuid) for one in seen if str(one.uuid) not in sure], properties)

    async def fitting(self, where: Any, properties: Sequence[str]) -> Objects:
        """What fits, up to 10,000, those too that the node that is asked has missed."""
        if self.is_replicated:
            return await self.by_ids(await self.matching(where), properties)
        with server_errors():
            found = await self.collection.query.fetch_objects(
                filters=where, limit=AT_MOST, return_properties=list(properties)
            )
        return {str(one.uuid): one.properties for one in found.objects}

    async def matching(self, where: Any) -> list[str]:
        """The ids of what fits at any node of a majority, at most as many as the server gives at once (10,000).

        The server looks up so what it is to delete, and nothing else; this deletes nothing.
        """
        with server_errors():
            found = await self.collection.data.delete_many(where, verbose=True, dry_run=True)
        return [str(one.uuid) for one in found.objects or ()]

    def _is_sure(self, one: Any) -> bool:
        return not self.is_replicated or bool(one.metadata.is_consistent)

    async def _seen(self, ids: Sequence[str], properties: Sequence[str]) -> list[Any]:
        """What the node that is asked has."""

        async def some(part: Sequence[str]) -> Any:
            with server_errors():
                return await self.collection.query.fetch_objects_by_ids(
                    part, limit=len(part), return_properties=list(properties), return_metadata=self.metadata
                )

        pages = await side_by_side(*map(some, _parts(ids)))
        return [one for page in pages for one in page.objects]

    async def _existing(self, ids: Iterable[str]) -> list[str]:
        """Those that a majority has."""

        async def is_there(one: str) -> bool:
            with server_errors():
                return bool(await self.collection.data.exists(one))

        there: list[str] = []
        for part in _parts(list(ids)):
            answers = await side_by_side(*map(is_there, part))
            there += [one for one, is_one in zip(part, answers, strict=True) if is_one]
        return there


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _IDS_AT_ONCE] for start in range(0, len(ids), _IDS_AT_ONCE)]
