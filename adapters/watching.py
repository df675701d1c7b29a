"""Noticing changes of folders on this machine.

The folders that hold files of the source are watched one by one and not the whole tree, so that a busy folder beside
them (a virtual environment, our own data) costs nothing. Where the system cannot watch (no inotify, its limit reached)
the changes are guessed by the clock: whoever listens compares heads, so a needless hint does no harm.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from watchfiles import Change, awatch

Folders = Callable[[], Awaitable[Sequence[Path]]]

_DEBOUNCE_MS = 200
_STARTED_MS = 1_000


async def watch_folders(
    folders: Folders, *, matters: Callable[[Path], bool], poll_s: Callable[[], float]
) -> AsyncIterator[None]:
    """Yield once the watch has begun, then after each change, at most every 200 ms while changes go on.

    `folders` is asked again whenever a folder comes or goes. `poll_s` says how long to wait between two hints where
    nothing can be watched.
    """
    while True:
        async for _change in _watch_until_folders_change(await folders(), matters, poll_s):
            yield


async def _watch_until_folders_change(
    folders: Sequence[Path], matters: Callable[[Path], bool], poll_s: Callable[[], float]
) -> AsyncIterator[None]:
    try:
        async for must_look_again in _watch_once(folders, matters):
            yield
            if must_look_again:
                return
    except (OSError, RuntimeError):
        # FileNotFoundError, when a folder went between the listing and the watch; the limit of watches reached;
        # what watchfiles raises of its own is a RuntimeError.
        await asyncio.sleep(poll_s())
        yield


async def _watch_once(folders: Sequence[Path], matters: Callable[[Path], bool]) -> AsyncIterator[bool]:
    """Yield for each batch of changes whether folders came or went, so that the watch must be set up again.

    The first one says that the watch has begun: what changed before is found by looking, not by the watch.
    """
    known = set(folders)

    def counts(_change: Change, name: str) -> bool:
        return Path(name) in known or matters(Path(name))

    changes = awatch(
        *folders,
        watch_filter=counts,
        debounce=_DEBOUNCE_MS,
        rust_timeout=_STARTED_MS,
        yield_on_timeout=True,
        recursive=False,
    )
    has_begun = False
    async for batch in changes:
        if batch or not has_begun:
            yield any(_is_of_folder(change, Path(name), known) for change, name in batch)
        has_begun = True


def _is_of_folder(change: Change, path: Path, known: set[Path]) -> bool:
    return path in known if change is Change.deleted else change is Change.added and path.is_dir()
