"""Reading trees, attributes and blobs of a repository on this machine; nothing here touches the network."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path

from adapters.git.command import At, Git
from adapters.git.translate import ATTRIBUTES, Tree, parse_attributes, parse_tree
from adapters.paths import decode_path, encode_path
from adapters.source import Entry, Head, Listing, SourceRefused, SourceUnreachable

# Requests on their way to git at once: 64 lines of 65 bytes fit into any pipe, so that neither side blocks.
_WINDOW = 64
_READ_TIMEOUT_S = 60.0


async def check_branch(git: Git, branch: str) -> str:
    """Return the name of a branch or tag, or '' for the default one. Raises SourceRefused for what can be none."""
    if not branch:
        return ""
    if branch.startswith("-") or not branch.isprintable() or len(branch) > 250:
        raise SourceRefused(f"expected the name of a branch, got {branch[:100]!r}")
    try:
        await git.run("check-ref-format", f"refs/heads/{branch}")
    except SourceUnreachable:
        raise SourceRefused(f"expected the name of a branch, got {branch!r}") from None
    return branch


async def list_commit(git: Git, at: At, head: Head) -> Listing:
    """List the files of a commit with what .gitattributes declares of them."""
    output = await git.run("ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", head.commit, at=at)
    tree = await asyncio.to_thread(parse_tree, output)
    marked = await _declared(git, at, head.commit, tree)
    return Listing(head, tree.entries, tree.skipped, marked)


async def list_folders(git: Git, at: At, commit: str) -> frozenset[str]:
    """Name every folder and file of a commit by its stored path, submodules and links too."""
    output = await git.run("ls-tree", "-r", "-t", "-z", "--name-only", "--full-tree", "--end-of-options", commit, at=at)
    return frozenset(encode_path(raw) for raw in output.split(b"\0") if raw)


async def _declared(git: Git, at: At, commit: str, tree: Tree) -> Mapping[str, str]:
    if not any(entry.path.rpartition("/")[2] == ".gitattributes" for entry in tree.entries):
        return {}
    with tempfile.TemporaryDirectory(prefix="roomwise-", ignore_cleanup_errors=True) as folder:
        index = At(
            at.repository, at.folder, at.settings, {**at.variables, "GIT_INDEX_FILE": str(Path(folder) / "index")}
        )
        await git.run("read-tree", "--end-of-options", commit, at=index)
        return await ask_attributes(git, index, tree.entries, "--cached")


async def ask_attributes(git: Git, at: At, entries: Iterable[Entry], *options: str) -> Mapping[str, str]:
    """Ask git which of the files are declared generated or vendored; by path."""
    names = b"".join(decode_path(entry.path) + b"\0" for entry in entries)
    output = await git.run("check-attr", "-z", "--stdin", *options, *ATTRIBUTES, at=at, stdin=names)
    return await asyncio.to_thread(parse_attributes, output)


async def read_blobs(git: Git, at: At, entries: Iterable[Entry]) -> AsyncGenerator[tuple[Entry, bytes], None]:
    """Read contents in order by one `git cat-file --batch`. A blob that is not there is left out.

    Raises SourceUnreachable when git ends too early or takes longer than a minute for one blob.
    """
    async with git.started("cat-file", "--batch", at=at) as process:
        waiting = iter(entries)
        while window := list(itertools.islice(waiting, _WINDOW)):
            await _ask(process.stdin, window)
            async for found in _answers(process.stdout, window):
                yield found


async def _ask(stream: asyncio.StreamWriter | None, window: Sequence[Entry]) -> None:
    assert stream is not None  # noqa: S101 - started() gives pipes; this is for the type checker
    try:
        stream.writelines(f"{entry.blob}\n".encode("ascii") for entry in window)
        await stream.drain()
    except (BrokenPipeError, ConnectionResetError):
        raise SourceUnreachable("expected git to read blobs, got its end: the next refresh tries again") from None


async def _answers(stream: asyncio.StreamReader | None, window: Sequence[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
    assert stream is not None  # noqa: S101 - the same
    for entry in window:
        content = await _answer(stream)
        if content is not None:
            yield entry, content


async def _answer(stream: asyncio.StreamReader) -> bytes | None:
    """Read '<blob> <type> <size>' with the content behind it, or '<blob> missing'."""
    try:
        async with asyncio.timeout(_READ_TIMEOUT_S):
            header = (await stream.readuntil(b"\n")).split()
            if header[-1] == b"missing":
                return None
            content = await stream.readexactly(int(header[2]) + 1)
    except (asyncio.IncompleteReadError, TimeoutError):
        raise SourceUnreachable("expected git to read a blob, got its end: the next refresh tries again") from None
    return content[:-1]
