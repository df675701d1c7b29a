"""The working tree of a git repository: the tracked files, with the content that they have right now."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from adapters.disk import Disk, blob_id, listing_id, read_unchanged
from adapters.git.command import At, Git, GitFailed
from adapters.git.local import find_repository, pointer_folders, read_head
from adapters.git.objects import ask_attributes
from adapters.git.translate import EMPTY, parse_staged
from adapters.paths import decode_name
from adapters.source import Entry, Head, Listing, SourceRefused
from adapters.watching import watch_folders

_LEFT_OUT = {"120000": "link", "160000": "submodule"}
_POINTERS = frozenset({"HEAD", "index", "packed-refs"})


class CheckoutSource:
    """A work tree as a CodeSource. Its version is the commit while nothing differs from it, else a content hash.

    No filter of the repository is ever run: contents are compared by their own hash. A file that differs from the
    commit by CRLF line ends alone counts as the same.
    """

    def __init__(self, root: Path, git: Git, *, excluded: Sequence[Path] = (), max_bytes: int = 64_000_000) -> None:
        if not root.is_absolute():
            raise SourceRefused(f"expected the absolute path of a checkout, got {str(root)!r}: write it out in full")
        self._disk = Disk(root, max_bytes=max_bytes)
        self._git = git
        self._excluded = [folder.resolve() for folder in excluded]
        self._looking = asyncio.Lock()
        self._last: Listing | None = None
        self._look_s = 0.0

    async def head(self) -> Head:
        """Look at every tracked file and say the commit, or the hash of the contents where they differ from it."""
        return (await self._look()).head

    async def listing(self, head: Head) -> Listing:
        """List the tracked files as the last look saw them when that was this head, else as they are now."""
        last = self._last
        if last is None or last.head != head:
            last = await self._look()
        self._last = None  # A listing can be large and is asked for once.
        return replace(last, marked=await self._marked(last.entries))

    def read(self, entries: Iterable[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
        """Read contents from the work tree; a file that changed since it was listed is left out."""
        return read_unchanged(self._disk, entries)

    async def changes(self) -> AsyncIterator[None]:
        """Yield when a folder with tracked files, the index or the current commit changes."""
        async for change in watch_folders(self._folders, matters=self._matters, poll_s=self._poll_s):
            yield change

    async def close(self) -> None:
        """Nothing is held open between calls."""

    async def _at(self) -> At:
        root = self._disk.root
        repository = await asyncio.to_thread(find_repository, root)
        return At(repository=repository, folder=root, variables={"GIT_WORK_TREE": str(root)})

    async def _look(self) -> Listing:
        async with self._looking:
            started = time.monotonic()
            at = await self._at()
            commit = await read_head(self._git, at, "")
            output = await self._git.run("ls-files", "-z", "-s", "--full-name", at=at)
            staged = await asyncio.to_thread(parse_staged, output)
            is_staged_like_commit = commit != EMPTY and await self._is_staged_like_commit(at)
            listing = await asyncio.to_thread(self._list, staged)
            is_clean = is_staged_like_commit and await asyncio.to_thread(self._is_clean, staged, listing.entries)
            head = commit if is_clean else Head(commit.ref, listing.head.commit)
            self._last = replace(listing, head=head)
            self._look_s = time.monotonic() - started
            return self._last

    async def _is_staged_like_commit(self, at: At) -> bool:
        try:
            await self._git.run("diff-index", "--cached", "--quiet", "--no-ext-diff", "HEAD", "--", at=at)
        except GitFailed as failed:
            if failed.code == 1:
                return False
            raise
        return True

    def _list(self, staged: Mapping[str, tuple[str, str]]) -> Listing:
        entries, skipped = [], Counter[str]()
        for path, (mode, _) in staged.items():
            if reason := self._left_out(path, mode):
                skipped[reason] += 1
            elif entry := self._disk.entry(path, mode):
                entries.append(entry)
            else:
                skipped["missing"] += 1
        self._disk.forget_others(staged.keys())
        return Listing(Head("", listing_id(entries)), entries, skipped)

    def _left_out(self, path: str, mode: str) -> str:
        if mode in _LEFT_OUT:
            return _LEFT_OUT[mode]
        real = self._disk.root / decode_name(path)
        return "excluded" if any(real.is_relative_to(folder) for folder in self._excluded) else ""

    def _is_clean(self, staged: Mapping[str, tuple[str, str]], entries: Sequence[Entry]) -> bool:
        regular = [path for path, (mode, _) in staged.items() if not self._left_out(path, mode)]
        return len(regular) == len(entries) and all(self._is_same(entry, staged[entry.path][1]) for entry in entries)

    def _is_same(self, entry: Entry, staged_blob: str) -> bool:
        if entry.blob == staged_blob:
            return True
        content = self._disk.read(entry.path)
        return content is not None and blob_id(content.replace(b"\r\n", b"\n")) == staged_blob

    async def _marked(self, entries: Sequence[Entry]) -> Mapping[str, str]:
        if not any(entry.path.rpartition("/")[2] == ".gitattributes" for entry in entries):
            return {}
        return await ask_attributes(self._git, await self._at(), entries)

    async def _folders(self) -> Sequence[Path]:
        entries = (await self._look()).entries
        root = self._disk.root
        folders = {root}
        for parent in {os.path.dirname(entry.path) for entry in entries}:  # noqa: PTH120 - paths are stored text here
            folder = root / decode_name(parent)
            folders |= {folder, *(above for above in folder.parents if above.is_relative_to(root))}
        return [*sorted(folders), *await asyncio.to_thread(pointer_folders, root)]

    def _matters(self, path: Path) -> bool:
        inside = path.relative_to(self._disk.root).parts if path.is_relative_to(self._disk.root) else path.parts
        if ".git" in inside or inside == path.parts:
            return path.name in _POINTERS or ("heads" in inside and path.suffix != ".lock")
        return not path.name.endswith(("~", ".swp", ".swx", ".tmp", ".lock"))

    def _poll_s(self) -> float:
        return max(2.0, 20 * self._look_s)
