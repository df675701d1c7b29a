"""The board of running refreshes."""

import pytest

from bot.progress import ProgressBoard, SourceProgress


def at(stage: str, *, source: str = "one", done: int = 0, total: int = 0, is_first: bool = True) -> SourceProgress:
    """A step of a source of project "p"."""
    return SourceProgress("p", source, source, stage, done=done, total=total, is_first=is_first)


async def test_subscriber_sees_what_runs_and_what_follows() -> None:
    """A new subscriber gets the present state first, then each change up to the end."""
    board = ProgressBoard()
    board.publish(at("listing"))
    seen = board.subscribe("p")

    stages = [(await anext(seen)).stage]
    for stage in ("reading", "done"):
        board.publish(at(stage))
        stages.append((await anext(seen)).stage)

    assert ["listing", "reading", "done"] == stages


async def test_slow_subscriber_gets_the_newest_only() -> None:
    """Changes that nobody has read are replaced by later ones, so that nothing piles up."""
    board = ProgressBoard()
    seen = board.subscribe()
    board.publish(at("listing"))
    await anext(seen)

    for done in range(1000):
        board.publish(at("reading", done=done, total=1000))

    assert 999 == (await anext(seen)).done


async def test_projects_do_not_see_each_other() -> None:
    """A subscriber of one project is told nothing of another."""
    board = ProgressBoard()
    seen = board.subscribe("p")
    board.publish(SourceProgress("other", "x", "x", "listing"))
    board.publish(at("listing"))

    assert "one" == (await anext(seen)).source


def test_finished_is_forgotten_and_paused_is_not() -> None:
    """Only what runs or waits for disk space is on the board."""
    board = ProgressBoard()
    for source, stage in (("one", "done"), ("two", "failed"), ("three", "paused"), ("four", "reading")):
        board.publish(at("listing", source=source))
        board.publish(at(stage, source=source))

    assert ["three", "four"] == [one.source for one in board.running("p")]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at("listing"), "looking through"),
        (at("reading", done=3, total=10), "3 of 10 files"),
        (at("paused"), "paused"),
    ],
)
async def test_note_says_how_far_the_first_index_is(now: SourceProgress, expected: str) -> None:
    """During the first index an answer says how far it is."""
    board = ProgressBoard()
    board.publish(now)

    assert expected in (await board.freshness_note("p", "en") or "")


async def test_no_note_for_a_later_refresh() -> None:
    """A refresh of what is indexed already needs no note."""
    board = ProgressBoard()
    board.publish(at("reading", is_first=False))

    assert await board.freshness_note("p", "en") is None
