"""Whether the indexes on a Weaviate server are whole: a project's state, its rows and its passages must tell the same.

Nothing is changed here but by `recounted`. A project may be written to meanwhile, by another process too: what is found
wrong then is said as a note.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.stores.local_check import Condition
from pipelines.stores.passages import Counts, Entry
from pipelines.stores.weaviate_agreed import Agreed
from pipelines.stores.weaviate_errors import TenantAsleep, TenantGone
from pipelines.stores.weaviate_finding import Finding, Memory
from pipelines.stores.weaviate_listing import Listing
from pipelines.stores.weaviate_pages import all_objects
from pipelines.stores.weaviate_projects import Projects
from pipelines.stores.weaviate_rows import Row
from pipelines.stores.weaviate_schema import place_of
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_state import Head


@dataclass(frozen=True, slots=True)
class Checking:
    """Looks at the projects of an installation."""

    server: Server

    async def examine(self, project: str) -> Condition:
        """Examine the index of a project that answers. Raises StoreUnavailable when the server cannot be asked."""
        condition = Condition(project)
        before = await self._head(project)
        if before is None:
            condition.database = "the Weaviate server knows no such project"
            return condition
        try:
            await self._examine(before, condition)
        except TenantAsleep:
            condition.note = "it is in the archive of the Weaviate server, and was not looked at"
        except TenantGone:
            condition.database = "it is gone from the Weaviate server"
        if not condition.is_whole and await self._head(project) != before:
            condition.database, condition.torn = "", []
            condition.note = "it is being written to: ask again later"
        return condition

    async def recounted(self, head: Head) -> Head:
        """The same index with the counts of what is there."""
        entries = [row.entry for row in await self._rows(head)]
        return replace(head, sums={}).counting((), entries)

    async def _examine(self, head: Head, condition: Condition) -> None:
        rows, held = await self._rows(head), await self._passages(head)
        entries = [row.entry for row in rows]
        condition.files, condition.passages = len(entries), sum(entry.passages for entry in entries)
        condition.torn = [
            (row.entry.source, row.entry.path) for row in rows if held.get(row.id, 0) != row.entry.passages
        ]
        if _counted(entries) != head.counts:
            told = head.counts
            condition.database = (
                f"its state counts {told.files} files of {told.passages} passages and {told.size_bytes} bytes, the "
                f"server holds the rows of {condition.files} files of {condition.passages} passages"
            )

    async def _rows(self, head: Head) -> Sequence[Row]:
        finding = Finding(self.server, Memory.of(0), head)
        return [row async for row in Listing(finding).rows()]

    async def _passages(self, head: Head) -> Counter[str]:
        """Count the passages of each row."""
        name = self.server.names.passages(head.place.version)
        reads = await Agreed.of(self.server, name, await self.server.reading(name, head.place.tenant))
        found: Counter[str] = Counter()
        async for id_, _ in all_objects(reads, []):
            found[place_of(id_)[0]] += 1
        return found

    async def _head(self, project: str) -> Head | None:
        """The index that answers, as the server knows it now."""
        held = (await Projects(self.server).all()).get(project)
        return None if held is None else held.state.current


def _counted(entries: Sequence[Entry]) -> Counts:
    per_source: Counter[str] = Counter()
    for entry in entries:
        per_source[entry.source] += entry.passages
    held = {source: count for source, count in per_source.items() if count}
    return Counts(len(entries), sum(held.values()), sum(entry.size_bytes for entry in entries), held)
