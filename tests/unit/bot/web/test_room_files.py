"""Files on their way into a web room."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.rights import Role
from bot.web.room_routes import UPLOADS
from tests.unit.bot.web.conftest import Site


async def unread() -> AsyncIterator[bytes]:
    """A body that must stay where it is."""
    for part in ("the body", "was read"):
        assert not part
        yield part.encode()


async def test_a_file_is_kept_until_a_message_brings_it(site: Site) -> None:
    """The name loses folders and control characters; the handle is what the message names."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)
    sent = await visit.http.post(
        f"/api/rooms/{room}/upload",
        files={"file": ("../../etc/run\x07book.md", b"# Runbook")},
        headers={"X-CSRF-Token": visit.csrf},
    )
    kept = sent.json()
    posted = await visit.post(f"/api/rooms/{room}/messages", {"key": "f" * 16, "text": "", "attachments": [kept]})
    assert site.parts.uploads is not None

    assert (201, 202) == (sent.status_code, posted.status_code)
    assert b"# Runbook" == await site.parts.uploads.read(kept["handle"], max_bytes=100)
    assert 9 == kept["size_bytes"]
    assert "/" not in kept["name"]
    assert kept["name"].isprintable()


async def test_a_file_of_a_stranger_is_not_even_read(site: Site) -> None:
    """Without a session, without the page's token, or for another's room, the body stays where it is."""
    visit, other = await site.somebody(Role.MEMBER), await site.somebody(Role.MEMBER, name="Eve")
    room = await site.open(visit)
    path, headers = f"/api/rooms/{room}/upload", {"Content-Type": "multipart/form-data; boundary=x"}

    async with site.client() as stranger:
        answers = [
            await stranger.post(path, content=unread(), headers=headers),
            await visit.http.post(path, content=unread(), headers=headers),
            await other.http.post(path, content=unread(), headers=headers | {"X-CSRF-Token": other.csrf}),
        ]

    assert [401, 403, 404] == [answer.status_code for answer in answers]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"files": {"file": ("a.md", b"x" * 20_000_001)}}, 413),
        ({"files": {"other": ("a.md", b"x")}}, 400),
        ({"data": {"file": "text"}}, 400),
        ({"content": b"nonsense", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400),
    ],
)
async def test_what_is_no_file_is_refused(site: Site, sent: dict[str, Any], status: int) -> None:
    """Too large, another part, text, no multipart at all."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)
    headers = {"X-CSRF-Token": visit.csrf} | sent.pop("headers", {})
    answer = await visit.http.post(f"/api/rooms/{room}/upload", headers=headers, **sent)

    assert status == answer.status_code
    assert answer.json()["error"]["what_to_do"]


async def test_files_are_counted_too(site: Site) -> None:
    """One person cannot fill the disk with files that no message brings."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)
    csrf = {"X-CSRF-Token": visit.csrf}
    statuses = [
        (await visit.http.post(f"/api/rooms/{room}/upload", files={"file": b"x"}, headers=csrf)).status_code
        for _ in range(UPLOADS + 1)
    ]

    assert [201] * UPLOADS + [429] == statuses
