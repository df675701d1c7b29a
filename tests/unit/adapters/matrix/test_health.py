"""How the connection is doing, told from memory."""

from datetime import UTC, datetime, timedelta

from adapters.matrix.health import Pulse

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def test_it_is_down_until_the_server_answered_and_again_when_it_is_silent() -> None:
    """A sync is answered every half minute."""
    now = NOON
    pulse = Pulse(lambda: now)
    before = pulse.probe()
    pulse.beat()
    well = pulse.probe()
    now = NOON + timedelta(minutes=4)
    silent = pulse.probe()

    assert [False, True, False] == [before.is_up, well.is_up, silent.is_up]
    assert "not connected yet" == before.detail
    assert "3 minutes" in silent.detail
    assert "2026-06-01 12:00:00 UTC" == well.facts["last sync"]
    assert well.hearing_all


def test_a_problem_stands_until_the_next_answer() -> None:
    """With the facts of others beside it."""
    pulse = Pulse(lambda: NOON)
    pulse.more.append(lambda: {"rooms": "3"})
    pulse.beat()
    pulse.fail("no answer")
    pulse.note("server", "https://x")
    bad = pulse.probe()
    pulse.beat()
    pulse.note("server", "")

    assert (False, "no answer", "3") == (bad.is_up, bad.detail, bad.facts["rooms"])
    assert pulse.probe().is_up
    assert "server" not in pulse.probe().facts
