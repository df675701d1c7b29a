"""Asking a host through git: at the machines that were checked, with the credential for this one call."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from adapters.access import Access
from adapters.addresses import Resolve, pinned, resolve_public
from adapters.git.address import Remote
from adapters.git.command import At, Git
from adapters.git.ssh import Ssh
from adapters.source import SourceRefused


@dataclass(frozen=True, slots=True)
class Wire:
    """The way to all hosts. `git` may use https and ssh alone; `addresses` says at which machines a host may be asked.

    Secrets go to git by its environment only: an argument list or a file could be read by others of this machine.
    """

    git: Git
    addresses: Resolve = resolve_public
    access: Access = field(default_factory=lambda: Access({}))
    ssh: Ssh | None = None

    async def at(
        self, remote: Remote, *, repository: Path | None = None, is_too_much: Callable[[], bool] | None = None
    ) -> At:
        """Where one call works, pinned to addresses that are checked now.

        Raises SourceUnreachable without an address, SourceRefused for one inside, and what making a token raises.
        """
        found = await self.addresses(remote.host, remote.port)
        if remote.scheme == "ssh":
            if self.ssh is None:
                raise SourceRefused(f"expected sources.ssh_key_file for {remote.named_host!r}, got none")
            return At(repository, variables=self.ssh.variables(remote, found[0]), is_too_much=is_too_much)
        settings = {"http.curloptResolve": pinned(remote.host, remote.port, found)}
        authorization = await self.access.basic(remote.named_host, remote.repository)
        if authorization:
            settings[f"http.{remote.origin}.extraHeader"] = f"Authorization: {authorization}"
        return At(repository, settings=settings, is_too_much=is_too_much, secrets=_secrets(authorization))

    def credential(self, remote: Remote) -> str:
        """Name what opens the repository, "" for nothing."""
        return (
            "sources.ssh_key_file"
            if remote.scheme == "ssh"
            else self.access.named(remote.named_host, remote.repository)
        )


def _secrets(authorization: str) -> tuple[str, ...]:
    """What a host could say back of a header: its value, and the token inside."""
    value = authorization.rpartition(" ")[2]
    return (value, base64.b64decode(value).decode().partition(":")[2]) if value else ()
