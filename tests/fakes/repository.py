"""A real git repository on disk, for tests: files are put, deleted and committed with fixed names and dates."""

import os
import subprocess
from pathlib import Path

from adapters.source import CodeSource

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
}


class Repository:
    """A repository with a work tree at `root`, on branch main."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        """Run git in the work tree and return what it wrote, without the last line end."""
        done = subprocess.run(
            ["git", "-c", "core.autocrlf=false", *arguments],
            cwd=self.root,
            env={**os.environ, **_ENVIRONMENT},
            check=True,
            capture_output=True,
        )
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def put(self, name: str | bytes, content: bytes | str) -> None:
        """Write a file of the work tree; nothing is committed."""
        path = self.root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, message: str = "Change") -> str:
        """Commit all there is and return the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


async def tree(source: CodeSource) -> dict[str, bytes]:
    """Read everything at a source's head, by path."""
    listing = await source.listing(await source.head())
    return {entry.path: content async for entry, content in source.read(listing.entries)}
