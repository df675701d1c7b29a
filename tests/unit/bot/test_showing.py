"""Sources are hidden and shown whatever their store can write at the moment."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.outcome import Ran
from bot.showing import hide_again
from bot.state.queries import sources
from pipelines.stores.passages import Scope
from pipelines.types import StoreFull
from tests.fakes.refreshing import NOW, House, page, refresh_house
from tests.fakes.source import FakeSource


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A project that follows nothing yet."""
    async with refresh_house(tmp_path) as made:
        yield made


async def indexed(house: House, name: str = "docs") -> str:
    """A source that is searched."""
    followed = await house.follow(FakeSource({"a.md": page("one word")}), name)
    await house.ran(followed)
    return followed


async def found(house: House) -> int:
    """How many passages a search finds."""
    return len(await house.store.keywords(house.project, "word", scope=Scope(), limit=9))


async def gone_without_room(house: House, followed: str) -> None:
    """The source is gone, and its store has no room to write that."""
    house.store.fault = StoreFull("the disk is full")
    await house.refresh.settle(await house.row(followed), Ran(followed, "docs", "gone", reason="private"))
    house.store.fault = None


async def test_a_source_that_is_gone_is_marked_hidden_though_its_store_is_full(house: House) -> None:
    """It is looked at again in a minute, and hidden for good then although it was marked so already."""
    followed = await indexed(house)
    await gone_without_room(house, followed)
    row, before = await house.row(followed), await found(house)
    await house.refresh.settle(row, Ran(followed, "docs", "gone", reason="private"))

    assert ("hidden", "private", NOW + timedelta(seconds=60)) == (row.state, row.state_reason, row.next_due_at)
    assert (1, 0) == (before, await found(house))


async def test_a_start_hides_what_is_hidden_or_removed(house: House) -> None:
    """Before anything is answered; a store that still is full keeps no start up."""
    gone = await indexed(house)
    await gone_without_room(house, gone)
    removed = await indexed(house, "guide")
    await house.db.write(lambda session: sources.set_state(session, removed, "removed", now=NOW))
    before = await found(house)
    house.store.fault = StoreFull("the disk is full")
    await hide_again(house.db, house.store)
    house.store.fault = None
    await hide_again(house.db, house.store)

    assert (2, 0) == (before, await found(house))


async def test_a_start_leaves_alone_what_was_purged(house: House) -> None:
    """Nothing is left of it that could be found."""
    followed = await indexed(house)
    await house.db.write(lambda session: sources.set_state(session, followed, "hidden", reason="purged", now=NOW))
    house.store.calls.clear()
    await hide_again(house.db, house.store)

    assert [] == house.store.calls


async def test_a_source_that_cannot_be_shown_yet_stays_hidden(house: House) -> None:
    """The failure is told, and the next look tries again."""
    followed = await indexed(house)
    await house.refresh.settle(await house.row(followed), Ran(followed, "docs", "gone"))
    house.store.fault = StoreFull("the disk is full")
    with pytest.raises(StoreFull):
        await house.refresh.settle(await house.row(followed), Ran(followed, "docs", "unchanged"))
    house.store.fault = None
    kept = (await house.row(followed)).state
    await house.ran(followed)

    assert ("hidden", "active") == (kept, (await house.row(followed)).state)
    assert 1 == await found(house)
