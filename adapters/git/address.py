"""Addresses of git repositories on the network."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from adapters.git.translate import link_template
from adapters.source import SourceRefused

_SHORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_REPOSITORY = re.compile(r"[A-Za-z0-9_~][A-Za-z0-9._~-]*(?:/[A-Za-z0-9_~.][A-Za-z0-9._~-]*)*")
_SAYS_DOT_GIT = re.compile(r"github\.com|gitlab\.com|codeberg\.org|bitbucket\.org|(?:gitlab|gitea|forgejo)\..+")

_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Remote:
    """A checked address: nothing in it is a credential, a query or a step upwards. `repository` has no '.git'."""

    scheme: str
    host: str
    port: int
    repository: str
    suffix: str = ""

    @property
    def location(self) -> str:
        """The address as people see it and as it is stored."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}/{self.repository}"

    @property
    def fetch_url(self) -> str:
        """The address as git is given it. The known hosts redirect without '.git', and redirects are off."""
        return self.location + (".git" if _SAYS_DOT_GIT.fullmatch(self.host) else self.suffix)

    @property
    def link(self) -> str | None:
        """The template for links to lines, or None when the host's form is not known."""
        return link_template(self.host, self.repository) if self.port == _PORTS[self.scheme] else None


def parse_remote(text: str, *, allowed_hosts: Sequence[str], schemes: Sequence[str] = ("https",)) -> Remote:
    """Read `https://host/owner/name` or, for GitHub, `owner/name`. Hosts may be given with a port: `git.local:8443`.

    Raises SourceRefused when the address is anything else or its host is not among the allowed ones.
    """
    typed = text.strip()
    parts = _split(f"https://github.com/{typed}" if _SHORT.fullmatch(typed) else typed, typed)
    if parts.scheme not in schemes:
        raise SourceRefused(f"expected an address that begins with {schemes[0]}://, got {typed[:200]!r}")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise SourceRefused("expected an address without user, password, '?' or '#', got one: leave them out")
    host, port = (parts.hostname or "").lower(), parts.port or _PORTS[parts.scheme]
    named = host if port == _PORTS[parts.scheme] else f"{host}:{port}"
    if not _HOST.fullmatch(host) or named not in allowed_hosts:
        raise SourceRefused(
            f"expected one of the hosts {', '.join(allowed_hosts) or '(none)'}, got {named[:100]!r}: "
            "the operator can allow it in sources.allowed_hosts"
        )
    repository = parts.path.strip("/")
    if not _REPOSITORY.fullmatch(repository) or any(part in {".", ".."} for part in repository.split("/")):
        raise SourceRefused(f"expected owner/name after the host, got {repository[:200]!r}")
    name = repository.removesuffix(".git")
    return Remote(parts.scheme, host, port, name, ".git" if name != repository else "")


def _split(address: str, typed: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise SourceRefused(f"expected an address such as https://github.com/owner/name, got {typed[:200]!r}") from None
    return parts
