"""How the Bot API emulator hands out updates: by long poll and by webhook, each once confirmed and never again."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import telegram
from telegram.error import BadRequest, Conflict

from tests.contracts.telegram import client_of
from tests.fakes.http_server import HttpServer, read_request
from tests.fakes.telegram import BotApi, running_bot_api

ADA, BOB = 5, 6
SECRET = "s3cret-of_the-hook"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """Two private chats."""
    async with running_bot_api() as api:
        api.add_private(ADA)
        api.add_private(BOB, name="Bob")
        api.hub.delivery.scale = 100.0
        yield api


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[telegram.Bot]:
    """A client that is signed in."""
    async with client_of(api) as client:
        yield client


@dataclass
class Hook(HttpServer):
    """Takes deliveries, and answers them with the statuses of a script first, then with 200."""

    script: list[tuple[int, str]] = field(default_factory=list)
    taken: list[tuple[str, str, int]] = field(default_factory=list)  # text, secret, status
    at_once: int = 0
    is_open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__init__()
        self._now = 0
        self.is_open.set()

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one."""
        request = await read_request(reader)
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        await self.is_open.wait()
        self._now -= 1
        status, more = self.script.pop(0) if self.script else (200, "")
        secret = request.headers.get("x-telegram-bot-api-secret-token", "")
        self.taken.append((request.body["message"]["text"], secret, status))
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{more}\r\n".encode())
        await writer.drain()
        return True


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    """A place for deliveries."""
    async with Hook() as running:
        yield running


def texts(updates: Sequence[telegram.Update]) -> list[str | None]:
    """What they say."""
    return [one.message.text for one in updates if one.message]


async def test_updates_wait_until_a_higher_offset_confirms_them(api: BotApi, bot: telegram.Bot) -> None:
    """Asking again without one gives the same again."""
    for text in "abc":
        api.says(ADA, text)
    first = await bot.get_updates(limit=2)
    again = await bot.get_updates(offset=first[0].update_id)
    rest = await bot.get_updates(offset=first[-1].update_id + 1)

    assert (["a", "b"], ["a", "b", "c"], ["c"]) == (texts(first), texts(again), texts(rest))
    assert [first[0].update_id, first[1].update_id] == api.hub.updates.confirmed


async def test_a_poll_waits_for_what_comes(api: BotApi, bot: telegram.Bot) -> None:
    """And is answered at once then."""
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await api.until(lambda: api.calls("getUpdates"))
    api.says(ADA, "now")

    assert ["now"] == texts(await poll)


async def test_one_polls_at_a_time(api: BotApi, bot: telegram.Bot) -> None:
    """A second poll ends the one that waits, as when two instances have one token."""
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await api.until(lambda: api.calls("getUpdates"))
    second = asyncio.create_task(bot.get_updates(timeout=30))
    with pytest.raises(Conflict, match="terminated by other getUpdates request; make sure that only one"):
        await first
    api.says(ADA, "still here")

    assert ["still here"] == texts(await second)


async def test_the_kinds_asked_for_stay_until_they_are_changed(api: BotApi, bot: telegram.Bot) -> None:
    """Reactions are not among those that come by themselves; no list leaves all as it is."""
    asked = api.says(ADA, "hello")
    api.reacts(asked, "👍")
    await bot.get_updates(allowed_updates=["message_reaction"])
    api.reacts(asked, "👎")
    api.says(ADA, "unheard")
    await bot.get_updates()

    assert [{"message"}, {"message_reaction"}] == [set(one) - {"update_id"} for one in api.waiting]


async def test_numbers_may_begin_anew_far_lower(api: BotApi, bot: telegram.Bot) -> None:
    """An offset that is far ahead counts as none, as with the official server."""
    api.says(ADA, "before")
    (before,) = await bot.get_updates()
    await bot.get_updates(offset=before.update_id + 1)
    api.restart_update_ids(7)
    api.says(ADA, "after")
    (after,) = await bot.get_updates(offset=before.update_id + 1)

    assert ("after", 7) == (after.message and after.message.text, after.update_id)


async def test_a_webhook_gets_updates_with_the_secret(api: BotApi, bot: telegram.Bot, hook: Hook) -> None:
    """Whoever polls meanwhile is refused; once it is deleted polling goes on."""
    await bot.set_webhook(f"{hook.url}/telegram", secret_token=SECRET)
    api.says(ADA, "hello")
    await api.until(lambda: hook.taken)
    with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()

    assert [("hello", SECRET, 200)] == hook.taken
    assert () == await bot.get_updates()


async def test_only_success_confirms_a_delivery(api: BotApi, bot: telegram.Bot, hook: Hook) -> None:
    """All else comes again, in the order of the chat; other chats do not wait, and the last error is told."""
    hook.script = [(500, ""), (403, ""), (503, "retry-after: 1\r\n")]
    api.says(ADA, "one")
    api.says(ADA, "two")
    await bot.set_webhook(f"{hook.url}/telegram", max_connections=1)
    await api.until(lambda: hook.script == [])
    api.says(BOB, "three")
    await api.until(lambda: not api.waiting)
    info = await bot.get_webhook_info()

    assert ["one"] * 4 + ["two"] == [text for text, _, _ in hook.taken if text != "three"]
    assert "Wrong response from the webhook: 503 X" == info.last_error_message
    assert (0, 1) == (info.pending_update_count, hook.at_once)


async def test_chats_are_delivered_side_by_side(api: BotApi, bot: telegram.Bot, hook: Hook) -> None:
    """As many as there may be connections; one chat's updates never."""
    hook.is_open.clear()
    await bot.set_webhook(f"{hook.url}/telegram")
    for chat in (ADA, BOB, ADA, BOB):
        api.says(chat, "x")
    await api.until(lambda: hook.at_once == 2)
    hook.is_open.set()
    await api.until(lambda: not api.waiting)

    assert (2, 4) == (hook.at_once, len(hook.taken))


async def test_a_place_that_refuses_connections_is_told(api: BotApi, bot: telegram.Bot, hook: Hook) -> None:
    """The update waits."""
    url = hook.url
    hook.stop_listening()
    await bot.set_webhook(f"{url}/telegram")
    api.says(ADA, "x")
    await api.until(lambda: api.hub.delivery.tries > 1)
    info = await bot.get_webhook_info()

    assert ("Connection refused", 1) == (info.last_error_message, info.pending_update_count)


@pytest.mark.parametrize(
    ("url", "secret", "error"),
    [
        ("http://bot.example/x", "a", "bad webhook"),
        ("https://bot.example/x", "a b", "unallowed characters"),
        ("https://bot.example/x", "a" * 257, "too long"),
    ],
)
async def test_webhooks_that_telegram_does_not_take(bot: telegram.Bot, url: str, secret: str, error: str) -> None:
    """HTTPS, and a secret of 1 to 256 of its characters."""
    with pytest.raises(BadRequest, match=f"(?i){error}"):
        await bot.set_webhook(url, secret_token=secret)


async def test_it_runs_as_a_process_of_its_own() -> None:
    """Steered over HTTP."""
    from tests.fakes.telegram.remote import remote_bot_api

    async with remote_bot_api() as remote:
        await remote.call("add_private", ADA)
        await remote.put("flood", is_on=True)
        said: dict[str, Any] = await remote.call("says", ADA, "hello", forwarded=True)

        assert "hello" == said["text"]
        assert [said] == [one["message"] for one in await remote.call("waiting")]
        assert await remote.call("flood.is_on")
        json.dumps(remote.settings())
    assert remote.process.returncode is not None
