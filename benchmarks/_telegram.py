"""A `roomwise run` on the emulated Telegram, for benchmarks.telegram."""

import contextlib
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.e2e.killable import free_port, shell_headers
from tests.e2e.service import environment
from tests.e2e.telegram_kills import KillableBot
from tests.e2e.telegram_rooms import Talk, bind, furnish, settings_of
from tests.fakes.telegram import BotApi, running_bot_api

FIGURES = {"lag": "roomwise_event_loop_lag_seconds"}


@dataclass(frozen=True, slots=True)
class Running:
    """The process, what it is spoken to through, and the chats."""

    api: BotApi
    talks: list[Talk]
    bot: KillableBot
    folder: Path
    address: str

    @property
    def rss_mb(self) -> float:
        """Resident memory of the process in MB."""
        assert self.bot.process is not None
        return float(psutil.Process(self.bot.process.pid).memory_info().rss) / 1e6

    async def metrics(self) -> str:
        """What it says of itself."""
        headers = await shell_headers(self.folder)
        async with httpx.AsyncClient(base_url=self.address, headers=headers, trust_env=False, timeout=30) as http:
            return (await http.get("/metrics")).raise_for_status().text


@contextlib.asynccontextmanager
async def running(
    private: int, groups: int, *, more: Mapping[str, str] | None = None, fill: Any = None
) -> AsyncIterator[Running]:
    """Start it over a new data folder with so many chats, and end it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with running_bot_api() as api:
            talks = furnish(api, private, groups)
            await bind(folder, str(api.bot_id), talks, fill=fill)
            port = free_port()
            command = [sys.executable, "-m", "bot", "run", "--port", str(port), "--data-dir", str(folder / "data")]
            bot = KillableBot(api, command, environment(folder, **settings_of(api, **(more or {}))))
            try:
                await bot.start()
                await api.until(lambda: api.calls("getUpdates"))
                yield Running(api, talks, bot, folder, f"http://127.0.0.1:{port}")
            finally:
                bot.kill()


def figures_of(metrics: str, name: str, share: float) -> float:
    """The upper bound of the bucket of a histogram below which that share of the values lies."""
    found = re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\S+)$', metrics, re.MULTILINE)
    buckets = [(float(bound), float(count)) for bound, count in found]
    return next((bound for bound, count in buckets if count >= share * buckets[-1][1]), float("inf"))
