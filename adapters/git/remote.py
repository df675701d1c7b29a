"""A git repository on the network, read from a bare mirror of one commit in the data folder."""

import difflib
from collections.abc import AsyncIterator, Collection, Iterable
from functools import partial
from pathlib import Path

from adapters.git.address import Remote
from adapters.git.command import At, GitFailed
from adapters.git.mirror import Mirror
from adapters.git.objects import check_branch, list_commit, list_folders, read_blobs
from adapters.git.translate import EMPTY, explain, parse_names, parse_remote_refs
from adapters.git.wire import Wire
from adapters.source import Entry, Head, Listing, SourceGone

_ASK_TIMEOUT_S = 60.0
_NEAR = 5


class RemoteGitSource:
    """A repository at a checked address as a CodeSource. A fetch of more than `max_bytes` is ended.

    Others that follow the same repository share its mirror.
    """

    def __init__(
        self, remote: Remote, wire: Wire, *, mirror: Mirror, branch: str = "", max_bytes: int = 4_000_000_000
    ) -> None:
        self._remote = remote
        self._wire = wire
        self._mirror = mirror
        self._branch = branch
        self._max_bytes = max_bytes

    async def head(self) -> Head:
        """Ask the host which commit the branch points at; nothing is fetched."""
        branch = await check_branch(self._wire.git, self._branch)
        try:
            at = await self._wire.at(self._remote)
            arguments = ("ls-remote", "--symref", "--end-of-options", self._remote.fetch_url)
            output = await self._wire.git.run(*arguments, at=at, timeout_s=_ASK_TIMEOUT_S)
        except GitFailed as failed:
            raise explain(failed.output, self._remote.location, credential=self._credential) from None
        head = parse_remote_refs(output, branch)
        if head is not None:
            return head
        if branch:
            raise self._no_branch(branch, parse_names(output))
        return EMPTY

    async def listing(self, head: Head) -> Listing:
        """List the files of that commit, fetching it first when it is not here; of a newer one when it has moved."""
        if head == EMPTY:
            return Listing(head, ())
        try:
            commit = await self._mirror.bring(self, self._branch, head.commit, fetch=self._fetch)
        except GitFailed as failed:
            raise explain(failed.output, self._remote.location, credential=self._credential) from None
        return await list_commit(self._mirror.git, self._mirror.at, Head(head.ref, commit))

    async def folders(self, head: Head) -> Collection[str] | None:
        """Name every folder and file of that commit; None while it is not here."""
        if head == EMPTY or not await self._mirror.holds(head.commit):
            return None
        return await list_folders(self._mirror.git, self._mirror.at, head.commit)

    def read(self, entries: Iterable[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
        """Read contents from the mirror."""
        return read_blobs(self._mirror.git, self._mirror.at, entries)

    async def changes(self) -> AsyncIterator[None]:
        """Never yield: a host on the network is asked by the clock."""
        for _ in ():
            yield

    async def close(self) -> None:
        """Let the mirror forget what is read here."""
        self._mirror.let_go(self)

    @property
    def _credential(self) -> str:
        return self._wire.credential(self._remote)

    async def _fetch(self, at: At, into: str) -> None:
        """Fetch one commit of the branch, or of the tag of that name."""
        is_too_much = partial(_is_larger, self._mirror.folder, self._max_bytes)
        wanted = [f"refs/heads/{self._branch}", f"refs/tags/{self._branch}"] if self._branch else ["HEAD"]
        for ref in wanted:
            there = await self._wire.at(self._remote, repository=at.repository, is_too_much=is_too_much)
            try:
                await self._wire.git.run(
                    *("fetch", "--quiet", "--depth=1", "--no-tags", "--force", "--no-write-fetch-head"),
                    *("--end-of-options", self._remote.fetch_url, f"+{ref}:{into}"),
                    at=there,
                )
            except GitFailed as failed:
                if ref == wanted[-1] or "couldn't find remote ref" not in failed.output:
                    raise
            else:
                return

    def _no_branch(self, branch: str, names: list[str]) -> SourceGone:
        near = difflib.get_close_matches(branch, names, n=_NEAR, cutoff=0.5)
        there_are = f"; there are {', '.join(near)}" if near else ""
        return SourceGone(
            f"expected a branch named {branch!r} in {self._remote.location}, got none: was it deleted or renamed?"
            f"{there_are}",
            reason="branch",
            near=near or names[:_NEAR],
        )


def _is_larger(mirror: Path, most_bytes: int) -> bool:
    """Say whether the packs, those that are still coming in too, are larger than a source may be."""
    return sum(map(_size_bytes, (mirror / "objects" / "pack").glob("*"))) > most_bytes


def _size_bytes(path: Path) -> int:
    """Say how large a file is; 0 when git has just renamed it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
