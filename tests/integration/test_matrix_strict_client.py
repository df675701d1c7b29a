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
from adapters.matrix.client import Login
from adapters.matrix.crosssigning import State
from bot.state.vault import Vault
from tests.fakes.matrix_bot import Bot
from tests.fakes.strict_client.strict import Read, StrictClient, strict_client
from tests.fakes.synapse import Synapse

pytestmark = [pytest.mark.synapse, pytest.mark.strict]


@pytest.fixture
async def bot(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Bot]:
    """A bot that has started."""
    account = await synapse.register("roomwise")
    bot = Bot(account, synapse.url, tmp_path / "bot", Vault([Fernet.generate_key().decode()]))
    await bot.start()
    await bot.sync()
    yield bot
    await bot.close()


MakeUser = Callable[..., Awaitable[StrictClient]]


@pytest.fixture
async def make_user(synapse: Synapse) -> AsyncIterator[MakeUser]:
    """Makes people with strict clients, or another device of the same person, signed by them."""
    account = await synapse.register("ann")
    async with AsyncExitStack() as stack:

        async def make(first: StrictClient | None = None) -> StrictClient:
            identity = first.identity if first else None
            return await stack.enter_async_context(strict_client(account, synapse.url, identity=identity))

        yield make


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


async def reads(user: StrictClient, bot: Bot, room: str, text: str) -> Read:
    """What a person sees of what the bot says, once their client can read one of its messages."""
    said = (await bot.say(room, text))[0]
    while (seen := await user.read(room, bot.account.user, patient=True)).event != said:
        pass
    return seen


async def test_both_read_each_other_without_a_warning_also_after_a_restart(bot: Bot, make_user: MakeUser) -> None:
    """No shield at any message, and no person had to do anything."""
    ann = await make_user()
    room = await met(bot, ann)
    heard = [await hears(bot, await ann.send(room, "before"))]
    seen = [await reads(ann, bot, room, "first")]
    again = await bot.restart()
    try:
        heard.append(await hears(again, await ann.send(room, "after")))
        seen.append(await reads(ann, again, room, "second"))
    finally:
        await again.close()

    assert ["before", "after"] == heard
    assert ["first", "second"] == [one.text for one in seen]
    assert all(one.is_without_warning for one in seen)


async def test_a_strict_client_takes_the_device_for_signed(bot: Bot, make_user: MakeUser) -> None:
    """It checks the signatures by itself."""
    ann = await make_user()
    await met(bot, ann)

    assert (await ann.devices(bot.account.user))[bot.account.device]


async def test_a_new_device_of_the_person_reads_the_next_answer_and_is_read(bot: Bot, make_user: MakeUser) -> None:
    """Nobody tells the bot of it but the server."""
    ann = await make_user()
    room = await met(bot, ann)
    await reads(ann, bot, room, "first")
    phone = await make_user(ann)
    await bot.sync()

    seen = await reads(phone, bot, room, "second")
    heard = [await hears(bot, await device.send(room, text)) for device, text in ((phone, "new"), (ann, "old"))]

    assert "second" == seen.text
    assert seen.is_without_warning
    assert ["new", "old"] == heard


async def test_a_bot_on_a_persons_account_is_read_once_the_persons_identity_has_signed_it(
    synapse: Synapse, make_user: MakeUser, tmp_path: Path
) -> None:
    """Its identity stays as it is."""
    theirs = await synapse.register("owner")
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": theirs.user}}
    made = await synapse.call("POST", "/_matrix/client/v3/login", {**login, "password": theirs.password})
    account = replace(theirs, device=made["device_id"], token=made["access_token"])
    bot = Bot(account, synapse.url, tmp_path / "shared", Vault([Fernet.generate_key().decode()]))
    async with strict_client(theirs, synapse.url) as owner:
        await bot.start()
        await bot.sync()
        try:
            before = await bot.encryption.show()
            await owner.vouch(account.device)
            after = await bot.encryption.show()
            ann = await make_user()
            room = await met(bot, ann)
            seen = await reads(ann, bot, room, "answer")
        finally:
            await bot.close()

    assert (State.FOREIGN, State.SIGNED) == (before.standing.state, after.standing.state)
    assert seen.is_without_warning


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
        await ann.send(room, "hello")
        await unsigned.say(room, "answer")
        seen = await ann.read(room, account.user)
        async with asyncio.timeout(60):
            while not unsigned.told:
                await unsigned.sync()
                unsigned.clock.move(30)
    finally:
        await unsigned.close()

    assert seen.failure
    assert ["withheld"] == [told.reason for told in unsigned.told if isinstance(told, Unreadable)]


def _login(bot: Bot) -> Any:
    return Login(bot.url, bot.account.user, bot.account.device, bot.account.token)


async def _not_signing(signing: Any, **_given: Any) -> Any:
    return replace(signing.standing, state=State.UNSIGNED)
