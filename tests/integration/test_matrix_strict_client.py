"""Element's own encryption, as strict as it gets, reads the bot and is read by it without any warning."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from adapters.chat import Unreadable
from adapters.matrix.client import Login
from adapters.matrix.crosssigning import State
from bot.state.vault import Vault
from tests.fakes.matrix_bot import Bot
from tests.fakes.strict_user import StrictUser
from tests.fakes.synapse import Synapse
from tests.machine import find_strict_client

pytestmark = [pytest.mark.synapse, pytest.mark.strict_client]
NO_SHIELD = {"colour": 0, "reason": None}


@pytest.fixture
async def bot(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Bot]:
    """A bot that has started."""
    account = await synapse.register("roomwise")
    bot = Bot(account, synapse.url, tmp_path / "bot", Vault([Fernet.generate_key().decode()]))
    await bot.start()
    await bot.sync()
    yield bot
    await bot.close()


MakeUser = Callable[..., Awaitable[StrictUser]]


@pytest.fixture
async def make_user(synapse: Synapse, tmp_path: Path) -> AsyncIterator[MakeUser]:
    """Makes people with strict clients, or another device of one of them, signed by the person."""
    modules, numbers = find_strict_client(), count(1)
    assert modules is not None
    async with AsyncExitStack() as stack:

        async def make(other: StrictUser | None = None) -> StrictUser:
            account = other.account if other else await synapse.register("ann")
            folder, recovery = tmp_path / f"node-{next(numbers)}", other.recovery if other else ""
            user = StrictUser(account, synapse.url, modules, folder, recovery=recovery)
            return await stack.enter_async_context(user)

        yield make


async def met(bot: Bot, user: StrictUser) -> str:
    """An encrypted room of both."""
    room = await user.make_room(bot.account.user)
    await bot.join(room)
    await user.sees_member(room, bot.account.user)
    await bot.sync()
    return room


async def hears(bot: Bot, event: str) -> str:
    """What the bot reads as an event."""
    async with asyncio.timeout(60):
        while event not in bot.texts:
            await bot.sync()
    return bot.texts[event]


async def test_both_read_each_other_without_a_warning_also_after_a_restart(bot: Bot, make_user: MakeUser) -> None:
    """No shield at any message, and no person had to do anything."""
    ann = await make_user()
    room = await met(bot, ann)
    heard = [await hears(bot, await ann.say(room, "before"))]
    seen = [await ann.sees((await bot.say(room, "first"))[0])]
    again = await bot.restart()
    try:
        heard.append(await hears(again, await ann.say(room, "after")))
        seen.append(await ann.sees((await again.say(room, "second"))[0]))
    finally:
        await again.close()

    assert ["before", "after"] == heard
    assert [("first", True, NO_SHIELD), ("second", True, NO_SHIELD)] == [_shown(one) for one in seen]


async def test_a_strict_client_takes_the_device_for_signed(bot: Bot, make_user: MakeUser) -> None:
    """It checks the signatures by itself."""
    ann = await make_user()
    await met(bot, ann)

    assert await ann.is_signed(bot.account.user, bot.account.device)


async def test_a_new_device_of_the_person_reads_the_next_answer_and_is_read(bot: Bot, make_user: MakeUser) -> None:
    """Nobody tells the bot of it but the server."""
    ann = await make_user()
    room = await met(bot, ann)
    await bot.say(room, "first")
    phone = await make_user(ann)
    await bot.sync()

    seen = await phone.sees((await bot.say(room, "second"))[0])
    heard = [await hears(bot, await device.say(room, text)) for device, text in ((phone, "new"), (ann, "old"))]

    assert ("second", True, NO_SHIELD) == _shown(seen)
    assert ["new", "old"] == heard


async def test_without_the_signature_neither_reads_the_other(
    bot: Bot, make_user: MakeUser, monkeypatch: pytest.MonkeyPatch, synapse: Synapse, tmp_path: Path
) -> None:
    """So the tests above could fail."""
    account = await synapse.register("unsigned")
    unsigned = Bot(account, synapse.url, tmp_path / "unsigned", Vault([Fernet.generate_key().decode()]))
    unsigned.client.open(_login(unsigned))
    monkeypatch.setattr("adapters.matrix.crosssigning.CrossSigning.sign", _not_signing)
    await unsigned.encryption.start(is_behind=False)
    await unsigned.sync()
    try:
        ann = await make_user()
        room = await met(unsigned, ann)
        await ann.say(room, "hello")
        seen = await ann.sees((await unsigned.say(room, "answer"))[0], readable=False)
        async with asyncio.timeout(60):
            while not unsigned.told:
                await unsigned.sync()
                unsigned.clock.move(30)
    finally:
        await unsigned.close()

    assert "failure" in seen
    assert ["withheld"] == [told.reason for told in unsigned.told if isinstance(told, Unreadable)]


def _shown(seen: Any) -> tuple[str, bool, Any]:
    return seen["body"], seen["isEncrypted"], seen["shield"]


def _login(bot: Bot) -> Any:
    return Login(bot.url, bot.account.user, bot.account.device, bot.account.token)


async def _not_signing(signing: Any, **_given: Any) -> Any:
    return replace(signing.standing, state=State.UNSIGNED)
