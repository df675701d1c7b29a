"""Rerank endpoints: every shape that is in use, and servers that misbehave."""

from typing import Any

import pytest
from haystack import Document
from pydantic import SecretStr

from pipelines.components.rerank import Bounds, Order, Reranking
from pipelines.components.rerank.endpoint import EndpointReranker
from tests.fakes.json_server import JsonServer, Odd
from tests.fakes.project import settings

PASSAGES = [
    Document(id=name, content=name, meta={"path": f"{name}.md"}) for name in ("far", "near", "nearest", "other")
]
SCORES = {"far": 0.1, "near": 0.7, "nearest": 0.9, "other": 0.0}


def score(text: str) -> float:
    """Score a text as it is shown."""
    return SCORES[text.rpartition("\n")[2]]


def cohere(body: Any) -> Any:
    """Answer as Cohere and Jina do: best first, with the place of each."""
    found = [{"index": place, "relevance_score": score(text)} for place, text in enumerate(body["documents"])]
    return {"id": "x", "results": sorted(found, key=lambda one: -one["relevance_score"])}


def vllm(body: Any) -> Any:
    """Answer as vLLM does, with the documents once more."""
    return {**cohere(body), "model": body["model"], "usage": {"total_tokens": 56}}


def voyage(body: Any) -> Any:
    """Answer as Voyage does: under another name."""
    return {"object": "list", "data": cohere(body)["results"]}


def tei(body: Any) -> Any:
    """Answer as Text Embeddings Inference does: a list."""
    found = [{"index": place, "score": score(text)} for place, text in enumerate(body["texts"])]
    return sorted(found, key=lambda one: -one["score"])


async def rerank(server: JsonServer, *, times: int = 1, **changes: object) -> Order:
    """Order the passages by the server, `times` times; gives the last order."""
    base: dict[str, object] = {"kind": "endpoint", "base_url": server.url + "/v1", "model": "m", "budget_ms": 5000}
    ranker = settings().ranker.model_copy(update=base | changes)
    asked = Reranking(EndpointReranker(ranker), Bounds(top=ranker.top, budget_ms=ranker.budget_ms))
    for _ in range(times):
        order = await asked.rerank("why?", PASSAGES, limit=2)
    await asked.close()
    return order


@pytest.mark.parametrize("shape", [cohere, vllm, voyage])
async def test_the_common_shape_is_asked_and_understood(shape: Any) -> None:
    """One request, with the model, the question and the passages; all of them are wanted, which needs no saying."""
    async with JsonServer(shape) as server:
        order = await rerank(server, api_key=SecretStr("sk"))

    assert ((2, 1, 0, 3), "ok") == (order.places, order.outcome)
    assert ["/v1/rerank"] == [one.path for one in server.posted]
    assert {"model": "m", "query": "why?"} == {
        key: value for key, value in server.posted[0].body.items() if key != "documents"
    }
    assert "far.md\nfar" == server.posted[0].body["documents"][0]
    assert "Bearer sk" == server.posted[0].headers["authorization"]


@pytest.mark.parametrize("status", [400, 422])
async def test_a_server_that_wants_texts_is_asked_so_from_then_on(status: int) -> None:
    """TEI refuses the common shape; one request in vain is enough."""
    async with JsonServer(tei, script=[Odd(status)]) as server:
        order = await rerank(server, times=2)

    assert ((2, 1, 0, 3), "ok") == (order.places, order.outcome)
    assert [False, True, True] == ["texts" in one.body for one in server.posted]


async def test_the_address_may_end_in_rerank() -> None:
    """As it stands in many manuals."""
    async with JsonServer(cohere) as server:
        order = await rerank(server, base_url=server.url + "/v2/rerank")

    assert "ok" == order.outcome
    assert "/v2/rerank" == server.posted[0].path


async def test_passages_that_the_server_leaves_out_follow_as_they_stood() -> None:
    """Some give the best few only."""
    async with JsonServer(lambda body: {"results": cohere(body)["results"][:1]}) as server:
        assert (2, 0, 1, 3) == (await rerank(server)).places


@pytest.mark.parametrize(
    ("odd", "outcome"),
    [
        (Odd(401, raw=b"sk"), "unauthorised"),
        (Odd(404), "failed"),
        (Odd(429, headers=(("retry-after", "1"),)), "rate_limited"),
        (Odd(500), "failed"),
        (Odd(hangs=True), "timeout"),
        (Odd(drips=True), "timeout"),
        (Odd(hangs_up=True), "unreachable"),
        (Odd(raw=b"<html>sorry</html>"), "garbage"),
        (Odd(raw=b""), "garbage"),
        (Odd(raw=b"null"), "garbage"),
        (Odd(raw=b'{"results": []}'), "garbage"),
        (Odd(raw=b'{"results": 5}'), "garbage"),
        (Odd(raw=b'{"results": [{"index": 0}]}'), "garbage"),
        (Odd(raw=b'{"results": [{"index": 4, "relevance_score": 1}]}'), "garbage"),
        (Odd(raw=b'{"results": [{"index": -1, "relevance_score": 1}]}'), "garbage"),
        (Odd(raw=b'{"results": [{"index": 1.5, "relevance_score": 1}]}'), "garbage"),
        (Odd(raw=b'{"results": [{"index": 1, "relevance_score": NaN}]}'), "garbage"),
        (Odd(raw=b'{"results": [{"index": 1, "relevance_score": 1' + b"0" * 400 + b"}]}"), "garbage"),
        (Odd(raw=b'[{"index": 1, "score": 1}, {"index": 1, "score": 2}]'), "garbage"),
        (Odd(raw=b'["far", "near"]'), "garbage"),
    ],
)
async def test_whatever_the_server_does_the_order_without_it_holds(odd: Odd, outcome: str) -> None:
    """A search never fails with its ranker."""
    async with JsonServer(cohere, script=[odd]) as server:
        order = await rerank(server, budget_ms=300)

    assert ((0, 1, 2, 3), outcome) == (order.places, order.outcome)
