"""Element's own encryption, as strict as it gets, reads the bot and is read by it without any warning."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from adapters.chat import Unreadable
from adapters.matrix.crosssigning import State
from bot.state.vault import Vault
from tests.fakes.matrix_bot import Bot
from tests.fakes.strict_client.strict import StrictClient, strict_client
from tests.fakes.synapse import Account, Synapse

pytestmark = [pytest.mark.synapse, pytest.mark.strict]
MakeBot = Callable[..., Awaitable[Bot]]


@pytest.fixture
async def make_bot(synapse: Synapse, tmp_path: Path) -> AsyncIterator[MakeBot]:
    """Makes bots that have started, each with an account of its own unless one is given."""
    async with AsyncExitStack() as stack:

        async def make(account: Account | None = None) -> Bot:
            account = account or await synapse.register("roomwise")
            vault = Vault([Fernet.generate_key().decode()])
            bot = Bot(account, synapse.url, tmp_path / account.device, vault)
            stack.push_async_callback(bot.close)
            await bot.start()
            await bot.sync()
            return bot

        yield make


@pytest.fixture
async def ann(synapse: Synapse) -> AsyncIterator[StrictClient]:
    """A person with a strict client."""
    async with strict_client(await synapse.register("ann"), synapse.url) as client:
        yield client


async def met(bot: Bot, user: StrictClient) -> str:
    """An encrypted room of both."""
    room = await user.make_room(invite=[bot.account.user])
    await bot.join(room)
    await user.meet(room, bot.account.user)
    await bot.sync()
    return room


async def hears(bot: Bot, event: str) -> str:
    """What the bot reads as an event."""
    async with asyncio.timeout(60):
        while event not in bot.texts:
            await bot.sync()
    return bot.texts[event]


async def shown(bot: Bot, user: StrictClient, room: str, text: str) -> tuple[str, bool]:
    """What a person sees of what the bot says, and whether without a warning."""
    await bot.say(room, text)
    seen = await user.read(room, bot.account.user, patient=True)
    return seen.text, seen.is_without_warning


async def test_both_read_each_other_without_a_warning_also_after_a_restart(
    make_bot: MakeBot, ann: StrictClient
) -> None:
    """No shield at any message, and no person had to do anything."""
    bot = await make_bot()
    room = await met(bot, ann)
    heard = [await hears(bot, await ann.send(room, "before"))]
    seen = [await shown(bot, ann, room, "first")]
    again = await bot.restart()
    try:
        heard.append(await hears(again, await ann.send(room, "after")))
        seen.append(await shown(again, ann, room, "second"))
    finally:
        await again.close()

    assert ["before", "after"] == heard
    assert [("first", True), ("second", True)] == seen
    assert {bot.account.device: True} == await ann.devices(bot.account.user)


async def test_a_new_device_of_the_person_reads_the_next_answer_and_is_read(
    make_bot: MakeBot, synapse: Synapse
) -> None:
    """Nobody tells the bot of it but the server."""
    account = await synapse.register("ann")
    bot = await make_bot()
    async with strict_client(account, synapse.url) as ann:
        room = await met(bot, ann)
        await shown(bot, ann, room, "first")
        async with strict_client(account, synapse.url, identity=ann.identity) as phone:
            await phone.meet(room, bot.account.user)
            await bot.sync()
            await bot.say(room, "second")
            seen = [await _said(device, room, bot.account.user, "second") for device in (ann, phone)]
            heard = [await hears(bot, await device.send(room, text)) for device, text in ((phone, "new"), (ann, "old"))]

    assert [("second", True)] * 2 == [(one.text, one.is_without_warning) for one in seen]
    assert ["new", "old"] == heard


async def test_a_bot_on_a_persons_account_is_read_once_the_persons_identity_has_signed_it(
    make_bot: MakeBot, ann: StrictClient, synapse: Synapse
) -> None:
    """Their identity stays as it is."""
    account = await synapse.register("owner")
    async with strict_client(account, synapse.url) as owner:
        bot = await make_bot(await _another_device(synapse, account))
        before = await bot.encryption.show()
        await owner.vouch(bot.account.device)
        after = await bot.encryption.show()
        room = await met(bot, ann)
        seen = await shown(bot, ann, room, "answer")

    assert (State.FOREIGN, State.SIGNED) == (before.standing.state, after.standing.state)
    assert ("answer", True) == seen


async def test_without_the_signature_neither_reads_the_other(
    make_bot: MakeBot, ann: StrictClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the tests above could fail; and the bot says that the key is withheld."""

    async def unsigned(signing: Any, **_given: Any) -> Any:
        return replace(signing.standing, state=State.UNSIGNED)

    monkeypatch.setattr("adapters.matrix.crosssigning.CrossSigning.sign", unsigned)
    bot = await make_bot()
    room = await met(bot, ann)
    await ann.send(room, "hello")
    await bot.say(room, "answer")
    seen = await ann.read(room, bot.account.user)
    async with asyncio.timeout(60):
        while not bot.told:
            await bot.sync()
            bot.clock.move(30)

    assert seen.failure
    assert ["withheld"] == [told.reason for told in bot.told if isinstance(told, Unreadable)]


async def _said(user: StrictClient, room: str, sender: str, text: str) -> Any:
    """A message by its text; a new device cannot read those before it."""
    while True:
        seen = await user.read(room, sender)
        if seen.text == text:
            return seen


async def _another_device(synapse: Synapse, account: Account) -> Account:
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": account.user}}
    made = await synapse.call("POST", "/_matrix/client/v3/login", {**login, "password": account.password})
    return replace(account, device=made["device_id"], token=made["access_token"])
