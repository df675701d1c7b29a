"""Searches with a ranker: its order holds for the best, the day's limit holds for it, and its faults change nothing."""

from collections.abc import Sequence

import pytest
from haystack import Document

from pipelines.components.embed import NoEmbedder
from pipelines.components.rerank import Bounds, Order, Reranking
from pipelines.searching import Searching
from pipelines.stores.passages import PassageStore, Scope
from pipelines.types import ModelUnavailable, Usage
from tests.fakes.project import HANDBOOK, PROJECT, indexed, views

QUERY = "How do I add a depot?"


class Backwards:
    """Turns the order round, for seven tokens."""

    async def rerank(self, query: str, passages: Sequence[Document], *, limit: int) -> Order:
        return Order(tuple(reversed(range(len(passages)))), Usage("m", prompt_tokens=7))

    async def close(self) -> None:
        pass


class Broken(Backwards):
    """Never answers well."""

    async def rerank(self, query: str, passages: Sequence[Document], *, limit: int) -> Order:
        raise ModelUnavailable("expected an order, got none")


@pytest.fixture
async def store() -> PassageStore:
    """The handbook, indexed."""
    return await indexed(HANDBOOK)


def searching(store: PassageStore, ranker: Backwards | None = None, *, pays: bool = False) -> Searching:
    """Search with that ranker for the best three, or without one."""
    bounds = Bounds(top=3, budget_ms=5000, pays=pays)
    return Searching(store, NoEmbedder(), views, Reranking(ranker, bounds) if ranker else None)


async def paths(searches: Searching) -> list[tuple[str, int]]:
    """Where each passage found begins."""
    found = await searches.search(PROJECT, QUERY, scope=Scope(), limit=5)
    return [(one.passage.path, one.passage.first_line) for one in found]


async def test_the_best_are_in_the_rankers_order_and_the_others_behind(store: PassageStore) -> None:
    """Scores still fall, and the change is told."""
    plain = await paths(searching(store))
    found = await searching(store, Backwards()).search(PROJECT, QUERY, scope=Scope(), limit=5)
    scores = [one.passage.score for one in found]

    assert [*plain[2::-1], *plain[3:]] == [(one.passage.path, one.passage.first_line) for one in found]
    assert sorted(scores, reverse=True) == scores
    assert "ranker" in [feature.name for feature in found[0].features]


async def test_a_fault_leaves_the_order_without_it(store: PassageStore) -> None:
    """A search never fails with its ranker."""
    assert await paths(searching(store)) == await paths(searching(store, Broken()))


async def test_a_ranker_that_is_paid_by_tokens_keeps_to_the_limit_of_the_day(store: PassageStore) -> None:
    """What it costs is told; when nothing may be paid it is not asked, unless it costs nothing."""

    async def spent(searches: Searching, *, may_pay: bool) -> int:
        found = await searches.retrieve(PROJECT, QUERY, scope=Scope(), limit=5, may_pay=may_pay)
        return found.usage.prompt_tokens

    assert 7 == await spent(searching(store, Backwards(), pays=True), may_pay=True)
    assert 0 == await spent(searching(store, Backwards(), pays=True), may_pay=False)
    assert 7 == await spent(searching(store, Backwards()), may_pay=False)


async def test_a_plain_search_pays_for_nothing(store: PassageStore) -> None:
    """Nobody counts what it costs, so that a ranker which costs tokens is left out."""
    assert await paths(searching(store)) == await paths(searching(store, Backwards(), pays=True))
