"""How bytes become text with the lines that editors count."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.components.decode import decode, lines_of, looks_binary


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_or_utf8_is_read(encoding: str) -> None:
    """The mark is not part of the text."""
    assert "Größe ✓\nzwei" == decode("Größe ✓\r\nzwei".encode(encoding))


def test_big_endian_utf16_is_read() -> None:
    """The mark says the order of the bytes."""
    assert "hi" == decode(b"\xfe\xff" + "hi".encode("utf-16-be"))


def test_windows_text_is_read_as_such() -> None:
    """Bytes that are no UTF-8 at all are Windows-1252."""
    assert "Größe für “alle”" == decode("Größe für “alle”".encode("cp1252"))


def test_one_broken_byte_does_not_spoil_utf8() -> None:
    """The rest of the umlauts stay, the broken byte is replaced."""
    assert "äöü \N{REPLACEMENT CHARACTER} ß" == decode("äöü ".encode() + b"\xff" + " ß".encode())


def test_nul_and_lone_carriage_returns_leave_no_trace() -> None:
    """A lone CR ends a line as it does on GitHub, a NUL vanishes."""
    assert "a\nb\nc\n\nd" == decode(b"a\rb\nc\0\r\r\nd")


def test_form_feeds_and_unicode_separators_end_no_line() -> None:
    """Only what editors count as line ends counts."""
    assert ["a\fb\x0bc\u2028d\x85e"] == lines_of(decode("a\fb\x0bc\u2028d\x85e\n".encode()))


@given(st.text(alphabet="ab\r\n\f\u2028é\t", max_size=60))
def test_lines_are_those_of_github(text: str) -> None:
    """Splitting at CRLF, CR and LF gives as many lines, a last line end beginning no other."""
    expected = re.split("\r\n|\r|\n", text)
    if not expected[-1]:
        expected.pop()

    assert expected == lines_of(decode(text.encode()))


@given(st.binary(max_size=300))
def test_no_bytes_are_refused(data: bytes) -> None:
    """Whatever comes, text comes out, without carriage returns and NULs, and it can be stored as UTF-8."""
    text = decode(data)

    assert not {"\r", "\0"} & set(text)
    assert text.encode().decode() == text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", True),
        (bytes(range(1, 32)) * 4, True),
        (b"plain\ttext\f\x1b[0m\n" * 9, False),
        ("umlaut ä".encode("utf-16"), False),
        (b"", False),
    ],
)
def test_binary_files_are_told_from_text(data: bytes, *, expected: bool) -> None:
    """A NUL early on or many control characters say binary; a byte order mark says text."""
    assert expected is looks_binary(data)
