"""Uploaded files on their way from the browser to the index, each a file named by a random handle."""

import asyncio
import re
import secrets
from pathlib import Path
from typing import Final

from adapters.chat import Refused

_HANDLE: Final = re.compile(r"[0-9a-f]{32}")


class UploadFolder:
    """A folder of files by handle; names given by people are never used as paths."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, content: bytes) -> str:
        """Store a file's content and return its handle."""
        handle = secrets.token_hex(16)
        await asyncio.to_thread(self._write, handle, content)
        return handle

    async def read(self, handle: str, *, max_bytes: int) -> bytes:
        """The content behind a handle. Raises Refused when it is larger than `max_bytes` or gone."""
        return await asyncio.to_thread(self._read, handle, max_bytes)

    async def remove(self, handle: str) -> None:
        """Delete a file; one that is gone is no error."""
        if _HANDLE.fullmatch(handle):
            await asyncio.to_thread((self._folder / handle).unlink, missing_ok=True)

    def _write(self, handle: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / handle).write_bytes(content)

    def _read(self, handle: str, max_bytes: int) -> bytes:
        if not _HANDLE.fullmatch(handle):
            raise Refused(f"expected the handle of an upload, got {handle!r}")
        try:
            with (self._folder / handle).open("rb") as file:
                content = file.read(max_bytes + 1)
        except FileNotFoundError as error:
            raise Refused("this file is no longer here; send it again") from error
        if len(content) > max_bytes:
            raise Refused(f"expected at most {max_bytes} bytes, got more")
        return content
