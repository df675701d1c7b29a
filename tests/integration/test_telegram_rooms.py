"""What is told of rooms, and who may steer them, against the emulated Bot API."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.chat import Batch, RoomAddress, RoomChanged, RoomGone, RoomMoved, Sender, Unreachable
from adapters.telegram.wire import ALLOWED_UPDATES
from tests.fakes.notes import Notes
from tests.fakes.telegram import BotApi, running_bot_api
from tests.fakes.telegram_account import Account, account_on

ADA, BOB = 5, 6
GROUP = -1_001_000_000_001
FORUM = -1_001_000_000_002


@dataclass(slots=True)
class House:
    """An account with Ada's private chat, a group that she administers, and a forum."""

    api: BotApi
    account: Account
    notes: Notes

    def room(self, name: str | int) -> RoomAddress:
        """A room of the account."""
        return RoomAddress("telegram", str(self.api.bot_id), str(name))

    async def batch(self) -> Batch:
        """What waits, taken in."""
        stream = self.account.intake.batches(None)
        batch = await anext(stream)
        await self.account.background.work()
        self.api.hub.updates.clear()
        return batch


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A house of its own for each test."""
    notes = Notes()
    async with running_bot_api(reads_all=True) as api, account_on(api, notes=notes, poll_s=0) as account:
        api.hub.updates.allow(ALLOWED_UPDATES)  # as any poll before has left it
        api.add_private(ADA, name="Ada")
        api.add_private(BOB, name="Bob")
        api.add_group(GROUP, "Team", admins=[ADA])
        api.add_group(FORUM, "Forum", is_forum=True, username="open_forum", bot_is_admin=True)
        yield House(api, account, notes)


def person(number: int) -> Sender:
    """Somebody."""
    return Sender("telegram", str(number), "")


async def test_chats_are_described_by_kind_title_and_visibility(house: House) -> None:
    """A username makes a group public."""
    private = await house.account.rooms.describe(house.room(ADA))
    group = await house.account.rooms.describe(house.room(GROUP))
    forum = await house.account.rooms.describe(house.room(FORUM))

    assert ("private", "Ada") == (private.kind, private.title)
    assert ("group", "Team", False) == (group.kind, group.title, group.is_public)
    assert ("group", "Forum", True, None) == (forum.kind, forum.title, forum.is_public, forum.parent)


async def test_a_topic_has_its_name_and_its_group(house: House) -> None:
    """The name is the one that was told last, also after a restart."""
    topic = house.api.add_topic(FORUM, "Bugs")
    where: dict[str, Any] = {"message_thread_id": topic, "is_topic_message": True}
    house.api.says(FORUM, forum_topic_edited={"name": "Faults"}, **where)
    await house.batch()
    async with account_on(house.api, notes=house.notes) as restarted:
        facts = await restarted.rooms.describe(house.room(f"{FORUM}/{topic}"))

    assert ("topic", "Forum / Faults", True) == (facts.kind, facts.title, facts.is_public)
    assert house.room(FORUM) == facts.parent


async def test_a_topic_that_is_older_than_we_are_is_named_by_what_is_said_in_it(house: House) -> None:
    """Each message in it answers the one that opened it; before, it has the group's name."""
    topic = house.api.add_topic(FORUM, "Bugs", deliver=False)
    before = await house.account.rooms.describe(house.room(f"{FORUM}/{topic}"))
    house.api.says(FORUM, "/status", topic=topic)
    await house.batch()
    after = await house.account.rooms.describe(house.room(f"{FORUM}/{topic}"))

    assert ("Forum", "Forum / Bugs") == (before.title, after.title)


async def test_chats_that_are_gone_or_moved_say_so(house: House) -> None:
    """And what nobody answers to is unreachable."""
    house.api.add_group(-7, "Old", kind="group")
    house.api.migrates(-7, -1_001_000_000_007)
    house.api.disappears(GROUP)
    with pytest.raises(RoomMoved) as moved:
        await house.account.rooms.describe(house.room(-7))
    with pytest.raises(RoomGone):
        await house.account.rooms.describe(house.room(GROUP))
    with pytest.raises(RoomGone):
        await house.account.rooms.describe(house.room(-99))
    house.api.fail("getChat", code=502)
    with pytest.raises(Unreachable):
        await house.account.rooms.describe(house.room(FORUM))

    assert "-1001000000007" == moved.value.room


async def test_administrators_steer_a_group_and_nobody_a_private_chat(house: House) -> None:
    """A topic has its group's administrators."""
    rooms = house.account.rooms
    granted = [
        (await rooms.rights(house.room(GROUP), person(ADA))).is_room_admin,
        (await rooms.rights(house.room(f"{GROUP}/3"), person(ADA))).is_room_admin,
        (await rooms.rights(house.room(GROUP), person(BOB))).is_room_admin,
        (await rooms.rights(house.room(ADA), person(ADA))).is_room_admin,
    ]

    assert [True, True, False, False] == granted


async def test_an_anonymous_administrator_steers_their_own_group_only(house: House) -> None:
    """Telegram vouches for them by the group that they write as."""
    shared = Sender("telegram", str(GROUP), "Team", is_shared=True)
    rooms = house.account.rooms

    assert (await rooms.rights(house.room(GROUP), shared)).is_room_admin
    assert not (await rooms.rights(house.room(FORUM), shared)).is_room_admin
    assert [] == house.api.calls("getChatAdministrators")


async def test_administrators_are_asked_for_once_until_they_change(house: House) -> None:
    """A change that Telegram tells of counts at once."""
    rooms = house.account.rooms
    await rooms.rights(house.room(FORUM), person(BOB))
    await rooms.rights(house.room(FORUM), person(ADA))
    asked = len(house.api.calls("getChatAdministrators"))
    house.api.sets_status(FORUM, BOB, "administrator")
    await house.batch()
    now = await rooms.rights(house.room(FORUM), person(BOB))

    assert (1, True) == (asked, now.is_room_admin)
    assert 2 == len(house.api.calls("getChatAdministrators"))


async def test_a_group_that_becomes_public_is_told_of_once_and_again_for_the_same_update(house: House) -> None:
    """Telegram sends no message about it; the next one from the group shows it. A repeat must tell it again."""
    house.api.says(GROUP, "one")
    first = await house.batch()
    house.api.publishes(GROUP, "open_team")
    house.api.says(GROUP, "two")
    (update,) = house.api.waiting
    second = await house.batch()
    house.api.repeat(update)
    again = await house.batch()
    house.api.says(GROUP, "three")
    third = await house.batch()

    assert ["public"] == [event.detail for event in second.events if isinstance(event, RoomChanged)]
    assert [event.id for event in second.events] == [event.id for event in again.events]
    assert [1, 2, 1] == [len(batch.events) for batch in (first, second, third)]


async def test_visibility_is_known_after_a_restart(house: House) -> None:
    """What changed while nobody listened is told of by the first message."""
    house.api.says(FORUM, "one")
    await house.batch()
    house.api.publishes(FORUM, "")
    house.api.says(FORUM, "two")
    async with account_on(house.api, notes=house.notes) as restarted:
        batch = await anext(restarted.intake.batches(None))

    assert ["private"] == [event.detail for event in batch.events if isinstance(event, RoomChanged)]
