"""Telegram as the service wires it, on the emulated Bot API: menus, invitation links, groups, and the webhook."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from adapters.networks import Around, open_networks
from adapters.telegram.examine import Situation, examine
from bot.app import Opened, open_everything, utc_now
from bot.errors import UserError
from bot.menus import keep_menus
from bot.metrics import Metrics
from bot.rights import INSTALLATION, Role
from bot.service import bind
from bot.state.notes import StoredNotes
from bot.state.queries import people
from bot.web.server import build_app, server_config
from bot.wiring import Chat, chat_of, web_parts_of
from config.load import load
from config.settings import Settings
from config.texts import say
from tests.fakes.telegram import BotApi, running_bot_api
from tests.fakes.telegram.place import Json

ADA, BOB, CYD, GROUP = 11, 22, 33, -1001234567890


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Bot API with Ada, who owns the installation, Bob, who administers a group, and Cyd, who hides in it."""
    async with running_bot_api() as running:
        for user, name in ((ADA, "Ada"), (BOB, "Bob"), (CYD, "Cyd")):
            running.add_private(user, name=name)
        running.add_group(GROUP, "Team", admins=[BOB], anonymous=[CYD])
        yield running


@dataclass
class House:
    """The service on one machine, its bot at the emulator."""

    api: BotApi
    opened: Opened
    chat: Chat
    settings: Settings

    async def says(self, chat: int, text: str, **more: Any) -> str:
        """Let somebody write; what is answered."""
        return str((await self.answer_to(self.api.says(chat, text, **more)))["text"])

    async def answer_to(self, message: Json) -> Json:
        """The message that answers another, once it stands."""
        await self.api.until(lambda: self.api.answers(message))
        return self.api.answers(message)[-1]


@asynccontextmanager
async def running(api: BotApi, folder: Path, **telegram: str) -> AsyncIterator[House]:
    """The service; its port is listened to, as the webhook needs."""
    listening = bind(load(environ={"ROOMWISE_WEB__PORT": "0"}).settings.web)
    settings = _settings(api, folder, port=listening.getsockname()[1], telegram=telegram)
    async with open_everything(settings, command="run") as opened:
        networks = open_networks(
            settings,
            Around(partial(StoredNotes, opened.db), opened.tasks.spawn, opened.data_dir / "networks", opened.vault),
        )
        metrics = Metrics()
        chat = chat_of(opened, metrics, networks=networks)
        app = build_app(web_parts_of(opened, chat, metrics, key="rws_x", look=lambda: None))
        server = uvicorn.Server(server_config(app, settings.web))
        serving = opened.tasks.spawn(server.serve(sockets=[listening]))
        await chat.delivery.begin()
        opened.tasks.spawn(chat.delivery.run(opened.tasks.spawn))
        for one in networks:
            opened.tasks.spawn(chat.inbox.listen(one))
            opened.tasks.spawn(keep_menus(one, StoredNotes(opened.db, one.network, one.account), language="en"))
        opened.tasks.spawn(chat.lanes.run())
        try:
            await _own(opened)
            yield House(api, opened, chat, settings)
        finally:
            await chat.lanes.stop(0.0)
            await asyncio.gather(*(one.close() for one in networks))
            server.should_exit = True
            await asyncio.wait([serving], timeout=5)


def _settings(api: BotApi, folder: Path, *, port: int, telegram: dict[str, str]) -> Settings:
    told = {f"ROOMWISE_TELEGRAM__{name.upper()}": str(value) for name, value in (api.settings() | telegram).items()}
    quiet = {"ROOMWISE_EMBEDDER__KIND": "none", "ROOMWISE_WEB__PUBLIC_URL": f"http://127.0.0.1:{port}"}
    settings = load(environ=told | quiet, cwd=folder, data_dir=folder / "data").settings
    return settings.model_copy(update={"key_file": folder / "key"})


async def _own(opened: Opened) -> None:
    """Ada owns the installation, which has one project."""

    async def write(session: Any) -> None:
        ada = await people.ensure(session, "telegram", str(ADA), name="Ada", now=utc_now())
        await people.give_role(session, ada.id, Role.OWNER, project=INSTALLATION, given_by=None, now=utc_now())

    await opened.db.write(write)
    with contextlib.suppress(UserError):  # a second start
        await opened.projects.begin("Handbook", person=None, now=utc_now())


async def invited(house: House, kind: str) -> tuple[str, str]:
    """The name of the payload and the code of the link that an invitation shows."""
    await house.says(ADA, "/project use Handbook")
    said = await house.says(ADA, f"/{kind} invite")
    match = re.search(r"https://t\.me/roomwise_bot\?(start|startgroup)=([A-Z0-9]+)", said)
    assert match, said
    return match[1], match[2]


async def test_menus_stand_in_each_scope_and_language(api: BotApi, tmp_path: Path) -> None:
    """Telegram takes them all, and is asked nothing at the next start."""
    async with running(api, tmp_path):
        await api.until(lambda: len(api.hub.commands) == 9)
        first = len(api.calls("setMyCommands"))
    async with running(api, tmp_path) as house:
        await house.says(ADA, "/help")

    assert 9 == first == len(api.calls("setMyCommands"))
    group = {one["command"]: one["description"] for one in api.hub.commands["all_group_chats", "de"]}
    assert say("command.status", "de") == group["status"]
    assert "answer" in {one["command"] for one in api.hub.commands["all_chat_administrators", ""]}
    assert "answer" not in group


async def test_links_bring_a_person_in_and_a_group(api: BotApi, tmp_path: Path) -> None:
    """Whoever opens the one joins; whoever adds the bot by the other connects the group, and may not ask by that."""
    async with running(api, tmp_path) as house:
        start, code = await invited(house, "role")
        startgroup, group_code = await invited(house, "project")
        joined = await house.says(CYD, f"/start {code}")
        wrong = await house.says(BOB, f"/start {code}")
        connected = await house.says(GROUP, f"/start@roomwise_bot {group_code}", user=BOB)
        asked = await house.says(GROUP, "/ask why?", user=BOB)

    assert ("start", "startgroup") == (start, startgroup)
    assert "Handbook" in joined
    assert wrong.startswith("This code is not valid any more")
    assert "Handbook" in connected
    assert say("rights.not_allowed", "en") == asked


async def test_an_anonymous_administrator_connects_a_group_by_a_code_only(api: BotApi, tmp_path: Path) -> None:
    """Though he is a member of the project, nobody sees that from behind the group."""
    async with running(api, tmp_path) as house:
        _, code = await invited(house, "role")
        _, group_code = await invited(house, "project")
        await house.says(CYD, f"/start {code}")
        by_name = await house.says(GROUP, "/project use Handbook", user=CYD, as_anonymous=True)
        by_code = await house.says(GROUP, f"/project use {group_code}", user=CYD, as_anonymous=True)
        steered = await house.says(GROUP, "/answer all", user=CYD, as_anonymous=True)
        status = await house.says(GROUP, "/status@roomwise_bot", user=BOB)

    assert by_name.startswith("I know no project 'Handbook'")
    assert "Handbook" in by_code
    assert say("room.answer_all_unheard", "en").partition(".")[0] in steered  # privacy mode is on
    assert status == say("rights.not_allowed", "en")


async def test_the_webhook_is_the_same_way_in(api: BotApi, tmp_path: Path) -> None:
    """Set by the service with its secret; others' pushes are refused; the check finds it in order."""
    async with running(api, tmp_path, intake="webhook") as house:
        await api.until(lambda: api.calls("setWebhook"))
        said = await house.says(ADA, "/developer_info")
        async with httpx.AsyncClient() as http:
            url = f"{house.settings.web.public_url}/webhooks/telegram"
            refused = await http.post(url, json={"update_id": 1})
        situation = Situation(house.settings.telegram, house.settings.web.public_url, is_running=True)
        found = {one.name: one for one in await examine(situation)}

    assert say("developer.owners", "en", names="Ada") in said
    assert (403, "wrong secret") == (refused.status_code, refused.text)
    assert found["telegram webhook"].is_ok, found
    assert [] == api.calls("getUpdates")


async def test_whoever_steers_a_group_learns_of_privacy_mode(api: BotApi, tmp_path: Path) -> None:
    """In /status, until the bot administers the group or hears everything."""
    async with running(api, tmp_path) as house:
        _, code = await invited(house, "project")
        await house.says(GROUP, f"/project use {code}", user=BOB)
        api.sets_status(GROUP, ADA, "member")
        before = await house.says(GROUP, "/status@roomwise_bot", user=ADA)
        api.sets_status(GROUP, api.bot_id, "administrator")
        after = await house.says(GROUP, "/status@roomwise_bot", user=ADA)

    assert "privacy mode)" in before
    assert "privacy mode)" not in after
