"""A bare git repository that is written without a work tree: one `git fast-import` a push."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}
NOTHING = "0" * 40
Files = Mapping[str | bytes, bytes | None]
"""Contents by path; None deletes a file. A path that is not UTF-8 is given in bytes."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Where a ref points. `kind` is commit or tag; `peeled` is the commit behind an annotated tag, else `oid` itself."""

    oid: str
    kind: str = "commit"
    peeled: str = ""

    @property
    def commit(self) -> str:
        """The commit that is meant in the end."""
        return self.peeled or self.oid


async def git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """Run git in a bare repository and give what it wrote. Raises RuntimeError with its complaint."""
    process = await asyncio.create_subprocess_exec(
        *("git", "--git-dir", str(folder), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **_ENVIRONMENT},
    )
    output, complaint = await process.communicate(given)
    if process.returncode:
        raise RuntimeError(f"expected git {arguments[0]} to succeed, got {complaint.decode(errors='replace')}")
    return output


async def make(folder: Path, *, branch: str) -> None:
    """Make an empty bare repository whose HEAD is a branch that does not exist yet."""
    await git(folder, "init", "--quiet", "--bare", f"--initial-branch={branch}")


async def commit(folder: Path, files: Files, *, ref: str, parent: str, number: int) -> None:
    """Add a commit on top of `parent`, or one without parents for forty zeros, and point `ref` at it.

    `number` makes its time and message unlike those of others.
    """
    when = 1_700_000_000 + number
    message = f"Change {number}".encode()
    lines = [
        b"commit %s" % ref.encode(),
        b"committer Test <test@example.org> %d +0000" % when,
        b"data %d\n%s" % (len(message), message),
    ]
    if parent != NOTHING:
        lines.append(b"from %s" % parent.encode())
    lines += [_change(os.fsencode(path), content) for path, content in files.items()]
    await git(folder, "fast-import", "--quiet", "--force", "--date-format=raw", given=b"\n".join([*lines, b""]))


def _change(path: bytes, content: bytes | None) -> bytes:
    quoted = b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
    if content is None:
        return b"D " + quoted
    return b"M 100644 inline %s\ndata %d\n%s" % (quoted, len(content), content)


async def read_refs(folder: Path) -> dict[str, Ref]:
    """Read branches and tags, by full name."""
    form = "%(refname)%00%(objectname)%00%(objecttype)%00%(*objectname)"
    output = await git(folder, "for-each-ref", f"--format={form}", "refs/heads", "refs/tags")
    rows = [line.split("\0") for line in output.decode("utf-8", "surrogateescape").splitlines()]
    return {name: Ref(oid, kind, peeled) for name, oid, kind, peeled in rows}
