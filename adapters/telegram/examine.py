"""What `roomwise check telegram` asks of Telegram: each line says how something is, and what to do about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from adapters.chat import Finding
from adapters.telegram.asking import NOTHING, Asking, Said
from adapters.telegram.deliveries import probe_intake
from adapters.telegram.trying import try_in
from config.telegram import Telegram

_MENUS: Final = ("all_private_chats", "all_group_chats", "all_chat_administrators")
_CLOCK_S: Final = 30.0
_FROM_BOTFATHER: Final = (
    "take it from @BotFather (/mybots, API Token) and put it into a file named by ROOMWISE_TELEGRAM__TOKEN_FILE"
)


def utc_now() -> datetime:
    """This machine's time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Situation:
    """What surrounds the account. `is_running`: a service of ours uses it now, so that nothing may be taken from it.

    `listens_s` is how long another program that asks for updates is waited for.
    """

    settings: Telegram
    public_url: str = ""
    is_running: bool = False
    listens_s: float = 8.0
    now: Callable[[], datetime] = utc_now


async def examine(situation: Situation, *, live_in: str = "") -> list[Finding]:
    """Ask all of it; `live_in` is CHAT or CHAT/TOPIC, where messages are sent, looked for and deleted again."""
    async with httpx.AsyncClient() as http:
        asking = Asking(situation.settings, http)
        said = await asking("getMe")
        found = [_token(said, situation)]
        if not said.is_ok or not isinstance(said.result, dict):
            return found
        me: Mapping[str, Any] = said.result
        found += [_server(situation), _clock(said, situation), _privacy(me), _groups(me)]
        found += await probe_intake(
            asking,
            situation.settings,
            public_url=situation.public_url,
            is_running=situation.is_running,
            listens_s=situation.listens_s,
            now=situation.now(),
        )
        found.append(await _menus(asking, is_running=situation.is_running))
        if live_in:
            found += await try_in(asking, live_in, me=me)
        return found


def _token(said: Said, situation: Situation) -> Finding:
    name, server = "telegram token", _server_name(situation)
    if said.is_ok and isinstance(said.result, dict):
        return Finding(name, is_ok=True, detail=f"@{said.result.get('username')}, id {said.result.get('id')}")
    if said.status == NOTHING:
        cure = "see that this machine reaches that address, by a proxy if there is one; telegram.base_url names another"
        return Finding(name, is_ok=False, detail=f"{server} does not answer ({said.words})", cure=cure)
    if said.says("logged out"):
        cure = "the bot was moved to a Bot API server of your own: name it in telegram.base_url, or wait ten minutes"
        return Finding(name, is_ok=False, detail=f"{server} says: {said.words}", cure=cure)
    if said.status in (401, 404):
        cure = (
            _FROM_BOTFATHER
            if not situation.settings.base_url
            else f"{_FROM_BOTFATHER}; see also that telegram.base_url is right"
        )
        return Finding(name, is_ok=False, detail=f"{server} does not know it: {said.words}", cure=cure)
    return Finding(name, is_ok=False, detail=f"{server} says: {said.words}", cure="try again in a while")


def _server_name(situation: Situation) -> str:
    return "your Bot API server" if situation.settings.base_url else "Telegram"


def _server(situation: Situation) -> Finding:
    name, base_url = "telegram server", situation.settings.base_url
    if not base_url:
        return Finding(name, is_ok=True, detail="Telegram's own; files up to 20 MB can be read")
    detail = "your own (telegram.base_url)"
    if base_url.startswith("https://") or _host_of(base_url) in ("127.0.0.1", "localhost", "::1"):
        return Finding(name, is_ok=True, detail=detail)
    cure = "the token travels readable on the way there: keep it on this machine or in one network of containers"
    return Finding(name, is_ok=True, detail=f"{detail}, by plain http", cure=cure)


def _host_of(url: str) -> str:
    return httpx.URL(url).host


def _clock(said: Said, situation: Situation) -> Finding:
    if said.at is None:
        return Finding("telegram clock", is_ok=True, detail="the server tells no time")
    ahead_s = (situation.now() - said.at).total_seconds()
    if abs(ahead_s) <= _CLOCK_S:
        return Finding("telegram clock", is_ok=True, detail="this machine's agrees with the server's")
    way = "ahead of" if ahead_s > 0 else "behind"
    cure = (
        "let this machine follow a time server, such as by `timedatectl set-ntp true`: ages and limits go by its clock"
    )
    return Finding(
        "telegram clock", is_ok=False, detail=f"this machine is {abs(ahead_s):.0f} s {way} the server", cure=cure
    )


def _privacy(me: Mapping[str, Any]) -> Finding:
    name = "telegram privacy mode"
    if me.get("can_read_all_group_messages"):
        detail = "off: the bot receives every message of its groups; what is not for it is neither kept nor logged"
        return Finding(name, is_ok=True, detail=detail)
    detail = (
        "on: of a group the bot receives commands, replies to it and what mentions it. /ask, mentions and replies work; "
        "/answer all works only where the bot is an administrator"
    )
    cure = "for /answer all: @BotFather, /setprivacy, Disable; then remove the bot from the group and add it again"
    return Finding(name, is_ok=True, detail=detail, cure=cure)


def _groups(me: Mapping[str, Any]) -> Finding:
    if me.get("can_join_groups"):
        return Finding("telegram groups", is_ok=True, detail="the bot can be added to groups")
    cure = "to use it in groups: @BotFather, /setjoingroups, Enable"
    return Finding("telegram groups", is_ok=True, detail="the bot cannot be added to groups", cure=cure)


async def _menus(asking: Asking, *, is_running: bool) -> Finding:
    name = "telegram menus"
    answers = [await asking("getMyCommands", scope={"type": scope}) for scope in _MENUS]
    counts = [len(said.result) if isinstance(said.result, list) else 0 for said in answers]
    if all(counts):
        told = ", ".join(map(str, counts))
        return Finding(name, is_ok=True, detail=f"commands in private, in groups, for administrators: {told}")
    if is_running:
        cure = "typed commands work all the same; the service's log says why under `menus`"
        return Finding(name, is_ok=False, detail="the service has not filled them in yet", cure=cure)
    return Finding(name, is_ok=True, detail="not filled in yet; the service does it when it starts")
