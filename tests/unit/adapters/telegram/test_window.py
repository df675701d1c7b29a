"""How many may go out within a span."""

from adapters.telegram.window import Window


def full(most: int, *, ended_s: float = 0.0) -> Window:
    """A window in which so many have just ended."""
    window = Window(most, 60.0)
    for _ in range(most):
        window.begin()
        window.end(ended_s)
    return window


def test_a_place_is_free_a_span_after_its_end() -> None:
    """Not after its beginning: it may have arrived at any time in between."""
    window = Window(1, 60.0)
    window.begin()
    window.end(5.0)

    assert 60.0 == window.wait_s(5.0, before=0)
    assert 0.1 > window.wait_s(64.95, before=0) > 0
    assert 0.0 == window.wait_s(65.0, before=0)


def test_what_is_on_its_way_counts() -> None:
    """It holds its place, at least a whole span from now."""
    window = Window(1, 60.0)
    window.begin()

    assert 60.0 == window.wait_s(100.0, before=0)


def test_what_does_not_count_gives_its_place_back() -> None:
    """As an edit that the network never saw."""
    window = Window(1, 60.0)
    window.begin()
    window.end(0.0, counts=False)

    assert 0.0 == window.wait_s(0.0, before=0)


def test_turns_go_by_rank_and_then_in_their_order() -> None:
    """A later one of a better rank stands before."""
    window = full(1)
    low, high, other = window.join(1), window.join(0), window.join(0)

    assert [2, 0, 1] == [window.before(turn) for turn in (low, high, other)]
    window.leave(high)
    assert [1, 0] == [window.before(turn) for turn in (low, other)]
    assert 2 == window.waiting


def test_each_place_in_line_waits_for_its_own_place_to_become_free() -> None:
    """The second of two waits for the second end."""
    window = Window(2, 60.0)
    for ended_s in (1.0, 9.0):
        window.begin()
        window.end(ended_s)

    assert [51.0, 59.0] == [window.wait_s(10.0, before=before) for before in (0, 1)]


def test_a_pause_holds_everybody() -> None:
    """Whatever room there is."""
    window = Window(5, 60.0)
    window.pause(0.0, 30.0)
    window.pause(0.0, 10.0)

    assert 30.0 == window.wait_s(0.0, before=0)
    assert 0.0 == window.wait_s(30.0, before=0)


def test_a_flood_with_room_left_lowers_the_limit_for_a_while() -> None:
    """Down to what went well, never below half, and up again by one each span."""
    window = Window(20, 60.0)
    for _ in range(14):
        window.begin()
        window.end(0.0)
    window.begin()
    window.flood(1.0, 5.0)
    window.end(1.0)

    assert 15 == window.left(61.5)
    assert 16 == window.left(122.0)
    assert 20 == window.left(1000.0)


def test_a_window_with_nothing_to_remember_is_idle() -> None:
    """A pause, a line, a message or what a flood taught are something."""
    window = full(2)

    assert not window.is_idle(30.0)
    assert window.is_idle(61.0)
    window.pause(61.0, 10.0)
    assert not window.is_idle(62.0)
