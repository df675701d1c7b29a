"""The sync loop on a real Synapse: nothing that was said to us is lost, whenever it stops."""

from pathlib import Path
from typing import Any

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
        probe = await listener.adapter.probe()

    assert said == kept.texts
    assert 0 == kept.repeats
    assert probe.is_up
    assert "last gap filled" in probe.facts


async def test_what_is_encrypted_is_heard_also_what_came_while_we_were_down(
    people: People, synapse: Synapse, tmp_path: Path
) -> None:
    """More than a sync holds, so that old events are opened, too."""
    ada, bot = await people.encrypted("ada"), await people.plain("bot")
    kept, settings = Kept(tmp_path), settings_of(bot.account, synapse.url)
    async with listening(settings, kept) as listener:
        await listener.until_ready()
        room = await ada.make_room(invite=[bot.id], encrypted=True, is_direct=True)
        await ada.until(lambda: bot.id in ada.nio.rooms[room].users if room in ada.nio.rooms else False)
        await ada.until(lambda: any(member(event, bot.id) == "join" for event in ada.events[room]))
        await ada.say(room, "first")
        await listener.until(lambda: kept.texts)
    said = [f"secret {number}" for number in range(70)]
    for text in said:
        await ada.say(room, text)
    async with listening(settings, kept) as listener:
        await listener.until(lambda: len(kept.texts) == 71)

    assert ["first", *said] == kept.texts
    assert 0 == kept.repeats


def member(event: dict[str, Any], user: str) -> str:
    """What an event says of somebody's being in the room."""
    is_it = event["type"] == "m.room.member" and event.get("state_key") == user
    return str(event["content"].get("membership")) if is_it else ""
