"""What goes out under the emulator's limits, by a clock that runs faster."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from adapters.chat import (
    Reply,
    Stage,
    Unreachable,
)
from tests.fakes.telegram import BotApi
from tests.integration.telegram_bots import ADA, GROUP, ScaledClock, Sender, house, sender


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """An emulator with three chats, whose judges must have found nothing at the end."""
    async with house() as api:
        yield api


class TestUnderTheLimits:
    async def test_three_answers_at_once_in_a_group_meet_no_429(self, api: BotApi) -> None:
        """45 s each by a clock that runs twenty times faster, as the emulator's does: placeholder, previews, final text."""
        api.flood.is_on, api.flood.scale = True, 20.0
        clock = ScaledClock(20.0)
        async with sender(api, clock=clock) as us:
            previews = await asyncio.gather(*(answer(us, clock, number) for number in range(3)))

        assert 0 == api.flood.refused
        assert {"answer 0", "answer 1", "answer 2"} == set(api.shown(GROUP))
        assert all(shown >= 1 for shown in previews)

    async def test_a_long_answer_in_a_private_chat_meets_no_429(self, api: BotApi) -> None:
        """Twelve parts are more than may come at once: the later ones wait for their turn."""
        api.flood.is_on, api.flood.scale = True, 20.0
        clock = ScaledClock(20.0)
        async with sender(api, clock=clock) as us:
            for number in range(12):
                await brought_out(us, clock, Reply(f"part {number}"), key=f"k{number}")

        assert 0 == api.flood.refused
        assert [f"part {number}" for number in range(12)] == api.shown(ADA)


async def answer(us: Sender, clock: ScaledClock, number: int) -> int:
    """One answer of 45 s in the group, with a try at a preview each second; how many previews were shown."""
    room, shown = us.room(GROUP), 0
    sent = await us.sending.send(room, Reply(f"Looking… {number}", stage=Stage.WAITING), key=f"k{number}")
    ends_s = clock() + 45.0
    while clock() < ends_s:
        preview = Reply(f"answer {number} so far: {clock()}", stage=Stage.PREVIEW)
        with contextlib.suppress(Unreachable):
            await us.sending.edit(room, sent.message_id, preview, key="p")
            shown += 1
        await clock.sleep(1.0)
    await us.sending.edit(room, sent.message_id, Reply(f"answer {number}"), key=f"e{number}")
    return shown


async def brought_out(us: Sender, clock: ScaledClock, reply: Reply, *, key: str) -> None:
    """Send, and come again when told so."""
    while True:
        try:
            await us.sending.send(us.room(ADA), reply, key=key)
            return
        except Unreachable as later:
            await clock.sleep(later.retry_after_s or 1.0)
