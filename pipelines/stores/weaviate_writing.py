"""Changes on a Weaviate server, which has no transactions: each shows in the one step that replaces the project's state.

    1. the passages of a change, then its manifest rows, all born at a generation that no search counts yet
    2. the project's state with that generation: now they count, and rows that were replaced or removed do not
    3. once nobody reads the state before, what is dead is swept away

Cut off before 2, nothing has happened: that generation is never used again, and what lies there is swept. Cut off after
2, the state still names what is dead. Nothing here is done twice at once for one project: the caller holds its lock.
"""

import asyncio
import logging
from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from weaviate.classes.query import Filter

from pipelines.stores.passages import Change, IndexedFile
from pipelines.stores.weaviate_agreed import Agreed
from pipelines.stores.weaviate_inserting import delete_all, insert
from pipelines.stores.weaviate_projects import Held, Projects, committed
from pipelines.stores.weaviate_rows import TOLD, Objects, Row, counts, entries_of, objects_of, row_of
from pipelines.stores.weaviate_schema import object_id, row_id
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_state import Head, Place

log = logging.getLogger(__name__)

_KEYS_AT_ONCE: Final = 200
_IDS_AT_ONCE: Final = 500
_PASSAGES_AT_ONCE: Final = 250  # made ready in one go, beside the loop
_PORTIONS_AT_ONCE: Final = 3  # one made ready, one sent, one that the server is busy with


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes the indexes of an installation."""

    server: Server
    projects: Projects

    async def apply(self, held: Held, one: str, head: Head, change: Change) -> int:
        """Write a change and give its generation. Raises StoreUnavailable; then nothing of it counts."""
        born = held.begin(head)
        put = {(file.entry.source, file.entry.path): file for file in change.put}
        old = await self.rows_at(head, {*put, *change.remove})
        width = (head.width or _width_of(put.values())) if head.has_vectors else 0
        ahead = {
            one.source: one.updating_to for one in change.shown if one.updating_to and one.updating_to != one.commit
        }
        failed, languages = await self._write(replace(head, width=width), list(put.values()), born, ahead)
        come = [file.entry for key, file in put.items() if key not in failed]
        new = head.counting(entries_of(old), come).showing(change.shown, born)
        new = replace(new, dead=new.dead | {row.id for row in old}, languages=new.languages | languages, width=width)
        await self.commit(held, one, head, new, born)
        return born

    async def commit(self, held: Held, one: str, head: Head, new: Head, born: int) -> None:
        """Let a change show: the only step that searches see."""
        made = replace(new, generation=head.generation, void=head.void)
        done = committed(made, born, swept=held.swept, swept_void=held.swept_void)
        await self.projects.save(held, held.state.with_head(one, done))
        held.swept.difference_update(head.dead - done.dead)

    async def rows_at(self, head: Head, keys: Collection[tuple[str, str]]) -> list[Row]:
        """The rows that count of some (source, path)."""
        if not head.files or not keys:
            return []
        by_source: dict[str, list[str]] = {}
        for source, path in keys:
            by_source.setdefault(source, []).append(path)
        found: list[Row] = []
        name = self.server.names.files(head.place.version)
        reads = await Agreed.of(self.server, name, await self.server.writing(name, head.place.tenant))
        for source, paths in by_source.items():
            for start in range(0, len(paths), _KEYS_AT_ONCE):
                where = Filter.by_property("source").equal(source) & Filter.by_property("path").contains_any(
                    paths[start : start + _KEYS_AT_ONCE]
                )
                # A row that the node missed has to be found all the same: it would never be replaced.
                found += [row_of(id_, told) for id_, told in (await reads.fitting(where, TOLD)).items()]
        return [row for row in found if (row.entry.source, row.entry.path) in keys and counts(row, head)]

    async def sweep(self, place: Place, rows: Collection[str]) -> None:
        """Delete dead rows with their passages: the rows last, since they say which passages there are."""
        files, passages = await self._both(place)
        reads = await Agreed.of(self.server, self.server.names.files(place.version), files)
        ids = sorted(rows)
        for start in range(0, len(ids), _KEYS_AT_ONCE):
            some = ids[start : start + _KEYS_AT_ONCE]
            found = await reads.by_ids(some, ["passages"])
            parts = [object_id(id_, at) for id_, told in found.items() for at in range(int(told["passages"] or 0))]
            for first in range(0, len(parts), _IDS_AT_ONCE):
                await delete_all(passages, Filter.by_id().contains_any(parts[first : first + _IDS_AT_ONCE]))
            await delete_all(files, Filter.by_id().contains_any(some))

    async def sweep_void(self, place: Place, first: int, last: int) -> None:
        """Delete what was written and never committed, between two generations, both included."""
        born = Filter.by_property("born")
        for collection in await self._both(place):
            await delete_all(collection, born.greater_or_equal(first) & born.less_or_equal(last))

    async def purge(self, place: Place, source: str) -> None:
        """Delete all passages and rows of a source."""
        files, passages = await self._both(place)
        for collection in (passages, files):
            await delete_all(collection, Filter.by_property("source").equal(source))

    async def _write(
        self, head: Head, files: Sequence[IndexedFile], born: int, ahead: dict[str, str]
    ) -> tuple[set[tuple[str, str]], frozenset[str]]:
        """Write files; gives those that the server refused, and the languages besides English of the others.

        Some portions are on their way at once: one is made ready while the server is busy with others. When one fails,
        those under way still end, so that nothing of them arrives after the sweep.
        """
        portions, failed, languages = _portions(files), set[tuple[str, str]](), set[str]()

        async def work() -> None:
            try:
                for some in portions:
                    made = await asyncio.to_thread(_made, some, head.place.tenant, born, ahead, head.width)
                    refused = await self._portion(head.place, made)
                    for at, message in refused.items():
                        entry = some[at].entry
                        log.warning("%s is not indexed: the Weaviate server refuses it (%s)", entry.path, message[:200])
                        failed.add((entry.source, entry.path))
                    languages.update(*(one.languages for at, one in enumerate(made) if at not in refused))
            except BaseException:
                portions.close()
                raise

        ended = await asyncio.gather(*(work() for _ in range(_PORTIONS_AT_ONCE)), return_exceptions=True)
        for failure in ended:
            if failure is not None:
                raise failure
        return failed, frozenset(languages)

    async def _portion(self, place: Place, made: Sequence[Objects]) -> dict[int, str]:
        """Write some files, passages first; gives what the server refused, by place."""
        rows, passages = await self._both(place)
        objects = [one for each in made for one in each.passages]
        owners = [at for at, each in enumerate(made) for _ in each.passages]
        refused = {owners[at]: message for at, message in (await insert(passages, objects)).items()}
        whole = [at for at in range(len(made)) if at not in refused]
        more = await insert(rows, [made[at].row for at in whole])
        return refused | {whole[at]: message for at, message in more.items()}

    async def _both(self, place: Place) -> tuple[Any, Any]:
        names = self.server.names
        files = await self.server.writing(names.files(place.version), place.tenant)
        return files, await self.server.writing(names.passages(place.version), place.tenant)


def _made(files: Sequence[IndexedFile], tenant: str, born: int, ahead: dict[str, str], width: int) -> list[Objects]:
    """Make the objects of some files."""
    return [
        objects_of(
            row_id(tenant, file.entry.source, file.entry.path, born),
            file,
            born=born,
            ahead=ahead.get(file.entry.source) or "",
            width=width,
        )
        for file in files
    ]


def _portions(files: Sequence[IndexedFile]) -> Generator[Sequence[IndexedFile], None, None]:
    """Cut files into portions that are made ready in one go."""
    some: list[IndexedFile] = []
    passages = 0
    for file in files:
        some.append(file)
        passages += len(file.documents) + 1
        if passages >= _PASSAGES_AT_ONCE:
            yield some
            some, passages = [], 0
    if some:
        yield some


def _width_of(files: Iterable[IndexedFile]) -> int:
    return next((file.vectors.shape[1] for file in files if file.vectors is not None and len(file.vectors)), 0)
