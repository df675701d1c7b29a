"""What `/delete me` does: asked back, for oneself alone, and nothing of the person is left in any file."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from adapters.chat import Attachment
from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import inbox, people, uploads
from bot.state.tables import Inbox, Person, Project, Room, Upload
from config.texts import say
from tests.fakes.house import Typing, confirming, open_house

NOTES = b"# Notes\n\nThe canary is a xylophonist.\n"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Typing]:
    """Commands over a real database, a store and a network in memory."""
    async with open_house(tmp_path) as opened:
        yield opened


async def _send(house: Typing, name: str, *, room: Room, person: Person) -> None:
    """Let somebody send a file."""
    house.chat.files[name] = NOTES
    event = await house.context("", room=room, person=person)
    file = Attachment(name, name, "text/plain", len(NOTES))
    await house.house.uploads.take(replace(event, message=replace(event.message, attachments=(file,))))


async def _member(house: Typing) -> tuple[Project, Room, Person]:
    """Bob, a member of a project, in a private room that is bound to it."""
    project = await house.project()
    room = await house.room("bob", kind="private", project=project.id)
    return project, room, await house.person("Bob", role=Role.MEMBER, project=project.id)


@pytest.mark.parametrize("language", ["en", "de"])
async def test_it_is_done_only_after_a_yes(house: Typing, language: str) -> None:
    """The question says what goes and what stays; the receipt names the id under which the record knows him."""
    _, room, bob = await _member(house)

    asked = await house.types("/delete me", room=room, person=bob, language=language)

    assert say("privacy.delete_confirm", language) == asked.markdown
    assert await house.db.read(lambda session: people.get(session, bob.id))
    yes, _ = confirming(asked)
    done = await house.press(yes, room=room, person=bob)
    assert done is not None
    assert say("privacy.deleted", "en", person=bob.id) == done.markdown
    assert None is await house.db.read(lambda session: people.get(session, bob.id))
    assert [("delete me", "allowed")] == await house.audited()


async def test_questions_that_wait_are_stopped(house: Typing) -> None:
    """Nothing more is answered, in whatever room it was asked."""
    _, room, bob = await _member(house)
    yes, _ = confirming(await house.types("/delete me", room=room, person=bob))
    elsewhere = await house.room("elsewhere")
    row = Inbox(network="fake", account="bot", event="1", native_key="1", kind="message", room=elsewhere.id,
                person=bob.id, received_at=house.now, sent_at=house.now)  # fmt: skip
    await house.db.write(lambda session: inbox.add(session, row, body="Where?", vault=house.vault))

    await house.press(yes, room=room, person=bob)

    assert [(elsewhere.id, bob.id)] == house.queue.cancelled


async def test_files_go_but_those_that_were_shared(house: Typing, tmp_path: Path) -> None:
    """What an admin gave to the project is the project's; the rest leaves folder, index and database."""
    project, room, bob = await _member(house)
    for name in ("mine.md", "shared.md"):
        await _send(house, name, room=room, person=bob)
    shared = await house.house.uploads.named(room.id, "shared.md", project=project.id)
    await house.house.uploads.share(shared, now=house.now)
    yes, _ = confirming(await house.types("/delete me", room=room, person=bob))

    await house.press(yes, room=room, person=bob)

    assert [shared.id] == [path.name for path in (tmp_path / "attachments").iterdir()]
    assert [shared.id] == list(await house.db.read(lambda session: session.scalars(select(col(Upload.id)))))
    assert 1 == sum(count > 0 for count in (await house.store.counts(project.id)).per_source.values())
    assert [] == await house.db.read(lambda session: uploads.of_person(session, house.vault, bob.id))


async def test_nothing_is_left_in_the_files_of_the_database(house: Typing, tmp_path: Path) -> None:
    """Neither the name nor the network's id; not in the log beside the database either."""
    project = await house.project()
    canary = "Canaria-7f3a"
    room = await house.room("private", kind="private", project=project.id)
    who = await house.person(canary, role=Role.MEMBER, project=project.id)
    words = [canary.encode(), canary.lower().encode()]

    def files_with_it() -> list[str]:
        return [path.name for path in tmp_path.glob("state.db*") if any(word in path.read_bytes() for word in words)]

    assert files_with_it()
    yes, _ = confirming(await house.types("/delete me", room=room, person=who))

    await house.press(yes, room=room, person=who)

    assert [] == files_with_it()


async def test_the_last_owner_is_told_before_anything_goes(house: Typing) -> None:
    """There is nothing to confirm; and a role that became the last one meanwhile is noticed at the yes."""
    project = await house.project()
    room = await house.room(kind="private", project=project.id)
    ada, bob = [await house.person(name, role=Role.OWNER) for name in ("Ada", "Bob")]
    yes, _ = confirming(await house.types("/delete me", room=room, person=ada))
    await house.db.write(lambda session: people.take_role(session, bob.id, project="", now=house.now))
    await _send(house, "mine.md", room=room, person=ada)

    with pytest.raises(UserError, match=r"people\.last_owner"):
        await house.press(yes, room=room, person=ada)
    with pytest.raises(UserError, match=r"people\.last_owner"):
        await house.types("/delete me", room=room, person=ada)
    assert 1 == len(await house.db.read(lambda session: uploads.of_person(session, house.vault, ada.id)))


async def test_in_a_group_nobody_is_asked(house: Typing) -> None:
    """Others read along there."""
    room, eve = await house.room(), await house.person("Eve")

    with pytest.raises(UserError, match=r"rights\.not_here"):
        await house.types("/delete me", room=room, person=eve)


async def test_a_stranger_may_be_forgotten_too(house: Typing) -> None:
    """The right is nobody's to give."""
    room, eve = await house.room("eve", kind="private"), await house.person("Eve")

    offered = await house.says("/delete", room=room, person=eve)
    yes, _ = confirming(await house.types("/delete me", room=room, person=eve))

    assert "/delete me" in offered
    assert await house.press(yes, room=room, person=eve)
