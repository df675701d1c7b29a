"""A git repository on the network, kept as a bare mirror of one commit in the data folder."""

import asyncio
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from adapters.addresses import pinned, resolve_public
from adapters.git.address import Remote
from adapters.git.command import At, Git, GitFailed
from adapters.git.objects import check_branch, list_commit, read_blobs
from adapters.git.translate import EMPTY, explain, is_commit, parse_remote_refs
from adapters.source import Entry, Head, Listing, SourceGone, SourceRefused, SourceUnreachable

_HERE = "refs/roomwise/head"
_ASK_TIMEOUT_S = 60.0
_MANY_PACKS = 12
_BROKEN = (
    "bad object",
    "corrupt",
    "shallow file",
    "unresolved delta",
    "not a git repository: '",
    "did not send all necessary",
)


class RemoteGitSource:
    """A repository at a checked address as a CodeSource.

    `mirror` is a folder of ours and nobody else's: what a killed git left there is cleared. `addresses` says at which
    machines the host may be asked; every call of git is pinned to them. A fetch of more than `max_bytes` is ended.
    """

    def __init__(
        self,
        remote: Remote,
        git: Git,
        *,
        mirror: Path,
        branch: str = "",
        max_bytes: int = 4_000_000_000,
        addresses: Callable[[str, int], Awaitable[Sequence[str]]] = resolve_public,
    ) -> None:
        self._remote = remote
        self._git = git
        self._mirror = mirror
        self._branch = branch
        self._max_bytes = max_bytes
        self._addresses = addresses
        self._fetching = asyncio.Lock()
        self._is_checked = False

    async def head(self) -> Head:
        """Ask the host which commit the branch points at; nothing is fetched."""
        branch = await check_branch(self._git, self._branch)
        try:
            output = await self._ask("ls-remote", "--symref", "--end-of-options", self._remote.fetch_url)
        except GitFailed as failed:
            raise explain(failed.output, self._remote.location) from None
        head = parse_remote_refs(output, branch)
        if head is not None:
            return head
        if branch:
            raise SourceGone(
                f"expected a branch named {branch!r} in {self._remote.location}, got none: was it deleted or renamed?"
            )
        return EMPTY

    async def listing(self, head: Head) -> Listing:
        """List the files of that commit, fetching it first when it is not here; of a newer one when it has moved."""
        if head == EMPTY:
            return Listing(head, ())
        async with self._fetching:
            await self._prepare()
            if not await self._has(head.commit):
                await self._fetch()
                head = Head(head.ref, await self._fetched())
            return await list_commit(self._git, self._at(), head)

    def read(self, entries: Iterable[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
        """Read contents from the mirror."""
        return read_blobs(self._git, self._at(), entries)

    async def changes(self) -> AsyncIterator[None]:
        """Never yield: a host on the network is asked by the clock."""
        for _ in ():
            yield

    async def close(self) -> None:
        """Nothing is held open between calls."""

    def _at(self) -> At:
        return At(repository=self._mirror)

    async def _ask(self, *arguments: str, at: At | None = None, timeout_s: float | None = _ASK_TIMEOUT_S) -> bytes:
        """Run a command of git that talks to the host, pinned to the addresses that were checked just now."""
        addresses = await self._addresses(self._remote.host, self._remote.port)
        settings = {"http.curloptResolve": pinned(self._remote.host, self._remote.port, addresses)}
        place = At(repository=at.repository if at else None, settings=settings, is_too_much=self._is_too_much)
        return await self._git.run(*arguments, at=place, timeout_s=timeout_s)

    def _is_too_much(self) -> bool:
        """Say whether the packs, those that are still coming in too, are larger than a source may be."""
        return sum(map(_size_bytes, (self._mirror / "objects" / "pack").glob("*"))) > self._max_bytes

    async def _prepare(self) -> None:
        """Make the mirror, once a process: locks of a killed git are removed, a broken mirror is made anew."""
        if self._is_checked:
            return
        await asyncio.to_thread(_clear_locks, self._mirror)
        try:
            await self._git.run("rev-parse", "--is-bare-repository", at=self._at())
        except GitFailed:
            await self._make()
        self._is_checked = True

    async def _make(self) -> None:
        await asyncio.to_thread(remove_mirror, self._mirror)
        await asyncio.to_thread(self._mirror.mkdir, parents=True)
        await self._git.run("init", "--quiet", "--bare", "--template=", "--end-of-options", str(self._mirror))

    async def _fetch(self) -> None:
        try:
            await self._fetch_ref()
        except GitFailed as failed:
            if not any(sign in failed.output.lower() for sign in _BROKEN):
                raise explain(failed.output, self._remote.location) from None
            await self._make()
            await self._fetch_ref()
        if await asyncio.to_thread(_count_packs, self._mirror) > _MANY_PACKS:
            await self._git.run("gc", "--quiet", "--prune=now", at=self._at())

    async def _fetch_ref(self) -> None:
        """Fetch one commit of the branch, or of the tag of that name."""
        wanted = [f"refs/heads/{self._branch}", f"refs/tags/{self._branch}"] if self._branch else ["HEAD"]
        for ref in wanted:
            try:
                await self._ask(
                    *("fetch", "--quiet", "--depth=1", "--no-tags", "--force", "--no-write-fetch-head"),
                    *("--end-of-options", self._remote.fetch_url, f"+{ref}:{_HERE}"),
                    at=self._at(),
                    timeout_s=None,
                )
            except GitFailed as failed:
                if ref == wanted[-1] or "couldn't find remote ref" not in failed.output:
                    raise
            else:
                return

    async def _has(self, commit: str) -> bool:
        if not is_commit(commit):
            raise SourceRefused(f"expected a commit of git, got {commit[:80]!r}")
        try:
            return (await self._fetched()) == commit
        except SourceUnreachable:
            return False

    async def _fetched(self) -> str:
        said = await self._git.run("rev-parse", "--verify", "--quiet", f"{_HERE}^{{commit}}", at=self._at())
        return said.decode("ascii").strip()


def _clear_locks(mirror: Path) -> None:
    """Remove what a killed git leaves behind and what would make every later fetch fail."""
    for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/pack/*.lock"):
        for left in mirror.glob(pattern):
            left.unlink(missing_ok=True)


def _size_bytes(path: Path) -> int:
    """Say how large a file is; 0 when git has just renamed it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _count_packs(mirror: Path) -> int:
    return sum(1 for _ in (mirror / "objects" / "pack").glob("*.pack"))


def remove_mirror(mirror: Path) -> None:
    """Delete a mirror; git's files are read-only, which keeps Windows from deleting them."""
    for path in mirror.rglob("*"):
        if not path.is_symlink():
            path.chmod(stat.S_IRWXU)
    shutil.rmtree(mirror, ignore_errors=True)
