"""Repositories over ssh, on a real sshd: one key, one host key, and nothing of the account that the service runs under."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from adapters.addresses import resolve_public
from adapters.git import address
from adapters.git.address import parse_remote
from adapters.git.command import Git
from adapters.git.mirror import Mirror
from adapters.git.remote import RemoteGitSource
from adapters.git.ssh import Ssh
from adapters.git.wire import Wire
from adapters.source import SourceGone, SourceRefused
from tests.fakes.repository import Repository, tree
from tests.fakes.served import HOST, here
from tests.fakes.sshd import SSHD, Sshd, running_sshd, user

pytestmark = pytest.mark.skipif(SSHD is None or os.name == "nt", reason="there is no sshd (Debian: openssh-server)")


@dataclass
class Ground:
    """A repository behind sshd, and how it is reached."""

    repository: Repository
    server: Sshd
    wire: Wire
    folder: Path

    def source(self, wire: Wire | None = None) -> RemoteGitSource:
        """Follow it by the name of a host that resolves nowhere."""
        named = f"{HOST}:{self.server.port}"
        remote = parse_remote(f"ssh://{named}{self.repository.root}/.git", allowed_hosts=[named], ssh_hosts=[named])
        mirror = Mirror(self.folder / "mirrors" / "one.git", Git(self.folder / "empty", protocols=()))
        return RemoteGitSource(remote, wire or self.wire, mirror=mirror)

    def known(self, line: str) -> Wire:
        """Believe this line about host keys and no other."""
        assert self.wire.ssh
        self.wire.ssh.known_hosts_file.write_text(line)
        return self.wire


@pytest.fixture
async def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ground]:
    """A server that lets one key in."""
    repository = Repository(tmp_path / "served")
    repository.put("a.md", "one\n")
    repository.commit()
    async with running_sshd(tmp_path / "sshd") as server:
        odd = tmp_path / "a folder %h"
        odd.mkdir()
        ssh = Ssh(server.key_file.rename(odd / "user"), odd / "known hosts")
        ssh.known_hosts_file.write_text(server.known_as(HOST))
        wire = Wire(Git(tmp_path / "empty", protocols=("ssh",)), here, ssh=ssh)
        monkeypatch.setattr(address, "_SSH_USER", user())  # the server has no account called git
        yield Ground(repository, server, wire, tmp_path)


async def test_a_repository_is_read_with_the_key(ground: Ground) -> None:
    """From files whose names hold blanks and signs that ssh would replace; the host name resolves nowhere."""
    assert {"a.md": b"one\n"} == await tree(ground.source())


@pytest.mark.parametrize("known", ["", "other host"])
async def test_a_host_without_its_key_is_refused(ground: Ground, known: str) -> None:
    """Unknown, or with another key than is known: nobody is asked, nothing is learnt."""
    line = f"[{HOST}]:{ground.server.port} {ground.server.key_file.with_suffix('.pub').read_text()}" if known else ""

    with pytest.raises(SourceRefused, match="ssh_known_hosts_file"):
        await ground.source(ground.known(line)).head()


async def test_another_key_is_not_let_in(ground: Ground) -> None:
    """What is refused is named by its setting, and no other key of the account is tried."""
    assert ground.wire.ssh
    other = replace(ground.wire.ssh, key_file=ground.server.key_file.with_name("host"))

    with pytest.raises(SourceGone, match="ssh_key_file") as gone:
        await ground.source(replace(ground.wire, ssh=other)).head()

    assert "unauthorised" == gone.value.reason


async def test_a_missing_repository_is_refused(ground: Ground) -> None:
    """It is neither a fault of the line nor of the key."""
    (ground.repository.root / ".git").rename(ground.folder / "away")

    with pytest.raises(SourceRefused):
        await ground.source().head()


async def test_a_host_inside_is_not_asked_unless_the_operator_says_so(ground: Ground) -> None:
    """Addresses are checked as for https."""

    async def guarded(host: str, port: int) -> list[str]:
        return list(await resolve_public(host, port, ask=here))

    with pytest.raises(SourceRefused, match="public internet"):
        await ground.source(replace(ground.wire, addresses=guarded)).head()


async def test_settings_of_the_account_do_not_count(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an agent nor a command from the environment, nor a configuration below its home."""
    proof = tmp_path / "proof"
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    (tmp_path / "home" / ".ssh" / "config").write_text(f"Host *\n  ProxyCommand touch {proof}\n")
    for name, value in {
        "HOME": str(tmp_path / "home"),
        "GIT_SSH": "/bin/false",
        "GIT_SSH_COMMAND": f"touch {proof}",
        "SSH_AUTH_SOCK": str(tmp_path / "agent"),
        "SSH_ASKPASS": f"touch {proof}",
    }.items():
        monkeypatch.setenv(name, value)

    assert {"a.md": b"one\n"} == await tree(ground.source())
    assert not proof.exists()


async def test_missing_files_are_named_before_anybody_is_asked(ground: Ground) -> None:
    """By their settings."""
    assert ground.wire.ssh
    nothing = replace(ground.wire.ssh, key_file=ground.folder / "nothing")

    with pytest.raises(SourceRefused, match=r"sources\.ssh_key_file"):
        await ground.source(replace(ground.wire, ssh=nothing)).head()
    with pytest.raises(SourceRefused, match=r"sources\.ssh_key_file"):
        await ground.source(replace(ground.wire, ssh=None)).head()
