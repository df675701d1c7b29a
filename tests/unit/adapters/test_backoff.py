"""How long to wait after one failure after the other."""

from adapters.backoff import Backoff


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_success() -> None:
    """Here without chance."""
    backoff = Backoff(first_s=1.0, longest_s=5.0, jitter=lambda: 1.0)
    pauses = [backoff.failed() for _ in range(5)]
    backoff.succeeded()

    assert [1.0, 2.0, 4.0, 5.0, 5.0] == pauses
    assert 1.0 == backoff.failed()


def test_half_of_a_pause_is_by_chance() -> None:
    """So that those who failed together do not come back together."""
    assert [0.5, 0.75] == [Backoff(jitter=lambda: 0.0).failed(), Backoff(jitter=lambda: 0.5).failed()]


def test_a_thousand_failures_wait_no_longer_than_ten() -> None:
    """And overflow nothing."""
    backoff = Backoff(jitter=lambda: 1.0)

    assert 60.0 == [backoff.failed() for _ in range(1_000)][-1]
