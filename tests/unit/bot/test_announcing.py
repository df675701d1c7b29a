from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.announcing import Announcing
from bot.delivery import Delivery
from bot.state.database import Database
from bot.state.queries import rooms, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Source
from bot.state.vault import Vault
from tests.fakes.chat import FakeChat
from tests.fakes.state import NOW, later, open_database, some_project, some_room


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty state database."""
    opened = await open_database(tmp_path)
    yield opened
    await opened.close()


async def _followed(db: Database) -> Source:
    project, room = await some_project(db), await some_room(db)
    await db.write(lambda session: rooms.bind(session, room.id, project=project.id, bound_by=None, now=NOW))
    new = NewSource(project.id, "git", "acme/docs", "https://github.com/acme/docs")
    return await db.write(lambda session: sources.add(session, new, now=NOW))


def _announcing(db: Database, chat: FakeChat) -> Announcing:
    delivery = Delivery(db, Vault([Fernet.generate_key().decode()]), {(chat.network, chat.account): chat}, lambda: NOW)
    return Announcing(db, delivery, default_language="en", purge_after_days=7)


async def test_a_room_is_told_once_each_time_a_source_goes(db: Database) -> None:
    """The clock finds a source gone again and again; its rooms hear of it once, and again only if it came back."""
    chat, source = FakeChat(), await _followed(db)
    announcing = _announcing(db, chat)
    await db.write(lambda session: sources.set_state(session, source.id, "hidden", reason="gone", now=NOW))

    await announcing.source_is_gone(source.id)
    await announcing.source_is_gone(source.id)
    first = chat.shown("!room:example.org")
    await db.write(lambda session: sources.set_state(session, source.id, "hidden", reason="gone", now=later(days=2)))
    await announcing.source_is_gone(source.id)

    assert 1 == len(first)
    assert "**acme/docs**" in first[0]
    assert 2 == len(chat.shown("!room:example.org"))


@pytest.mark.parametrize(
    ("reason", "went_at"), [("gone", later(days=-2)), ("purged", NOW)], ids=["long ago", "since purged"]
)
async def test_what_went_long_ago_is_no_news(db: Database, reason: str, went_at: datetime) -> None:
    """However often it is looked for, after a restart too, and though the record of what was said is gone."""
    chat, source = FakeChat(), await _followed(db)
    await db.write(lambda session: sources.set_state(session, source.id, "hidden", reason=reason, now=went_at))

    await _announcing(db, chat).source_is_gone(source.id)

    assert [] == chat.shown("!room:example.org")


async def test_a_room_that_was_connected_later_is_not_told_of_what_went_before(db: Database) -> None:
    """When it was connected it was shown what there is."""
    chat, source = FakeChat(), await _followed(db)
    await db.write(lambda s: sources.set_state(s, source.id, "hidden", reason="gone", now=later(minutes=-5)))

    await _announcing(db, chat).source_is_gone(source.id)

    assert [] == chat.shown("!room:example.org")


async def test_nothing_is_said_of_a_source_that_is_followed(db: Database) -> None:
    """Only a hidden source is announced as gone."""
    chat, source = FakeChat(), await _followed(db)

    await _announcing(db, chat).source_is_gone(source.id)

    assert [] == chat.shown("!room:example.org")


@pytest.mark.parametrize(
    ("problem", "expected"),
    [("private", "`/source allow acme/docs`"), ("unauthorised", "my credential"), ("gone", "cannot be read any more")],
)
async def test_a_room_is_told_why_a_source_went(db: Database, problem: str, expected: str) -> None:
    """And what can be done about it."""
    chat, source = FakeChat(), await _followed(db)
    await db.write(lambda session: sources.set_state(session, source.id, "hidden", reason=problem, now=NOW))
    counts = {"problem": problem}
    await db.write(lambda s: sources.record_run(s, source.id, error="x", counts=counts, next_due_at=NOW, now=NOW))

    await _announcing(db, chat).source_is_gone(source.id)

    (said,) = chat.shown("!room:example.org")
    assert expected in said


async def test_a_room_hears_once_of_a_rename_a_branch_and_a_return(db: Database) -> None:
    """Also when the same is told again, as after a restart half way."""
    chat, source = FakeChat(), await _followed(db)
    announcing = _announcing(db, chat)
    for _ in range(2):
        await announcing.source_was_renamed(source.id, old="acme/docs", new="acme/handbook")
        await announcing.default_branch_is_another(source.id, old="master", new="main")
        await announcing.source_is_back(source.id)

    renamed, branch, back = chat.shown("!room:example.org")
    assert "acme/docs is called acme/handbook now" in renamed
    assert "is main now, no longer master" in branch
    assert "I answer from it" in back
