"""Which rooms get a daily summary, and since when."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from bot.state.database import Database
from bot.state.queries import digests, projects, rooms
from bot.state.tables import Room
from tests.fakes.state import NOW, some_project, some_room

SEVEN = 7 * 60


def at(hour: int, *, day: int = 1) -> datetime:
    """An hour of the first days of March, UTC."""
    return datetime(2026, 3, day, hour, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        (at(6, day=2), at(7), False),
        (at(7, day=2), at(7), True),
        (at(23, day=2), at(7), True),
        (at(23, day=2), at(8, day=2), False),
        (at(6, day=2), None, False),
        (at(8, day=2), None, True),
        (at(8, day=2), at(7, day=9), True),
    ],
)
def test_a_summary_is_due_once_a_day(now: datetime, last: datetime | None, *, due: bool) -> None:
    """From its time on, however late; a last one in the future is the doing of a clock that was wrong."""
    room = Room(id="r", network="n", account="a", native_id="1", created_at=NOW, digest_minute=SEVEN, digested_at=last)

    assert due == digests.is_due(room, now=now)


def test_a_room_that_wants_none_gets_none() -> None:
    """That is the default."""
    assert not digests.is_due(Room(id="r", network="n", account="a", native_id="1", created_at=NOW), now=NOW)


async def _on(db: Database, room: Room, *, minute: int, now: datetime) -> datetime | None:
    await db.write(partial(digests.turn_on, room=room.id, minute=minute, person="p", now=now))
    return (await db.read(lambda session: session.get_one(Room, room.id))).digested_at


async def test_the_first_summary_tells_of_a_day(db: Database) -> None:
    """Turned on before its time it comes today, after it tomorrow; and a change of the time makes no second one."""
    early, late, moved = [await some_room(db, name) for name in ("early", "late", "moved")]

    assert at(7) == await _on(db, early, minute=SEVEN, now=at(6, day=2))
    assert at(7, day=2) == await _on(db, late, minute=SEVEN, now=at(14, day=2))
    await _on(db, moved, minute=SEVEN, now=at(14))
    await db.write(partial(digests.note, room=moved.id, at=at(7, day=2)))
    assert at(7, day=2) == await _on(db, moved, minute=18 * 60, now=at(14, day=2))
    assert early.id in await db.read(partial(digests.due, now=at(7, day=2)))
    assert moved.id not in await db.read(partial(digests.due, now=at(20, day=2)))
    assert moved.id in await db.read(partial(digests.due, now=at(18, day=3)))


async def test_silent_and_muted_rooms_are_left_out(db: Database) -> None:
    """And those that turned it off."""
    every = [await some_room(db, name) for name in ("plain", "silent", "muted", "off")]
    for room in every:
        await _on(db, room, minute=SEVEN, now=at(6))
    plain, silent, muted, off = (room.id for room in every)
    await db.write(partial(rooms.change, room=silent, is_silent=True))
    await db.write(partial(rooms.mute, room=muted, reason="public"))
    await db.write(partial(digests.turn_off, room=off))

    assert [plain] == await db.read(partial(digests.due, now=at(8, day=2)))
    assert await db.read(partial(digests.listening, room=silent, now=NOW)) is None
    assert await db.read(partial(digests.listening, room=muted, now=NOW)) is None


async def test_a_room_knows_nothing_of_before_it_was_bound(db: Database) -> None:
    """Its project is the present one, its parent's where it has none; without a project nothing is said."""
    old, new, group, topic = await some_project(db, "old"), await some_project(db, "new"), *await _group(db)
    bind = partial(rooms.bind, bound_by=None)
    await db.write(partial(bind, room=group.id, project=old.id, now=at(1)))
    await _on(db, topic, minute=SEVEN, now=at(6, day=3))

    before = await db.read(partial(digests.listening, room=topic.id, now=at(8, day=3)))
    await db.write(partial(bind, room=group.id, project=new.id, now=at(5, day=3)))
    after = await db.read(partial(digests.listening, room=topic.id, now=at(8, day=3)))
    await db.write(partial(projects.remove, project=new.id, now=at(6, day=3)))
    gone = await db.read(partial(digests.listening, room=topic.id, now=at(8, day=3)))

    assert before is not None
    assert after is not None
    assert (old.id, at(7, day=2)) == (before.project.id, before.since)
    assert (new.id, at(5, day=3), before.binding + 1) == (after.project.id, after.since, after.binding)
    assert gone is None


async def _group(db: Database) -> tuple[Room, Room]:
    group, topic = await some_room(db, "group"), await some_room(db, "topic")
    await db.write(partial(rooms.change, room=topic.id, parent=group.id))
    return group, topic


async def test_a_clock_that_was_wrong_makes_a_summary_of_a_day(db: Database) -> None:
    """Not of nothing, since its last one lies in the future."""
    project, room = await some_project(db), await some_room(db)
    await db.write(partial(rooms.bind, room=room.id, project=project.id, bound_by=None, now=at(1)))
    await _on(db, room, minute=SEVEN, now=at(6))
    await db.write(partial(digests.note, room=room.id, at=at(6, day=30)))

    seen = await db.read(partial(digests.listening, room=room.id, now=at(8, day=5)))

    assert seen is not None
    assert timedelta(days=1) == at(8, day=5) - seen.since
