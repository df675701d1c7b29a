"""Who passes for a person and answers whatever we say."""

from datetime import timedelta

from bot.loops import PAUSE, Heed, Loops
from tests.fakes.chat import NOON


def _sent(loops: Loops, count: int, *, every_s: float, person: str = "ann", start: int = 0) -> list[Heed]:
    return [
        loops.heed(person, f"m{number}", at=NOON + timedelta(seconds=every_s * number))
        for number in range(start, start + count)
    ]


def test_as_many_as_allowed_within_a_minute_are_answered() -> None:
    """Twenty in nineteen seconds, and no more."""
    assert [Heed.ANSWER] * 20 == _sent(Loops(20), 20, every_s=1.0)


def test_one_more_stops_and_the_rest_is_ignored() -> None:
    """The one that is too many is told; those after it are not."""
    assert [*[Heed.ANSWER] * 20, Heed.STOP, Heed.IGNORE, Heed.IGNORE] == _sent(Loops(20), 23, every_s=1.0)


def test_the_minute_moves_on_with_the_messages() -> None:
    """One every three seconds is twenty a minute, for ever; a little faster is too many."""
    assert [Heed.ANSWER] * 200 == _sent(Loops(20), 200, every_s=3.0)
    assert Heed.STOP in _sent(Loops(20), 200, every_s=2.9)


def test_what_had_to_wait_is_no_loop_in_whatever_order_it_comes() -> None:
    """Two rooms are worked off one after the other, and old questions are put back after new ones."""
    loops = Loops(20)
    rooms = [(room, NOON + timedelta(minutes=2 * one)) for room in "ab" for one in range(15)]
    loops.heed("bob", "/answer now", at=NOON + timedelta(days=1))

    assert [Heed.ANSWER] * 30 == [loops.heed("ann", f"{room}/{at}", at=at) for room, at in rooms]
    assert [Heed.ANSWER] * 25 == _sent(loops, 25, every_s=600.0, person="bob")


def test_what_was_sent_long_before_the_stop_is_answered() -> None:
    """It waited, and was no part of what was too much; it does not end the pause either."""
    loops = Loops(2)
    _sent(loops, 3, every_s=1.0)

    assert Heed.ANSWER is loops.heed("ann", "old", at=NOON - timedelta(hours=1))
    assert Heed.IGNORE is loops.heed("ann", "next", at=NOON + timedelta(seconds=3))


def test_after_the_pause_it_begins_anew() -> None:
    """Not a moment earlier."""
    loops = Loops(2)
    _sent(loops, 3, every_s=1.0)
    stopped_at = NOON + timedelta(seconds=2)

    assert Heed.IGNORE is loops.heed("ann", "early", at=stopped_at + PAUSE - timedelta(seconds=1))
    assert Heed.ANSWER is loops.heed("ann", "late", at=stopped_at + PAUSE)
    assert Heed.ANSWER is loops.heed("ann", "later", at=stopped_at + PAUSE)
    assert Heed.STOP is loops.heed("ann", "last", at=stopped_at + PAUSE)


def test_each_person_is_counted_apart() -> None:
    """One who is stopped silences nobody else."""
    loops = Loops(1)
    _sent(loops, 2, every_s=1.0, person="eve")

    assert Heed.ANSWER is loops.heed("ann", "m", at=NOON)


def test_the_same_message_counts_once() -> None:
    """As the parts of an album do, or a message that is worked on again."""
    loops = Loops(1)

    assert [Heed.ANSWER] * 9 == [loops.heed("ann", "album", at=NOON) for _ in range(9)]


def test_without_a_limit_nobody_is_stopped() -> None:
    """0 in the settings."""
    assert {Heed.ANSWER} == set(_sent(Loops(0), 500, every_s=0.0))


def test_those_who_are_quiet_are_forgotten() -> None:
    """Memory does not grow with everybody who ever wrote; who is stopped stays stopped."""
    loops = Loops(1)
    _sent(loops, 2, every_s=0.0, person="eve")
    for number in range(10_001):
        loops.heed(f"p{number}", "m", at=NOON)
    loops.heed("last", "m", at=NOON + timedelta(minutes=2))

    assert {"eve", "last"} == set(loops._known)
    assert Heed.IGNORE is loops.heed("eve", "m", at=NOON + timedelta(minutes=2))
