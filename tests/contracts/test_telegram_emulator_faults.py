"""What goes wrong in the Bot API emulator on request, and its model of Telegram's limits."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import telegram
from telegram.error import Conflict, NetworkError, RetryAfter, TelegramError

from tests.contracts.telegram import client_of
from tests.fakes.telegram import BotApi, running_bot_api
from tests.fakes.telegram.errors import ApiError
from tests.fakes.telegram.flood import Flood

ADA, GROUP, OTHER = 5, -1001, -1002


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A private chat and two groups."""
    async with running_bot_api() as api:
        api.add_private(ADA)
        api.add_group(GROUP)
        api.add_group(OTHER)
        yield api


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[telegram.Bot]:
    """A client that is signed in."""
    async with client_of(api) as client:
        yield client


async def test_a_limit_says_when_to_come_again(api: BotApi, bot: telegram.Bot) -> None:
    """Once, and in the chat that is named."""
    fault = api.fail("sendMessage", code=429, retry_after=17, chat=GROUP)
    await bot.send_message(OTHER, "other")
    with pytest.raises(RetryAfter) as told:
        await bot.send_message(GROUP, "x")
    await bot.send_message(GROUP, "y")

    assert (17, 1, ["y"]) == (told.value.retry_after, fault.happened, api.shown(GROUP))


@pytest.mark.parametrize(
    ("how", "is_done"),
    [("error", False), ("error_after", True), ("reset_before", False), ("reset_after", True)],
)
async def test_what_fails_was_done_or_not(api: BotApi, bot: telegram.Bot, how: str, *, is_done: bool) -> None:
    """The client cannot tell these apart."""
    api.fail("sendMessage", how, code=502)  # type: ignore[arg-type]
    with pytest.raises(NetworkError):
        await bot.send_message(GROUP, "x")

    assert is_done == (api.shown(GROUP) == ["x"])


async def test_an_answer_that_is_no_json(api: BotApi, bot: telegram.Bot) -> None:
    """It was done nevertheless."""
    api.fail("*", "malformed")
    with pytest.raises(TelegramError, match="Invalid server response"):
        await bot.send_message(GROUP, "x")

    assert ["x"] == api.shown(GROUP)


@pytest.mark.parametrize(("how", "shown"), [("held", []), ("held_after", ["x"])])
async def test_a_request_is_held_until_it_is_let_go(api: BotApi, bot: telegram.Bot, how: str, shown: list[str]) -> None:
    """Before it is done, or after; others go on."""
    fault = api.fail("sendMessage", how)  # type: ignore[arg-type]
    held = asyncio.create_task(bot.send_message(GROUP, "x"))
    await api.until(lambda: fault.happened)
    await bot.get_me()
    await api.until(lambda: api.shown(GROUP) == shown)
    fault.release()

    assert "x" == (await held).text


async def test_a_conflict_can_last(api: BotApi, bot: telegram.Bot) -> None:
    """As long as the test wants."""
    api.fail("getUpdates", code=409, description="terminated by other getUpdates request", times=-1)

    for _ in range(3):
        with pytest.raises(Conflict):
            await bot.get_updates()


async def test_twenty_messages_and_edits_a_minute_go_to_a_group(api: BotApi, bot: telegram.Bot) -> None:
    """The next must wait for as long as it is told; other groups go on."""
    api.flood.is_on, api.flood.per_second = True, 10_000
    sent = await bot.send_message(GROUP, "0")
    for number in range(1, 10):
        await bot.edit_message_text(str(number), GROUP, sent.message_id)
    for number in range(10):
        await bot.send_message(GROUP, str(number))
    with pytest.raises(RetryAfter) as told:
        await bot.send_message(GROUP, "too many")
    await bot.send_message(OTHER, "other")

    assert 1 <= told.value.retry_after <= 61  # type: ignore[operator]
    assert (1, ["other"]) == (api.flood.refused, api.shown(OTHER))


def test_a_private_chat_takes_a_short_burst_and_all_chats_thirty_a_second() -> None:
    """Each limit tells by itself; what is not on limits nothing."""
    flood = Flood()
    for _ in range(100):
        flood.count(ADA, is_group=False)
    flood.is_on = True
    for _ in range(5):
        flood.count(ADA, is_group=False)
    with pytest.raises(ApiError, match="retry after 5"):
        flood.count(ADA, is_group=False)
    for number in range(100, 125):
        flood.count(number, is_group=True)
    with pytest.raises(ApiError, match="retry after 1"):
        flood.count(GROUP, is_group=True)


def test_the_clock_of_the_limits_may_run_faster() -> None:
    """Then it is said in the seconds of the one who waits."""
    flood = Flood(is_on=True, scale=10.0)
    for _ in range(20):
        flood.count(GROUP, is_group=True)

    with pytest.raises(ApiError, match="retry after 6"):
        flood.count(GROUP, is_group=True)
