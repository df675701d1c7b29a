"""A cross-encoder by fastembed: run for real over a tiny model."""

from pathlib import Path

import pytest
from haystack import Document

from pipelines.components.rerank import Bounds, Reranking
from pipelines.components.rerank.cross import CrossEncoder
from pipelines.types import ModelUnavailable
from tests.fakes.project import settings
from tests.fakes.tiny_onnx import write_cross_encoder

SETTINGS = settings().ranker.model_copy(update={"kind": "cross-encoder"})
PASSAGES = [Document(id=str(place), content=text) for place, text in enumerate(["far", "near", "near far", "near"])]


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> CrossEncoder:
    """A model that likes passages which say "near", and no others."""
    models = tmp_path_factory.mktemp("models")
    write_cross_encoder(models / "ms-marco-MiniLM-L-6-v2", {"near": 1.0, "far": -1.0})
    return CrossEncoder(SETTINGS, models)


async def test_passages_are_ordered_by_their_scores(ranker: CrossEncoder) -> None:
    """Equal ones stay as they stood, whatever the number of batches."""
    order = await ranker.rerank("how", PASSAGES, limit=4)
    many = await ranker.rerank("how", [PASSAGES[0]] * 10 + [PASSAGES[1]], limit=4)

    assert (1, 3, 2, 0) == order.places
    assert (10, *range(10)) == many.places


async def test_scores_that_are_no_numbers_order_nothing(tmp_path: Path) -> None:
    """A model in half precision may run over; the order without it holds."""
    write_cross_encoder(tmp_path / "ms-marco-MiniLM-L-6-v2", {"near": float("nan")})
    order = await Reranking(CrossEncoder(SETTINGS, tmp_path), Bounds(top=20, budget_ms=20_000)).rerank(
        "how", PASSAGES, limit=4
    )

    assert ((0, 1, 2, 3), "garbage") == (order.places, order.outcome)


async def test_a_search_that_has_given_up_does_not_keep_the_next_waiting(ranker: CrossEncoder) -> None:
    """The budget ends in the middle; the model is free again soon."""
    hasty = Reranking(ranker, Bounds(top=2000, budget_ms=1))
    order = await hasty.rerank("how", [Document(content="near " * 200)] * 2000, limit=4)
    patient = await Reranking(ranker, Bounds(top=20, budget_ms=20_000)).rerank("how", PASSAGES, limit=4)

    assert "timeout" == order.outcome
    assert ((1, 3, 2, 0), "ok") == (patient.places, patient.outcome)


def test_a_missing_model_is_not_fetched_and_the_fault_says_how(tmp_path: Path) -> None:
    """Without leave nothing is asked of the network at run time."""
    with pytest.raises(ModelUnavailable) as raised:
        CrossEncoder(SETTINGS, tmp_path)

    assert "roomwise models" in str(raised.value)
