"""Which class follows which kind of source. Each is imported when the first of its kind is opened."""

import hashlib
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.access import Access
from adapters.source import CodeSource, SourceRefused
from config.settings import Credential, Files, Sources

if TYPE_CHECKING:
    from adapters.git.address import Remote
    from adapters.git.command import Git
    from adapters.git.mirror import Mirror
    from adapters.git.wire import Wire
    from adapters.github.forges import GithubForge, GithubForges
    from adapters.github.threads.purse import Ask


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What is needed to open a source. `kind` is folder, checkout, git, threads or upload; `ref` a branch, '' the default one.

    One that `is_public` is read as anybody could, without a credential: once it is made private, it is gone. `paths` say
    of threads which kinds are followed.
    """

    id: str
    kind: str
    location: str
    ref: str = ""
    is_public: bool = False
    paths: tuple[str, ...] = ()


class SourceRegistry:
    """Opens sources. Mirrors and git's empty home lie in the data folder, which no source ever enters.

    A repository whose one commit takes more than `max_bytes`, compressed, is not fetched to its end. `access` opens
    private repositories; without it, the settings' tokens do.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        sources: Sources,
        files: Files,
        max_bytes: int = 4_000_000_000,
        access: Access | None = None,
    ) -> None:
        self.access = access or Access(sources.credentials, mint=self._mint)
        self._data_dir = data_dir
        self._sources = sources
        self._files = files
        self._max_bytes = max_bytes
        self._mirrors: dict[str, Mirror] = {}

    def open(self, spec: SourceSpec) -> CodeSource:
        """Make the source; nothing is read yet. Raises SourceRefused for what can never be followed."""
        if spec.kind in {"folder", "upload"}:
            return self._folder(spec)
        if spec.kind == "checkout":
            return self._checkout(spec)
        if spec.kind == "git":
            return self._remote(spec) if "://" in spec.location else self._local(spec)
        if spec.kind == "threads":
            return self._threads(spec)
        raise SourceRefused(f"expected a source of kind folder, checkout, git, threads or upload, got {spec.kind!r}")

    def remote(self, text: str) -> "Remote":
        """Read the address of a repository as the settings allow it. Raises SourceRefused."""
        from adapters.git.address import parse_remote

        return parse_remote(text, allowed_hosts=self._sources.allowed_hosts, ssh_hosts=self._sources.ssh_hosts)

    def credential(self, remote: "Remote") -> str:
        """Name what opens a repository, "" for nothing."""
        return self._wire.credential(remote)

    def is_inside(self, remote: "Remote") -> bool:
        """Say whether a host may lie in the operator's own network: what everybody may read there, few can reach."""
        return not {remote.host, remote.named_host}.isdisjoint(self._sources.inside_hosts)

    def mirror_name(self, location: str) -> str:
        """Name the mirror of a repository: the same for all who follow it, however they wrote it."""
        parts = urlsplit(location)
        is_github = parts.netloc.casefold() in self._sources.github_hosts
        key = location.casefold() if is_github else f"{parts.scheme}://{parts.netloc.casefold()}{parts.path}"
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def mirror(self, location: str) -> Path:
        """Say where the mirror of a repository lies."""
        return self._mirror(self.mirror_name(location)).folder

    def mirrored(self) -> list[str]:
        """Name the mirrors that are here."""
        return sorted(path.stem for path in self._mirrors_folder.glob("*.git"))

    async def remove_mirror(self, location: str) -> None:
        """Delete the mirror of a location, or of a name that `mirrored` gave, if it is here."""
        name = self.mirror_name(location) if "://" in location else location
        await self._mirror(name).remove()

    async def move_mirror(self, old: str, new: str) -> None:
        """Let a repository that has another location now keep its mirror."""
        if self.mirror_name(old) != self.mirror_name(new):
            await self._mirror(self.mirror_name(old)).move(self.mirror(new))

    async def forget_branch(self, location: str, branch: str) -> None:
        """Delete what the mirror of a location has of one branch, at once; other branches stay."""
        await self._mirror(self.mirror_name(location)).forget(branch)

    def _mirror(self, name: str) -> "Mirror":
        from adapters.git.mirror import Mirror

        return self._mirrors.setdefault(name, Mirror(self._mirrors_folder / f"{name}.git", self._git_here))

    @property
    def _mirrors_folder(self) -> Path:
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
        from adapters.git.remote import RemoteGitSource

        remote = self.remote(spec.location)
        wire = replace(self._wire, access=Access({})) if spec.is_public else self._wire
        mirror = self._mirror(self.mirror_name(remote.location))
        return RemoteGitSource(remote, wire, mirror=mirror, branch=spec.ref, max_bytes=self._max_bytes)

    def ask_threads(self, location: str) -> "Ask":
        """Give what asks for the threads of a repository. Raises SourceRefused where none are, or no credential is."""
        from adapters.github.threads.asking import asker

        parts = urlsplit(location)
        repository = parts.path.strip("/")
        forge = self.forge(parts.netloc)
        if forge is None:
            raise SourceRefused(
                f"expected a host among sources.github_hosts, got {parts.netloc!r}: issues are read from GitHub only"
            )
        if not self.access.named(parts.netloc, repository):
            raise SourceRefused(
                f"expected a credential for {repository} on {parts.netloc!r}, got none: GitHub tells of issues, pull "
                "requests, discussions and releases only to those who sign in; name one in sources.credentials"
            )
        return asker(forge, repository)

    def remove_threads(self, source: str) -> None:
        """Delete what is kept of the threads of a source, if there is anything."""
        shutil.rmtree(self._shelf(source), ignore_errors=True)

    def shelved(self) -> list[str]:
        """List the ids of the sources of which threads are kept here."""
        return sorted(path.name for path in self._shelf("").glob("*"))

    def _shelf(self, source: str) -> Path:
        return self._data_dir / "threads" / source

    def _threads(self, spec: SourceSpec) -> CodeSource:
        from adapters.github.limits import machine_time
        from adapters.github.threads.following import Following, Terms
        from adapters.github.threads.kinds import KINDS
        from adapters.github.threads.purse import Purse
        from adapters.github.threads.shelf import Shelf
        from adapters.github.threads.source import ThreadsSource

        owner, _, name = urlsplit(spec.location).path.strip("/").partition("/")
        purse = Purse(self.ask_threads(spec.location), owner=owner, name=name, is_public=spec.is_public)
        kinds = [kind for word, kind in KINDS.items() if word in spec.paths]
        terms = Terms(requests=self._sources.threads_per_run, most=self._sources.threads_max, clock=machine_time)
        shelf = Shelf(self._shelf(spec.id))
        return ThreadsSource(shelf, Following(purse, shelf, kinds, terms).look)

    @cached_property
    def _wire(self) -> "Wire":
        """The way to hosts outside."""
        from adapters.addresses import resolver
        from adapters.git.ssh import Ssh
        from adapters.git.wire import Wire

        declared = self._sources
        has_ssh = bool(declared.ssh_hosts)
        return Wire(
            self._make_git(("https", "ssh") if has_ssh else ("https",)),
            resolver(inside_hosts=declared.inside_hosts),
            self.access,
            Ssh(Path(declared.ssh_key_file), Path(declared.ssh_known_hosts_file)) if has_ssh else None,
        )

    @cached_property
    def _git_here(self) -> "Git":
        """A git that can reach nothing outside this machine."""
        return self._make_git(())

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


def link_of(kind: str, location: str, *, github_hosts: Collection[str] = ()) -> str | None:
    """Say how lines of a source are linked on the web: a template as `SourceView` of pipelines has it, or None.

    Threads are linked by their {page} and the {anchor} of a comment, files by {commit}, {path}, {first}, {last}. A host
    at an unusual port has links only when it is among those that speak GitHub's API.
    """
    if kind == "threads":
        return location + "/{page}{anchor}"
    if kind != "git" or not location.startswith("https://"):
        return None
    from adapters.git.translate import link_template

    parts = urlsplit(location)
    if parts.port is not None and parts.netloc not in github_hosts:
        return None
    return link_template(parts.netloc, parts.path, github_hosts=github_hosts)


def compare_of(
    kind: str, location: str, *, before: str, after: str, github_hosts: Sequence[str] = ("github.com",)
) -> str | None:
    """Say where the web shows what changed from one commit of a repository to another; None where it does not."""
    if kind != "git" or "://" not in location:
        return None
    from adapters.git.translate import compare_link

    parts = urlsplit(location)
    host = parts.hostname or ""
    place = host if parts.port is None else f"{host}:{parts.port}"
    if place not in github_hosts and parts.port is not None:
        return None
    return compare_link(place, parts.path, before=before, after=after, is_github=place in github_hosts)
