"""What `roomwise check` says of hosts, credentials and ssh."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.cli.checkup import _git
from bot.cli.finding import Finding
from bot.cli.source_checks import probe_credentials, probe_sources
from config.settings import Credential, Settings
from tests.fakes.project import settings


def with_sources(**sources: object) -> Settings:
    """The settings with these of [sources]."""
    plain = settings()
    return plain.model_copy(update={"sources": plain.sources.model_copy(update=sources)})


def probed(**sources: object) -> dict[str, Finding]:
    """The findings by name, with these settings of [sources]."""
    return {finding.name: finding for finding in probe_sources(with_sources(**sources))}


def test_a_host_that_is_named_and_not_allowed_is_wrong() -> None:
    """It would never be asked, and nobody would know why."""
    wrong = probed(inside_hosts=("git.acme.org",), ssh_hosts=("ssh.acme.org",), github_hosts=("ghe.acme.org",))["hosts"]

    assert (False, True) == (wrong.is_ok, probed()["hosts"].is_ok)
    assert all(host in wrong.detail for host in ("git.acme.org", "ssh.acme.org", "ghe.acme.org"))


async def test_each_credential_is_named_with_what_it_is_for() -> None:
    """Its secret is not; one for a host that is not allowed is wrong. Who speaks no API of GitHub's is not asked."""
    credentials = {
        "acme": Credential(repositories=("acme/*", "other/app"), token=SecretStr("canary")),
        "app": Credential(host="ghe.acme.org", repositories=("*",), app_id=7, app_key=SecretStr("canary")),
    }

    findings = await probe_credentials(with_sources(credentials=credentials, github_hosts=()))

    found = {finding.name: finding for finding in findings}
    assert (True, "token for github.com: acme/*, other/app") == (
        found["credential acme"].is_ok,
        found["credential acme"].detail,
    )
    assert not found["credential app"].is_ok
    assert "GitHub App 7" in found["credential app"].detail
    assert "canary" not in repr(found)


@pytest.mark.skipif(os.name == "nt", reason="modes are not how Windows protects files")
def test_files_for_ssh_are_there_and_private(tmp_path: Path) -> None:
    """Only where a host is asked over ssh; each fault has its cure."""
    key, known = tmp_path / "key", tmp_path / "known"
    key.write_text("key")
    key.chmod(0o644)
    known.write_text("")
    hosts = {"ssh_hosts": ("gitlab.com",)}

    missing = probed(**hosts, ssh_key_file="", ssh_known_hosts_file="/nowhere")
    loose = probed(**hosts, ssh_key_file=str(key), ssh_known_hosts_file=str(known))
    key.chmod(0o600)
    known.write_text("gitlab.com ssh-ed25519 AAAA")
    right = probed(**hosts, ssh_key_file=str(key), ssh_known_hosts_file=str(known))

    verdicts = [(found["ssh key"].is_ok, found["ssh host keys"].is_ok) for found in (missing, loose, right)]
    assert [(False, False), (False, False), (True, True)] == verdicts
    assert f"chmod 600 {key}" == loose["ssh key"].cure
    assert "ssh key" not in probed()


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("said", "is_ok"),
    [("git version 2.36.9", False), ("git version 1.8.3.1", False), ("git version 2.37.0", True), ("what?", False)],
)
def test_an_old_git_is_named_with_its_cure(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    is_ok: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Before 2.37 it cannot be held to an address; without any the finding says what to install."""
    (tmp_path / "git").write_text(f"#!/bin/sh\necho '{said}'\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + "/bin")
    found = _git()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    missing = _git()

    assert (is_ok, is_ok) == (found.is_ok, not found.cure)
    assert (False, "not found", True) == (missing.is_ok, missing.detail, "install git" in missing.cure)
