"""A bot that sends to the emulator."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from telegram import Bot
from telegram.request import HTTPXRequest

from adapters.chat import Button, RoomAddress
from adapters.telegram.sending import Sending
from config.load import default_values
from config.telegram import Telegram
from tests.fakes.telegram import BotApi, running_bot_api

ADA = 42
GROUP = -100_1234567890
BASIC = -4242
ANSWER_S = 2.0
VOTES = ((Button("👍", "up", "turn1"), Button("👎", "down", "turn1")),)
STOP = ((Button("Stop", "cancel", "17"),),)


class ScaledClock:
    """A clock that runs so many times faster than the machine's."""

    def __init__(self, scale: float) -> None:
        self._scale = scale

    def __call__(self) -> float:
        """Say the time."""
        return time.monotonic() * self._scale

    async def sleep(self, seconds: float) -> None:
        """Wait by this clock."""
        await asyncio.sleep(seconds / self._scale)


class HurriedClock:
    """The machine's clock, on which nobody waits: who sleeps finds it moved on."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def __call__(self) -> float:
        """Say the time."""
        return time.monotonic() + self._ahead_s

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self._ahead_s += seconds
        await asyncio.sleep(0)


@dataclass(slots=True)
class Sender:
    """One run of what sends, over an emulator that outlives it."""

    api: BotApi
    sending: Sending
    bot: Bot

    def room(self, chat: int, topic: int | None = None) -> RoomAddress:
        """The address of a chat, or of a topic in it."""
        name = str(chat) if topic is None else f"{chat}/{topic}"
        return RoomAddress("telegram", str(self.api.bot_id), name)


@asynccontextmanager
async def sender(
    api: BotApi, *, answer_s: float = ANSWER_S, clock: HurriedClock | ScaledClock | None = None, **more: Any
) -> AsyncIterator[Sender]:
    """A bot that has just started; `more` replaces settings."""
    settings = Telegram.model_validate({**default_values()["telegram"], **api.settings(), **more})
    request = HTTPXRequest(connection_pool_size=8, connect_timeout=answer_s, read_timeout=answer_s)
    server = settings.base_url
    bot = Bot(
        settings.token.get_secret_value(), base_url=f"{server}/bot", base_file_url=f"{server}/file/bot", request=request
    )
    await request.initialize()
    try:
        clock = clock or HurriedClock()
        yield Sender(api, Sending(bot, settings, clock=clock, sleep=clock.sleep), bot)
    finally:
        await request.shutdown()


@asynccontextmanager
async def house() -> AsyncIterator[BotApi]:
    """An emulator with a private chat, a forum and a basic group."""
    async with running_bot_api() as api:
        api.add_private(ADA)
        api.add_group(GROUP, "Team", is_forum=True, admins=[5])
        api.add_group(BASIC, "Small", kind="group")
        yield api
