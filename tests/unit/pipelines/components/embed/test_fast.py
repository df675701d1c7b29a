"""Encoders by fastembed: run for real over a tiny model, and never fetched unasked."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from pipelines.components.embed.fast import FastEmbedder
from pipelines.types import ModelUnavailable
from tests.fakes.project import settings
from tests.fakes.tiny_onnx import write_encoder

SETTINGS = settings().embedder.model_copy(update={"kind": "fastembed"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with one copied there by hand."""
    models = tmp_path_factory.mktemp("models")
    write_encoder(models / "bge-small-en-v1.5")
    return models


async def test_like_meanings_are_close_and_vectors_have_length_one(folder: Path) -> None:
    """Each text has the same vector alone as among others."""
    embedder = FastEmbedder(SETTINGS, folder)
    texts = ["how do i delete a customer", "route package", "", "x" * 10_000] * 20
    rows = await embedder.embed(texts)
    question = await embedder.embed_query("remove user")

    assert (80, 384) == rows.shape
    assert np.float32 == rows.dtype
    assert np.allclose(1.0, np.linalg.norm(rows, axis=1), atol=1e-5)
    assert np.allclose(rows[4:8], await embedder.embed(texts[:4]), atol=1e-5)
    assert question @ rows[0] > question @ rows[1] + 0.2
    assert (0, 384) == (await embedder.embed([])).shape


async def test_a_text_that_the_model_cannot_say_anything_of_does_not_stop_an_index(tmp_path: Path) -> None:
    """What is no number becomes the first axis; the texts beside it keep their vectors."""
    write_encoder(tmp_path / "bge-small-en-v1.5", broken="near")
    rows = await FastEmbedder(SETTINGS, tmp_path).embed(["near", "depot"])

    assert [1.0, 0.0] == rows[0, :2].tolist()
    assert np.allclose(1.0, np.linalg.norm(rows, axis=1), atol=1e-5)


async def test_prefixes_are_put_before_questions_and_passages(folder: Path) -> None:
    """As the model was trained."""
    plain = FastEmbedder(SETTINGS, folder)
    prefixed = FastEmbedder(
        SETTINGS.model_copy(update={"query_prefix": "route ", "passage_prefix": "depot ", "max_chars": 6}), folder
    )

    assert np.allclose(await plain.embed_query("route"), await prefixed.embed_query(" near"), atol=1e-5)
    assert np.allclose(await plain.embed(["depot"]), await prefixed.embed([" far"]), atol=1e-5)
    assert plain.name != prefixed.name


async def test_a_question_waits_as_long_as_is_set(folder: Path) -> None:
    """Keywords alone answer it then."""
    embedder = FastEmbedder(SETTINGS.model_copy(update={"query_timeout_s": 1e-9}), folder)

    with pytest.raises(ModelUnavailable) as raised:
        await embedder.embed_query("package")
    assert "timeout" == raised.value.kind


async def test_many_callers_at_once_get_their_own_vectors(folder: Path) -> None:
    """A question is embedded beside the passages of an index."""
    embedder = FastEmbedder(SETTINGS, folder)
    (alone,) = await embedder.embed(["package"])
    both = await asyncio.gather(
        *(embedder.embed(["package", "port"]) for _ in range(5)), embedder.embed_query("package")
    )

    assert all(np.allclose(alone, rows[0], atol=1e-5) for rows in both[:5])
    assert np.allclose(alone, both[5], atol=1e-5)


def test_a_missing_model_is_not_fetched_and_the_fault_says_how(tmp_path: Path) -> None:
    """Without leave nothing is asked of the network at run time."""
    with pytest.raises(ModelUnavailable) as raised:
        FastEmbedder(SETTINGS, tmp_path)

    assert "BAAI/bge-small-en-v1.5" in str(raised.value)
    assert "roomwise models" in str(raised.value)


def test_an_unknown_model_and_a_broken_file_are_named(tmp_path: Path) -> None:
    """The start says what is wrong, not a stack trace."""
    with pytest.raises(ModelUnavailable):
        FastEmbedder(SETTINGS.model_copy(update={"model": "nobody/nothing"}), tmp_path)
    write_encoder(tmp_path / "bge-small-en-v1.5")
    (tmp_path / "bge-small-en-v1.5" / "model_optimized.onnx").write_bytes(b"\x08\x08 not a model")
    with pytest.raises(ModelUnavailable):
        FastEmbedder(SETTINGS, tmp_path)


def test_it_weighs_as_a_real_encoder(folder: Path) -> None:
    """Equal weights, unless they are set."""
    assert 1.0 == FastEmbedder(SETTINGS, folder).lexical_weight
    assert 2.0 == FastEmbedder(SETTINGS.model_copy(update={"lexical_weight": 2.0}), folder).lexical_weight
    assert FastEmbedder(SETTINGS, folder).reads_sentences
