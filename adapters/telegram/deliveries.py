"""How updates reach the bot, as `roomwise check telegram` finds it: the webhook, or a long poll and its rivals."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from adapters.chat import Finding
from adapters.telegram.asking import Asking, Said
from adapters.telegram.webhook import PATH
from config.telegram import Telegram

PORTS: Final = frozenset({443, 80, 88, 8443})  # those that Telegram sends to
_WEBHOOK: Final = "telegram webhook"
_LATELY: Final = timedelta(minutes=10)
# Words of Telegram's last error, in small letters, and what they mean for us; the first that fits counts.
_CAUSES: Final = (
    (
        "certificate",
        "the certificate is not one that Telegram trusts, or comes without its chain: serve the full chain",
    ),
    (
        "ssl",
        "the proxy speaks no TLS that Telegram understands: it needs TLS 1.2 and a certificate with its full chain",
    ),
    (
        "403",
        "the secret was wrong: the proxy must hand on X-Telegram-Bot-Api-Secret-Token; start the service once more",
    ),
    ("404", f"nothing is at that path: the proxy must hand {PATH} on, and telegram.intake must be webhook"),
    ("421", "the host name is not known here: the proxy must hand on Host, or web.allowed_hosts must name it"),
    ("413", "the proxy takes no bodies of that size: allow 10 MB"),
    ("502", "the proxy does not reach the service: see that it runs, and at which port"),
    ("503", "the service could not store it: see its log and its disk"),
    ("504", "the service took too long: see its log and its disk"),
    ("refused", "nothing listens at that address: see that the proxy runs and the firewall lets Telegram in"),
    ("reset", "the connection was cut: see the proxy's log"),
    ("time", "nobody answered in time: see that the firewall lets Telegram in (149.154.160.0/20, 91.108.4.0/22)"),
    ("resolve", "the name has no address: see its DNS entry"),
    ("ip address", "the name leads to an address that Telegram does not send to: it must be one of the internet"),
)


async def probe_intake(
    asking: Asking, settings: Telegram, *, public_url: str, is_running: bool, listens_s: float, now: datetime
) -> list[Finding]:
    """The lines on how updates come in."""
    said = await asking("getWebhookInfo")
    if not said.is_ok or not isinstance(said.result, dict):
        return [Finding(_WEBHOOK, is_ok=False, detail=f"it cannot be asked for: {said.words}", cure="try again")]
    info: Mapping[str, Any] = said.result
    if settings.intake == "webhook":
        own = f"{public_url.rstrip('/')}{PATH}"
        return [
            address_finding(public_url, is_own_server=bool(settings.base_url)),
            _expected(info, own, is_running=is_running, now=now),
        ]
    if info.get("url"):
        return [_unexpected(info)]
    waiting = _waiting(info)
    none = Finding(_WEBHOOK, is_ok=True, detail=f"none is set, as the long poll needs it; {waiting}")
    return [none, await _rivals(asking, is_running=is_running, listens_s=listens_s)]


def address_finding(public_url: str, *, is_own_server: bool) -> Finding:
    """Whether Telegram can send to `web.public_url`: https, and one of four ports, unless the server is one's own."""
    name = "telegram address"
    if not public_url:
        cure = 'set web.public_url to the https address of this service, or telegram.intake to "poll"'
        return Finding(
            name, is_ok=False, detail="web.public_url is empty, so Telegram has nowhere to send to", cure=cure
        )
    url = httpx.URL(public_url)
    if is_own_server:
        return Finding(name, is_ok=True, detail=f"{url.host}, from a Bot API server of your own")
    if url.scheme != "https":
        cure = "put a proxy with TLS in front and name it in web.public_url"
        return Finding(
            name, is_ok=False, detail="web.public_url is no https address: Telegram sends to no other", cure=cure
        )
    port = url.port or 443
    if port not in PORTS:
        cure = "let the proxy listen at one of them, and name it in web.public_url"
        detail = f"port {port}, but Telegram sends to {', '.join(map(str, sorted(PORTS)))} only"
        return Finding(name, is_ok=False, detail=detail, cure=cure)
    return Finding(name, is_ok=True, detail=f"https, {url.host}, port {port}")


def _expected(info: Mapping[str, Any], own: str, *, is_running: bool, now: datetime) -> Finding:
    url, waiting = str(info.get("url") or ""), _waiting(info)
    if not url:
        detail = f"none is set; {waiting}"
        if not is_running:
            return Finding(_WEBHOOK, is_ok=True, detail=f"{detail}; the service sets it when it starts")
        return Finding(
            _WEBHOOK, is_ok=False, detail=detail, cure="start the service once more; its log says what failed"
        )
    if url != own:
        cure = "start the service: it sets its own. If it does not stay, another program uses this token: give it a bot of its own"
        return Finding(_WEBHOOK, is_ok=False, detail=f"goes to {_host(url)}, not to this service; {waiting}", cure=cure)
    failed_at = _time(info.get("last_error_date"))
    if failed_at is None:
        return Finding(_WEBHOOK, is_ok=True, detail=f"set to this service; {waiting}")
    words = str(info.get("last_error_message") or "no reason told")[:200]
    detail = f"{waiting}; last failure {_age(now - failed_at)} ago: {words}"
    if now - failed_at > _LATELY and not info.get("pending_update_count"):
        return Finding(_WEBHOOK, is_ok=True, detail=f"set to this service; {detail}")
    return Finding(_WEBHOOK, is_ok=False, detail=detail, cure=cause_of(words))


def cause_of(words: str) -> str:
    """What to do about Telegram's last error."""
    small = words.lower()
    known = (cure for part, cure in _CAUSES if part in small)
    return next(known, "see the logs of the proxy and of the service at that time")


def _unexpected(info: Mapping[str, Any]) -> Finding:
    detail = f"one is set, to {_host(str(info['url']))}, though telegram.intake is poll; {_waiting(info)}"
    cure = (
        "start the service: it deletes it once, and nothing that waits is lost. If it comes back, another program uses "
        "this token: give that one a bot of its own"
    )
    return Finding(_WEBHOOK, is_ok=False, detail=detail, cure=cure)


async def _rivals(asking: Asking, *, is_running: bool, listens_s: float) -> Finding:
    """Listen for another program on the token. It is asked from no offset on, so nothing is taken from anybody."""
    name = "telegram conflicts"
    if is_running:
        return Finding(name, is_ok=True, detail="not looked for: the service is running, and tells of them in /status")
    said = await asking("getUpdates", limit=1, timeout=round(listens_s), within_s=listens_s + 15)
    if said.is_ok:
        return Finding(name, is_ok=True, detail="no other program asks for this bot's updates")
    if said.status == 409:
        cure = "stop the other one, or revoke the token at @BotFather (/revoke) and give each program a bot of its own"
        return Finding(name, is_ok=False, detail="another program asks for this bot's updates, too", cure=cure)
    return _not_told(name, said)


def _not_told(name: str, said: Said) -> Finding:
    return Finding(name, is_ok=False, detail=f"Telegram says: {said.words}", cure="try again in a minute")


def _waiting(info: Mapping[str, Any]) -> str:
    return f"{info.get('pending_update_count', 0)} updates wait"


def _host(url: str) -> str:
    """The host alone: the path of a webhook is often its secret."""
    try:
        return httpx.URL(url).host or "another address"
    except httpx.InvalidURL:
        return "another address"


def _time(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def _age(span: timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
