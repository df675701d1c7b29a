"""A real client of the Bot API, python-telegram-bot's, at the emulator."""

import contextlib
from collections.abc import AsyncIterator

import telegram
from telegram.request import HTTPXRequest

from tests.fakes.telegram import BotApi


@contextlib.asynccontextmanager
async def client_of(api: BotApi) -> AsyncIterator[telegram.Bot]:
    """A client that is signed in."""
    request = HTTPXRequest(connection_pool_size=16, httpx_kwargs={"trust_env": False})
    polling = HTTPXRequest(httpx_kwargs={"trust_env": False})
    async with telegram.Bot(
        api.token,
        base_url=f"{api.base_url}/bot",
        base_file_url=f"{api.base_url}/file/bot",
        request=request,
        get_updates_request=polling,
    ) as client:
        yield client
