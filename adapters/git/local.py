"""A git repository on this machine, bare or not, read at the commit that a branch points at."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path

from adapters.git.command import At, Git, GitFailed
from adapters.git.objects import check_branch, list_commit, read_blobs
from adapters.git.translate import EMPTY, is_commit, short_ref
from adapters.source import Entry, Head, Listing, SourceGone, SourceRefused
from adapters.watching import watch_folders

_POINTERS = frozenset({"HEAD", "packed-refs"})


def find_repository(root: Path) -> Path:
    """Find the git folder that belongs to exactly this folder, without looking further up as git would.

    Raises SourceGone when there is no such folder, SourceRefused when it is no repository.
    """
    if not root.is_dir():
        raise SourceGone(f"expected a folder named {root.name!r}, got nothing there: put it back or remove the source")
    inside = root / ".git"
    if inside.is_file():
        pointer = inside.read_text("utf-8", "replace").strip()
        inside = (root / pointer.removeprefix("gitdir:").strip()).resolve()
    for folder in (inside, root):
        if (folder / "HEAD").is_file() and ((folder / "objects").is_dir() or (folder / "commondir").is_file()):
            return folder
    raise SourceRefused(f"expected a git repository in {root.name!r}, got a folder without one: add it as a folder")


async def read_head(git: Git, at: At, branch: str) -> Head:
    """Say which commit a branch or tag, or HEAD when `branch` is empty, points at; EMPTY without any commit.

    Raises SourceGone when there is no such branch.
    """
    if branch:
        for ref in (f"refs/heads/{branch}", f"refs/tags/{branch}"):
            if commit := await _commit(git, at, ref):
                return Head(branch, commit)
        raise SourceGone(f"expected a branch named {branch!r}, got none: was it deleted or renamed?")
    commit = await _commit(git, at, "HEAD")
    return Head(await _current_branch(git, at), commit) if commit else EMPTY


async def _commit(git: Git, at: At, ref: str) -> str:
    try:
        said = (await git.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", at=at)).decode("ascii").strip()
    except GitFailed as failed:
        if failed.code == 1:
            return ""
        raise
    return said if is_commit(said) else ""


async def _current_branch(git: Git, at: At) -> str:
    try:
        return short_ref((await git.run("symbolic-ref", "--quiet", "HEAD", at=at)).decode("utf-8", "replace").strip())
    except GitFailed:
        return ""  # a detached head: a commit and no branch


class LocalGitSource:
    """A repository of this machine as a CodeSource; only the command line may name one."""

    def __init__(self, root: Path, git: Git, *, branch: str = "") -> None:
        if not root.is_absolute():
            raise SourceRefused(f"expected the absolute path of a repository, got {str(root)!r}: write it out in full")
        self._root = root.resolve()
        self._git = git
        self._branch = branch

    async def head(self) -> Head:
        """Say the commit that the branch points at."""
        at = await self._at()
        return await read_head(self._git, at, await check_branch(self._git, self._branch))

    async def listing(self, head: Head) -> Listing:
        """List the files of that commit."""
        return Listing(head, ()) if head == EMPTY else await list_commit(self._git, await self._at(), head)

    async def read(self, entries: Iterable[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
        """Read contents from the object store."""
        async with aclosing(read_blobs(self._git, await self._at(), entries)) as blobs:
            async for found in blobs:
                yield found

    async def changes(self) -> AsyncIterator[None]:
        """Yield when a branch of the repository moves."""
        async for change in watch_folders(self._folders, matters=_matters, poll_s=lambda: 10.0):
            yield change

    async def close(self) -> None:
        """Nothing is held open between calls."""

    async def _at(self) -> At:
        return At(repository=await asyncio.to_thread(find_repository, self._root))

    async def _folders(self) -> Sequence[Path]:
        return await asyncio.to_thread(pointer_folders, self._root)


def pointer_folders(root: Path) -> Sequence[Path]:
    """List the folders of the git folder of `root` in which a commit, a checkout or a push changes something.

    Raises what `find_repository` raises.
    """
    common = repository = find_repository(root)
    if (repository / "commondir").is_file():
        common = (repository / (repository / "commondir").read_text("utf-8").strip()).resolve()
    branches = common / "refs" / "heads"
    below = [Path(folder) for folder, _, _ in os.walk(branches)]
    return [folder for folder in dict.fromkeys((repository, common, *below)) if folder.is_dir()]


def _matters(path: Path) -> bool:
    return path.suffix != ".lock" and (path.name in _POINTERS or "heads" in path.parts)
