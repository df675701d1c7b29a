"""Text of a file's bytes, with the very lines that editors and GitHub count."""

import codecs
import re

# UTF-32 before UTF-16, since the little-endian mark of one begins with that of the other.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# git looks for a NUL in this many bytes to call a file binary (xdiff-interface.c, FIRST_FEW_BYTES).
_BINARY_SNIFF_BYTES = 8000
# What text hardly ever holds: control characters other than tab, line ends, form feed, backspace and escape.
_CONTROL_CHARACTERS = re.compile(rb"[\x01-\x07\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_CONTROL_SHARE = 0.02
# A UTF-8 file with a few broken bytes stays UTF-8 when this share of its non-ASCII characters is whole.
_LEAST_WHOLE_SHARE = 0.5


def looks_binary(data: bytes) -> bool:
    """Say whether the bytes are no text: a NUL early on without a byte order mark, or many control characters."""
    if _marked_encoding(data):
        return False
    sample = data[:_BINARY_SNIFF_BYTES]
    if b"\0" in sample:
        return True
    return len(_CONTROL_CHARACTERS.findall(sample)) > _MOST_CONTROL_SHARE * len(sample)


def decode(data: bytes) -> str:
    """Read bytes as text whose lines end with a line feed; no bytes are refused (ask looks_binary first).

    A byte order mark decides; else UTF-8; else UTF-8 with replacements when most of it is, or Windows-1252.
    CRLF and a lone CR become LF, NULs vanish, so that lines_of counts what editors and GitHub count;
    str.splitlines is wrong for this: it also splits at form feeds and U+2028.
    """
    text = _characters(data)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\0", "") if "\0" in text else text


def lines_of(text: str) -> list[str]:
    """List the lines of decoded text without their ends; a final line feed ends the last line and begins no other."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _characters(data: bytes) -> str:
    marked = _marked_encoding(data)
    if marked:
        mark, encoding = marked
        return data[len(mark) :].decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _guessed(data)


def _guessed(data: bytes) -> str:
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    whole = sum(not character.isascii() for character in text) - broken
    if whole >= _LEAST_WHOLE_SHARE * (whole + broken):
        return text
    return data.decode("cp1252", errors="replace")


def _marked_encoding(data: bytes) -> tuple[bytes, str] | None:
    return next(((mark, encoding) for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), None)
