"""GitHub's own descriptions of its interfaces: GraphQL's schema, REST's and the webhooks' OpenAPI.

Each is one file of an npm package, unpacked below `.cache/github` of the checkout. npm fetches the package, so that it
comes from wherever npm is set up to fetch from; what counts is the file's SHA-256.
"""

import contextlib
import functools
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CACHE = Path(__file__).resolve().parents[3] / ".cache" / "github"


class SchemaMissing(Exception):
    """A description is neither in the cache nor to be had; the text says what to install."""


@dataclass(frozen=True, slots=True)
class Described:
    """One file of an npm package. `member` is its name in the archive, `sha256` that of the file itself."""

    package: str
    member: str
    sha256: str

    @property
    def kept(self) -> str:
        """The file's name in the cache: another version has another name."""
        return f"{self.package.rpartition('/')[2].replace('@', '-')}.json"


GRAPHQL = Described(
    "@octokit/graphql-schema@15.26.1",
    "package/schema.json",
    "bbdb03f4006f4e34964d67d55385f1c8c47c4cacd507ccdc38af2544247ecddd",
)
REST = Described(
    "@octokit/openapi@23.0.2",
    "package/generated/api.github.com.json",
    "829b4bebb19a53133289f7b0bc819f4f1118115821db2ca9f25e9ee995a7da2a",
)
WEBHOOKS = Described(
    "@octokit/openapi-webhooks@12.1.0",
    "package/generated/api.github.com.json",
    "0a86fcfad6f38c696f2f1967311e61a4009adca58adac52d7df52e003d187b26",
)


def fetched(described: Described, *, cache: Path = CACHE, npm: str = "npm") -> Path:
    """Give the file's path in the cache, fetched first where it is not there yet.

    Raises SchemaMissing when npm is not there or fails, or when the file is not the one that is meant.
    """
    path = cache / described.kept
    if path.exists() and _digest(path) == described.sha256:
        return path
    program = shutil.which(npm)
    if program is None:
        raise SchemaMissing(
            f"expected npm, which fetches {described.package} for the tests of GitHub, got none on the PATH.\n"
            "Debian, Ubuntu: apt-get install npm      macOS: brew install node      Windows: winget install OpenJS.NodeJS"
        )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        done = subprocess.run(
            [program, "pack", described.package, "--loglevel=error", "--ignore-scripts", "--no-update-notifier"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        archive = next(Path(folder).glob("*.tgz"), None)
        if done.returncode or archive is None:
            raise SchemaMissing(f"expected npm to fetch {described.package}, got: {done.stderr.strip()[-500:]}")
        _unpack(archive, described, path)
    return path


def _unpack(archive: Path, described: Described, path: Path) -> None:
    """Put the one file in its place, whole or not at all: other test processes may do the same."""
    fresh = archive.with_suffix(".json")
    with tarfile.open(archive) as tar, fresh.open("wb") as target:
        member = None
        with contextlib.suppress(KeyError):
            member = tar.extractfile(described.member)
        if member is None:
            raise SchemaMissing(f"expected {described.member} in {described.package}, got an archive without it")
        shutil.copyfileobj(member, target)
    if (digest := _digest(fresh)) != described.sha256:
        raise SchemaMissing(f"expected {described.package} with SHA-256 {described.sha256}, got {digest}")
    fresh.replace(path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def document(described: Described) -> Any:
    """Give a description's JSON, read once a process."""
    return json.loads(fetched(described).read_bytes())


def main() -> int:
    """Fetch all that is not there yet; gives the exit code."""
    try:
        for described in (GRAPHQL, REST, WEBHOOKS):
            fetched(described)
    except SchemaMissing as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
