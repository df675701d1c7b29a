"""Vectors of texts: the bundled ones, and none."""

from pathlib import Path

import numpy as np
import pytest

from pipelines.components.embed import CUT_CHARS, BundledEmbedder, NoEmbedder, open_embedder
from pipelines.types import ModelUnavailable
from tests.fakes.project import settings

SETTINGS = settings().embedder


@pytest.fixture(scope="module")
def bundled() -> BundledEmbedder:
    """Open the embedder of the installed package; there is none for Linux on ARM."""
    pytest.importorskip("wordllama", reason="no wordllama wheel for this platform")
    embedder = open_embedder(SETTINGS.model_copy(update={"kind": "bundled"}))
    assert isinstance(embedder, BundledEmbedder)
    return embedder


async def test_vectors_have_length_one_and_keep_the_order(bundled: BundledEmbedder) -> None:
    """Each text has the same vector alone as among others, whatever their lengths."""
    texts = ["delete a repository", "x", "", "größe ✓ 日本", "def parse(text):\n\treturn text\n" * 40] * 60

    vectors = await bundled.embed(texts)

    assert (300, bundled.width) == vectors.shape
    assert np.float32 == vectors.dtype
    assert np.allclose(1.0, np.linalg.norm(vectors, axis=1), atol=1e-5)
    assert np.allclose(vectors[3], (await bundled.embed([texts[3]]))[0], atol=1e-6)


async def test_like_meanings_are_closer_than_unlike_ones(bundled: BundledEmbedder) -> None:
    """The weights and the tokenizer belong together: a shuffled table would fail here."""
    question, near, far = await bundled.embed(
        ["How do I remove a user account?", "Deleting an account of a person", "The colour of the evening sky"]
    )

    assert question @ near > question @ far + 0.2


async def test_only_the_beginning_of_a_text_counts(bundled: BundledEmbedder) -> None:
    """What stands behind the cut changes nothing."""
    start = "word " * CUT_CHARS
    first, second = await bundled.embed([start + "alpha", start + "omega"])

    assert np.array_equal(first, second)


async def test_a_text_without_tokens_has_the_same_vector_each_time(bundled: BundledEmbedder) -> None:
    """It is a unit vector, so that nothing divides by zero later."""
    first, second = await bundled.embed(["", ""])

    assert np.array_equal(first, second)
    assert 1.0 == np.linalg.norm(first)


async def test_no_texts_give_no_rows(bundled: BundledEmbedder) -> None:
    """The width stays right."""
    assert (0, bundled.width) == (await bundled.embed([])).shape
    assert (2, 0) == (await NoEmbedder().embed(["a", "b"])).shape


def test_none_is_opened_when_it_is_asked_for() -> None:
    """Searches then use keywords alone."""
    embedder = open_embedder(SETTINGS.model_copy(update={"kind": "none"}))

    assert ("none", 0) == (embedder.name, embedder.width)


async def test_auto_does_without_vectors_where_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Linux on ARM the service starts all the same; asked for by name, the fault says what to set."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert 0 == open_embedder(SETTINGS.model_copy(update={"kind": "auto"})).width
    with pytest.raises(ModelUnavailable) as raised:
        open_embedder(SETTINGS.model_copy(update={"kind": "bundled"}))
    assert 'embedder.kind = "none"' in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\x05\0\0\0\0\0\0\0hello", b"\xff" * 64])
def test_broken_weights_are_named(tmp_path: Path, content: bytes) -> None:
    """The fault says which file and what to do."""
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(content)

    with pytest.raises(ModelUnavailable) as raised:
        BundledEmbedder(weights, tmp_path / "tokenizer.json", lexical_weight=1.0)

    assert "reinstall wordllama" in str(raised.value)
