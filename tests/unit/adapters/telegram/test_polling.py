"""The pace of polls, whatever a server answers."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.telegram.client import Client
from adapters.telegram.health import Pulse
from adapters.telegram.polling import Polling
from tests.unit.adapters.telegram.server_limits import settings
from tests.unit.adapters.telegram.telling import NOON


class Server(Client):
    """Answers every poll at once, and with the same."""

    def __init__(self, updates: list[Any]) -> None:
        super().__init__(settings(token="666:" + "A" * 35))
        self._updates = updates

    async def updates(self, query: Mapping[str, Any], *, patience_s: float) -> list[Any]:
        """The updates."""
        return self._updates


async def seconds_of(updates: list[Any], *, offset: int) -> float:
    """How long a poll takes that is answered at once."""
    server = Server(updates)
    began = time.monotonic()
    assert updates == await Polling(server, Pulse("long poll", lambda: NOON)).ask(offset)
    took = time.monotonic() - began
    await server.close()
    return took


@pytest.mark.parametrize(
    "updates", [[], [{"message": {}}], ["x", None], [{"update_id": "9"}], [{"update_id": 8}, {"message": {}}]]
)
async def test_a_server_that_brings_nothing_new_is_not_asked_again_at_once(updates: list[Any]) -> None:
    """Updates without ids cannot be acknowledged, and those before the offset were: both would come again for ever."""
    assert await seconds_of(updates, offset=9) >= 0.45
