"""Addresses of git repositories on the network."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from adapters.source import SourceRefused

_SHORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_LIKE_SCP = re.compile(r"git@([A-Za-z0-9.-]+):(?!/)([^\s:]+)")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_REPOSITORY = re.compile(r"[A-Za-z0-9_~][A-Za-z0-9._~-]*(?:/[A-Za-z0-9_~.][A-Za-z0-9._~-]*)*")
_SAYS_DOT_GIT = re.compile(r"github\.com|gitlab\.com|codeberg\.org|bitbucket\.org|(?:gitlab|gitea|forgejo)\..+")

_PORTS = {"https": 443, "http": 80, "ssh": 22}
_SSH_USER = "git"  # what every host of repositories takes


@dataclass(frozen=True, slots=True)
class Remote:
    """A checked address: nothing in it is a credential, a query or a step upwards. `repository` has no '.git'."""

    scheme: str
    host: str
    port: int
    repository: str
    suffix: str = ""

    @property
    def named_host(self) -> str:
        """The host as settings name it: with its port when that is not the usual one."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, ended by '/': what a credential is for."""
        return f"{self.scheme}://{self.named_host}/"

    @property
    def location(self) -> str:
        """The address as people see it and as it is stored.

        A host that is asked over ssh at its usual port keeps its https address: so a source stays the same one when the
        operator changes the way there, and its pages can be linked.
        """
        if self.scheme == "ssh" and self.port == _PORTS["ssh"]:
            return f"https://{self.host}/{self.repository}"
        return self.origin + self.repository

    @property
    def fetch_url(self) -> str:
        """The address as git is given it. The known hosts redirect without '.git', and redirects are off."""
        suffix = ".git" if _SAYS_DOT_GIT.fullmatch(self.host) else self.suffix
        if self.scheme == "ssh":
            return f"ssh://{_SSH_USER}@{self.host}:{self.port}/{self.repository}{suffix}"
        return self.location + suffix


def is_short(text: str) -> bool:
    """Say whether a text has the form owner/name, which means GitHub."""
    return bool(_SHORT.fullmatch(text.strip()))


def is_address(text: str) -> bool:
    """Say whether a text has the form of an address on the network: with a scheme, or git@host:owner/name."""
    return "://" in text or bool(_LIKE_SCP.fullmatch(text.strip()))


def parse_remote(
    text: str, *, allowed_hosts: Sequence[str], ssh_hosts: Sequence[str] = (), schemes: Sequence[str] = ("https",)
) -> Remote:
    """Read `https://host/owner/name`, for GitHub `owner/name`, and for hosts that are asked over ssh their ssh forms.

    Hosts may be given with a port: `git.local:8443`. Raises SourceRefused when the address is anything else or its host
    is not among the allowed ones.
    """
    typed = text.strip()
    parts = _split(_written_out(typed), typed)
    host, port = (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)
    named = host if port == _PORTS.get(parts.scheme) else f"{host}:{port}"
    is_by_ssh = named in ssh_hosts
    if parts.scheme not in schemes and not (parts.scheme == "ssh" and is_by_ssh):
        raise SourceRefused(f"expected an address that begins with {schemes[0]}://, got {typed[:200]!r}")
    _demand_plain(parts)
    if not _HOST.fullmatch(host) or named not in allowed_hosts:
        raise SourceRefused(
            f"expected one of the hosts {', '.join(allowed_hosts) or '(none)'}, got {named[:100]!r}: "
            "the operator can allow it in sources.allowed_hosts"
        )
    name, suffix = _repository(parts.path)
    if is_by_ssh:
        return Remote("ssh", host, _PORTS["ssh"] if named == host else port, name, suffix)
    return Remote(parts.scheme, host, port, name, suffix)


def _written_out(typed: str) -> str:
    """The short forms as whole addresses."""
    if _SHORT.fullmatch(typed):
        return f"https://github.com/{typed}"
    like_scp = _LIKE_SCP.fullmatch(typed)
    return f"ssh://{_SSH_USER}@{like_scp[1]}/{like_scp[2]}" if like_scp else typed


def _demand_plain(parts: SplitResult) -> None:
    """Raise SourceRefused for an address that holds more than a place: a user, a password, a query."""
    is_usual_user = parts.scheme == "ssh" and parts.netloc.startswith(f"{_SSH_USER}@") and parts.netloc.count("@") == 1
    if ("@" in parts.netloc and not is_usual_user) or parts.query or parts.fragment:
        raise SourceRefused("expected an address without user, password, '?' or '#', got one: leave them out")


def _repository(path: str) -> tuple[str, str]:
    """The repository's name without '.git' or '/.git', and which of them was there. Raises SourceRefused."""
    repository = path.strip("/")
    if not _REPOSITORY.fullmatch(repository) or any(part in {".", ".."} for part in repository.split("/")):
        raise SourceRefused(f"expected owner/name after the host, got {repository[:200]!r}")
    name = repository.removesuffix(".git").rstrip("/")
    return name, repository[len(name) :]


def _split(address: str, typed: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise SourceRefused(f"expected an address such as https://github.com/owner/name, got {typed[:200]!r}") from None
    return parts
