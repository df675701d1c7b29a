"""What is for us, and that nothing is acknowledged before it is stored."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import Addressed, Batch, EventId, Sender, Unreadable
from bot.errors import StateUnavailable
from bot.inbox import is_for_us, native_key
from bot.state.queries import inbox, people
from tests.fakes.chat import NOON, FakeChat
from tests.fakes.flow import Flow, open_flow

CHAT = FakeChat()


@pytest.mark.parametrize(
    ("addressed", "modes"),
    [
        (Addressed.PRIVATE, {"mention", "all", "off"}),
        (Addressed.COMMAND, {"mention", "all", "off"}),
        (Addressed.MENTION, {"mention", "all"}),
        (Addressed.REPLY, {"mention", "all"}),
        (Addressed.THREAD, {"mention", "all"}),
        (Addressed.AMBIENT, {"all"}),
    ],
)
def test_the_room_decides_which_messages_are_for_us(addressed: Addressed, modes: set[str]) -> None:
    """Commands and private messages always, talk between people only where everything is answered."""
    message = CHAT.message(1, "hi", addressed=addressed)

    assert modes == {mode for mode in ("mention", "all", "off") if is_for_us(message, mode)}


def test_bots_are_never_answered() -> None:
    """Two bots must not talk to each other for ever."""
    message = CHAT.message(1, "hi")

    assert not is_for_us(replace(message, sender=replace(message.sender, is_person=False)), "all")


def test_what_cannot_be_read_is_told_where_anything_is_answered() -> None:
    """Whoever wrote it should know, but in a room where we say nothing."""
    message = CHAT.message(1, "")

    assert [True, True, False] == [
        is_for_us(Unreadable(EventId("fake", "bot", "u"), message.room, "no key", NOON), mode)
        for mode in ("all", "mention", "off")
    ]


def test_one_message_has_one_key_whatever_event_brings_it() -> None:
    """A network that redelivers under a new event id makes no second question."""
    message = CHAT.message(1, "hi")

    assert native_key(message) == native_key(replace(message, id=EventId("fake", "bot", "other")))


async def _accept(flow: Flow, *numbers: int, cursor: str | None = None) -> Any:
    events = tuple(flow.chat.message(number, f"q{number}") for number in numbers)
    return await flow.inbox.accept(Batch(events, cursor), network="fake", account="bot")


async def test_a_batch_with_known_events_stores_the_new_ones_only(tmp_path: Path) -> None:
    """Repeats are counted and the cursor moves."""
    async with open_flow(tmp_path, runs=False) as flow:
        await _accept(flow, 1, 2, cursor="a")
        accepted = await _accept(flow, 2, 3, cursor="b")

        assert (1, 1) == (len(accepted.stored), accepted.repeats)
        assert "b" == await flow.db.read(lambda session: inbox.cursor(session, "fake", "bot"))


@pytest.mark.parametrize(("text", "kept"), [("/help", 1), ("/project list", 1), ("/roll 2d6", 0), ("/roll", 0)])
async def test_commands_of_other_bots_are_not_kept(tmp_path: Path, text: str, kept: int) -> None:
    """In a group, where several bots may listen to the same sign."""
    async with open_flow(tmp_path, runs=False) as flow:
        message = flow.chat.message(1, text, room="group", addressed=Addressed.COMMAND)
        accepted = await flow.inbox.accept(Batch((message,)), network="fake", account="bot")

    assert (kept, 1 - kept) == (len(accepted.stored), accepted.ignored)


@pytest.mark.parametrize("text", ["/yes", "/again", "/rate up"])
async def test_what_stands_for_a_button_is_kept_only_where_there_are_none(tmp_path: Path, text: str) -> None:
    """Elsewhere it is another bot's command, as any that we do not know."""
    async with open_flow(tmp_path, runs=False) as flow:
        kept = []
        for number, has_buttons in enumerate((True, False), start=1):
            flow.chat.abilities = replace(flow.chat.abilities, has_buttons=has_buttons)
            message = flow.chat.message(number, text, room="group", addressed=Addressed.COMMAND)
            kept.append(len((await flow.inbox.accept(Batch((message,)), network="fake", account="bot")).stored))

    assert [0, 1] == kept


async def test_when_storing_fails_neither_events_nor_cursor_stay(tmp_path: Path) -> None:
    """Events and cursor are one write; its failure is the caller's to hear."""
    async with open_flow(tmp_path, runs=False) as flow:

        async def fail(_session: Any) -> None:
            raise StateUnavailable("disk gone")

        with pytest.raises(StateUnavailable):
            await flow.inbox.accept(
                Batch((flow.chat.message(1, "q"),), "a"), network="fake", account="bot", alongside=fail
            )

        assert (0, None) == await flow.db.read(inbox.pressure)
        assert await flow.db.read(lambda session: inbox.cursor(session, "fake", "bot")) is None


async def test_listening_acknowledges_a_batch_only_after_it_is_stored(tmp_path: Path) -> None:
    """A batch that could not be stored is given again."""
    async with open_flow(tmp_path, runs=False) as flow:
        failures: list[float] = []

        async def no_pause(seconds: float) -> None:
            failures.append(seconds)
            flow.db.write = works  # type: ignore[method-assign]

        async def broken(work: Any) -> Any:
            raise StateUnavailable("busy")

        works = flow.db.write
        flow.db.write = broken  # type: ignore[method-assign]
        flow.chat.receive(flow.chat.message(1, "q"), cursor="7")
        task = flow.conversation.spawn(flow.inbox.listen(flow.chat, sleep=no_pause))
        while not flow.chat.acknowledged:
            await flow.db.read(inbox.pressure)
        await flow.chat.close()
        await task

        assert (["7"], 1) == (flow.chat.acknowledged, len(failures))
        assert 1 == (await flow.db.read(inbox.pressure))[0]


async def test_who_shares_a_name_is_somebody_else_in_each_group(tmp_path: Path) -> None:
    """The anonymous administrators of one group have nothing to do with those of another, and can have no role."""
    async with open_flow(tmp_path, runs=False) as flow:
        anonymous = Sender("fake", "1087968824", "Group", is_shared=True)
        said = [flow.chat.message(number, "hi", room=f"g{number}") for number in (1, 2)]
        await flow.receive(*(replace(one, sender=anonymous) for one in said))
        rows = await flow.db.read(inbox.waiting)
        known = [await flow.db.read(lambda s, p=row.person: people.identities(s, p)) for row in rows]  # type: ignore[misc]

        assert 2 == len({row.person for row in rows})
        assert all(people.is_shared(one[0].native_id) for one in known)
