"""Files from a Bot API server of one's own, which may lie on a disk that we see or do not see."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from telegram import File

from adapters.chat import Attachment, Refused
from adapters.telegram.downloads import Downloads

TOKEN = "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"


@dataclass
class LocalServer:
    """A server started with --local: it gives paths of its own disk."""

    path: str
    is_here: bool = True
    base_file_url: str = f"http://127.0.0.1:9/file/bot{TOKEN}"

    async def get_file(self, file_id: str) -> File:
        """As the library does: a path that is not on this disk becomes an address."""
        return File(file_id, "u", file_path=self.path if self.is_here else f"{self.base_file_url}/{self.path}")


def attachment(size_bytes: int = 1) -> Attachment:
    """A file, with the size that somebody told."""
    return Attachment("F1", "a.txt", "text/plain", size_bytes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file on the disk of server and bot."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 100)
    return path


async def test_a_file_on_a_shared_disk_is_read(file: Path) -> None:
    """Up to the limit, whatever its size was said to be."""
    downloads = Downloads(LocalServer(str(file)), has_own_server=True)

    assert b"x" * 100 == await downloads.fetch(attachment(), max_bytes=100)
    with pytest.raises(Refused):
        await downloads.fetch(attachment(), max_bytes=99)


async def test_a_file_on_a_disk_that_we_do_not_see_is_refused_with_the_reason() -> None:
    """No request goes out for it."""
    downloads = Downloads(LocalServer("/var/lib/telegram-bot-api/elsewhere/a.txt", is_here=False), has_own_server=True)

    with pytest.raises(Refused) as caught:
        await downloads.fetch(attachment(), max_bytes=100)

    assert "disk" in str(caught.value)
    assert TOKEN not in str(caught.value)


async def test_telegrams_own_server_cannot_make_us_read_our_disk(file: Path) -> None:
    """Only a server of one's own may name a path."""
    downloads = Downloads(LocalServer(str(file)), has_own_server=False)

    with pytest.raises(Refused):
        await downloads.fetch(attachment(), max_bytes=100)
