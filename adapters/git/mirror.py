"""Bare mirrors in the data folder, one for each repository, whoever follows it and at whichever branch."""

import asyncio
import hashlib
import shutil
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from weakref import WeakKeyDictionary

from adapters.git.command import At, Git, GitFailed
from adapters.git.translate import is_commit
from adapters.source import SourceRefused, SourceUnreachable

# Fetches one commit into a ref of the mirror. Raises what talking to a host raises.
Fetch = Callable[[At, str], Awaitable[None]]

_OURS = "refs/roomwise/"
_MANY_PACKS = 12
_BROKEN = (
    "bad object",
    "corrupt",
    "shallow file",
    "unresolved delta",
    "not a git repository: '",
    "did not send all necessary",
)


def ref_of(branch: str) -> str:
    """The ref under which a mirror keeps the newest commit of a branch ("" the default one)."""
    return f"{_OURS}{hashlib.sha256(branch.encode('utf-8')).hexdigest()[:20]}"


class Mirror:
    """The folder of one repository: one commit of each branch that is followed, and no history.

    The folder is ours and nobody else's: what a killed git left there is cleared. All who follow the repository share
    one object, so that fetches never overlap. What a reader was given last stays until he is given another commit, or
    lets go; so nothing is taken away from under his reading, whoever fetches or tidies up meanwhile. `git` need not
    reach anything outside.
    """

    def __init__(self, folder: Path, git: Git) -> None:
        self.folder = folder
        self.git = git
        self._changing = asyncio.Lock()
        # Ref and commit by reader; one that is forgotten without being closed lets go as well.
        self._held: WeakKeyDictionary[object, tuple[str, str]] = WeakKeyDictionary()

    @property
    def at(self) -> At:
        """Where git reads it."""
        return At(repository=self.folder)

    async def bring(self, reader: object, branch: str, commit: str, *, fetch: Fetch) -> str:
        """Say which commit of a branch is here now: the wanted one without asking anybody, else what `fetch` brings.

        Raises SourceRefused for what can be no commit, GitFailed, and what `fetch` raises.
        """
        if not is_commit(commit):
            raise SourceRefused(f"expected a commit of git, got {commit[:80]!r}")
        ref = ref_of(branch)
        async with self._changing:
            await self._prepare()
            if not await self._has(ref, commit):
                await self._fetch(ref, fetch)
                commit = await self._commit_of(ref)
            self._held[reader] = (ref, commit)
            with suppress(SourceUnreachable):  # the commit is here all the same; the next fetch tries again
                await self._tidy()
            return commit

    async def holds(self, commit: str) -> bool:
        """Say whether a commit can be listed and read without fetching anything."""
        return is_commit(commit) and (self.folder / "HEAD").exists() and await self._is_whole(commit)

    def let_go(self, reader: object) -> None:
        """Forget what a reader was given."""
        self._held.pop(reader, None)

    async def forget(self, branch: str) -> None:
        """Delete what is here of a branch and of no other one, at once."""
        async with self._changing:
            if not (self.folder / "HEAD").exists():
                return
            await self._prepare()
            await self.git.run("update-ref", "-d", ref_of(branch), at=self.at)
            await self._pack()

    async def remove(self) -> None:
        """Delete it all."""
        async with self._changing:
            await asyncio.to_thread(remove_folder, self.folder)

    async def move(self, folder: Path) -> None:
        """Bring the folder to another place, where nothing is yet; else what is there stays, and this one goes."""
        async with self._changing:
            await asyncio.to_thread(_move, self.folder, folder)

    async def _prepare(self) -> None:
        """Clear what a killed git left; make the mirror when it is not there or is broken."""
        await asyncio.to_thread(_clear_locks, self.folder)
        try:
            await self.git.run("rev-parse", "--is-bare-repository", at=self.at)
        except GitFailed:
            await self._make()

    async def _make(self) -> None:
        self._held.clear()
        await asyncio.to_thread(remove_folder, self.folder)
        await asyncio.to_thread(self.folder.mkdir, parents=True)
        await self.git.run("init", "--quiet", "--bare", "--template=", "--end-of-options", str(self.folder))

    async def _has(self, ref: str, commit: str) -> bool:
        """Say whether the commit is here; another branch may have brought it, or it is back after a force-push."""
        try:
            if await self._commit_of(ref) == commit:
                return True
        except SourceUnreachable:  # nothing was ever fetched of this branch
            pass
        if not await self._is_whole(commit):
            return False
        await self.git.run("update-ref", "--end-of-options", ref, commit, at=self.at)
        return True

    async def _is_whole(self, commit: str) -> bool:
        """Say whether the commit is here with every file of its tree, as after a fetch that came to its end."""
        try:
            await self.git.run("rev-list", "--objects", "--quiet", "--max-count=1", commit, at=self.at)
        except GitFailed:
            return False
        return True

    async def _commit_of(self, ref: str) -> str:
        said = await self.git.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", at=self.at)
        return said.decode("ascii").strip()

    async def _fetch(self, ref: str, fetch: Fetch) -> None:
        try:
            await fetch(self.at, ref)
        except GitFailed as failed:
            if not any(sign in failed.output.lower() for sign in _BROKEN):
                raise
            await self._make()
            await fetch(self.at, ref)
        finally:
            await asyncio.to_thread(_clear_locks, self.folder)  # of a fetch that was ended; its half of a pack, too

    async def _tidy(self) -> None:
        """Pack what is followed into one file, once there are many; branches that nobody reads any more go."""
        if await asyncio.to_thread(_count_packs, self.folder) <= _MANY_PACKS:
            return
        said = await self.git.run("for-each-ref", "--format=%(refname)", _OURS, at=self.at)
        read = {ref for ref, _ in self._held.values()}
        stale = [ref for ref in said.decode("ascii").split() if ref not in read]
        await self._update([f"delete {ref}" for ref in stale])
        await self._pack()

    async def _pack(self) -> None:
        """Keep what a ref or a reader has, in one pack, and nothing else."""
        held = {commit: f"{_OURS}held/{commit}" for _, commit in self._held.values()}
        await self._update([f"update {ref} {commit}" for commit, ref in held.items()])
        try:
            await self.git.run("gc", "--quiet", "--prune=now", at=self.at)
        finally:
            await self._update([f"delete {ref}" for ref in held.values()])

    async def _update(self, lines: list[str]) -> None:
        if lines:
            await self.git.run("update-ref", "--stdin", at=self.at, stdin="\n".join([*lines, ""]).encode("ascii"))


def _clear_locks(folder: Path) -> None:
    """Remove what a killed git leaves behind and what would make every later fetch fail."""
    for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/pack/.tmp-*", "objects/pack/*.lock"):
        for left in folder.glob(pattern):
            left.unlink(missing_ok=True)


def _count_packs(folder: Path) -> int:
    return sum(1 for _ in (folder / "objects" / "pack").glob("*.pack"))


def _move(folder: Path, other: Path) -> None:
    if other.exists():
        remove_folder(folder)
    elif folder.exists():
        folder.rename(other)


def remove_folder(folder: Path) -> None:
    """Delete a mirror; git's files are read-only, which keeps Windows from deleting them."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
