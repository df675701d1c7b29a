"""A plain folder, walked with its ignore rules."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from adapters.disk import Disk, listing_id, read_unchanged
from adapters.folder.translate import VERSION_CONTROL, is_passing
from adapters.folder.walk import Walked, walk
from adapters.source import Entry, Head, Listing, SourceGone, SourceRefused, SourceUnreachable
from adapters.watching import watch_folders


class FolderSource:
    """A folder of this machine as a CodeSource. Its version is a hash over the whole listing; it has no ref.

    `excluded` folders (our own data) are never entered. Files over `max_bytes` are listed and never read.
    """

    def __init__(self, root: Path, *, excluded: Sequence[Path] = (), max_bytes: int = 64_000_000) -> None:
        if not root.is_absolute():
            raise SourceRefused(f"expected the absolute path of a folder, got {str(root)!r}: write it out in full")
        self._disk = Disk(root, max_bytes=max_bytes)
        self._excluded = excluded
        self._walking = asyncio.Lock()
        self._last: tuple[Head, Walked] | None = None
        self._walk_s = 0.0
        self._is_closed = False

    async def head(self) -> Head:
        """Walk the folder and say the hash over what is there now."""
        return (await self._walk())[0]

    async def listing(self, head: Head) -> Listing:
        """List what the last walk saw when that was this head, else what is there now."""
        last = self._last
        if last is None or last[0] != head:
            last = await self._walk()
        self._last = None  # A listing can be large and is asked for once.
        return Listing(last[0], last[1].entries, dict(last[1].skipped))

    def read(self, entries: Iterable[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
        """Read contents in order; a file that vanished, changed or became a link is left out."""
        return read_unchanged(self._disk, entries)

    async def changes(self) -> AsyncIterator[None]:
        """Yield within about 200 ms of a change; where nothing can be watched, by the clock."""
        async for change in watch_folders(self._folders, matters=_matters, poll_s=self._poll_s):
            yield change

    async def close(self) -> None:
        """End a walk that is under way."""
        self._is_closed = True

    async def _folders(self) -> Sequence[Path]:
        try:
            return (await self._walk())[1].folders
        except (SourceGone, SourceUnreachable):
            return [self._disk.root]

    def _poll_s(self) -> float:
        return max(2.0, 20 * self._walk_s)

    async def _walk(self) -> tuple[Head, Walked]:
        async with self._walking:
            await asyncio.to_thread(_demand_folder, self._disk.root)
            started = time.monotonic()
            walked, commit = await asyncio.to_thread(self._walk_here)
            self._walk_s = time.monotonic() - started
            self._last = (Head("", commit), walked)
            return self._last

    def _walk_here(self) -> tuple[Walked, str]:
        walked = walk(self._disk, excluded=self._excluded, stop=lambda: self._is_closed)
        self._disk.forget_others({entry.path for entry in walked.entries})
        return walked, listing_id(walked.entries)


def _matters(path: Path) -> bool:
    return path.name not in VERSION_CONTROL and not is_passing(path.name)


def _demand_folder(root: Path) -> None:
    """Raise SourceGone when the folder was removed, SourceUnreachable when it cannot be looked at."""
    try:
        next(root.iterdir(), None)
    except (FileNotFoundError, NotADirectoryError):
        _tell_gone_from_away(root)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceUnreachable(
            f"expected to read the folder {root.name!r}, got {reason!r}: let the account that runs Roomwise read it"
        ) from None


def _tell_gone_from_away(root: Path) -> NoReturn:
    if root.parent.is_dir():
        raise SourceGone(f"expected a folder named {root.name!r}, got nothing there: put it back or remove the source")
    raise SourceUnreachable(
        f"expected a folder named {root.name!r}, got no folder that could hold it: is its file system mounted?"
    )
