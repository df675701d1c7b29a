"""The threads of a repository as a code source: one Markdown document for each item."""

import hashlib
from asyncio import to_thread
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

from adapters.disk import listing_id, read_unchanged
from adapters.github.threads.following import Followed
from adapters.github.threads.shelf import Shelf
from adapters.source import Entry, Head, Listing


class ThreadsSource:
    """What `look` has put on a shelf, as a CodeSource.

    Its version is a hash over all documents and over how far they are read; it has no ref.
    """

    def __init__(self, shelf: Shelf, look: Callable[[], Awaitable[Followed]]) -> None:
        self._shelf = shelf
        self._look = look
        self._followed = Followed()
        self._kept: tuple[int, list[Entry], Mapping[str, int]] | None = None  # and at how many writes that was

    async def head(self) -> Head:
        """Ask the host for what has changed, a part of it if that is much, and say the hash over what is kept now."""
        self._followed = await self._look()
        return (await self._listed()).head

    async def listing(self, head: Head) -> Listing:  # noqa: ARG002 - what was kept before is not there any more
        """List what is kept now."""
        return await self._listed()

    def read(self, entries: Iterable[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
        """Read documents in order; those that have changed since are left out."""
        return read_unchanged(self._shelf.disk, entries)

    async def changes(self) -> AsyncIterator[None]:
        """Never yield: the host is asked by the clock."""
        for _ in ():
            yield

    async def close(self) -> None:
        """Nothing is held open between calls."""

    async def _listed(self) -> Listing:
        if self._kept is None or self._kept[0] != self._shelf.writes:
            writes = self._shelf.writes
            self._kept = (writes, *await to_thread(self._shelf.entries))
        _, entries, links = self._kept
        skipped = {**links, **self._followed.skipped}
        told = f"{listing_id(entries)} {sorted(skipped.items())} {sorted(self._followed.reading.items())}"
        commit = hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()
        return Listing(Head("", commit), entries, skipped, reading=self._followed.reading)
