"""What every chat adapter must do. A new adapter joins by one more fixture parameter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.chat import Attachment, Refused, Reply, RoomAddress, Sender, Sent, Stage
from adapters.network import ChatAdapter
from tests.fakes.chat import FakeChat
from tests.fakes.flow import Flow, open_flow
from tests.fakes.telegram import BotApi, running_bot_api
from tests.fakes.telegram_account import network_on


@dataclass(slots=True)
class Subject:
    """An adapter with a room that it serves, and a way to see what stands there."""

    adapter: ChatAdapter
    room: RoomAddress
    flow: Flow
    api: BotApi | None = None

    async def shown(self) -> list[str]:
        """The texts that stand in the room."""
        if isinstance(self.adapter, FakeChat):
            return self.adapter.shown(self.room.room)
        if self.api is not None:
            return self.api.shown(int(self.room.room))
        rows = await self.flow.weblog.page(self.room.room)
        return [str(row.body["markdown"]) for row in rows if not row.is_deleted]


@asynccontextmanager
async def telegram(flow: Flow) -> AsyncIterator[Subject]:
    """A bot in a group, connected to the emulated Bot API."""
    async with running_bot_api() as api, network_on(api) as adapter:
        group = api.add_group(-1_001_000_000_001)
        api.says(group, "/status")
        await anext(adapter.batches(None))
        yield Subject(adapter, RoomAddress("telegram", adapter.account, str(group)), flow, api)


@pytest.fixture(params=["fake", "web", "telegram"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """Each adapter in turn."""
    async with open_flow(tmp_path, runs=False) as flow:
        if request.param == "telegram":
            async with telegram(flow) as subject:
                yield subject
        elif request.param == "fake":
            yield Subject(flow.chat, RoomAddress("fake", "bot", "room"), flow)
        else:
            yield Subject(flow.web, RoomAddress("web", "web", flow.web_room), flow)


class TestChatAdapter:
    async def test_a_reply_is_shown(self, subject: Subject) -> None:
        """What is sent stands in the room."""
        await subject.adapter.send(subject.room, Reply("hello"), key="k")

        assert ["hello"] == await subject.shown()

    async def test_the_same_key_makes_one_message(self, subject: Subject) -> None:
        """Sending again under a key finds the first message; on a network without keys, looking for it does."""
        before = (await subject.adapter.send(subject.room, Reply("before"), key="b")).message_id
        first = await subject.adapter.send(subject.room, Reply("hello"), key="k")
        if subject.adapter.abilities.is_idempotent:
            again: Sent | None = await subject.adapter.send(subject.room, Reply("hello"), key="k")
        else:
            again = await subject.adapter.find(subject.room, Reply("hello"), key="k", after=before)
        await subject.adapter.delete(subject.room, before)

        assert first == again
        assert ["hello"] == await subject.shown()

    async def test_an_edit_replaces_the_text(self, subject: Subject) -> None:
        """The message says the new text only."""
        sent = await subject.adapter.send(subject.room, Reply("one", stage=Stage.WAITING), key="k")
        await subject.adapter.edit(subject.room, sent.message_id, Reply("two"), key="e")

        assert ["two"] == await subject.shown()

    async def test_the_same_edit_twice_is_no_error(self, subject: Subject) -> None:
        """An edit may be repeated after a crash."""
        sent = await subject.adapter.send(subject.room, Reply("one"), key="k")
        for _ in range(2):
            await subject.adapter.edit(subject.room, sent.message_id, Reply("two"), key="e")

        assert ["two"] == await subject.shown()

    async def test_editing_what_is_not_there_is_refused(self, subject: Subject) -> None:
        """Nothing of the network's own comes out."""
        with pytest.raises(Refused):
            await subject.adapter.edit(subject.room, "999999", Reply("two"), key="e")

    async def test_deleting_twice_is_no_error(self, subject: Subject) -> None:
        """The message is gone, and stays gone."""
        sent = await subject.adapter.send(subject.room, Reply("one"), key="k")
        for _ in range(2):
            await subject.adapter.delete(subject.room, sent.message_id)

        assert [] == await subject.shown()

    async def test_a_file_over_the_limit_is_refused(self, subject: Subject) -> None:
        """Nothing is loaded beyond the bytes that were allowed."""
        with pytest.raises(Refused):
            await subject.adapter.download(Attachment("0" * 32, "big.txt", "text/plain", 10), max_bytes=5)

    async def test_small_favours_never_fail(self, subject: Subject) -> None:
        """Typing, reactions and menus are best effort everywhere."""
        await subject.adapter.typing(subject.room)
        await subject.adapter.react(subject.room, "1", "👍")
        await subject.adapter.set_commands([], scope="private", language="en")

        assert (await subject.adapter.probe()).is_up

    async def test_a_stranger_is_no_room_admin(self, subject: Subject) -> None:
        """Rights to a room come from the network only."""
        stranger = Sender(subject.adapter.network, "eve", "Eve")

        assert not (await subject.adapter.rights(subject.room, stranger)).is_room_admin

    async def test_closing_ends_the_batches(self, subject: Subject) -> None:
        """After close nothing more is yielded."""
        await subject.adapter.close()

        assert [] == [batch async for batch in subject.adapter.batches(None)]
