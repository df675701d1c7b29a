"""Asking a ranker within its bounds: whatever it does, passages have an order, in time."""

import asyncio
from collections.abc import MutableMapping, Sequence
from typing import Any

import pytest
from haystack import Document

from pipelines.components.rerank import OUTCOMES, Bounds, Order, Reranking, shown_text
from pipelines.types import ModelUnavailable, Usage

PASSAGES = [Document(id=str(number), content=f"passage {number}") for number in range(5)]


class Scripted:
    """A ranker that does what is next in its script: an order, a fault, or nothing for ever."""

    def __init__(self, *script: Order | ModelUnavailable | None) -> None:
        self.script = list(script)
        self.shown: list[Sequence[Document]] = []
        self.is_closed = False

    async def rerank(self, query: str, passages: Sequence[Document], *, limit: int) -> Order:
        self.shown.append(passages)
        act = self.script.pop(0)
        if act is None:
            await asyncio.Event().wait()
        if isinstance(act, ModelUnavailable):
            raise act
        assert act is not None
        return act

    async def close(self) -> None:
        self.is_closed = True


def reranking(*script: Order | ModelUnavailable | None, top: int = 3, now_s: Sequence[float] = (0.0,)) -> Reranking:
    """Ask a scripted ranker for the best three within 50 ms; the clock gives its last time for ever."""
    times = list(now_s)
    return Reranking(
        Scripted(*script), Bounds(top=top, budget_ms=50), clock=lambda: times.pop(0) if len(times) > 1 else times[0]
    )


async def ordered(asked: Reranking) -> tuple[tuple[int, ...], str]:
    """The order of the five passages, and what came of it."""
    order = await asked.rerank("why?", PASSAGES, limit=2)
    return order.places, order.outcome


async def test_the_best_are_ordered_and_the_others_stay_behind() -> None:
    """Only `top` passages are shown."""
    ranker = Scripted(Order((2, 0, 1), Usage("m", 7, 1)))
    order = await Reranking(ranker, Bounds(top=3, budget_ms=1000)).rerank("why?", PASSAGES, limit=2)

    assert ((2, 0, 1, 3, 4), "ok", 7) == (order.places, order.outcome, order.usage.prompt_tokens)
    assert ["0", "1", "2"] == [one.id for one in ranker.shown[0]]


async def test_a_ranker_that_takes_too_long_changes_nothing() -> None:
    """A search waits no longer than the budget."""
    assert ((0, 1, 2, 3, 4), "timeout") == await ordered(reranking(None))


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (ModelUnavailable("x", kind="unauthorised"), "unauthorised"),
        (ModelUnavailable("x", kind="a new kind"), "failed"),
        (Order((0, 0, 1)), "garbage"),
        (Order((0, 1)), "garbage"),
        (Order((0, 1, 3)), "garbage"),
        (Order(()), "garbage"),
    ],
)
async def test_a_fault_or_an_order_that_is_none_changes_nothing(fault: Order | ModelUnavailable, outcome: str) -> None:
    """Each passage stands once, where it stood."""
    assert ((0, 1, 2, 3, 4), outcome) == await ordered(reranking(fault))


async def test_what_a_failed_call_cost_is_told() -> None:
    """It counts against the day like any other."""
    fault = ModelUnavailable("x", kind="garbage", usage=Usage("m", 11, 2))

    assert 11 == (await reranking(fault).rerank("why?", PASSAGES, limit=2)).usage.prompt_tokens


async def test_nothing_to_order_is_not_asked() -> None:
    """One passage, none, or no question."""
    asked = reranking()

    assert (0,) == (await asked.rerank("why?", PASSAGES[:1], limit=1)).places
    assert () == (await asked.rerank("why?", [], limit=1)).places
    assert (0, 1, 2, 3, 4) == (await asked.rerank("  ", PASSAGES, limit=1)).places
    assert 0 == sum(asked.counts.values())


async def test_after_three_faults_in_a_row_it_rests_for_half_a_minute() -> None:
    """Not every search waits for a ranker that is away; then it is tried again."""
    away = ModelUnavailable("x", kind="unreachable")
    times = [0.0, 1.0, 2.0, 2.0, 31.9, 32.1]  # before each call, and when the pause begins
    asked = reranking(away, away, away, Order((1, 0, 2)), now_s=times)

    assert ["unreachable"] * 3 + ["paused", "ok"] == [(await ordered(asked))[1] for _ in range(5)]
    assert {"unreachable": 3, "paused": 1, "ok": 1} == {key: count for key, count in asked.counts.items() if count}


async def test_a_row_of_faults_is_logged_once_and_its_end_too(faults_logged: list[MutableMapping[str, Any]]) -> None:
    """The log says what is wrong without filling up."""
    away = ModelUnavailable("expected an answer of 'h', got HTTP 500", kind="failed")
    asked = reranking(away, away, Order((1, 0, 2)), away)
    for _ in range(4):
        await ordered(asked)

    assert ["ranker_failed", "ranker_is_back", "ranker_failed"] == [entry["event"] for entry in faults_logged]
    assert "HTTP 500" in faults_logged[0]["reason"]


async def test_cancelling_is_not_a_fault() -> None:
    """A question that was taken back ends at once."""
    asked = Reranking(Scripted(None), Bounds(top=3, budget_ms=60_000))
    task = asyncio.create_task(asked.rerank("why?", PASSAGES, limit=2))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert 0 == sum(asked.counts.values())


async def test_every_outcome_is_counted_from_the_start() -> None:
    """So that a series exists before something happens."""
    assert dict.fromkeys(OUTCOMES, 0) == reranking().counts


async def test_closing_closes_the_ranker() -> None:
    """Connections are its own."""
    ranker = Scripted()
    await Reranking(ranker, Bounds(top=3, budget_ms=50)).close()

    assert ranker.is_closed


def test_a_passage_is_shown_with_its_path_and_headings() -> None:
    """And cut, so that twenty of them fit."""
    document = Document(content="x" * 50, meta={"path": "docs/a.md", "headings": ["Install", "Linux"]})

    assert "docs/a.md > Install > Linux\nxxxxx" == shown_text(document, max_chars=5)
