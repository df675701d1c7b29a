"""The web chat's live side: streams are woken, slow readers miss nothing."""

import asyncio
from pathlib import Path

import pytest

from adapters.chat import Attachment, Refused, Reply, RoomAddress
from adapters.web.uploads import UploadFolder
from tests.fakes.flow import open_flow


async def test_a_stream_is_woken_by_a_change_and_ends_on_close(tmp_path: Path) -> None:
    """One wake-up at the start, one after a send, none after closing."""
    async with open_flow(tmp_path, runs=False) as flow:
        changes = flow.web.changes(flow.web_room)
        await anext(changes)
        waiting = asyncio.ensure_future(anext(changes))
        await flow.web.send(RoomAddress("web", "web", flow.web_room), Reply("one"), key="a")
        await waiting
        (row,) = await flow.weblog.since(flow.web_room, 0)
        await flow.web.close()

        assert "one" == row.body["markdown"]
        assert not [None async for _ in changes]


async def test_changes_count_up_within_a_room(tmp_path: Path) -> None:
    """A reader that asks from where it stood sees each message in its newest state."""
    async with open_flow(tmp_path, runs=False) as flow:
        room = RoomAddress("web", "web", flow.web_room)
        first = await flow.web.send(room, Reply("one"), key="a")
        await flow.web.send(room, Reply("two"), key="b")
        await flow.web.edit(room, first.message_id, Reply("one!"), key="e")
        rows = await flow.weblog.since(flow.web_room, 1)

        assert [("two", 2), ("one!", 3)] == [(row.body["markdown"], row.change) for row in rows]


async def test_uploads_are_read_by_handle_only(tmp_path: Path) -> None:
    """A handle is not a path, and a limit holds whatever the size said."""
    folder = UploadFolder(tmp_path / "up")
    handle = await folder.keep(b"content")

    assert b"content" == await folder.read(handle, max_bytes=7)
    for bad in ("../secret", handle[:-1], "0" * 32):
        with pytest.raises(Refused):
            await folder.read(bad, max_bytes=7)
    with pytest.raises(Refused):
        await folder.read(handle, max_bytes=6)
    assert Attachment(handle, "a", "text/plain", 7).handle == handle
