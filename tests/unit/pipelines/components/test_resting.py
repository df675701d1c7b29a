"""A rest for what fails again and again while somebody waits."""

from collections.abc import MutableMapping
from typing import Any

from pipelines.components.resting import REST_S, Rest


def test_three_faults_in_a_row_bring_a_rest_which_ends_by_itself() -> None:
    """One that works between them begins the count anew; a fault right after the rest begins the next."""
    now_s = 0.0
    rest = Rest("ranker", effect="none", clock=lambda: now_s)
    seen = []

    def fails() -> None:
        rest.failed("x", kind="timeout")
        seen.append(rest.is_on)

    fails()
    fails()
    rest.worked()
    fails()
    fails()
    fails()
    now_s = REST_S
    seen.append(rest.is_on)
    fails()

    assert [False, False, False, False, True, False, True] == seen


def test_a_row_of_faults_is_one_line_of_the_log_and_its_end_another(
    faults_logged: list[MutableMapping[str, Any]],
) -> None:
    """The log says what is wrong without filling up."""
    rest = Rest("ranker", effect="none", clock=lambda: 0.0)
    rest.worked()
    for _ in range(5):
        rest.failed("no answer", kind="timeout")
    rest.worked()
    rest.worked()

    assert ["ranker_failed", "ranker_is_back"] == [entry["event"] for entry in faults_logged]
    assert "no answer" == faults_logged[0]["reason"]
    assert 5 == faults_logged[1]["after_faults"]


def test_a_late_answer_ends_the_rest() -> None:
    """What was asked before the rest began and comes back well shows that all is well."""
    rest = Rest("ranker", effect="none", clock=lambda: 0.0)
    for _ in range(3):
        rest.failed("no answer", kind="timeout")

    assert rest.is_on
    rest.worked()
    assert not rest.is_on
