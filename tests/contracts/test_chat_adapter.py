"""What every chat adapter must do. A new adapter joins by one more way to open a subject.

Which promises hold for it, its abilities say: one without keys must find what it has sent, one that cannot need not.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.chat import Abilities, Attachment, Button, Message, Refused, Reply, RoomAddress, Sender, Stage
from adapters.network import ChatAdapter
from tests.fakes.chat import FakeChat
from tests.fakes.flow import open_flow
from tests.fakes.matrix_encrypted import EncryptedUser
from tests.fakes.matrix_listening import Kept, listening, settings_of
from tests.fakes.matrix_people import User
from tests.fakes.synapse import Account, Synapse
from tests.fakes.telegram import running_bot_api
from tests.fakes.telegram_account import network_on

_BIG: Final = Attachment("0" * 32, "big.txt", "text/plain", 10)


@dataclass(frozen=True, slots=True)
class Subject:
    """An adapter with a room that it serves, and a way to see the texts that stand there.

    `before` is the id of a message of the room that is older than all of ours, where ids rise; `attachment` one of more
    than five bytes.
    """

    adapter: ChatAdapter
    room: RoomAddress
    shown: Callable[[], Awaitable[list[str]]]
    before: str | None = None
    attachment: Attachment = _BIG


@asynccontextmanager
async def _fake(*_: object, abilities: Abilities | None = None) -> AsyncIterator[Subject]:
    chat = FakeChat(abilities=abilities)

    async def shown() -> list[str]:
        return chat.shown("room")

    yield Subject(chat, RoomAddress("fake", "bot", "room"), shown, before="50")


@asynccontextmanager
async def _web(folder: Path, _: object) -> AsyncIterator[Subject]:
    async with open_flow(folder, runs=False) as flow:

        async def shown() -> list[str]:
            return [str(row.body["markdown"]) for row in await flow.weblog.page(flow.web_room) if not row.is_deleted]

        yield Subject(flow.web, RoomAddress("web", "web", flow.web_room), shown)


@asynccontextmanager
async def _telegram(*_: object) -> AsyncIterator[Subject]:
    """A bot in a group, connected to the emulated Bot API."""
    async with running_bot_api() as api, network_on(api) as adapter:
        group = api.add_group(-1_001_000_000_001)
        api.says(group, "/status")
        await anext(adapter.batches(None))

        async def shown() -> list[str]:
            return api.shown(group)

        older = str(api.messages(group)[-1]["message_id"])
        yield Subject(adapter, RoomAddress("telegram", adapter.account, str(group)), shown, before=older)


@asynccontextmanager
async def _matrix(folder: Path, request: pytest.FixtureRequest, *, encrypted: bool = False) -> AsyncIterator[Subject]:
    """An account in a direct chat on a real Synapse, seen by the one whom it talks to."""
    synapse: Synapse = request.getfixturevalue("synapse")
    account, other = await synapse.register("roomwise"), await synapse.register("ada")
    settings = settings_of(account, synapse.url, rate_limited=False)
    async with (
        _person(other, synapse.url, folder, encrypted=encrypted) as ada,
        listening(settings, Kept(folder)) as bot,
    ):
        await bot.until_ready()
        room = await ada.make_room(invite=[account.user], encrypted=encrypted, is_direct=True)
        await ada.until(lambda: any(event.get("content", {}).get("membership") == "join" and event["sender"] == account.user for event in ada.events[room]))  # fmt: skip
        file = await ada.send_file(room, b"ten bytes.", "big.txt")
        await bot.until(lambda: file in bot.kept.stored)
        message = bot.kept.stored[file]
        assert isinstance(message, Message)

        async def shown() -> list[str]:
            await ada.sync(wait_ms=0)
            return [one.text for one in ada.shown(room, by=account.user) if not one.is_redacted]

        yield Subject(bot.adapter, message.room, shown, attachment=message.attachments[0])


@asynccontextmanager
async def _person(account: Account, url: str, folder: Path, *, encrypted: bool) -> AsyncIterator[User]:
    async with EncryptedUser(account, url, folder / "ada") if encrypted else User(account, url) as user:
        await user.sync(wait_ms=0)
        yield user


SUBJECTS: Final[Mapping[str, Callable[[Path, pytest.FixtureRequest], AbstractAsyncContextManager[Subject]]]] = {
    "fake": _fake,
    "fake without keys": partial(_fake, abilities=Abilities(can_probe=True, must_place=True)),
    "web": _web,
    "telegram": _telegram,
    "matrix": _matrix,
    "matrix, encrypted": partial(_matrix, encrypted=True),
}


def _named(names: Sequence[str]) -> list[Any]:
    """As parameters, those of Matrix with the mark of what they need."""
    return [pytest.param(name, marks=[pytest.mark.synapse] if name.startswith("matrix") else []) for name in names]


KEYED: Final = _named(["fake", "web", "matrix", "matrix, encrypted"])
PROBED: Final = ("fake without keys", "telegram")


@pytest.fixture(params=_named(list(SUBJECTS)))
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """Each adapter in turn."""
    async with SUBJECTS[request.param](tmp_path, request) as opened:
        yield opened


async def _sent(subject: Subject, text: str, *, key: str = "k", stage: Stage = Stage.FINAL) -> tuple[Reply, str]:
    """Send a text as the flow does: what one message can hold, as the adapter has cut it."""
    reply = subject.adapter.parts(Reply(text, stage=stage))[0]
    return reply, (await subject.adapter.send(subject.room, reply, key=key)).message_id


class TestChatAdapter:
    async def test_a_reply_is_shown(self, subject: Subject) -> None:
        """What is sent stands in the room."""
        await _sent(subject, "hello")

        assert ["hello"] == await subject.shown()

    @pytest.mark.parametrize("subject", KEYED, indirect=True)
    async def test_the_same_key_makes_one_message(self, subject: Subject) -> None:
        """Sending again under a key finds the first message."""
        _, first = await _sent(subject, "hello")
        _, again = await _sent(subject, "hello")

        assert first == again
        assert ["hello"] == await subject.shown()

    @pytest.mark.parametrize("subject", PROBED, indirect=True)
    async def test_a_message_nobody_recorded_is_found(self, subject: Subject) -> None:
        """By what it says, behind what is known, and changed by that as little as another that is known."""
        _, known = await _sent(subject, "known", key="a")
        reply, sent = await _sent(subject, "sought", key="b")
        found = await subject.adapter.find(subject.room, reply, key="b", after=subject.before, known={known})

        assert found is not None
        assert sent == found.message_id
        assert ["known", "sought"] == await subject.shown()

    @pytest.mark.parametrize("subject", PROBED, indirect=True)
    async def test_what_was_never_sent_is_not_found(self, subject: Subject) -> None:
        """Nothing is taken for it, and nothing changes."""
        _, known = await _sent(subject, "known", key="a")
        never = subject.adapter.parts(Reply("never"))[0]
        found = await subject.adapter.find(subject.room, never, key="b", after=subject.before, known={known})

        assert found is None
        assert ["known"] == await subject.shown()

    @pytest.mark.parametrize("subject", PROBED, indirect=True)
    async def test_a_message_that_is_recorded_is_not_taken_for_another(self, subject: Subject) -> None:
        """Even when it says the same."""
        reply, first = await _sent(subject, "the same", key="a")
        _, second = await _sent(subject, "the same", key="b")
        found = await subject.adapter.find(subject.room, reply, key="b", after=subject.before, known={first})

        assert found is not None
        assert second == found.message_id

    async def test_a_long_reply_is_cut_into_what_can_be_sent(self, subject: Subject) -> None:
        """Each part is a message; the last has the buttons, and no word is lost."""
        words = [f"word{number}" for number in range(4_000)]
        row = ((Button("Up", "up", "turn"),),)
        parts = subject.adapter.parts(Reply("\n\n".join(words), buttons=row))
        for number, part in enumerate(parts):
            await subject.adapter.send(subject.room, part, key=f"k{number}")

        assert [() for _ in parts[:-1]] + [row] == [part.buttons for part in parts]
        assert words == " ".join(await subject.shown()).split()

    async def test_an_edit_replaces_the_text(self, subject: Subject) -> None:
        """The message says the new text only."""
        _, sent = await _sent(subject, "one", stage=Stage.WAITING)
        await subject.adapter.edit(subject.room, sent, subject.adapter.parts(Reply("two"))[0], key="e")

        assert ["two"] == await subject.shown()

    async def test_the_same_edit_twice_is_no_error(self, subject: Subject) -> None:
        """An edit may be repeated after a crash."""
        _, sent = await _sent(subject, "one")
        for _ in range(2):
            await subject.adapter.edit(subject.room, sent, subject.adapter.parts(Reply("two"))[0], key="e")

        assert ["two"] == await subject.shown()

    async def test_editing_what_is_not_there_is_refused(self, subject: Subject) -> None:
        """Nothing of the network's own comes out."""
        with pytest.raises(Refused):
            await subject.adapter.edit(subject.room, "999999", subject.adapter.parts(Reply("two"))[0], key="e")

    async def test_deleting_twice_is_no_error(self, subject: Subject) -> None:
        """The message is gone, and stays gone."""
        _, sent = await _sent(subject, "one")
        for _ in range(2):
            await subject.adapter.delete(subject.room, sent)

        assert [] == await subject.shown()

    async def test_a_file_over_the_limit_is_refused(self, subject: Subject) -> None:
        """Nothing is loaded beyond the bytes that were allowed."""
        with pytest.raises(Refused):
            await subject.adapter.download(subject.attachment, max_bytes=5)

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

    async def test_it_keeps_the_promise_of_its_kind(self, subject: Subject) -> None:
        """One with keys is tried with them, one that can be probed by that: neither list may forget it."""
        abilities = subject.adapter.abilities

        assert abilities.is_idempotent or abilities.can_probe

    async def test_closing_ends_the_batches(self, subject: Subject) -> None:
        """After close nothing more is yielded."""
        await subject.adapter.close()

        assert [] == [batch async for batch in subject.adapter.batches(None)]
