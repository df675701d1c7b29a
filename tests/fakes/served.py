"""A repository behind a real git server, followed as the product follows it, under a name that resolves nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.access import Access
from adapters.git.address import Remote, parse_remote
from adapters.git.command import Git
from adapters.git.mirror import Mirror
from adapters.git.remote import RemoteGitSource
from adapters.git.wire import Wire
from tests.fakes.git_http import GitHttp
from tests.fakes.repository import Repository

HOST = "pinned.example"  # resolves nowhere: git can only get there by the address that it is given


async def here(_host: str, _port: int) -> Sequence[str]:
    """This machine, whatever the host."""
    return ["127.0.0.1"]


@dataclass
class Served:
    """A repository, served over HTTP, and where its mirrors lie."""

    repository: Repository
    server: GitHttp
    folder: Path

    def source(
        self,
        *,
        branch: str = "",
        timeout_s: float = 30.0,
        suffix: str = ".git",
        mirror: Mirror | None = None,
        access: Access | None = None,
        max_bytes: int = 10**9,
    ) -> RemoteGitSource:
        """Follow it as a process that has just started would, or with the mirror that another one has open."""
        git = Git(self.folder / "empty", protocols=("http",), timeout_s=timeout_s)
        wire = Wire(git, here, access or Access({}))
        return RemoteGitSource(
            self.remote(suffix), wire, mirror=mirror or Mirror(self.mirror, git), branch=branch, max_bytes=max_bytes
        )

    def remote(self, suffix: str = ".git") -> Remote:
        """Its address."""
        address = f"http://{self.host}/owner/name/{suffix}"
        return parse_remote(address, allowed_hosts=[self.host], schemes=("http",))

    @property
    def host(self) -> str:
        """The host with its port, as settings name it."""
        return f"{HOST}:{self.server.port}"

    def opened(self) -> Mirror:
        """Its mirror, to be shared."""
        return Mirror(self.mirror, Git(self.folder / "empty", protocols=()))

    @property
    def mirror(self) -> Path:
        """The mirror's folder."""
        return self.folder / "mirrors" / "one.git"

    def commit(self, **files: str) -> str:
        """Put files whose names have no ending, commit them, and return the commit."""
        for name, content in files.items():
            self.repository.put(name, content)
        return self.repository.commit()

    @property
    def fetches(self) -> int:
        """How many packs were asked for; a fetch over protocol 2 is two POSTs, ls-remote one."""
        return sum(b"command=fetch" in request.body for request in self.server.requests)
