"""Which class follows which kind of source. Each is imported when the first of its kind is opened."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.access import Access
from adapters.source import CodeSource, SourceRefused
from config.settings import Credential, Files, Sources

if TYPE_CHECKING:
    from adapters.git.command import Git
    from adapters.github.forges import GithubForge, GithubForges


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What is needed to open a source. `kind` is folder, checkout, git or upload; `ref` a branch, '' the default one."""

    id: str
    kind: str
    location: str
    ref: str = ""


class SourceRegistry:
    """Opens sources. Mirrors and git's empty home lie in the data folder, which no source ever enters.

    A repository whose one commit takes more than `max_bytes`, compressed, is not fetched to its end.
    """

    def __init__(self, data_dir: Path, *, sources: Sources, files: Files, max_bytes: int = 4_000_000_000) -> None:
        self.access = Access(sources.credentials, mint=self._mint)
        self._data_dir = data_dir
        self._sources = sources
        self._files = files
        self._max_bytes = max_bytes

    def open(self, spec: SourceSpec) -> CodeSource:
        """Make the source; nothing is read yet. Raises SourceRefused for what can never be followed."""
        if spec.kind in {"folder", "upload"}:
            return self._folder(spec)
        if spec.kind == "checkout":
            return self._checkout(spec)
        if spec.kind == "git":
            return self._remote(spec) if "://" in spec.location else self._local(spec)
        raise SourceRefused(f"expected a source of kind folder, checkout, git or upload, got {spec.kind!r}")

    def mirror(self, source: str) -> Path:
        """Say where the mirror of a source lies."""
        return self._mirrors / f"{source}.git"

    def mirrored(self) -> list[str]:
        """List the ids of the sources that have a mirror here."""
        return sorted(path.stem for path in self._mirrors.glob("*.git"))

    def remove_mirror(self, source: str) -> None:
        """Delete the mirror of a source, if it has one."""
        from adapters.git.remote import remove_mirror

        remove_mirror(self.mirror(source))

    @property
    def _mirrors(self) -> Path:
        return self._data_dir / "mirrors"

    def _folder(self, spec: SourceSpec) -> CodeSource:
        from adapters.folder.source import FolderSource

        return FolderSource(Path(spec.location), excluded=[self._data_dir], max_bytes=self._files.max_bytes)

    def _checkout(self, spec: SourceSpec) -> CodeSource:
        from adapters.git.checkout import CheckoutSource

        root = Path(spec.location)
        return CheckoutSource(root, self._git_here, excluded=[self._data_dir], max_bytes=self._files.max_bytes)

    def _local(self, spec: SourceSpec) -> CodeSource:
        from adapters.git.local import LocalGitSource

        return LocalGitSource(Path(spec.location), self._git_here, branch=spec.ref)

    def _remote(self, spec: SourceSpec) -> CodeSource:
        from adapters.git.address import parse_remote
        from adapters.git.remote import RemoteGitSource

        remote = parse_remote(spec.location, allowed_hosts=self._sources.allowed_hosts)
        return RemoteGitSource(
            remote, self._git_outside, mirror=self.mirror(spec.id), branch=spec.ref, max_bytes=self._max_bytes
        )

    @cached_property
    def _git_here(self) -> "Git":
        """A git that can reach nothing outside this machine."""
        return self._make_git(())

    @cached_property
    def _git_outside(self) -> "Git":
        return self._make_git(("https",))

    def _make_git(self, protocols: tuple[str, ...]) -> "Git":
        from adapters.git.command import Git

        return Git(self._data_dir / "empty", protocols=protocols, timeout_s=self._sources.git_timeout_s)

    def forge(self, host: str) -> "GithubForge | None":
        """Give what a host can tell beside git, None when it does not speak GitHub's API. A host may have a port."""
        return self._github.forge(host)

    async def close(self) -> None:
        """Release connections to hosts."""
        if "_github" in vars(self):
            await self._github.close()

    async def _mint(self, name: str, credential: Credential, repository: str) -> str:
        """Make a token of a GitHub App."""
        return await self._github.mint(name, credential, repository)

    @cached_property
    def _github(self) -> "GithubForges":
        from adapters.github.forges import GithubForges

        return GithubForges(self._sources, self.access)


def link_of(kind: str, location: str) -> str | None:
    """Say how lines of a source are linked on the web: a template with {commit}, {path}, {first}, {last}, or None."""
    if kind != "git" or "://" not in location:
        return None
    from adapters.git.translate import link_template

    parts = urlsplit(location)
    return link_template(parts.hostname or "", parts.path) if parts.port is None else None
