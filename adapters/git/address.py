"""Addresses of git repositories on the network, and which machines may be asked.

The host name is resolved, every address it has is checked, and the checked addresses are handed to git, so that the
check and the connection are about the same machine.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from adapters.git.translate import link_template
from adapters.source import SourceRefused, SourceUnreachable

_SHORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_REPOSITORY = re.compile(r"[A-Za-z0-9_~][A-Za-z0-9._~-]*(?:/[A-Za-z0-9_~.][A-Za-z0-9._~-]*)*")
_SAYS_DOT_GIT = re.compile(r"github\.com|gitlab\.com|codeberg\.org|bitbucket\.org|(?:gitlab|gitea|forgejo)\..+")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

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


def is_public(address: str) -> bool:
    """Say whether an IP address belongs to the public internet, also when it is wrapped in an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for every address of a host. Raises SourceUnreachable when it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SourceUnreachable(
            f"expected an address for {host!r}, got {error.strerror or error!s}: is the network there?"
        ) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def resolve_public(host: str, port: int, *, ask: Resolve = resolve) -> Sequence[str]:
    """Resolve a host whose addresses must all be public. Raises SourceRefused when one is not."""
    found = await ask(host, port)
    if not found or not all(map(is_public, found)):
        raise SourceRefused(f"expected {host!r} to be on the public internet, got an address inside: ask the operator")
    return found


def pinned(host: str, port: int, addresses: Sequence[str]) -> str:
    """Say for git's http.curloptResolve that this host is at these addresses and nowhere else."""
    return f"{host}:{port}:{','.join(f'[{one}]' if ':' in one else one for one in addresses)}"
