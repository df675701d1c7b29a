"""Where the server of an account answers: what the settings say, else what its domain says about itself.

Source: "Server discovery" in the client-server API of the Matrix specification.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from adapters.chat import ChatError, Refused, Unreachable
from adapters.matrix.client import ask

_WELL_KNOWN: Final = "/.well-known/matrix/client"
_ANSWER_S: Final = 15.0


async def homeserver_of(session: aiohttp.ClientSession, user: str, *, named: str) -> str:
    """The address of the server of a user id, without a slash at the end; it has answered as a Matrix server.

    `named` is the address that the settings name, "" for none. Raises Unreachable, and Refused when what the domain
    says about itself cannot be used.
    """
    address = named or await _told_by(session, user)
    address = address.rstrip("/")
    try:
        said = await ask(session, "GET", f"{address}/_matrix/client/versions", answer_s=_ANSWER_S)
    except Refused as error:
        raise Unreachable(
            f"{address} does not answer as a Matrix server ({error}); is matrix.homeserver right?"
        ) from None
    except Unreachable as error:
        raise Unreachable(f"{address}: {error}", retry_after_s=error.retry_after_s) from None
    if not isinstance(said, Mapping) or not isinstance(said.get("versions"), list):
        raise Unreachable(f"{address} does not answer as a Matrix server; is matrix.homeserver right?")
    return address


def domain_of(user: str) -> str:
    """The server part of a user id: all behind its first colon, perhaps with a port."""
    return user.partition(":")[2]


async def _told_by(session: aiohttp.ClientSession, user: str) -> str:
    """What the domain of a user id says; a domain that says nothing is the server itself."""
    host = _host_of(domain_of(user))
    try:
        said = await ask(session, "GET", f"https://{host}{_WELL_KNOWN}", answer_s=_ANSWER_S)
    except ChatError:
        return f"https://{host}"
    address = named_in(said)
    if address is None:
        raise Refused(f"{host} names no usable homeserver in {_WELL_KNOWN}; name it in matrix.homeserver")
    return address


def named_in(said: Any) -> str | None:
    """The homeserver that a domain names in its /.well-known/matrix/client, None for none that may be used."""
    told: Any = said.get("m.homeserver") if isinstance(said, Mapping) else None
    address = told.get("base_url") if isinstance(told, Mapping) else None
    return address if isinstance(address, str) and is_usable(address) else None


def is_usable(address: str) -> bool:
    """Whether a token may be sent to an address: encrypted on its way, and with nothing but a host and a path."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    bare = not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme == "https" and bool(parts.hostname) and bare


def _host_of(domain: str) -> str:
    """The host of a server name, without its port, which is that of another protocol."""
    try:
        host = urlsplit(f"//{domain}").hostname or domain
    except ValueError:
        return domain
    try:
        is_v6 = ipaddress.ip_address(host).version == 6
    except ValueError:
        is_v6 = False
    return f"[{host}]" if is_v6 else host
