"""A code source in memory, complete and with faults on request."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

from adapters.disk import blob_id, listing_id
from adapters.source import Entry, Head, Listing, SourceError, SourceGone


@dataclass(slots=True)
class FakeSource:
    """Files by stored path. `fault` is raised by head and listing, `fault_in_read` after the first file read.

    Heads that are not among `listable`, when it has any, are gone. `vanishing` paths are listed and cannot be read. `may_list` and `may_read` hold the calls until they are set.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    marked: dict[str, str] = field(default_factory=dict)
    reading: dict[str, tuple[int, int]] = field(default_factory=dict)
    ref: str = ""
    commit: str = ""  # a fixed one instead of the hash of the listing
    fault: SourceError | None = None
    fault_in_read: SourceError | None = None
    listable: set[str] = field(default_factory=set)
    vanishing: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    was_listed: asyncio.Event = field(default_factory=asyncio.Event)
    may_list: asyncio.Event = field(default_factory=asyncio.Event)
    may_read: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    is_closed: bool = False

    def __post_init__(self) -> None:
        self.may_list.set()
        self.may_read.set()

    async def head(self) -> Head:
        self.calls["head"] += 1
        self.was_asked.set()
        self._fail()
        return Head(self.ref, self.commit or listing_id(self._entries()))

    async def listing(self, head: Head) -> Listing:
        self.calls["listing"] += 1
        self.was_listed.set()
        await self.may_list.wait()
        self._fail()
        if self.listable and head.commit not in self.listable:
            raise SourceGone(f"expected the commit {head.commit}, got none")
        skipped = {"link": len(self.links)} if self.links else {}
        now = Head(self.ref, self.commit or listing_id(self._entries()))
        return Listing(now, self._entries(), skipped, dict(self.marked), dict(self.reading))

    async def read(self, entries: Iterable[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
        for number, entry in enumerate(entries):
            await self.may_read.wait()
            if self.fault_in_read is not None and number:
                raise self.fault_in_read
            content = self.files.get(entry.path)
            if content is not None and entry.path not in self.vanishing and blob_id(content) == entry.blob:
                self.calls["read"] += 1
                yield entry, content

    async def changes(self) -> AsyncIterator[None]:
        while True:
            await self.changed.get()
            yield

    async def close(self) -> None:
        self.is_closed = True

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault

    def _entries(self) -> list[Entry]:
        return [Entry(path, blob_id(content), len(content)) for path, content in sorted(self.files.items())]
