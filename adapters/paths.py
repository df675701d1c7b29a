"""Paths of sources as text: UTF-8 with invalid bytes as %XX and '%' as %25.

A path on a disk or in a git tree is bytes and not always UTF-8; the stored form is always valid text, can be shown,
and turns back into the same bytes.
"""

import os
import re

_ESCAPED = re.compile(rb"%([0-9A-F]{2})")


def encode_path(raw: bytes) -> str:
    """Turn the bytes of a path into its stored form.

    NUL cannot be part of a path; control characters are kept, since git keeps them too.
    """
    text = raw.decode("utf-8", "surrogateescape").replace("%", "%25")
    return "".join(f"%{ord(char) - 0xDC00:02X}" if 0xDC80 <= ord(char) <= 0xDCFF else char for char in text)


def decode_path(path: str) -> bytes:
    """Turn a stored path back into the bytes that it came from."""
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), path.encode("utf-8"))


def encode_name(name: str) -> str:
    """Turn a name as Python's os functions give it into its stored form."""
    return encode_path(os.fsencode(name))


def decode_name(path: str) -> str:
    """Turn a stored path into the form that Python's os functions take."""
    return os.fsdecode(decode_path(path))


def is_safe_path(path: str) -> bool:
    """Say whether a stored path can only name something below its root: no empty, '.' or '..' part, no drive."""
    parts = path.split("/")
    forbidden = "\0" if os.sep == "/" else "\0\\:"
    return all(part not in {"", ".", ".."} and not any(char in part for char in forbidden) for part in parts)
