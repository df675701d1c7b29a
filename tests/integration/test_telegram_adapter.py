"""What the whole Telegram adapter adds to its parts: that what goes out and what comes in know of each other."""

import asyncio

import pytest

from adapters.chat import Button, Pressed, Rated, Reply, RoomAddress, Stage, Unreachable
from adapters.telegram.adapter import TelegramAdapter
from tests.fakes.telegram import BotApi, running_bot_api
from tests.fakes.telegram_account import Background, network_on

ADA = 5
FORUM = -1_001_000_000_002


def room(api: BotApi, name: str | int) -> RoomAddress:
    """A room of the bot."""
    return RoomAddress("telegram", str(api.bot_id), str(name))


async def listened(adapter: TelegramAdapter, api: BotApi) -> None:
    """Take in what waits, so that the adapter knows itself and has asked for every kind."""
    api.says(ADA, "hello")
    await anext(adapter.batches(None))
    api.hub.updates.clear()


async def test_a_press_is_answered_in_the_background() -> None:
    """At once, whatever becomes of it; that it fails harms nothing."""
    background = Background()
    async with running_bot_api() as api, network_on(api, background=background) as adapter:
        api.add_private(ADA)
        sent = await adapter.send(room(api, ADA), Reply("An answer"), key="k")
        (ours,) = api.ours(ADA)
        presses = [api.taps(ours, "up:abc"), api.taps(ours, "up:abc")]
        api.fail("answerCallbackQuery", "error_after", code=400, description="query is too old")
        batch = await anext(adapter.batches(None))
        await background.work()
        answered = [call.args["callback_query_id"] for call in api.calls("answerCallbackQuery")]

        assert presses == answered
        assert [sent.message_id] * 2 == [event.message_id for event in batch.events if isinstance(event, Pressed)]


async def test_a_thumb_counts_in_the_topic_that_the_answer_stands_in() -> None:
    """Telegram does not say where; we know where we sent it."""
    async with running_bot_api() as api, network_on(api) as adapter:
        api.add_private(ADA)
        api.add_group(FORUM, "Forum", is_forum=True, bot_is_admin=True)
        topic = api.add_topic(FORUM, "Bugs", deliver=False)
        await listened(adapter, api)
        await adapter.send(room(api, f"{FORUM}/{topic}"), Reply("An answer"), key="k")
        (ours,) = api.ours(FORUM, topic)
        api.reacts(ours, "👍")
        (event,) = (await anext(adapter.batches(None))).events

        assert isinstance(event, Rated)
        assert (room(api, f"{FORUM}/{topic}"), 1) == (event.room, event.value)


async def test_stopping_a_draft_presses_its_cancel_button() -> None:
    """Which a draft does not show."""
    async with running_bot_api() as api, network_on(api, drafts=True) as adapter:
        api.add_private(ADA)
        await listened(adapter, api)
        asked = str(api.messages(ADA)[0]["message_id"])
        buttons = ((Button("Cancel", "cancel", "42"),),)
        waiting = Reply("Looking it up …", reply_to=asked, stage=Stage.WAITING, buttons=buttons)
        await adapter.send(room(api, ADA), waiting, key="k")
        (draft,) = api.calls("sendMessageDraft")
        chat = api.hub.place.chats[ADA].json
        api.hub.updates.push("stopped_message_generation", {"chat": chat, "draft_id": draft.args["draft_id"]})
        (event,) = (await anext(adapter.batches(None))).events

        assert isinstance(event, Pressed)
        assert ("cancel", "42", "5") == (event.action, event.data, event.sender.id)


async def test_a_token_that_sending_finds_revoked_turns_the_health_red() -> None:
    """Long before the next poll is due."""
    async with running_bot_api() as api, network_on(api) as adapter:
        api.add_private(ADA)
        await listened(adapter, api)
        before = await adapter.probe()
        api.revoke_token()
        with pytest.raises(Unreachable):
            await asyncio.wait_for(adapter.send(room(api, ADA), Reply("An answer"), key="k"), 10)
        after = await adapter.probe()

        assert (True, False) == (before.is_up, after.is_up)
        assert "token" in after.detail


async def test_links_that_invite_have_our_name() -> None:
    """Once we know it."""
    async with running_bot_api() as api, network_on(api) as adapter:
        api.add_private(ADA)
        before = adapter.invitation("abc-def", to_group=False)
        await listened(adapter, api)

        assert ("", "https://t.me/roomwise_bot?start=abc-def") == (
            before,
            adapter.invitation("abc-def", to_group=False),
        )
