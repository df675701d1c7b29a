"""More than twenty exchanges a minute with one sender stop with a notice."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.chat import Attachment
from adapters.web.translate import Draft
from tests.fakes.chat import NOON
from tests.fakes.flow import Flow, open_flow

STOPPED = "More than 20 messages within a minute"


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A running flow; ann's commands cost nothing, so no other limit stops them."""
    async with open_flow(tmp_path) as opened:
        yield opened


async def _write(flow: Flow, first: int, last: int, *, sender: str = "ann", gap_s: float = 1.0) -> None:
    for number in range(first, last + 1):
        at = NOON + timedelta(seconds=gap_s * number)
        flow.clock.now = max(flow.clock.now, at)
        await flow.receive(flow.chat.message(number, "/read", sender=sender, sent_at=at))
        await flow.idle()


async def test_twenty_are_answered_and_the_next_is_told_once(flow: Flow) -> None:
    """The twenty-first gets the notice, those behind it silence; another person is answered."""
    await _write(flow, 1, 20)
    before = flow.chat.shown()
    await _write(flow, 21, 24)
    await _write(flow, 25, 25, sender="bob")

    assert ["read done"] * 20 == before
    assert 1 == sum(STOPPED in text for text in flow.chat.shown())
    assert "read done" == flow.chat.shown()[-1]
    assert 21 == len(flow.commands.ran)


async def test_after_ten_minutes_the_person_is_answered_again(flow: Flow) -> None:
    """Without anybody's doing."""
    await _write(flow, 1, 21)
    flow.clock.pass_time(minutes=10)
    await flow.receive(flow.chat.message(99, "/read", sent_at=flow.clock()))
    await flow.idle()

    assert "read done" == flow.chat.shown()[-1]


async def test_what_came_while_we_were_away_is_counted_by_when_it_was_sent(flow: Flow) -> None:
    """Thirty messages of an hour, all received at once, are no loop."""
    flow.clock.pass_time(minutes=60)
    sent = [flow.chat.message(one, "/read", sent_at=NOON + timedelta(minutes=2 * one)) for one in range(1, 30)]
    await flow.receive(*sent)
    await flow.idle()

    assert ["read done"] * 29 == flow.chat.shown()


async def test_a_clock_that_is_ahead_hides_no_loop(flow: Flow) -> None:
    """A sender whose server lives in the future, each message a day further, is stopped all the same."""
    sent = [flow.chat.message(one, "/read", sent_at=NOON + timedelta(days=one)) for one in range(1, 23)]
    await flow.receive(*sent)
    await flow.idle()

    assert 1 == sum(STOPPED in text for text in flow.chat.shown())


async def test_files_that_are_sent_at_once_are_no_loop(flow: Flow) -> None:
    """A person picks thirty, and networks without albums send each as a message; a voice message says something."""
    paper, voice = Attachment("h", "a.md", "text/markdown", 9), Attachment("v", "v.ogg", "audio/ogg", 9, kind="voice")
    await flow.receive(*(flow.chat.message(one, "", attachments=(paper,), sent_at=NOON) for one in range(1, 31)))
    await flow.idle()
    before = [text for text in flow.chat.shown() if STOPPED in text]
    await flow.receive(*(flow.chat.message(one, "", attachments=(voice,), sent_at=NOON) for one in range(31, 53)))
    await flow.idle()

    assert [] == before
    assert 1 == sum(STOPPED in text for text in flow.chat.shown())


async def test_the_web_chat_is_not_counted(flow: Flow) -> None:
    """Behind it sits somebody who signed in."""
    for number in range(25):
        await flow.messages.post(Draft(flow.web_room, f"key-number-{number}", flow.person, "Ann", "/read"))
        await flow.idle()

    assert 25 == len(flow.commands.ran)
