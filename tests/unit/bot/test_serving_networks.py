"""The service speaks on the networks that its settings name."""

import asyncio
from pathlib import Path

from bot.service import Started, serve
from config.load import load
from config.texts import say
from tests.fakes.telegram import running_bot_api


async def test_a_stranger_on_telegram_hears_how_to_get_access(tmp_path: Path) -> None:
    """From the update to the message, through all that a running service has."""
    async with running_bot_api() as api:
        environ = {
            "ROOMWISE_KEY_FILE": str(tmp_path / "key"),
            "ROOMWISE_EMBEDDER__KIND": "none",
            "ROOMWISE_SOURCES__FIRST_PROJECT": "false",
            "ROOMWISE_WEB__PORT": "0",
            "ROOMWISE_TELEGRAM__TOKEN": api.token,
            "ROOMWISE_TELEGRAM__BASE_URL": api.base_url,
        }
        settings = load(config_file=None, environ=environ, cwd=tmp_path, data_dir=tmp_path / "data").settings
        stop, eve = asyncio.Event(), api.add_private(7)

        async def told(_: Started) -> None:
            api.says(eve, "What is in there?", user=7)
            await api.until(lambda: api.shown(eve))
            stop.set()

        await serve(settings, told=told, stop=stop)

        assert say("onboarding.stranger", "en", identity="telegram:7").replace("`", "") in api.shown(eve)
        assert [] == api.errors
