"""`roomwise check telegram` on the emulated Bot API: each line, and what to do about it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.chat import Finding
from adapters.telegram.deliveries import address_finding
from adapters.telegram.examine import Situation, examine
from bot.cli.checkup import run_check_of
from bot.cli.doors import Where
from bot.cli.telegram_check import probe_telegram
from bot.platform import DataFolderLock
from config.load import load
from tests.fakes.telegram import BotApi, running_bot_api
from tests.fakes.telegram.server import TOKEN

ADA, GROUP = 11, -1001234567890
PUBLIC = "https://rooms.example.org"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Bot API with a bot in privacy mode."""
    async with running_bot_api() as running:
        yield running


def around(api: BotApi, **more: Any) -> Situation:
    """The bot of the emulator, whose rivals are listened for only a moment; `more` are settings of [telegram]."""
    settings = load(environ={}).settings.telegram.model_copy(update=more)
    told = {f"ROOMWISE_TELEGRAM__{name.upper()}": value for name, value in api.settings().items()}
    known = load(environ=told).settings.telegram
    return Situation(settings.model_copy(update={"token": known.token, "base_url": known.base_url}), listens_s=0.2)


async def lines(situation: Situation, *, live_in: str = "") -> dict[str, Finding]:
    """The findings by name; none of them holds the token, and each fault says what to do."""
    found = await examine(situation, live_in=live_in)
    assert situation.settings.token.get_secret_value() not in repr(found)
    assert all(one.cure for one in found if not one.is_ok)
    assert len(found) == len({one.name for one in found})
    return {one.name: one for one in found}


async def test_a_new_bot_is_told_whole(api: BotApi) -> None:
    """Who it is, what privacy mode means, that nobody else asks; nothing is wrong before the first start."""
    found = await lines(around(api))

    assert all(one.is_ok for one in found.values()), found
    assert f"@roomwise_bot, id {api.bot_id}" == found["telegram token"].detail
    assert "/setprivacy" in found["telegram privacy mode"].cure
    assert "add it again" in found["telegram privacy mode"].cure
    assert "agrees" in found["telegram clock"].detail
    assert "no other program" in found["telegram conflicts"].detail
    assert "when it starts" in found["telegram menus"].detail
    assert [] == api.calls("setWebhook") + api.calls("deleteWebhook") + api.calls("setMyCommands")


async def test_what_waits_is_taken_from_nobody(api: BotApi) -> None:
    """Looking for rivals confirms no update."""
    api.add_private(ADA)
    api.says(ADA, "How do I install it?")

    found = await lines(around(api))

    assert "1 updates wait" in found["telegram webhook"].detail
    assert found["telegram conflicts"].is_ok
    assert 1 == len(api.waiting)


async def test_a_rival_is_found(api: BotApi) -> None:
    """Another program asks for updates while we listen."""
    situation = replace(around(api), listens_s=20.0)
    looking = asyncio.create_task(lines(situation))
    await api.until(lambda: api.calls("getUpdates"))
    api.second_poller()

    found = await looking

    assert not found["telegram conflicts"].is_ok
    assert "/revoke" in found["telegram conflicts"].cure


async def test_a_running_service_is_not_disturbed(api: BotApi) -> None:
    """Its poll would end if we asked, too; menus that it has not filled in are a fault now."""
    found = await lines(replace(around(api), is_running=True))

    assert [] == api.calls("getUpdates")
    assert "/status" in found["telegram conflicts"].detail
    assert not found["telegram menus"].is_ok


async def test_flags_of_the_bot_are_told(api: BotApi) -> None:
    """Privacy mode off, no groups, menus filled in."""
    api.bot["can_read_all_group_messages"], api.bot["can_join_groups"] = True, False
    for scope in ("all_private_chats", "all_group_chats", "all_chat_administrators"):
        api.hub.commands[scope, ""] = [{"command": "ask", "description": "Ask"}]

    found = await lines(around(api))

    assert found["telegram privacy mode"].detail.startswith("off")
    assert "/setjoingroups" in found["telegram groups"].cure
    assert found["telegram menus"].detail.endswith("1, 1, 1")


async def test_a_revoked_token_says_where_to_get_another(api: BotApi) -> None:
    """Nothing more is asked then."""
    api.revoke_token()

    found = await lines(around(api))

    assert ["telegram token"] == list(found)
    assert "@BotFather" in found["telegram token"].cure


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:9", "http://nowhere.invalid"])
async def test_a_server_that_is_not_there(api: BotApi, base_url: str) -> None:
    """Its address holds the token, and is not shown."""
    situation = around(api)

    found = await lines(replace(situation, settings=situation.settings.model_copy(update={"base_url": base_url})))

    assert "does not answer" in found["telegram token"].detail


async def test_a_server_that_is_no_bot_api(api: BotApi) -> None:
    """Some other program listens at telegram.base_url."""
    situation = around(api)
    wrong = situation.settings.model_copy(update={"base_url": f"{api.base_url}/elsewhere"})

    found = await lines(replace(situation, settings=wrong))

    assert not found["telegram token"].is_ok
    assert "base_url" in found["telegram token"].cure


@pytest.mark.parametrize(("ahead_s", "word"), [(-45, "behind"), (3600, "ahead of")])
async def test_a_wrong_clock_is_found(api: BotApi, ahead_s: int, word: str) -> None:
    """By the time that the server tells."""
    situation = replace(around(api), now=lambda: datetime.now(UTC) + timedelta(seconds=ahead_s))

    found = await lines(situation)

    assert not found["telegram clock"].is_ok
    assert word in found["telegram clock"].detail


async def test_a_webhook_beside_the_long_poll_is_a_fault(api: BotApi) -> None:
    """Only its host is shown: paths of others' webhooks hold their tokens."""
    await asked(api, "setWebhook", url=f"https://other.example/{TOKEN}")

    found = await lines(around(api))

    assert not found["telegram webhook"].is_ok
    assert "to other.example, though" in found["telegram webhook"].detail
    assert "telegram conflicts" not in found


@pytest.mark.parametrize(
    ("public_url", "base_url", "is_ok", "word"),
    [
        ("", "", False, "empty"),
        ("http://rooms.example.org", "", False, "no https"),
        ("https://rooms.example.org:9443", "", False, "9443"),
        ("https://rooms.example.org:8443", "", True, "8443"),
        (PUBLIC, "", True, "port 443"),
        ("http://10.0.0.5:8765", "http://127.0.0.1:8081", True, "of your own"),
    ],
)
async def test_telegram_must_reach_the_webhook(public_url: str, base_url: str, is_ok: bool, word: str) -> None:  # noqa: FBT001 - a table
    """By https and one of four ports, unless the Bot API server is one's own."""
    found = address_finding(public_url, is_own_server=bool(base_url))

    assert (is_ok, True) == (found.is_ok, word in found.detail)


async def test_a_webhook_is_set_when_the_service_starts(api: BotApi) -> None:
    """Before that its absence is no fault."""
    situation = replace(around(api, intake="webhook"), public_url=PUBLIC)

    before = (await lines(situation))["telegram webhook"]
    while_running = (await lines(replace(situation, is_running=True)))["telegram webhook"]

    assert (True, False) == (before.is_ok, while_running.is_ok)


async def test_a_webhook_of_another_program_is_found(api: BotApi) -> None:
    """Two programs on one token set theirs in turns."""
    await asked(api, "setWebhook", url="https://other.example/hook")

    found = await lines(replace(around(api, intake="webhook"), public_url=PUBLIC))

    assert "other.example, not to this service" in found["telegram webhook"].detail


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        ("SSL error {error:0A000086:SSL routines::certificate verify failed}", "full chain"),
        ("Wrong response from the webhook: 403 Forbidden", "X-Telegram-Bot-Api-Secret-Token"),
        ("Wrong response from the webhook: 404 Not Found", "/webhooks/telegram"),
        ("Wrong response from the webhook: 421 Misdirected Request", "Host"),
        ("Wrong response from the webhook: 502 Bad Gateway", "proxy"),
        ("Wrong response from the webhook: 503 Service Unavailable", "disk"),
        ("Connection refused", "firewall"),
        ("Connection timed out", "firewall"),
        ("Read timeout expired", "firewall"),
        ("Failed to resolve host: Name or service not known", "DNS"),
        ("Bad webhook: IP address 10.0.0.1 is reserved", "internet"),
        ("something new", "logs"),
    ],
)
async def test_the_last_failure_of_a_webhook_is_explained(api: BotApi, words: str, cure: str) -> None:
    """With its age and the likely cause, while updates wait or it is fresh."""
    await asked(api, "setWebhook", url=f"{PUBLIC}/webhooks/telegram")
    failed_at = datetime.now(UTC) - timedelta(minutes=5)
    webhook = api.hub.delivery.webhook
    assert webhook is not None
    webhook.last_error, webhook.last_error_at = words, int(failed_at.timestamp())
    situation = replace(around(api, intake="webhook"), public_url=f"{PUBLIC}/")

    fresh = (await lines(situation))["telegram webhook"]
    later = replace(situation, now=lambda: datetime.now(UTC) + timedelta(hours=3))
    old = (await lines(later))["telegram webhook"]

    assert not fresh.is_ok
    assert "5 min ago" in fresh.detail
    assert words in fresh.detail
    assert cure in fresh.cure
    assert (True, True) == (old.is_ok, "3 h ago" in old.detail)


async def test_a_group_is_tried_out(api: BotApi) -> None:
    """All that probing stands on holds; what was sent is gone, and other messages stand."""
    api.add_group(GROUP, "Team")
    said = api.says(GROUP, "hello", user=ADA)

    found = await lines(around(api), live_in=str(GROUP))

    live = {name: one for name, one in found.items() if name.startswith("live")}
    assert all(one.is_ok for one in live.values()), live
    assert "Team (supergroup)" == live["live chat"].detail
    assert "commands, replies and mentions only" in live["live rights"].detail
    assert {"live: the same text is told by an edit", "live: a message that is not there is told by an edit"} <= set(
        live
    )
    assert live["live: ids rise, and the newest message is found"].detail.startswith("holds")
    assert [] == api.shown(GROUP)
    assert said in api.messages(GROUP)


async def test_a_private_chat_and_a_topic_are_tried_out(api: BotApi) -> None:
    """The message of a topic stands in it; a private chat has no rights to tell of."""
    api.add_private(ADA)
    api.add_group(GROUP, "Team", is_forum=True, bot_is_admin=True)
    topic = api.add_topic(GROUP, "Releases")

    private = await lines(around(api), live_in=str(ADA))
    forum = await lines(around(api), live_in=f"{GROUP}/{topic}")

    assert "live rights" not in private
    assert all(one.is_ok for one in (*private.values(), *forum.values()))
    assert f"topic {topic}" in forum["live topic"].detail
    assert "administrator" in forum["live rights"].detail
    assert {topic} == {call.args.get("message_thread_id") for call in api.calls("sendMessage")[2:]}


@pytest.mark.parametrize("place", ["", "Team", "12/34/5", "1.5", "-", "https://t.me/x"])
async def test_a_chat_is_named_by_its_id(api: BotApi, place: str) -> None:
    """What is none is said, and nothing is sent."""
    found = await lines(around(api), live_in=place or " ")

    assert "expected CHAT or CHAT/TOPIC" in found["live chat"].detail
    assert [] == api.calls("sendMessage")


async def test_a_chat_that_the_bot_is_not_in(api: BotApi) -> None:
    """The line says how it gets there."""
    found = await lines(around(api), live_in="4711")

    assert "chat not found" in found["live chat"].detail
    assert "/start" in found["live chat"].cure


async def test_what_does_not_hold_says_what_that_means(api: BotApi) -> None:
    """A server that answers an equal edit with success would let probing take any message for the one looked for."""
    api.add_private(ADA)
    for _ in range(3):
        api.fail("editMessageText", code=400, description="MESSAGE_EDIT_TIME_EXPIRED")

    found = await lines(around(api), live_in=str(ADA))

    same = found["live: the same text is told by an edit"]
    assert not same.is_ok
    assert "does not hold" in same.detail
    assert "marked" in same.cure
    assert not found["live: ids rise, and the newest message is found"].is_ok
    assert [] == api.shown(ADA)


async def test_a_pause_that_telegram_asks_for_is_waited_for(api: BotApi) -> None:
    """Once; a line is no fault for that."""
    api.add_private(ADA)
    api.fail("sendMessage", code=429, retry_after=1)

    found = await lines(around(api), live_in=str(ADA))

    assert found["live sending"].is_ok
    assert [] == api.shown(ADA)


async def test_without_a_token_one_line_says_so() -> None:
    """A fault only for whoever asks for Telegram."""
    settings = load(environ={}).settings

    (quiet,) = await probe_telegram(settings)
    (wanted,) = await probe_telegram(settings, is_wanted=True)

    assert (True, "") == (quiet.is_ok, quiet.cure)
    assert not wanted.is_ok
    assert "docs/telegram.md" in wanted.cure


async def test_the_command_prints_lines_or_json(
    api: BotApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0 when nothing is to be done, 1 for a fault, 2 for a neighbour that nobody knows; a running service is seen."""
    for name, value in api.settings().items():
        monkeypatch.setenv(f"ROOMWISE_TELEGRAM__{name.upper()}", str(value))
    tmp_path.joinpath("data").mkdir()
    where = Where(data_dir=tmp_path / "data")

    async def run(neighbour: str = "telegram", *, as_json: bool = True) -> tuple[int, str]:
        code = await asyncio.to_thread(run_check_of, neighbour, live_in="", as_json=as_json, where=where)
        return code, capsys.readouterr().out

    with DataFolderLock.acquire(tmp_path / "data", command="run"):
        code, printed = await run()
        plain_code, plain = await run(as_json=False)

    told = {one["name"]: one for one in json.loads(printed)["findings"]}
    assert 1 == code == plain_code
    assert "running" in told["telegram conflicts"]["detail"]
    assert "wrong telegram menus: the service has not filled them in yet" in " ".join(plain.split())
    assert api.token not in printed + plain
    assert (2, "") == await run("irc")


async def asked(api: BotApi, method: str, **arguments: Any) -> None:
    """Another program on the same token does something."""
    async with httpx.AsyncClient() as http:
        said = await http.post(f"{api.base_url}/bot{api.token}/{method}", json=arguments)
    assert said.json()["ok"], said.text
