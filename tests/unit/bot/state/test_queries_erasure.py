"""A person who asked to be forgotten is in no table any more; what others own stays."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import RoomAddress, RoomFacts
from bot.errors import UserError
from bot.rights import Role
from bot.state.database import Database
from bot.state.ids import new_id
from bot.state.queries import codes, confirmations, erasure, people, rooms, sessions, tokens, webrooms
from bot.state.queries.tokens import NewToken
from bot.state.tables import (
    Conversation,
    Delivery,
    Feedback,
    Inbox,
    Memory,
    Person,
    Project,
    Room,
    Tally,
    Turn,
    WebMessage,
    metadata,
)
from bot.state.vault import Vault
from tests.fakes.state import NOW, later, some_project, somebody


async def _life(db: Database, vault: Vault, project: Project, name: str) -> tuple[Person, Room]:
    """Somebody of whom each table knows something; and the private room on the network."""
    native = name.lower()
    who = await somebody(db, name, role=Role.ADMIN, project=project.id)

    async def live(session: AsyncSession) -> Room:
        await people.link(session, who.id, "fake", native)
        group = await rooms.ensure(session, RoomAddress("fake", "bot", "group"), now=NOW)
        alone = await rooms.ensure(session, RoomAddress("fake", "bot", native), RoomFacts(name, "private"), now=NOW)
        own = await webrooms.open_room(session, project, who.id, now=NOW)
        await webrooms.mark_read(session, own.native_id, 7)
        for room in (group, await rooms.bind(session, alone.id, project=project.id, bound_by=who.id, now=NOW), own):
            await _write(session, who, project, room)
        await sessions.make(session, who.id, valid_for=later(days=1) - NOW, now=NOW)
        token = NewToken(name, who.id, "ask", (project.id,))
        await tokens.make(session, token, valid_for=later(days=1) - NOW, now=NOW)
        invite = codes.NewCode(codes.Purpose.JOIN, project=project.id, role="member", made_by=who.id)
        await codes.make(session, invite, valid_for=later(days=1) - NOW, now=NOW)
        act = confirmations.Act(person=who.id, room=group.id, command="x", arguments={})
        await confirmations.ask(session, vault, act, now=NOW)
        session.add(Memory(id=new_id(), project=project.id, person=who.id, text_sealed="m", at=NOW))
        session.add(Tally(subject=f"person/{who.id}", window="", expires_at=later(hours=1)))
        return alone

    return who, await db.write(live)


async def _write(session: AsyncSession, who: Person, project: Project, room: Room) -> None:
    """A question in a room with its answer, its vote, its delivery and, in the web chat, its messages."""
    talk = Conversation(id=new_id(), room=room.id, started_at=NOW, last_at=NOW)
    event = Inbox(
        network="fake", account="bot", event=new_id(), native_key=new_id(), kind="message", room=room.id,
        person=who.id, body_sealed="b", received_at=NOW, sent_at=NOW,
    )  # fmt: skip
    for row in (talk, event):
        session.add(row)
        await session.flush()
    turn = Turn(
        id=new_id(), project=project.id, room=room.id, conversation=talk.id, person=who.id, inbox=event.id,
        question_sealed="q", created_at=NOW,
    )  # fmt: skip
    session.add(turn)
    await session.flush()
    session.add(Feedback(turn=turn.id, person=who.id, value=1, at=NOW))
    session.add(
        Delivery(
            id=new_id(), key=new_id(), inbox=event.id, room=room.id, purpose="answer", state="sent", created_at=NOW
        )
    )
    if room.kind == "web":
        said: dict[str, Any] = {"room": room.id, "body_sealed": "b", "stage": "final", "change": 1, "created_at": NOW}
        session.add(WebMessage(key=new_id(), person=who.id, **said))
        session.add(WebMessage(key=new_id(), turn=turn.id, **said))
    await session.flush()


async def _everything(db: Database) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""

    async def read(session: AsyncSession) -> dict[str, list[dict[str, Any]]]:
        found = {}
        for table in metadata.sorted_tables:
            found[table.name] = [dict(row) for row in (await session.execute(select(table))).mappings()]
        return found

    return await db.read(read)


def _naming(rows: dict[str, list[dict[str, Any]]], *words: str) -> list[str]:
    """The tables and columns in which one of these words stands, but for a web room's own address."""
    return sorted(
        {
            f"{table}.{column}"
            for table, found in rows.items()
            for row in found
            for column, value in row.items()
            if any(word in str(value) for word in words) and (table, column) != ("room", "native_id")
        }
    )


async def test_a_forgotten_person_is_in_no_table(db: Database, vault: Vault) -> None:
    """Neither the id nor the name, wherever they stood before; another person keeps everything."""
    project = await some_project(db)
    ada, _ = await _life(db, vault, project, "Ada")
    await _life(db, vault, project, "Bob")
    before = await _everything(db)
    assert 12 < len(_naming(before, ada.id, "Ada"))

    await db.write(lambda session: erasure.forget_person(session, ada.id, now=NOW))

    after = await _everything(db)
    assert [] == _naming(after, ada.id, "Ada")
    halved = ("turn", "feedback", "memory", "delivery", "webmessage", "person", "grant", "tally", "identity")
    assert {table: len(before[table]) // 2 for table in halved} == {table: len(after[table]) for table in halved}
    assert 3 == sum(row["body_sealed"] is not None for row in after["inbox"])


async def test_the_network_may_repeat_what_was_handled(db: Database, vault: Vault) -> None:
    """The ids of messages stay without their person, closed and empty, so that a repeat makes nobody anew."""
    ada, _ = await _life(db, vault, await some_project(db), "Ada")

    await db.write(lambda session: erasure.forget_person(session, ada.id, now=NOW))

    rows = (await _everything(db))["inbox"]
    assert [("dropped", None, None)] * 3 == [(row["state"], row["person"], row["body_sealed"]) for row in rows]


async def test_an_empty_private_room_goes_with_the_sweep(db: Database, vault: Vault) -> None:
    """It stays for a last message, without its project, and only as long as anything points to it."""
    ada, alone = await _life(db, vault, await some_project(db), "Ada")
    await db.write(lambda session: erasure.forget_person(session, ada.id, now=NOW))
    kept = await db.read(lambda session: rooms.get(session, alone.id))
    assert kept is not None
    assert (None, "") == (kept.project, kept.title)
    assert 0 == await db.write(lambda session: erasure.delete_rooms(session, before=later(days=1)))

    async def age(session: AsyncSession) -> None:
        for row in await session.scalars(select(Inbox)):
            await session.delete(row)

    await db.write(age)
    assert 0 == await db.write(lambda session: erasure.delete_rooms(session, before=NOW))
    assert 2 == await db.write(lambda session: erasure.delete_rooms(session, before=later(days=1)))
    assert ["group"] == [row["native_id"] for row in (await _everything(db))["room"]]


async def test_a_bound_room_is_never_swept(db: Database, vault: Vault) -> None:
    """However quiet it is."""
    project = await some_project(db)
    ada = await somebody(db)
    await db.write(lambda session: webrooms.open_room(session, project, ada.id, now=NOW))

    assert 0 == await db.write(lambda session: erasure.delete_rooms(session, before=later(days=99)))


async def test_only_rooms_with_open_work_are_named(db: Database, vault: Vault) -> None:
    """Each once."""
    ada, alone = await _life(db, vault, await some_project(db), "Ada")

    waiting = await db.read(lambda session: erasure.rooms_waiting(session, ada.id))

    assert 3 == len(waiting)
    assert alone.id in waiting
    assert [] == await db.read(lambda session: erasure.rooms_waiting(session, "nobody"))


async def test_the_last_owner_cannot_be_forgotten(db: Database) -> None:
    """Somebody else must be made owner first; nothing is gone."""
    ada = await somebody(db, role=Role.OWNER)

    with pytest.raises(UserError, match="last_owner"):
        await db.write(lambda session: erasure.forget_person(session, ada.id, now=NOW))
    assert ["Ada"] == [row["name"] for row in (await _everything(db))["person"]]
