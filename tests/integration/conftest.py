"""An emulated Telegram and a bot that sends to it, for every test that asks for them."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.telegram import BotApi
from tests.integration.telegram_bots import Sender, house, sender


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """An emulator with three chats, whose judges must have found nothing at the end."""
    async with house() as api:
        yield api


@pytest.fixture
async def us(api: BotApi) -> AsyncIterator[Sender]:
    """A bot that sends."""
    async with sender(api) as us:
        yield us
