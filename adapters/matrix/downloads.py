"""Fetches files, plain and encrypted, and never more of one than is wanted.

What a message says about its file is only a claim: the size is counted while it is read, and what was encrypted is
taken only when it is what the sender hashed. A file of a message that was taken back is not fetched, though servers
keep such files.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Final

from nio.crypto.attachments import decrypt_attachment
from nio.exceptions import EncryptionError

from adapters.chat import Attachment, Refused
from adapters.matrix.client import part
from adapters.matrix.faults import NotThere
from adapters.matrix.media import Media, unpack
from adapters.matrix.posting import Server

_ADDRESS: Final = re.compile(r"mxc://([\w\[][\w.:\[\]-]{0,254})/([\w-]{1,255})", re.ASCII)
_WITH_LOGIN: Final = "/_matrix/client/v1/media/download"
_WITHOUT: Final = "/_matrix/media/v3/download"  # of servers older than version 1.11 of the specification


class Downloads:
    """Fetches for one account."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def fetch(self, attachment: Attachment, *, max_bytes: int) -> bytes:
        """Give a file's bytes. Raises Refused when it is larger, gone or not what was sent, and Unreachable."""
        if attachment.size_bytes > max_bytes:
            raise Refused(f"expected at most {max_bytes} bytes, got {attachment.size_bytes}")
        media = _media(attachment.handle)
        found = _ADDRESS.fullmatch(media.url)
        if found is None:
            raise Refused("expected the address of a file on a Matrix server")
        await self._check_standing(media)
        content = await self._bytes(found[1], found[2], max_bytes)
        return await asyncio.to_thread(_opened, content, media) if media.is_encrypted else content

    async def _check_standing(self, media: Media) -> None:
        """Refuse the file of a message that was taken back."""
        try:
            event = await self._server.call("GET", f"/rooms/{part(media.room)}/event/{part(media.event)}")
        except NotThere:
            raise Refused("the message that the file came with is gone") from None
        if not (isinstance(event, Mapping) and event.get("content")):
            raise Refused("the message that the file came with was taken back")

    async def _bytes(self, server: str, name: str, max_bytes: int) -> bytes:
        where = f"/{part(server)}/{part(name)}"
        try:
            return await self._server.fetch(_WITH_LOGIN + where, max_bytes=max_bytes)
        except NotThere as missing:
            if missing.is_known:
                raise Refused("the file is not there any more") from None
        try:
            return await self._server.fetch(_WITHOUT + where, max_bytes=max_bytes)
        except NotThere:
            raise Refused("the file is not there any more") from None


def _media(handle: str) -> Media:
    try:
        return unpack(handle)
    except ValueError:
        raise Refused("expected a file on Matrix, got the handle of something else") from None


def _opened(content: bytes, media: Media) -> bytes:
    """What was encrypted (AES-CTR), after its hash is found right."""
    try:
        opened = decrypt_attachment(content, media.key, media.sha256, media.iv)
    except (EncryptionError, ValueError, TypeError, OverflowError):
        raise Refused("the file is damaged, or is not the one that was sent") from None
    return bytes(opened)
