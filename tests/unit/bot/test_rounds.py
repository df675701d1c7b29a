"""Sorting sources into batches: full ones, none missed, none asked of a host that rests."""

import random
from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache

import pytest

from adapters.forge import Asked
from bot.rounds import MOST_IN_BATCH, Batch, Round, Way, key_of, place_of, plan_round
from bot.state.queries.polls import Due
from bot.state.tables import Repository, Source
from tests.fakes.state import NOW

ACME = key_of("github.com", "acme")


def _due(name: str, *, in_s: float = -1.0, ref: str = "", node_id: str = "", is_dirty: bool = False) -> Due:
    location = f"https://github.com/{name}" if "/" in name else name
    source = Source(
        id=f"{name}@{ref}",
        project="p",
        kind="git",
        name=name,
        location=location,
        ref=ref,
        interval_s=300,
        is_dirty=is_dirty,
        next_due_at=NOW + timedelta(seconds=in_s),
        added_at=NOW,
    )
    repository = Repository(id=name, host="github.com", location=location, location_key=location, node_id=node_id)
    return Due(source, repository)


def _way(one: Due) -> Way:
    host, repository = place_of(one.source.location)
    credential = {"acme": "acme", "other": "other"}.get(repository.partition("/")[0], "")
    return Way(host, repository, credential, is_batched=bool(credential))


def _plan(
    due: Sequence[Due], *, resting: Collection[str] = (), doubted: Collection[str] = (), now: datetime = NOW
) -> Round:
    return plan_round(due, now=now, way_of=_way, is_resting=lambda key: key in resting, doubted=doubted)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://github.com/acme/app", ("github.com", "acme/app")),
        ("https://git.acme.org:8443/group/sub/app", ("git.acme.org:8443", "group/sub/app")),
        ("ssh://git@git.acme.org/acme/app", ("git.acme.org", "acme/app")),
        ("/srv/handbook", ("", "")),
    ],
)
def test_an_address_says_its_host_and_repository(location: str, expected: tuple[str, str]) -> None:
    """With the port, without a user; folders are on this machine."""
    assert expected == place_of(location)


def test_sources_are_asked_by_host_and_credential() -> None:
    """What no credential opens is asked alone, as are folders."""
    round_ = _plan([_due("acme/a"), _due("other/b"), _due("public/c"), _due("folder")])

    asked = {
        key: [one.repository for batch in batches for one in batch.asked] for key, batches in round_.batches.items()
    }
    assert {ACME: ["acme/a"], key_of("github.com", "other"): ["other/b"]} == asked
    assert {"github.com": ["public/c@"], "": ["folder@"]} == {
        host: [one.source.id for one in rows] for host, rows in round_.alone.items()
    }


def test_a_repository_is_asked_once_for_each_branch() -> None:
    """However many sources follow it, and however they write it."""
    rows = [_due("acme/App", node_id="R_1"), _due("acme/app"), _due("acme/app", ref="next", node_id="R_1")]

    (batch,) = _plan(rows).batches[ACME]

    assert [Asked("acme/app", "", "R_1"), Asked("acme/app", "next", "R_1")] == list(batch.asked)
    assert [2, 1] == [len(waiting) for waiting in batch.waiting]


@pytest.mark.parametrize(
    ("due", "soon", "expected"),
    [(1, 0, [1]), (1, 20, [21]), (1, 150, [100]), (100, 50, [100]), (101, 50, [100, 51]), (250, 60, [100, 100, 100])],
)
def test_the_last_batch_is_filled_with_what_is_due_soon(due: int, soon: int, expected: list[int]) -> None:
    """All that is due is asked; of the others only as many as cost no further request."""
    rows = [_due(f"acme/due{number}") for number in range(due)]
    rows += [_due(f"acme/soon{number}", in_s=1.0 + number / 10) for number in range(soon)]

    assert expected == [len(batch.asked) for batch in _plan(rows).batches[ACME]]


def test_nothing_is_asked_before_something_is_due() -> None:
    """Those that will be due soon make no batch of their own."""
    assert {} == _plan([_due("acme/a", in_s=20.0), _due("public/b", in_s=20.0)]).batches


def test_a_source_is_taken_along_a_tenth_of_its_interval_at_most() -> None:
    """Else one that is asked every minute would be asked twice as often."""
    often = _due("acme/often", in_s=10.0)
    often.source.interval_s = 60

    (batch,) = _plan([_due("acme/a"), often]).batches[ACME]

    assert ["acme/a"] == [one.repository for one in batch.asked]


@pytest.mark.parametrize("resting", [ACME, key_of("github.com")])
def test_a_host_that_rests_is_not_asked(resting: str) -> None:
    """Neither for one credential nor, when all of it is away, for anything."""
    round_ = _plan([_due("acme/a"), _due("folder")], resting=[resting])

    assert ({}, [""]) == (round_.batches, list(round_.alone))


def test_a_source_in_doubt_is_asked_of_git() -> None:
    """The others of its credential stay together."""
    round_ = _plan([_due("acme/a"), _due("acme/b")], doubted={"acme/a@"})

    assert ["acme/b"] == [one.repository for batch in round_.batches[ACME] for one in batch.asked]
    assert ["acme/a@"] == [one.source.id for one in round_.alone["github.com"]]


def test_what_a_wrong_clock_wrote_is_asked_now() -> None:
    """A time hours ahead was found due by the query, so it is."""
    (batch,) = _plan([_due("acme/a", in_s=99_999.0)]).batches[ACME]

    assert ["acme/a"] == [one.repository for one in batch.asked]


@cache
def _many(count: int) -> list[Due]:
    """Made once: that takes longer than an hour of ticks. Their due times are set anew by each test."""
    return [_due(f"acme/r{number}") for number in range(count)]


class Hour:
    """An hour of ticks over many repositories: who is asked when, and how many requests that takes."""

    def __init__(self, repositories: int) -> None:
        self._random = random.Random(7)
        self.requests = 0
        self.longest_s = 0.0
        self._asked_at = {one.source.id: NOW for one in _many(repositories)}
        # In order, so that a tick need not look at all of them.
        self._by_time = sorted(self._at(one, NOW, self._random.uniform(0, 300)) for one in _many(repositories))

    def run(self, *, pushes: int) -> None:
        """Tick for an hour; `pushes` repositories a tick have moved and get a due time of their own."""
        for tick in range(720):
            now = NOW + timedelta(seconds=5 * tick)
            soon = bisect_right(self._by_time, now + timedelta(seconds=30), key=lambda row: row[0])
            due = [one for _, _, one in self._by_time[:soon]]
            for batch in _plan(due, now=now).batches.get(ACME, ()):
                self._ask(batch, now, pushes)

    def _ask(self, batch: Batch, now: datetime, pushes: int) -> None:
        self.requests += 1
        spread = self._random.uniform(0.9, 1.1)
        moved: dict[str, tuple[datetime, str, Due]] = {}
        for number, (one,) in enumerate(batch.waiting):
            self.longest_s = max(self.longest_s, (now - self._asked_at[one.source.id]).total_seconds())
            self._asked_at[one.source.id] = now
            own = self._random.uniform(0.9, 1.1) if number < pushes else spread
            moved[one.source.id] = self._at(one, now, 300 * own)
        self._by_time = sorted(moved.get(row[1], row) for row in self._by_time)

    def _at(self, one: Due, now: datetime, in_s: float) -> tuple[datetime, str, Due]:
        """Let it be due in so many seconds; gives its place in the order."""
        one.source.next_due_at = at = now + timedelta(seconds=in_s)
        return at, one.source.id, one


@pytest.mark.parametrize("pushes", [0, 3])
def test_2100_repositories_every_five_minutes_take_at_most_300_requests_an_hour(pushes: int) -> None:
    """And none waits longer than its interval, the spread and a tick."""
    hour = Hour(2100)

    hour.run(pushes=pushes)

    assert hour.requests <= 300
    assert hour.longest_s <= 300 * 1.1 + 5


def test_no_batch_is_larger_than_a_host_takes() -> None:
    """GitHub ends requests that take too long."""
    rows = [_due(f"acme/r{number}") for number in range(1000)]

    assert {MOST_IN_BATCH} == {len(batch.asked) for batch in _plan(rows).batches[ACME]}
