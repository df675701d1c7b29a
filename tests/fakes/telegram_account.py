"""One account on the emulated Bot API, whole or as far as it receives, with what it remembers kept in memory."""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from adapters.chat import Message
from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.client import Client
from adapters.telegram.connection import Connection, Surroundings, connect
from config.telegram import Telegram
from tests.fakes.notes import Notes
from tests.fakes.telegram.api import BotApi

_DEFAULTS: dict[str, Any] = {
    "intake": "poll",
    "webhook_secret": "",
    "drafts": False,
    "group_messages_per_minute": 20,
    "chat_messages_per_minute": 60,
    "messages_per_second": 25,
}


class Background:
    """Work that was started in the background, done when a test says so."""

    def __init__(self) -> None:
        self._waiting: list[Coroutine[Any, Any, None]] = []

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Take a piece of work."""
        self._waiting.append(work)

    async def work(self) -> None:
        """Do all of it."""
        while self._waiting:
            await self._waiting.pop(0)


def telegram_settings(api: BotApi, **given: Any) -> Telegram:
    """The section [telegram] for the emulated bot."""
    return Telegram.model_validate({**_DEFAULTS, **api.settings(), **given})


class Account:
    """What receives, of the emulated bot. `taps` are the ids of presses that were to be answered, `seen` all messages."""

    def __init__(self, api: BotApi, around: Surroundings, background: Background, **given: Any) -> None:
        self.notes = around.state
        self.background = background
        self.taps: list[str] = []
        self.seen: list[Message] = []
        self.settings = telegram_settings(api, **given)
        self.connection: Connection = connect(
            self.settings, Client(self.settings), around, tapped=self.taps.append, saw=self.seen.append
        )
        self.intake = self.connection.intake
        self.rooms = self.connection.rooms
        self.pulse = self.connection.pulse


@asynccontextmanager
async def account_on(
    api: BotApi,
    *,
    notes: Notes | None = None,
    public_url: str = "",
    poll_s: float = 5.0,
    margin_s: float = 10.0,
    **given: Any,
) -> AsyncIterator[Account]:
    """An account until the end of the block. `given` are settings of [telegram]."""
    background = Background()
    around = Surroundings(notes or Notes(), background.spawn, public_url=public_url, poll_s=poll_s, margin_s=margin_s)
    account = Account(api, around, background, **given)
    try:
        yield account
    finally:
        account.intake.close()
        await background.work()
        await account.connection.client.close()


@asynccontextmanager
async def network_on(
    api: BotApi, *, notes: Notes | None = None, background: Background | None = None, **given: Any
) -> AsyncIterator[TelegramAdapter]:
    """The whole adapter until the end of the block. `given` are settings of [telegram]."""
    background = background or Background()
    adapter = TelegramAdapter(telegram_settings(api, **given), Surroundings(notes or Notes(), background.spawn))
    try:
        yield adapter
    finally:
        await background.work()
        await adapter.close()
