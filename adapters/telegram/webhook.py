"""The webhook that Telegram sends updates to: set, looked after, and its pushes checked."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from telegram import WebhookInfo

from adapters.chat import BadPush, ChatError, Refused, Unreachable
from adapters.telegram.client import Client
from adapters.telegram.faults import ask
from adapters.telegram.health import Pulse
from adapters.telegram.wire import ALLOWED_UPDATES
from config.telegram import Telegram

PATH: Final = "/webhooks/telegram"
SECRET_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105
# The server sends the updates of one chat one after the other, however many connections there are (read in
# tdlib/telegram-bot-api, WebhookActor: a queue for each chat). More of them only let chats go on beside each other.
CONNECTIONS: Final = 20
_PAUSE_S: Final = 30.0
_FRESH: Final = timedelta(minutes=5)


def secret_of(settings: Telegram) -> str:
    """What Telegram proves itself with: as set, or made from the token, so that it stays over restarts."""
    given = settings.webhook_secret.get_secret_value()
    token = settings.token.get_secret_value().encode()
    return given or hmac.new(token, b"roomwise telegram webhook", hashlib.sha256).hexdigest()


def read_push(headers: Mapping[str, str], body: bytes, *, secret: str) -> Any:
    """The update of a push, as JSON. Raises BadPush: 403 for a wrong secret, 400 for what is no update."""
    given = next((value for name, value in headers.items() if name.lower() == SECRET_HEADER), "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
        raise BadPush("expected Telegram's secret, got another or none", status=403)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadPush("expected an update as JSON", status=400) from None


class Webhook:
    """Our webhook at Telegram, which sends to `url`. Only a Bot API server of one's own takes a plain http address."""

    def __init__(self, client: Client, pulse: Pulse, *, url: str, secret: str) -> None:
        self._client = client
        self._pulse = pulse
        self._url = url
        self._secret = secret
        self._kinds: frozenset[str] | None = None  # as the server keeps them: an older one leaves out what it knows not

    async def set_up(self) -> None:
        """Tell Telegram where to send what. Raises Unreachable."""
        if not self._url.startswith("https://") and (self._client.is_official or not self._url):
            raise self._down(Refused('set web.public_url to an https address, or telegram.intake to "poll"'))
        call = self._client.bot.set_webhook(
            self._url, max_connections=CONNECTIONS, allowed_updates=ALLOWED_UPDATES, secret_token=self._secret
        )
        try:
            await ask(call)
        except ChatError as fault:
            raise self._down(fault) from None

    async def look(self) -> None:
        """Note how Telegram gets on with the webhook, and set it again when another one is there. Raises Unreachable."""
        try:
            info = await ask(self._client.bot.get_webhook_info())
        except ChatError as fault:
            raise self._down(fault) from None
        kinds = frozenset(info.allowed_updates)
        if info.url != self._url or kinds != (self._kinds or kinds):
            self._pulse.happened("last time that another webhook was set")
            await self.set_up()
        else:
            self._kinds = kinds
        self._note(info)

    async def remove(self) -> None:
        """Delete whatever webhook is set; what waits there stays and can be asked for. Raises ChatError."""
        await ask(self._client.bot.delete_webhook(drop_pending_updates=False))

    def _note(self, info: WebhookInfo) -> None:
        self._pulse.beat()
        self._pulse.note("waiting at Telegram", str(info.pending_update_count))
        failed_at = info.last_error_date
        if failed_at is None:
            return
        stamp = f"{failed_at:%Y-%m-%d %H:%M:%S UTC}"
        self._pulse.note("last failed push", f"{stamp}: {info.last_error_message or 'no reason given'}")
        if info.pending_update_count and self._pulse.clock() - failed_at < _FRESH:
            self._pulse.fail(f"Telegram cannot deliver to the webhook: {info.last_error_message or 'no reason given'}")

    def _down(self, fault: ChatError) -> Unreachable:
        self._pulse.fail(str(fault))
        wait_s = fault.retry_after_s if isinstance(fault, Unreachable) else None
        return Unreachable(f"the webhook cannot be set up: {fault}", retry_after_s=wait_s or _PAUSE_S)
