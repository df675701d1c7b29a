"""Reads files over HTTP with the access token, from the homeserver and from nobody else."""

from typing import Final

import aiohttp

from adapters.chat import ChatError, Refused
from adapters.matrix.faults import TooLarge, fault_of, transport_fault

_MOST_WORDS_BYTES: Final = 65_536  # of what a server says instead of a file
_WHOLE_S: Final = 300.0
_SILENCE_S: Final = 30.0
_CONNECT_S: Final = 10.0
_PIECE_BYTES: Final = 65_536
_TIMEOUT: Final = aiohttp.ClientTimeout(total=_WHOLE_S, connect=_CONNECT_S, sock_read=_SILENCE_S)


async def fetch_file(session: aiohttp.ClientSession, url: str, *, token: str, max_bytes: int) -> bytes:
    """Read a file, never more of it than `max_bytes`; a server that sends us elsewhere is not followed.

    Raises ChatError, TooLarge when there is more.
    """
    try:
        async with session.get(
            url, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False, timeout=_TIMEOUT
        ) as response:
            if response.status == 200:
                return await _whole(response, max_bytes)
            fault = await _fault(response)
    except (aiohttp.ClientError, TimeoutError) as error:
        fault = transport_fault(error)
    raise fault  # out here it has no cause and no context, whose texts may hold the request


async def _whole(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    content = bytearray()
    expected = response.content_length or 0
    if expected <= max_bytes:
        async for piece in response.content.iter_chunked(_PIECE_BYTES):
            content += piece
            if len(content) > max_bytes:
                break
        else:
            return bytes(content)
    raise TooLarge(f"expected at most {max_bytes} bytes, got at least {max(expected, len(content))}")


async def _fault(response: aiohttp.ClientResponse) -> ChatError:
    if 300 <= response.status < 400:
        return Refused("the server keeps its files on another machine, and only it gets the access token")
    try:
        said = await response.json(content_type=None) if (response.content_length or 0) < _MOST_WORDS_BYTES else None
    except (ValueError, RecursionError):
        said = None
    return fault_of(response.status, said)
