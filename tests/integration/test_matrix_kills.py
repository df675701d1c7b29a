"""Whenever the process ends, and whenever the inbox cannot store: nothing is lost, and nothing is heard twice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.chat import Batch
from tests.fakes.matrix_listening import Kept, NotStored, listening, settings_of
from tests.fakes.matrix_people import People, User
from tests.fakes.synapse import Synapse

pytestmark = pytest.mark.synapse


class Failing(Kept):
    """Fails at the batches that `fails` names by their number, before or after it stores."""

    fails: Callable[[int, Batch], bool] = staticmethod(lambda _number, _batch: False)
    is_after: bool = False
    number: int = 0

    def store(self, batch: Batch) -> None:
        """Store it, or fail."""
        self.number += 1
        is_bad = self.fails(self.number, batch)
        if is_bad and not self.is_after:
            raise NotStored
        super().store(batch)
        if is_bad:
            raise NotStored


async def spoken_to(people: People, synapse: Synapse, kept: Kept) -> tuple[User, str, User]:
    """Somebody in a room with the bot, which has been there once."""
    ada, bot = await people.plain("ada"), await people.plain("bot")
    room = await ada.make_room(invite=[bot.id], is_direct=True)
    await bot.join(room)
    async with listening(settings_of(bot.account, synapse.url, encryption=False), kept) as listener:
        await listener.until_ready()
    return ada, room, bot


@pytest.mark.parametrize("is_after", [False, True])
async def test_what_could_not_be_stored_comes_again(
    people: People, synapse: Synapse, tmp_path: Path, *, is_after: bool
) -> None:
    """In the same process, which has read it already; after it was stored as well."""
    kept = Failing(tmp_path)
    ada, room, bot = await spoken_to(people, synapse, kept)
    kept.is_after = is_after
    kept.fails = lambda number, _batch: number % 3 == 0
    async with listening(settings_of(bot.account, synapse.url, encryption=False), kept) as listener:
        said = [f"question {number}" for number in range(12)]
        for text in said:
            await ada.say(room, text)
        await listener.until(lambda: len(kept.stored) == len(said))

    assert said == kept.texts
    assert "not stored" in listener.faults


async def test_a_kill_within_a_gap_goes_on_where_the_last_page_was_stored(
    people: People, synapse: Synapse, tmp_path: Path
) -> None:
    """Also when more is said before it is started again."""
    kept = Failing(tmp_path)
    ada, room, bot = await spoken_to(people, synapse, kept)
    settings = settings_of(bot.account, synapse.url, encryption=False)
    said = [f"question {number}" for number in range(260)]
    for text in said[:250]:
        await ada.say(room, text)
    async with listening(settings, kept) as listener:
        await listener.until(lambda: len(kept.stored) >= 100)
    stored = len(kept.stored)
    for text in said[250:]:
        await ada.say(room, text)
    async with listening(settings, kept) as listener:
        await listener.until(lambda: len(kept.stored) == len(said))

    assert stored < len(said)
    assert said == kept.texts
    assert 0 == kept.repeats
