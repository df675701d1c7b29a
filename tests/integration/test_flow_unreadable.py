"""What is said of a message that could not be read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.chat import EventId, RoomAddress, Unreadable
from bot.state.queries import rooms
from config.texts import say
from tests.fakes.chat import NOON
from tests.fakes.flow import Flow, open_flow

HERE = RoomAddress("fake", "bot", "room")


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A running flow with a private room."""
    async with open_flow(tmp_path) as opened:
        yield opened


def _unreadable(number: int, reason: str, *, room: RoomAddress = HERE) -> Unreadable:
    return Unreadable(EventId("fake", "bot", f"$e{number}/unreadable"), room, reason, NOON)


@pytest.mark.parametrize("reason", ["no_key", "withheld", "before_us", "unencryptable"])
async def test_each_reason_is_said_in_words_of_its_own(flow: Flow, reason: str) -> None:
    """As a notice, in the language of the room."""
    await flow.db.write(lambda session: rooms.set_language(session, flow.room, "de"))
    await flow.receive(_unreadable(1, reason))
    await flow.idle()

    assert [say(f"unreadable.{reason}", "de")] == flow.chat.shown()


async def test_it_is_said_once_a_day(flow: Flow) -> None:
    """Ten messages without a key make one notice; so does the same event twice. The next day says it again."""
    for number in (1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10):
        await flow.receive(_unreadable(number, "no_key"))
    await flow.idle()
    today = flow.chat.shown()
    flow.clock.pass_time(days=1)
    await flow.receive(_unreadable(11, "no_key"))
    await flow.idle()

    assert (1, 2) == (len(today), len(flow.chat.shown()))


async def test_each_thread_is_told(flow: Flow) -> None:
    """Whoever wrote there may read nothing else of the room."""
    await flow.receive(_unreadable(1, "no_key", room=RoomAddress("fake", "bot", "room", "$a")))
    await flow.receive(_unreadable(2, "no_key"), _unreadable(3, "no_key"))
    await flow.idle()

    assert 2 == len(flow.chat.shown())


async def test_what_becomes_readable_later_is_answered(flow: Flow) -> None:
    """The notice stays; the question is a message as any other."""
    await flow.receive(_unreadable(1, "no_key"))
    await flow.idle()
    await flow.receive(flow.chat.message(1, "why?"))
    await flow.idle()

    assert flow.chat.shown()[-1].startswith("answer to why?")


async def test_nothing_is_said_for_a_reason_that_we_do_not_know_or_where_we_are_off(flow: Flow) -> None:
    """A room where nothing is answered hears of nothing."""
    await flow.receive(_unreadable(1, "a new one"))
    await flow.idle()
    await flow.db.write(lambda session: rooms.set_mode(session, flow.room, "off"))
    await flow.receive(_unreadable(2, "no_key"))
    await flow.idle()

    assert [] == flow.chat.shown()
