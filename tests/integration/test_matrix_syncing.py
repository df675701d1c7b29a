"""The sync loop on a real Synapse: nothing that was said to us is lost, whenever it stops."""

from pathlib import Path

import pytest

from tests.fakes.matrix_listening import Kept, listening, settings_of
from tests.fakes.matrix_people import People, User
from tests.fakes.synapse import Synapse

pytestmark = pytest.mark.synapse


async def joined(person: User, bot: User, **more: object) -> str:
    """A room with both."""
    room = await person.make_room("Parcels", invite=[bot.id], **more)  # type: ignore[arg-type]
    await bot.join(room)
    return room


async def test_what_was_said_before_we_first_came_is_not_heard_and_all_after_is(
    people: People, synapse: Synapse, tmp_path: Path
) -> None:
    """A new database takes all there is for old, and then misses nothing."""
    ada, bot = await people.plain("ada"), await people.plain("bot")
    room = await joined(ada, bot)
    await ada.say(room, "old")
    kept = Kept(tmp_path)
    async with listening(settings_of(bot.account, synapse.url, encryption=False), kept) as listener:
        await listener.until_ready()
        await ada.say(room, "new")
        await listener.until(lambda: kept.stored)

    assert ["new"] == kept.texts


async def test_what_was_said_while_we_were_down_is_heard_in_its_order_however_much(
    people: People, synapse: Synapse, tmp_path: Path
) -> None:
    """More than a sync holds, and more than a page of history."""
    ada, bot = await people.plain("ada"), await people.plain("bot")
    room = await joined(ada, bot)
    kept, settings = Kept(tmp_path), settings_of(bot.account, synapse.url, encryption=False)
    async with listening(settings, kept) as listener:
        await listener.until_ready()
    said = [f"question {number}" for number in range(170)]
    for text in said:
        await ada.say(room, text)
    async with listening(settings, kept) as listener:
        await listener.until(lambda: len(kept.stored) == len(said))
        facts = (await_probe := listener.pulse.probe()).facts

    assert said == kept.texts
    assert 0 == kept.repeats
    assert await_probe.is_up
    assert "last gap filled" in facts
