"""The board of running refreshes."""

from dataclasses import replace

import pytest

from bot.progress import Pace, ProgressBoard, SourceProgress, pace_of


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


def test_pace_is_that_of_the_last_half_minute() -> None:
    """The time left goes by bytes; a slow start is forgotten."""
    pace = Pace()
    steps = [(0.0, 0, 0), (60.0, 10, 1_000), (75.0, 40, 31_000), (90.0, 70, 61_000)]

    said = [pace.measure(at_s=at_s, files=files, done_bytes=done, total_bytes=101_000) for at_s, files, done in steps]

    assert [(0.0, None), (2.0, 20.0)] == [said[0], said[-1]]


@pytest.mark.parametrize("second", [(1.0, 5, 500), (60.0, 0, 0)])
def test_pace_is_not_told_before_it_is_known(second: tuple[float, int, int]) -> None:
    """A second of work says nothing, and neither does a minute without any."""
    pace = Pace()
    pace.measure(at_s=0.0, files=0, done_bytes=0, total_bytes=1_000)
    at_s, files, done_bytes = second

    assert (0.0, None) == pace.measure(at_s=at_s, files=files, done_bytes=done_bytes, total_bytes=1_000)


def test_a_pace_stands_behind_the_number_of_files() -> None:
    """Several sources run side by side: their speeds add up, and the slowest says how long it takes."""
    running = [
        replace(at("reading", done=1, total=9), files_per_s=2.2, left_s=20.0),
        replace(at("reading", source="two", done=1, total=9), files_per_s=10.0, left_s=150.0),
    ]

    assert ", 12 files/s, about 2 min left" == pace_of(running, "en")
    assert ", 12 Dateien/s, noch etwa 2 min" == pace_of(running, "de")
    assert "" == pace_of([*running, at("listing")], "en")
    assert "" == pace_of([], "en")
