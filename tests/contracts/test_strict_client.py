"""The second Matrix client of the tests: it warns of what Element warns of, and else it does not."""

import asyncio
from pathlib import Path

import pytest

from tests.fakes.matrix_people import People
from tests.fakes.strict_client.installed import StrictClientMissing, installed, is_installed
from tests.fakes.strict_client.strict import strict_client
from tests.fakes.synapse import Synapse


@pytest.mark.synapse
@pytest.mark.strict
async def test_signed_devices_read_each_other_without_a_warning(synapse: Synapse) -> None:
    """A new device of the same person too, from its first message on."""
    ada, ben = await synapse.register("ada"), await synapse.register("ben")
    async with strict_client(ada, synapse.url) as first, strict_client(ben, synapse.url) as other:
        room = await first.make_room(invite=[ben.user])
        await other.join(room)
        await first.meet(room, ben.user)
        await first.send(room, "one")
        one = await other.read(room, ada.user, patient=True)
        async with strict_client(ada, synapse.url, identity=first.identity) as second:
            await other.devices(ada.user)
            await second.send(room, "two")
            two = await other.read(room, ada.user, patient=True)
            await other.send(room, "three")
            three = await asyncio.gather(*(mine.read(room, ben.user, patient=True) for mine in (first, second)))
            devices = await other.devices(ada.user)

    assert ["one", "two", "three", "three"] == [read.text for read in (one, two, *three)]
    assert all(read.is_without_warning for read in (one, two, *three))
    assert {first.device: True, second.device: True} == {name: devices[name] for name in (first.device, second.device)}


@pytest.mark.synapse
@pytest.mark.strict
async def test_a_device_that_nobody_signed_is_neither_read_nor_written_to(synapse: Synapse, people: People) -> None:
    """The control: so it would go for a bot that signs nothing."""
    bot = await people.encrypted("bot")
    async with strict_client(await synapse.register("ada"), synapse.url) as ada:
        room = await ada.make_room(invite=[bot.id])
        await bot.until(lambda: room in bot.invites)
        await bot.join(room)
        await ada.meet(room, bot.id)
        sent = await ada.send(room, "Can you read this?")
        await bot.until(lambda: sent in bot.locked)
        await bot.say(room, "Can you?")
        read = await ada.read(room, bot.id)
        devices = await ada.devices(bot.id)

    assert {bot.account.device: False} == devices
    assert not read.is_without_warning
    assert read.failure
    assert [sent] == [event for event in bot.locked if event == sent]


async def test_without_npm_one_is_told_how_to_get_it(tmp_path: Path) -> None:
    """And nothing counts as installed."""
    with pytest.raises(StrictClientMissing) as caught:
        installed(tmp_path / "none", npm="no-such-npm")

    assert "apt-get install npm" in str(caught.value)
    assert not is_installed(tmp_path / "none")
