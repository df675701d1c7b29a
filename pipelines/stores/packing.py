"""How stores keep the text of a passage with what is said of it."""

import zlib
from typing import Final

_PACKING_LEVEL: Final = 1  # 6 saves 3 % more and takes a quarter longer


def packed(text: str, meta: str) -> bytes:
    """Pack a passage's text with its meta (JSON in one line): less than half the bytes, and damage is found by zlib."""
    return zlib.compress(f"{meta}\n{text}".encode(errors="replace"), _PACKING_LEVEL)


def unpacked(body: bytes) -> tuple[str, str]:
    """Give back text and meta. Raises zlib.error for damaged bytes."""
    meta, _, text = zlib.decompress(body).decode().partition("\n")
    return text, meta
