"""The daily summary over a real state database and the real delivery: once a day, also over a kill."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.actions import Role
from bot.digest import Digest, DigestParts
from bot.state.queries import changes, deliveries, digests, people, rooms, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Room
from config.texts import say
from tests.fakes.chat import NOON
from tests.fakes.flow import Flow, open_flow
from tests.fakes.state import some_project

ELEVEN = 11 * 60


@dataclass
class House:
    """A flow whose one room wants a summary at 11:00, a source in its project, and a clock that a test moves."""

    folder: Path
    flow: Flow
    source: str = ""

    @property
    def digest(self) -> Digest:
        """What posts."""
        flow = self.flow
        return Digest(DigestParts(flow.db, flow.delivery, flow.clock, "en", github_hosts=("github.com",)))

    async def prepare(self) -> None:
        """Turn it on two days ago, and follow a repository."""
        flow, ago = self.flow, self.flow.clock() - timedelta(days=2)
        new = NewSource(flow.project, "git", "acme/app", "https://github.com/acme/app")
        self.source = (await flow.db.write(partial(sources.add, new=new, now=ago - timedelta(days=9)))).id
        await flow.db.write(partial(rooms.change, room=flow.room, bound_at=ago))
        on = partial(digests.turn_on, room=flow.room, minute=ELEVEN, person=flow.person, now=ago)
        await flow.db.write(on)
        await flow.db.write(partial(digests.note, room=flow.room, at=flow.clock() - timedelta(days=1)))

    async def change(self, path: str = "a.md", *, source: str = "", hours_ago: float = 1) -> None:
        """Something changed in the source."""
        at = self.flow.clock() - timedelta(hours=hours_ago)
        add = partial(changes.add, source=source or self.source, at=at, ref="main", before="1a" * 20, after="2b" * 20)
        await self.flow.db.write(partial(add, added=0, changed=1, removed=0, moved=0, files=[("~", path)]))

    async def room(self) -> Room:
        """The room as it is now."""
        return await self.flow.db.read(lambda session: session.get_one(Room, self.flow.room))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """That house; the summary of today is due."""
    async with open_flow(tmp_path) as flow:
        made = House(tmp_path, flow)
        await made.prepare()
        yield made


async def test_it_is_posted_once_a_day(house: House) -> None:
    """However often the job looks; the next one comes a day later and tells what changed since."""
    shown = []
    for hours in (0, 1, 22, 1):
        house.flow.clock.pass_time(hours=hours)
        await house.change(f"{hours}.md", hours_ago=0.5)
        shown.append((await house.digest.post_due(), len(house.flow.chat.shown())))

    first, second = house.flow.chat.shown()
    assert [(1, 1), (0, 1), (1, 2), (0, 2)] == shown
    assert say("digest.title", "en", project="plans") in first
    assert f"[compare](https://github.com/acme/app/compare/{'1a' * 20}...{'2b' * 20})" in first
    assert ("`~ 0.md`" in first, "`~ 0.md`" in second, "`~ 1.md`" in second) == (True, False, True)


async def test_nothing_is_posted_when_nothing_changed(house: House) -> None:
    """The day counts as told all the same, so that the job looks once."""
    assert (0, []) == (await house.digest.post_due(), house.flow.chat.shown())
    assert house.flow.clock() == (await house.room()).digested_at


async def test_a_kill_while_it_is_sent_makes_no_second_one(house: House) -> None:
    """It had not left: its row is brought out, and the job has nothing to do."""
    await house.change()
    gate = house.flow.chat.hold("send")
    posting = house.flow.conversation.spawn(_post(house.digest))
    while (await house.room()).digested_at != house.flow.clock():
        pass  # each look gives the loop its turns

    assert not posting.done()
    assert (0, 1) == await _after_a_kill(house, gate)


async def test_a_kill_after_it_was_sent_makes_no_second_one(house: House) -> None:
    """It had arrived, and nobody knew: its key makes the repeat harmless."""
    await house.change()
    house.flow.chat.fail("send", is_after=True)
    await house.digest.post_due()

    assert 1 == len(house.flow.chat.shown())
    assert (0, 1) == await _after_a_kill(house)


async def _after_a_kill(house: House, gate: asyncio.Event | None = None) -> tuple[int, int]:
    """To how many rooms it is posted after a kill and a start, and how often it then stands in the room."""
    flow = house.flow
    await flow.crash()
    if gate is not None:
        gate.set()
    flow.clock.pass_time(minutes=1)
    async with open_flow(house.folder, chat=flow.chat, clock=flow.clock) as again:
        posted = await House(house.folder, again).digest.post_due()
        while await again.db.read(deliveries.unsent):
            pass  # the delivery brings it out
        return posted, len(flow.chat.shown())


async def _post(digest: Digest) -> None:
    await digest.post_due()


async def test_a_kill_before_it_is_recorded_loses_nothing(house: House) -> None:
    """It is due until the row of the message and the room's time are written, in one go."""
    await house.change()
    await house.flow.crash()
    async with open_flow(house.folder, chat=house.flow.chat, clock=house.flow.clock) as flow:
        again = House(house.folder, flow)

        assert (1, 1) == (await again.digest.post_due(), len(flow.chat.shown()))


async def test_a_network_that_is_away_gets_it_later(house: House) -> None:
    """It is recorded, and the delivery brings it out; the job does not post it again."""
    await house.change()
    house.flow.chat.fail("send")

    posted = [await house.digest.post_due(), await house.digest.post_due()]
    house.flow.clock.pass_time(minutes=5)
    await house.flow.bring_out()

    assert ([0, 0], 1) == (posted, len(house.flow.chat.shown()))


async def test_a_room_that_was_rebound_hears_of_its_present_project_only(house: House) -> None:
    """And of what changed since."""
    await house.change("secret.md")
    other = await some_project(house.flow.db, "other")
    give = partial(people.give_role, person=house.flow.person, role=Role.MEMBER, project=other.id, given_by=None)
    await house.flow.db.write(partial(give, now=NOON))
    new = NewSource(other.id, "git", "acme/other", "https://github.com/acme/other")
    theirs = await house.flow.db.write(partial(sources.add, new=new, now=NOON - timedelta(days=9)))
    await house.change("before.md", source=theirs.id, hours_ago=0.9)
    bound_at = house.flow.clock() - timedelta(minutes=30)
    bind = partial(rooms.bind, room=house.flow.room, project=other.id, bound_by=None, now=bound_at)
    await house.flow.db.write(bind)
    await house.change("after.md", source=theirs.id, hours_ago=0.1)

    await house.digest.post_due()

    (said,) = house.flow.chat.shown()
    assert "after.md" in said
    assert "before.md" not in said
    assert "secret.md" not in said


async def test_who_lost_his_right_hears_nothing(house: House) -> None:
    """A room of one person is asked about again each time; what is in it is only his."""
    await house.change()
    flow = house.flow
    take = partial(people.take_role, person=flow.person, project=flow.project, now=flow.clock())
    await flow.db.write(take)

    assert (0, []) == (await house.digest.post_due(), flow.chat.shown())


async def test_files_that_people_sent_are_not_told(house: House) -> None:
    """They belong to the room where they were sent."""
    new = NewSource(house.flow.project, "upload", "sent", "/srv/sent")
    sent = await house.flow.db.write(partial(sources.add, new=new, now=NOON))
    await house.change("private.pdf", source=sent.id)

    assert (0, []) == (await house.digest.post_due(), house.flow.chat.shown())


async def test_a_preview_is_not_the_days(house: House) -> None:
    """Whoever asks sees the last day; the summary comes at its time all the same."""
    await house.change()

    preview = await house.digest.preview(house.flow.room, "de")
    posted = await house.digest.post_due()

    assert preview is not None
    assert say("digest.title", "de", project="plans") in preview
    assert (1, 1) == (posted, len(house.flow.chat.shown()))
