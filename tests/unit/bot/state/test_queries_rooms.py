"""Rooms and their bindings."""

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import RoomAddress, RoomFacts
from bot.state.database import Database
from bot.state.queries import deliveries, moves, rooms
from bot.state.tables import Conversation, Delivery, Room
from tests.fakes.state import NOW, later, some_project, some_room

GROUP = RoomAddress(network="telegram", account="bot", room="-1001")
TOPIC = RoomAddress(network="telegram", account="bot", room="-1001/5")


async def test_a_room_is_made_once_and_follows_its_facts(db: Database) -> None:
    """Whoever comes second finds the first one's room."""
    made = await asyncio.gather(*(db.write(lambda session: rooms.ensure(session, GROUP, now=NOW)) for _ in range(4)))
    assert 1 == len({room.id for room in made})

    facts = RoomFacts(title="Team\nroom", kind="group", is_public=True)
    room = await db.write(lambda session: rooms.ensure(session, GROUP, facts, now=later(days=1)))
    assert (made[0].id, "Team room", True, NOW) == (room.id, room.title, room.is_public, room.created_at)


async def test_a_topic_has_the_binding_of_its_group(db: Database) -> None:
    """Both pairs change when the group is bound anew."""
    project = await some_project(db)
    facts = RoomFacts(title="Topic", kind="topic", parent=GROUP)
    topic = await db.write(lambda session: rooms.ensure(session, TOPIC, facts, now=NOW))
    assert topic.parent is not None
    group = topic.parent
    assert (None, 0) == await db.read(lambda session: rooms.binding_of(session, topic.id))

    await db.write(lambda session: rooms.bind(session, group, project=project.id, bound_by=None, now=NOW))

    assert (project.id, 1) == await db.read(lambda session: rooms.binding_of(session, topic.id))


async def test_each_binding_has_a_number_of_its_own(db: Database) -> None:
    """Even bound back to the same project, an answer made before is for another binding."""
    room, project = await some_room(db), await some_project(db)

    numbers = []
    for _ in range(2):
        bound = await db.write(lambda s: rooms.bind(s, room.id, project=project.id, bound_by=None, now=NOW))
        numbers.append((bound.project, bound.binding))
        free = await db.write(lambda session: rooms.unbind(session, room.id, now=NOW))
        numbers.append((free.project, free.binding))

    assert [(project.id, 1), (None, 2), (project.id, 3), (None, 4)] == numbers
    assert await db.read(lambda session: rooms.binding_of(session, "no such room")) is None


async def test_rebinding_ends_open_conversations(db: Database) -> None:
    """What was said about one project is not history for another."""
    room, project = await some_room(db), await some_project(db)
    open_one = Conversation(id="c1", room=room.id, started_at=NOW, last_at=NOW)

    async def add(session: AsyncSession) -> None:
        session.add(open_one)

    await db.write(add)
    await db.write(lambda s: rooms.bind(s, room.id, project=project.id, bound_by=None, now=later(minutes=1)))

    found = await db.read(lambda session: session.scalars(select(Conversation)))
    assert [later(minutes=1)] == [conversation.closed_at for conversation in found]


async def test_an_ended_project_releases_its_rooms(db: Database) -> None:
    """A muted room that is open to guests is neither any more."""
    project = await some_project(db)
    room = await some_room(db)
    await db.write(lambda session: rooms.bind(session, room.id, project=project.id, bound_by=None, now=NOW))
    await db.write(lambda session: rooms.change(session, room.id, is_open_to_guests=True, muted_reason="public"))

    assert [room.id] == await db.write(lambda session: rooms.release_project(session, project.id, now=NOW))

    found = await db.read(lambda session: rooms.get(session, room.id))
    assert found is not None
    assert (None, False, "") == (found.project, found.is_open_to_guests, found.muted_reason)


async def test_the_hint_is_given_once_a_day(db: Database) -> None:
    """After 24 hours it may be given again."""
    room = await some_room(db)

    given = [
        await db.write(lambda session, h=hours: rooms.hint_once_a_day(session, room.id, now=later(hours=h)))  # type: ignore[misc]
        for hours in (0, 1, 23, 24, 25)
    ]
    assert [True, False, False, True, False] == given


async def test_a_moved_room_keeps_its_id(db: Database) -> None:
    """A group that became a supergroup is the same room to us."""
    room = await some_room(db, "-5")
    await db.write(lambda session: moves.move(session, room.id, native_id="-1005", now=NOW))

    found = await db.read(lambda session: rooms.at(session, "fake", "bot", "-1005"))
    assert found is not None
    assert room.id == found.id
    assert await db.read(lambda session: rooms.at(session, "fake", "bot", "-5")) is None


@pytest.mark.parametrize("mode", ["mention", "all", "off"])
async def test_a_room_keeps_how_it_wants_to_be_treated(db: Database, mode: str) -> None:
    """Mode, language and silence."""
    room = await some_room(db)
    await db.write(lambda session: rooms.set_mode(session, room.id, mode))
    await db.write(lambda session: rooms.set_language(session, room.id, "de"))
    await db.write(lambda session: rooms.mute(session, room.id, reason="public"))

    found = await db.read(lambda session: session.get_one(Room, room.id))
    assert (mode, "de", "public") == (found.answer_mode, found.language, found.muted_reason)


async def test_a_room_that_was_met_at_its_new_id_becomes_one_with_the_old(db: Database) -> None:
    """The binding of the old one stays, topics belong to it, and told again nothing changes."""
    project, old, new = await some_project(db), await some_room(db, "-5"), await some_room(db, "-1005")
    await db.write(lambda session: rooms.bind(session, old.id, project=project.id, bound_by=None, now=NOW))
    address = RoomAddress("fake", "bot", "-1005/7")
    facts = RoomFacts("seven", "topic", parent=RoomAddress("fake", "bot", "-1005"))
    topic = await db.write(lambda session: rooms.ensure(session, address, facts, now=NOW))
    for _ in range(2):
        await db.write(lambda session: moves.move(session, old.id, native_id="-1005", now=NOW))

    found = await db.read(lambda session: rooms.at(session, "fake", "bot", "-1005"))
    assert found is not None
    assert (old.id, project.id) == (found.id, found.project)
    assert await db.read(lambda session: rooms.get(session, new.id)) is None
    assert (project.id, 1) == await db.read(lambda session: rooms.binding_of(session, topic.id))


async def test_a_binding_made_at_the_new_id_is_kept_when_the_old_had_none(db: Database) -> None:
    """Under a number that no answer made before carries."""
    project, old, new = await some_project(db), await some_room(db, "-5"), await some_room(db, "-1005")
    await db.write(lambda session: rooms.bind(session, new.id, project=project.id, bound_by=None, now=NOW))
    await db.write(lambda session: moves.move(session, old.id, native_id="-1005", now=NOW))

    assert (project.id, 2) == await db.read(lambda session: rooms.binding_of(session, old.id))


async def test_messages_of_before_a_move_are_not_taken_for_later_ones(db: Database) -> None:
    """Ids begin anew in the new place."""
    room = await some_room(db, "-5")

    async def write(session: AsyncSession) -> None:
        session.add(
            Delivery(id="d", key="k", room=room.id, purpose="answer", state="sent", message="9", created_at=NOW)
        )

    await db.write(write)
    await db.write(lambda session: moves.move(session, room.id, native_id="-1005", now=NOW))

    assert await db.read(lambda session: deliveries.newest_sent(session, room.id)) is None
