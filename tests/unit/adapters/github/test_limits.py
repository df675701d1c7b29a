"""What may be asked until when, read from a host's answers."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialing import Answer
from adapters.forge import Allowance
from adapters.github.limits import LONGEST_S, Ledger, asked_wait_s, counted, limit_in, server_time
from adapters.source import SourceUnreachable
from tests.unit.adapters.github.answers import NOON, Clock, answer, date

LIMITED = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}]}
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


def ledger(clock: Clock | None = None) -> Ledger:
    """A ledger of github.com."""
    return Ledger("github.com", now=clock or Clock())


def taken(book: Ledger, one: Answer, *, resource: str = "graphql") -> float | None:
    """Take an answer up, and give the seconds to wait that it led to."""
    try:
        book.take("acme", resource, one, one.json())
    except SourceUnreachable as error:
        return error.retry_after_s
    return None


@pytest.mark.parametrize(
    ("limit", "one"),
    [
        ("secondary", answer(403, {}, retry_after="30")),
        ("secondary", answer(429, {}, retry_after="30")),
        ("secondary", answer(429, {})),
        ("secondary", answer(403, SECONDARY)),
        ("secondary", answer(403, {"message": "You have triggered an abuse detection mechanism"})),
        ("secondary", answer(200, {"errors": [SECONDARY]})),
        ("primary", answer(403, {}, x_ratelimit_remaining="0")),
        ("primary", answer(429, {}, x_ratelimit_remaining="0")),
        ("primary", answer(403, {"message": "API rate limit exceeded for installation ID 1."})),
        ("primary", answer(200, LIMITED)),
        ("", answer(403, {"message": "Resource not accessible by integration"}, x_ratelimit_remaining="17")),
        ("", answer(200, {"data": {}})),
        ("", answer(200, {"errors": [{"type": "NOT_FOUND", "message": "Could not resolve"}]})),
        ("", answer(403)),
        ("", answer(502, SECONDARY)),
    ],
)
def test_limits_are_told_from_refusals(limit: str, one: Answer) -> None:
    """Each form that GitHub documents counts as its limit; a 403 for a missing right counts as none."""
    assert limit == limit_in(one, one.json())


def test_retry_after_counts_first() -> None:
    """With retry-after, nothing else is looked at, and nothing is asked until then."""
    clock = Clock()
    book = ledger(clock)

    wait_s = taken(book, answer(403, {}, retry_after="30", x_ratelimit_remaining="0", x_ratelimit_reset="1"))

    assert 30.0 == wait_s
    clock.ahead(29)
    with pytest.raises(SourceUnreachable, match="secondary"):
        book.check("acme", "graphql")
    clock.ahead(1)
    book.check("acme", "graphql")


def test_retry_after_may_be_a_date() -> None:
    """A date is reckoned from the host's own clock, not from ours."""
    hosts = NOON + timedelta(days=3)

    assert 90.0 == asked_wait_s(answer(429, retry_after=date(hosts + timedelta(seconds=90))), hosts)


def test_reset_is_reckoned_from_the_hosts_clock() -> None:
    """A machine that is two days late still waits 600 seconds when the host says that it takes 600 seconds."""
    hosts = NOON + timedelta(days=2)
    told = answer(
        200,
        {},
        date=date(hosts),
        x_ratelimit_limit="5000",
        x_ratelimit_remaining="4990",
        x_ratelimit_reset=str(int(hosts.timestamp()) + 600),
    )

    known = counted(Allowance("github.com acme"), told, NOON)

    assert Allowance("github.com acme", 4990, 5000, NOON + timedelta(seconds=600)) == known


def test_used_up_hour_pauses_until_its_end() -> None:
    """The answer that used the last request up is good; the next one is not asked for."""
    clock = Clock()
    book = ledger(clock)
    used_up = answer(200, {}, x_ratelimit_remaining="0", x_ratelimit_reset=str(int(NOON.timestamp()) + 120))

    assert None is taken(book, used_up)

    assert "primary" == book.allowance("acme").reason
    assert NOON + timedelta(seconds=120) == book.allowance("acme").paused_until
    clock.ahead(121)
    book.check("acme", "graphql")


def test_whoever_can_wait_leaves_a_share_of_the_hour() -> None:
    """Reading long threads must not keep pushes from being seen; after the hour, it goes on."""
    clock = Clock()
    book = ledger(clock)
    reset = str(int(NOON.timestamp()) + 600)
    taken(book, answer(200, {}, x_ratelimit_limit="5000", x_ratelimit_remaining="999", x_ratelimit_reset=reset))

    book.check("acme", "graphql")
    book.check("acme", "graphql", spare=0.1)
    with pytest.raises(SourceUnreachable, match="20%") as spared:
        book.check("acme", "graphql", spare=0.2)
    assert 600.0 == spared.value.retry_after_s
    clock.ahead(601)
    book.check("acme", "graphql", spare=0.2)


def test_primary_limit_of_one_api_leaves_the_other_alone() -> None:
    """REST and GraphQL are counted apart, as GitHub counts them."""
    book = ledger()
    taken(book, answer(403, {}, x_ratelimit_remaining="0"), resource="core")

    book.check("acme", "graphql")

    with pytest.raises(SourceUnreachable):
        book.check("acme", "core")


def test_secondary_limit_pauses_both_apis() -> None:
    """It is about the one who asks, however that is done."""
    book = ledger()
    taken(book, answer(429, SECONDARY), resource="core")

    with pytest.raises(SourceUnreachable):
        book.check("acme", "graphql")


def test_other_credentials_go_on() -> None:
    """A limit belongs to one credential."""
    book = ledger()
    taken(book, answer(429, SECONDARY))

    book.check("other", "graphql")


def test_limits_that_say_no_time_double_the_wait() -> None:
    """A minute at first, twice as long each further time, a quarter of an hour at most; one good answer starts anew."""
    clock = Clock()
    book = ledger(clock)
    waits = []
    for _ in range(6):
        waits.append(taken(book, answer(403, SECONDARY)))
        clock.ahead(LONGEST_S)
    taken(book, answer(200, {}))

    assert [60.0, 120.0, 240.0, 480.0, 900.0, 900.0] == waits
    assert 60.0 == taken(book, answer(403, SECONDARY))


def test_outages_wait_longer_each_time_and_end_with_an_answer() -> None:
    """Any answer of the host ends an outage."""
    clock = Clock()
    book = ledger(clock)
    waits = [book.failed("acme") for _ in range(7)]
    clock.ahead(LONGEST_S)
    taken(book, answer(200, {}))

    assert [15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 600.0] == waits
    assert 15.0 == book.failed("acme")
    assert "outage" == book.allowance("acme").reason


def test_pause_survives_a_restart() -> None:
    """What was told before is restored; the key of another host is left alone."""
    before = ledger()
    taken(before, answer(429, {}, retry_after="300"))
    after, other = ledger(), Ledger("github.acme.test", now=Clock())
    after.restore(before.allowance("acme"))
    other.restore(before.allowance("acme"))

    assert before.allowance("acme") == after.allowance("acme")
    with pytest.raises(SourceUnreachable, match="300 s"):
        after.check("acme", "core")
    other.check("acme", "core")


def test_pause_of_a_clock_that_was_wrong_does_not_count() -> None:
    """A pause that was written by a clock years ahead must not stop polling for years."""
    book = ledger()
    book.restore(Allowance("github.com acme", paused_until=NOON + timedelta(days=700), reason="secondary"))

    book.check("acme", "graphql")

    assert None is book.allowance("acme").paused_until


def test_endless_waits_are_cut() -> None:
    """Whoever says a year is asked again after an hour."""
    assert LONGEST_S == taken(ledger(), answer(429, {}, retry_after="31536000"))


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.sampled_from([200, 403, 429, 500]))
def test_headers_of_nonsense_break_nothing(told: str, reset: str, at: str, status: int) -> None:
    """Whatever stands in the headers, the wait is between a second and an hour, or there is none."""
    headers: dict[str, Any] = {
        "retry_after": told,
        "x_ratelimit_remaining": "0",
        "x_ratelimit_reset": reset,
        "date": at,
    }
    wait_s = taken(ledger(), answer(status, {}, **headers))

    assert wait_s is None or 1.0 <= wait_s <= LONGEST_S + 1
    assert server_time(answer(date=at), NOON).tzinfo is not None
