"""Fetches files, and never more of one than is wanted."""

import asyncio
from pathlib import Path
from typing import Final, Protocol

import httpx
from telegram import File

from adapters.chat import Attachment, Refused, Unreachable
from adapters.telegram.faults import ask

_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_PAUSE_S: Final = 60.0


class FileServer(Protocol):
    """What says where files are; the library's Bot does."""

    @property
    def base_file_url(self) -> str:
        """What stands before each file's path, with the token."""
        ...

    async def get_file(self, file_id: str) -> File:
        """Say where a file is: below that address, or on this disk. Raises TelegramError."""


class Downloads:
    """Fetches from the Bot API server.

    Telegram's own gives bots no file over 20 MB. A server of one's own gives larger ones; started with --local it
    keeps them on its disk and says where: such a file is read where we see that disk, and refused where we do not.
    """

    def __init__(self, bot: FileServer, *, has_own_server: bool) -> None:
        self._bot = bot
        self._has_own_server = has_own_server

    async def fetch(self, attachment: Attachment, *, max_bytes: int) -> bytes:
        """Give a file's bytes. Raises Refused when it is larger or gone, and Unreachable."""
        _check(attachment.size_bytes, max_bytes)
        file = await ask(self._bot.get_file(attachment.handle))
        _check(file.file_size or 0, max_bytes)
        where = file.file_path or ""
        base = f"{self._bot.base_file_url}/"
        if not where.startswith(base):  # the library leaves alone what it finds on this disk
            return await self._on_disk(Path(where), max_bytes)
        if where.startswith(f"{base}/"):
            raise Refused("the Bot API server keeps files on its own disk, which is not to be seen from here")
        return await _streamed(where, max_bytes)

    async def _on_disk(self, path: Path, max_bytes: int) -> bytes:
        if not self._has_own_server or not path.is_absolute():
            raise Refused("expected an address of the file, got a path on this machine")
        try:
            content = await asyncio.to_thread(_beginning, path, max_bytes + 1)
        except OSError as error:
            raise Refused(f"the file on the Bot API server's disk cannot be read ({error.strerror})") from None
        _check(len(content), max_bytes)
        return content


async def _streamed(url: str, max_bytes: int) -> bytes:
    """Read a file over HTTP. The address holds the token, so nothing of what httpx raises is kept."""
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT) as client, client.stream("GET", url) as answer:
            _check_status(answer.status_code)
            content = bytearray()
            async for piece in answer.aiter_bytes():
                content += piece
                _check(len(content), max_bytes)
            return bytes(content)
    except httpx.HTTPError as error:
        fault = Unreachable(f"the file did not come through ({type(error).__name__})")
    raise fault


def _check(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise Refused(f"expected at most {max_bytes} bytes, got at least {size_bytes}")


def _check_status(status: int) -> None:
    if status >= 500 or status == 429:
        raise Unreachable(f"the server for files answers {status}", retry_after_s=_PAUSE_S if status == 429 else None)
    if status != 200:
        raise Refused(f"the file is not there any more ({status})")


def _beginning(path: Path, most_bytes: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most_bytes)
