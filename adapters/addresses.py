"""Which machines may be asked: a host name is resolved, and every address that it has is checked.

The checked addresses are handed to whatever connects, so that the check and the connection are about the same machine.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence

from adapters.source import SourceRefused, SourceUnreachable

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


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


def resolver(*, inside_hosts: Collection[str] = (), ask: Resolve = resolve) -> Resolve:
    """Make what finds the machines of a host: those of `inside_hosts` may be anywhere, all others must be public.

    A host may be named with its port there, as among the allowed ones.
    """

    async def find(host: str, port: int) -> Sequence[str]:
        is_inside = not {host, f"{host}:{port}"}.isdisjoint(inside_hosts)
        return await (ask(host, port) if is_inside else resolve_public(host, port, ask=ask))

    return find
