"""Files are fetched, opened, and never believed."""

from typing import Any

import pytest
from nio.crypto.attachments import encrypt_attachment

from adapters.chat import Attachment, Refused, Unreachable
from adapters.matrix.downloads import Downloads
from adapters.matrix.faults import NotThere
from adapters.matrix.media import Media, pack
from tests.unit.adapters.matrix.homeserver import ROOM, Homeserver

NEW = "/_matrix/client/v1/media/download/example.org/abc"
OLD = "/_matrix/media/v3/download/example.org/abc"
UNKNOWN = NotThere("the server does not know this call", is_known=False)


def server(**files: Any) -> Homeserver:
    """A server with the message of a file."""
    made = Homeserver(files=files)
    made.put(ROOM.room, "m.room.message", {"msgtype": "m.file"})
    return made


def file(content: bytes = b"", *, url: str = "mxc://example.org/abc", size_bytes: int = 0, **more: str) -> Attachment:
    """An attachment of the first message."""
    media = Media(url, ROOM.room, "$0", **more)
    return Attachment(pack(media), "a.txt", "text/plain", size_bytes or len(content))


async def test_a_file_is_fetched_with_the_login() -> None:
    """As servers want it today."""
    made = server(**{NEW: b"hello"})

    assert b"hello" == await Downloads(made).fetch(file(), max_bytes=5)
    assert [] == made.paths("/media/v3/")


async def test_an_older_server_is_asked_at_its_older_address() -> None:
    """When it does not know the newer one; one that knows it and has no such file is not."""
    made = server(**{NEW: UNKNOWN, OLD: b"hello"})
    without = server(**{NEW: NotThere("it is not there"), OLD: b"hello"})

    assert b"hello" == await Downloads(made).fetch(file(), max_bytes=5)
    with pytest.raises(Refused, match="not there any more"):
        await Downloads(without).fetch(file(), max_bytes=5)
    with pytest.raises(Refused, match="not there any more"):
        await Downloads(server(**{NEW: UNKNOWN})).fetch(file(), max_bytes=5)


async def test_more_than_is_wanted_is_refused() -> None:
    """By what the message says, before anything is asked; and by what comes, when the message lied."""
    made = server(**{NEW: b"too much"})

    with pytest.raises(Refused, match="at most 5 bytes, got 8"):
        await Downloads(made).fetch(file(size_bytes=8), max_bytes=5)
    assert [] == made.calls
    with pytest.raises(Refused):
        await Downloads(made).fetch(file(size_bytes=1), max_bytes=5)


async def test_a_file_whose_message_was_taken_back_is_not_fetched() -> None:
    """Though the server still has it."""
    taken, gone = server(**{NEW: b"hello"}), Homeserver(files={NEW: b"hello"})
    taken.take_back("$0")

    for made in (taken, gone):
        with pytest.raises(Refused, match=r"taken back|gone"):
            await Downloads(made).fetch(file(), max_bytes=5)
        assert [] == made.paths("/media/")


def sealed(content: bytes, **changes: str) -> tuple[bytes, Attachment]:
    """An encrypted file, and its attachment with some fields changed."""
    closed, keys = encrypt_attachment(content)
    fields = {"key": keys["key"]["k"], "iv": keys["iv"], "sha256": keys["hashes"]["sha256"]} | changes
    return closed, file(size_bytes=len(closed), **fields)


async def test_an_encrypted_file_is_opened() -> None:
    """An empty one, too."""
    for content in (b"hello", b"", b"x" * 100_000):
        closed, attachment = sealed(content)
        assert content == await Downloads(server(**{NEW: closed})).fetch(attachment, max_bytes=200_000)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "c2hvcnQ"},
        {"key": "not base64!"},
        {"iv": ""},
        {"iv": "c2hvcnQ"},
        {"iv": "//////////8//////////w"},
        {"iv": "\ud83d"},
        {"sha256": "b3RoZXI"},
        {"sha256": "!"},
    ],
)
async def test_what_is_not_what_was_sent_is_refused(changes: dict[str, str]) -> None:
    """Nothing that another wrote into the key breaks more than this file."""
    closed, attachment = sealed(b"hello" * 10, **changes)

    try:
        opened = await Downloads(server(**{NEW: closed})).fetch(attachment, max_bytes=1_000)
    except Refused:
        return
    assert "iv" in changes  # a start that is whole opens something, if not the file
    assert 50 == len(opened)


async def test_a_file_that_was_changed_on_its_way_is_refused() -> None:
    """By its hash."""
    closed, attachment = sealed(b"hello")

    with pytest.raises(Refused, match="damaged"):
        await Downloads(server(**{NEW: closed[:-1] + b"!"})).fetch(attachment, max_bytes=1_000)


@pytest.mark.parametrize(
    "url",
    [
        "mxc://../abc",
        "https://evil.example/x",
        "mxc://example.org",
        "mxc://example.org/../x",
        "mxc://a/b?c",
        "mxc://a/b/c",
    ],
)
async def test_only_addresses_of_files_are_asked(url: str) -> None:
    """Others lead nowhere."""
    made = server()

    with pytest.raises(Refused, match="address of a file"):
        await Downloads(made).fetch(file(url=url), max_bytes=5)
    assert [] == made.calls


@pytest.mark.parametrize("handle", ["", "x", "{}", "[]", '{"url": 1, "more": 2}'])
async def test_a_handle_of_something_else_is_refused(handle: str) -> None:
    """Whatever it is."""
    with pytest.raises(Refused):
        await Downloads(server()).fetch(Attachment(handle, "a", "text/plain", 1), max_bytes=5)


async def test_a_server_that_is_away_may_be_asked_again() -> None:
    """It is not said that the file is gone."""
    with pytest.raises(Unreachable):
        await Downloads(server(**{NEW: Unreachable("down")})).fetch(file(), max_bytes=5)
