"""The connection to the Bot API: the library's Bot, and beside it the long poll, which hands out plain JSON.

The library would read updates into its own classes, and when one of them has a shape that it does not know it logs
the whole batch and loses it. The token is part of every URL, so no error of the library is kept as the cause of ours.
"""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from telegram import Bot
from telegram.request import HTTPXRequest

from config.telegram import Telegram

_OFFICIAL: Final = "https://api.telegram.org"
_CONNECTIONS: Final = 64  # several chats are written to at once, and files come down beside it
_CONNECT_S: Final = 10.0
_ANSWER_S: Final = 20.0
_UPLOAD_S: Final = 60.0


class Client:
    """The bot with requests of our own: one for the long poll alone, one for everything else."""

    def __init__(self, settings: Telegram) -> None:
        self.is_official = not settings.base_url
        server = settings.base_url.rstrip("/") or _OFFICIAL
        self._poll = HTTPXRequest(connection_pool_size=2, connect_timeout=_CONNECT_S, pool_timeout=_CONNECT_S)
        self._rest = HTTPXRequest(
            connection_pool_size=_CONNECTIONS,
            connect_timeout=_CONNECT_S,
            read_timeout=_ANSWER_S,
            write_timeout=_ANSWER_S,
            pool_timeout=_ANSWER_S,
            media_write_timeout=_UPLOAD_S,
        )
        self.bot = Bot(
            settings.token.get_secret_value(),
            base_url=f"{server}/bot",
            base_file_url=f"{server}/file/bot",
            request=self._rest,
            get_updates_request=self._poll,
        )

    async def updates(self, query: Mapping[str, Any], *, patience_s: float) -> list[Any]:
        """Ask getUpdates once; the answer is what the server wrote, unread. Raises the library's TelegramError."""
        url = f"{self.bot.base_url}/getUpdates?{_encoded(query)}"
        answer: Any = await self._poll.post(url, read_timeout=patience_s)
        return answer if isinstance(answer, list) else []

    async def call(self, method: str, **query: Any) -> Any:
        """Ask anything else that only tells us something, as plain JSON too. Raises the library's TelegramError."""
        return await self._rest.post(f"{self.bot.base_url}/{method}?{_encoded(query)}")

    async def reconnect(self) -> None:
        """Let the next poll go over a new connection; what hung on the old one ends."""
        await self._poll.shutdown()
        await self._poll.initialize()

    async def close(self) -> None:
        """Close every connection."""
        await self._poll.shutdown()
        await self._rest.shutdown()


def _encoded(query: Mapping[str, Any]) -> str:
    return urlencode({name: value if isinstance(value, str) else json.dumps(value) for name, value in query.items()})
