"""Paths as stored text."""

import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.paths import decode_name, decode_path, encode_name, encode_path, is_safe_path


@given(st.binary(max_size=60))
def test_every_path_turns_back_into_its_bytes(raw: bytes) -> None:
    """Whatever bytes a path has, its stored form is valid UTF-8 and leads back to them."""
    stored = encode_path(raw)

    assert raw == decode_path(stored)
    assert stored == stored.encode("utf-8").decode("utf-8")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_plain_text_is_itself_but_for_percent_signs(text: str) -> None:
    """A UTF-8 path is stored as it reads, with every percent sign as %25."""
    assert text.replace("%", "%25") == encode_path(text.encode("utf-8"))


@pytest.mark.parametrize(
    ("raw", "stored"), [(b"caf\xe9.txt", "caf%E9.txt"), (b"100%.txt", "100%25.txt"), (b"\xff\xfe/%41", "%FF%FE/%2541")]
)
def test_invalid_bytes_are_escaped(raw: bytes, stored: str) -> None:
    """Bytes that are no UTF-8 become %XX, and an escape that was in the name does not turn into another one."""
    assert stored == encode_path(raw)


@pytest.mark.skipif(sys.platform == "win32", reason="file names are UTF-16 on Windows")
def test_names_of_the_system_take_the_same_way() -> None:
    """A name as os.listdir gives it is stored by its bytes."""
    name = os.fsdecode(b"caf\xe9")

    assert ("caf%E9", name) == (encode_name(name), decode_name("caf%E9"))


@pytest.mark.parametrize("path", ["../x", "a/../x", "/etc/passwd", "a//b", "./a", "", "a/", "a\0b"])
def test_paths_that_could_leave_the_root_are_not_safe(path: str) -> None:
    """Empty, '.' and '..' parts and NUL are refused."""
    assert not is_safe_path(path)
