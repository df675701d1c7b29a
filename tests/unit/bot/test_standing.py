"""How a project stands while an index is made."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.progress import SourceProgress
from bot.rights import Role
from bot.standing import Standing
from tests.fakes.house import Typing, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Typing]:
    """Open a real database, a store and a board."""
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("is_rebuild", "expected"),
    [
        (False, "- **docs**: indexing, 30 % (3 of 10 files, 12 files/s, about 2 min left)"),
        (
            True,
            "- **docs**: made anew, 30 % (3 of 10 files, 12 files/s, about 2 min left); meanwhile the index before answers",
        ),
    ],
)
async def test_a_source_that_is_indexed_says_how_far_it_is(house: Typing, *, is_rebuild: bool, expected: str) -> None:
    """With its speed and the time left; the same goes out as plain values."""
    project = await house.project()
    room = await house.room(project=project.id)
    ada = await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    (source,) = await house.followed(project)
    house.board.publish(
        SourceProgress(
            project.id,
            source.id,
            "docs",
            "reading",
            done=3,
            total=10,
            is_rebuild=is_rebuild,
            files_per_s=12.3,
            left_s=121.0,
        )
    )

    standing = Standing(house.db, house.store, house.board, house.settings.llm)
    lines = await standing.source_lines(project, "en", now=house.now)
    (shown,) = [row["progress"] for one in await standing.as_json() for row in one["sources"]]

    assert expected in lines
    values = {"stage": "reading", "done": 3, "total": 10, "is_rebuild": is_rebuild, "files_per_s": 12.3, "left_s": 121}
    assert values == shown
    for coroutine in house.work:
        coroutine.close()


async def test_a_keyword_index_that_is_made_anew_says_how_far_it_is(house: Typing) -> None:
    """In the room and in plain values, as long as the one before answers."""
    project = await house.project()
    standing = Standing(house.db, house.store, house.board, house.settings.llm)
    before = await standing.text(project, "en", now=house.now)

    house.store.renewed = 0

    line = "The keyword index is made anew after an update, 0 % (0 of 0 passages); meanwhile the one before answers."
    assert line not in before
    assert line in await standing.text(project, "en", now=house.now)
    assert [0] == [one["renewed"] for one in await standing.as_json()]
    for coroutine in house.work:
        coroutine.close()
