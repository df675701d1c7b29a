"""What `roomwise check` says of repositories: hosts, credentials, ssh. Credentials are shown to hosts that tell of them."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from adapters.registry import SourceRegistry
from adapters.source import SourceError
from bot import platform
from bot.cli.finding import Finding
from config.settings import Credential, Settings, Sources


def probe_sources(settings: Settings) -> list[Finding]:
    """Findings about the settings in [sources], but for credentials; nobody is asked."""
    declared = settings.sources
    return [_hosts(declared), *_ssh(declared)]


async def probe_credentials(settings: Settings) -> list[Finding]:
    """A finding for each credential: what it is for, and whether its host takes it, where the host speaks GitHub's API."""
    declared = settings.sources
    registry = SourceRegistry(settings.data_dir, sources=declared, files=settings.files)
    findings = []
    for name, one in declared.credentials.items():
        finding = _credential(name, one, declared)
        findings.append(await _shown(registry, name, one, finding) if finding.is_ok else finding)
    await registry.close()
    return findings


async def _shown(registry: SourceRegistry, name: str, credential: Credential, finding: Finding) -> Finding:
    """The finding with what the host says of the credential; it stays as it is where no host tells."""
    forge = registry.forge(credential.host)
    if forge is None:
        return finding
    try:
        accepted = await forge.probe(name, credential)
    except SourceError as error:
        cure = f"correct sources.credentials.{name}, or the network on the way to {credential.host}"
        return replace(finding, is_ok=False, detail=str(error), cure=cure)
    scopes = "" if accepted.scopes is None else f", scopes: {accepted.scopes or 'none'}"
    ends = f", ends {accepted.ends_at:%Y-%m-%d}" if accepted.ends_at else ""
    return replace(finding, detail=f"{finding.detail}; taken by the host{scopes}{ends}")


def _hosts(declared: Sources) -> Finding:
    """Hosts that are named for something and not allowed would never be asked."""
    named = {*declared.inside_hosts, *declared.ssh_hosts, *declared.github_hosts} - {"github.com"}
    lacking = sorted(named - {*declared.allowed_hosts})
    if lacking:
        detail = f"named in [sources], but not allowed: {', '.join(lacking)}"
        return Finding("hosts", is_ok=False, detail=detail, cure="put them into sources.allowed_hosts as well")
    return Finding(
        "hosts", is_ok=True, detail=", ".join(declared.allowed_hosts) or "none: only what is on this machine"
    )


def _credential(name: str, credential: Credential, declared: Sources) -> Finding:
    what = f"GitHub App {credential.app_id}" if credential.app_id else "token"
    detail = f"{what} for {credential.host}: {', '.join(credential.repositories)}"
    is_allowed = credential.host in declared.allowed_hosts
    cure = "" if is_allowed else f"put {credential.host} into sources.allowed_hosts: it is never asked"
    return Finding(f"credential {name}", is_ok=is_allowed, detail=detail, cure=cure)


def _ssh(declared: Sources) -> Sequence[Finding]:
    if not declared.ssh_hosts:
        return ()
    program = shutil.which("ssh")
    found = Finding(
        "ssh",
        is_ok=program is not None,
        detail=program or "not found",
        cure="" if program else "install openssh-client",
    )
    return (found, _key(declared.ssh_key_file), _known_hosts(declared.ssh_known_hosts_file))


def _key(text: str) -> Finding:
    path = Path(text)
    if not text or not path.is_file():
        cure = "name the private key, without a passphrase, in sources.ssh_key_file"
        return Finding("ssh key", is_ok=False, detail=text or "none set", cure=cure)
    if platform.is_open_to_others(path):
        return Finding("ssh key", is_ok=False, detail=f"{path} can be read by others", cure=f"chmod 600 {path}")
    return Finding("ssh key", is_ok=True, detail=str(path))


def _known_hosts(text: str) -> Finding:
    path = Path(text)
    if not text or not path.is_file() or not path.stat().st_size:
        cure = (
            "put what `ssh-keyscan HOST` prints, once compared, into a file and name it in sources.ssh_known_hosts_file"
        )
        return Finding("ssh host keys", is_ok=False, detail=text or "none set", cure=cure)
    return Finding("ssh host keys", is_ok=True, detail=str(path))
