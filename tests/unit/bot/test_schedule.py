"""The order in which waiting work starts."""

import random

from bot.schedule import Kind, Schedule, Work


def _work(number: int, room: str = "r", lane: str = "", kind: Kind = Kind.QUESTION) -> Work:
    return Work(number, room, lane or f"lane{number}", kind)


def _started(schedule: Schedule) -> list[int]:
    return [item.id for item in schedule.start_ready()]


def _filled(*items: Work, room_parallel: int = 3, total_parallel: int = 16) -> Schedule:
    schedule = Schedule(room_parallel=room_parallel, total_parallel=total_parallel)
    for item in items:
        schedule.add(item)
    return schedule


def test_one_question_of_a_conversation_runs_at_a_time() -> None:
    """The second question of a lane starts when the first has ended."""
    schedule = _filled(_work(1, lane="a"), _work(2, lane="a"))

    assert [1] == _started(schedule)
    schedule.finish(1)
    assert [2] == _started(schedule)


def test_a_room_answers_only_its_share_at_once() -> None:
    """Of five conversations three run; each end lets one more start."""
    schedule = _filled(*(_work(number) for number in range(1, 6)))

    assert [1, 2, 3] == _started(schedule)
    schedule.finish(2)
    assert [4] == _started(schedule)


def test_rooms_take_turns() -> None:
    """With two places in all, a room with one question is served before the full room's second."""
    schedule = _filled(_work(1), _work(2), _work(3), _work(4, room="other"), total_parallel=2)

    assert [1, 4] == _started(schedule)


def test_a_barrier_waits_for_all_before_it_and_holds_all_after_it() -> None:
    """A command that changes the room runs alone and in its place."""
    schedule = _filled(_work(1), _work(2, kind=Kind.BARRIER), _work(3))

    assert [1] == _started(schedule)
    schedule.finish(1)
    assert [2] == _started(schedule)
    schedule.finish(2)
    assert [3] == _started(schedule)


def test_a_barrier_does_not_hold_other_rooms() -> None:
    """Another room goes on while one waits behind a barrier."""
    schedule = _filled(_work(1), _work(2, kind=Kind.BARRIER), _work(3, room="other"))

    assert [1, 3] == _started(schedule)


def test_free_work_never_waits() -> None:
    """A rating starts beside a running barrier, with every place taken."""
    schedule = _filled(_work(1, kind=Kind.BARRIER), total_parallel=1)
    _started(schedule)

    schedule.add(_work(2, kind=Kind.FREE))

    assert [2] == _started(schedule)


def test_free_work_waiting_first_does_not_stop_a_barrier() -> None:
    """A running reading command does not count as an answer under way."""
    schedule = _filled(_work(1, kind=Kind.FREE), _work(2, kind=Kind.BARRIER))

    assert [1, 2] == _started(schedule)


def test_places_count_waiting_questions_of_the_room() -> None:
    """The fourth and fifth question of a room with three places wait as first and second."""
    schedule = _filled(*(_work(number) for number in range(1, 6)), _work(9, room="other"))
    _started(schedule)

    assert {4: 1, 5: 2} == schedule.places("r")
    assert {} == schedule.places("nowhere")


def test_work_that_is_known_is_not_added_twice() -> None:
    """A row that is read again while it waits or runs changes nothing."""
    schedule = _filled(_work(1))

    assert not schedule.add(_work(1))
    assert [1] == _started(schedule)
    assert not schedule.add(_work(1))
    assert [] == _started(schedule)


def test_cancelled_work_never_starts() -> None:
    """Finishing waiting work takes it out of the queue."""
    schedule = _filled(_work(1, lane="a"), _work(2, lane="a"), _work(3, lane="a"))
    _started(schedule)

    schedule.finish(2)
    schedule.finish(1)

    assert [3] == _started(schedule)
    assert not schedule.knows(2)


def test_random_traffic_keeps_every_promise() -> None:
    """Thousands of random steps: bounds hold, lanes keep their order, barriers run alone, everything ends."""
    for seed in range(30):
        _play(random.Random(seed))


def _play(chance: random.Random) -> None:
    schedule = Schedule(room_parallel=2, total_parallel=5)
    running: dict[int, Work] = {}
    order: dict[str, list[int]] = {}
    for number in range(1, 80):
        kind = chance.choices([Kind.QUESTION, Kind.BARRIER, Kind.FREE], [8, 1, 1])[0]
        room = chance.choice("abcd")
        schedule.add(Work(number, room, f"{room}{chance.randrange(3)}", kind))
        _start(schedule, running, order)
        if running and chance.random() < 0.6:
            ended = chance.choice(list(running))
            del running[ended]
            schedule.finish(ended)
    while running:
        ended = chance.choice(list(running))
        del running[ended]
        schedule.finish(ended)
        _start(schedule, running, order)
    assert 0 == schedule.waiting == schedule.running
    assert all(ids == sorted(ids) for ids in order.values())


def _start(schedule: Schedule, running: dict[int, Work], order: dict[str, list[int]]) -> None:
    for item in schedule.start_ready():
        running[item.id] = item
        if item.kind is Kind.QUESTION:
            order.setdefault(item.lane, []).append(item.id)
    counted = [item for item in running.values() if item.kind is not Kind.FREE]
    assert len(counted) <= 5
    for room in "abcd":
        here = [item for item in counted if item.room == room]
        assert len(here) <= 2
        assert len({item.lane for item in here if item.kind is Kind.QUESTION}) == sum(
            item.kind is Kind.QUESTION for item in here
        )
        assert len(here) == 1 or all(item.kind is Kind.QUESTION for item in here)
