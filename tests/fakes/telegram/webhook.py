"""Delivers updates to the bot's address, as the official server does (WebhookActor.cpp).

Only a 2xx confirms an update. One that failed comes again after a second, then after twice as long each time, or when
Retry-After says; updates of one chat keep their order, and chats wait for nothing but a connection.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.fakes.telegram.errors import bad
from tests.fakes.telegram.updates import Json, Updates

LONGEST_WAIT_S = 60.0
ANSWER_WITHIN_S = 60.0
_SECRET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


@dataclass(slots=True)
class Webhook:
    """Where updates go, and how that went last."""

    url: str
    secret: str = ""
    max_connections: int = 40
    last_error: str = ""
    last_error_at: int = 0

    @property
    def info(self) -> Json:
        """What getWebhookInfo says of it."""
        error = (
            {"last_error_date": self.last_error_at, "last_error_message": self.last_error} if self.last_error else {}
        )
        return {"url": self.url, "max_connections": self.max_connections, **error}


def webhook_of(arguments: Json) -> Webhook:
    """Read what setWebhook was asked. Raises ApiError 400 for an address or a secret that Telegram does not take."""
    url, secret = str(arguments["url"]), str(arguments.get("secret_token") or "")
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname != "127.0.0.1":  # a server of one's own takes addresses nearby
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if len(secret) > 256:
        raise bad("secret token is too long")
    if not set(secret) <= _SECRET:
        raise bad("secret token contains unallowed characters")
    return Webhook(url, secret, max(1, min(100, int(arguments.get("max_connections") or 40))))


class Delivery:
    """Takes updates from the queue to the webhook, each chat's one after the other."""

    def __init__(self, updates: Updates, now: Callable[[], int]) -> None:
        self.webhook: Webhook | None = None
        self.scale = 1.0  # so many times shorter are the waits
        self.tries = 0
        self._updates, self._now = updates, now
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes: dict[str, asyncio.Task[None]] = {}

    async def deliver_to(self, webhook: Webhook | None) -> None:
        """Deliver to another address from now on, or to none."""
        await self.stop()
        self.webhook = webhook
        self._updates.has_webhook = webhook is not None
        if webhook is not None:
            self._updates.end_poll()
            self._start(self._run(webhook))

    async def stop(self) -> None:
        """Deliver nothing more."""
        tasks, self._tasks, self._lanes = self._tasks, set(), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, webhook: Webhook) -> None:
        connections = asyncio.Semaphore(webhook.max_connections)
        async with httpx.AsyncClient(timeout=ANSWER_WITHIN_S, trust_env=False) as http:
            while True:
                idle = {_lane(one) for one in self._updates.waiting} - self._busy()
                for lane in idle:
                    self._lanes[lane] = self._start(self._empty(lane, webhook, http, connections))
                await self._updates.arrived.wait()

    def _busy(self) -> set[str]:
        return {lane for lane, task in self._lanes.items() if not task.done()}

    async def _empty(
        self, lane: str, webhook: Webhook, http: httpx.AsyncClient, connections: asyncio.Semaphore
    ) -> None:
        while update := next((one for one in self._updates.waiting if _lane(one) == lane), None):
            wait_s = 1.0
            while (after := await self._try(update, webhook, http, connections)) is not None:
                await asyncio.sleep((after or wait_s) / self.scale)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            self._updates.done(update)

    async def _try(
        self, update: Json, webhook: Webhook, http: httpx.AsyncClient, connections: asyncio.Semaphore
    ) -> float | None:
        """Deliver once: None when it is confirmed, else how long the other side wants us to wait, 0 if it says nothing."""
        secret = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret} if webhook.secret else {}
        async with connections:
            self.tries += 1
            try:
                answer = await http.post(webhook.url, json=update, headers=secret)
            except httpx.HTTPError as error:
                self._failed(webhook, _said(error))
                return 0.0
        if answer.is_success:
            return None
        self._failed(webhook, f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}")
        after = answer.headers.get("retry-after", "")
        return float(after) if after.isdigit() else 0.0

    def _failed(self, webhook: Webhook, error: str) -> None:
        webhook.last_error, webhook.last_error_at = error, self._now()


def _said(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError):
        return "Connection refused"
    return "Read timeout expired" if isinstance(error, httpx.TimeoutException) else "Connection closed"


def _lane(update: Json) -> str:
    """Updates of one lane keep their order: those of a chat, or of a person who taps."""
    for kind, what in update.items():
        if kind != "update_id":
            chat = what.get("chat") or what.get("from") or {}
            return str(chat.get("id", update["update_id"]))
    return str(update["update_id"])
