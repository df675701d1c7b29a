"""Vectors of an endpoint: whole, in order, of length 1, whatever the server makes of a request."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from pipelines.components.embed.endpoint import EndpointEmbedder
from pipelines.types import ModelUnavailable
from tests.fakes.json_server import JsonServer, Odd
from tests.fakes.project import settings

WIDTH = 3


async def no_wait(_seconds: float) -> None:
    """Go on at once."""


def vector(text: str) -> list[float]:
    """Give a vector of length 5 that tells texts apart."""
    angle = (len(text) % 50) / 50
    return [5 * float(np.cos(angle)), 5 * float(np.sin(angle)), 0.0]


def well(body: Any) -> Any:
    """Answer as OpenAI does, but in reverse, each vector with its index."""
    rows = [
        {"object": "embedding", "index": index, "embedding": vector(text)} for index, text in enumerate(body["input"])
    ]
    return {"object": "list", "data": rows[::-1], "model": body["model"], "usage": {"total_tokens": 1}}


def opened(server: JsonServer, **changes: object) -> EndpointEmbedder:
    """Open the embedder over the server."""
    base = {"kind": "endpoint", "model": "m", "dimensions": WIDTH, "base_url": server.url, "retries": 2}
    return EndpointEmbedder(settings().embedder.model_copy(update=base | changes), sleep=no_wait)


def expected(texts: Sequence[str]) -> Any:
    """The unit vectors of these texts."""
    return np.array([vector(text) for text in texts], dtype=np.float32) / 5


async def test_vectors_come_in_the_order_of_the_texts_and_have_length_one() -> None:
    """Although batches are asked side by side and the server answers in another order."""
    texts = ["a" * length for length in range(1, 41)]
    async with JsonServer(well) as server:
        embedder = opened(server, batch_texts=7)
        rows = await embedder.embed(texts)
        await embedder.close()

    assert np.allclose(expected(texts), rows, atol=1e-6)
    assert np.float32 == rows.dtype


async def test_batches_keep_to_the_number_of_texts_of_characters_and_of_requests() -> None:
    """A text that is longer than a whole batch goes alone."""
    texts = ["short"] * 10 + ["x" * 900] * 3 + ["y" * 5000]
    async with JsonServer(well) as server:
        embedder = opened(server, batch_texts=4, batch_chars=1000, parallel=2, max_chars=6000)
        await embedder.embed(texts)
        await embedder.close()

    sizes = [len(one.body["input"]) for one in server.posted]
    chars = [sum(map(len, one.body["input"])) for one in server.posted]
    assert len(texts) == sum(sizes)
    assert 4 >= max(sizes)
    assert all(size == 1 or count <= 1000 for size, count in zip(sizes, chars, strict=True))
    assert 2 >= server.at_once


async def test_prefixes_are_put_before_questions_and_passages_which_are_cut() -> None:
    """As the model was trained."""
    async with JsonServer(well) as server:
        embedder = opened(server, query_prefix="query: ", passage_prefix="passage: ", max_chars=10)
        await embedder.embed(["p" * 50])
        row = await embedder.embed_query("why?")
        await embedder.close()

    assert [["passage: " + "p" * 10], ["query: why?"]] == [one.body["input"] for one in server.posted]
    assert (WIDTH,) == row.shape


async def test_a_text_without_letters_is_not_sent() -> None:
    """Endpoints refuse empty texts; such a passage gets the first axis."""
    async with JsonServer(well) as server:
        embedder = opened(server)
        rows = await embedder.embed(["", " \n", "}", "word"])
        none = await embedder.embed([])
        await embedder.close()

    assert [["word"]] == [one.body["input"] for one in server.posted]
    assert [[1, 0, 0]] * 3 == rows[:3].tolist()
    assert (0, WIDTH) == none.shape


@pytest.mark.parametrize("odd", [Odd(429, headers=(("retry-after", "1"),)), Odd(500), Odd(hangs_up=True)])
async def test_a_busy_server_is_asked_again(odd: Odd) -> None:
    """Nothing is lost, nothing comes twice."""
    async with JsonServer(well, script=[odd, odd]) as server:
        embedder = opened(server)
        rows = await embedder.embed(["one", "three"])
        await embedder.close()

    assert np.allclose(expected(["one", "three"]), rows, atol=1e-6)
    assert 3 == len(server.posted)


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_refused_batch_is_halved_until_it_is_taken(status: int) -> None:
    """No text is lost, and the order stays."""
    texts = ["a", "b" * 400, "cc", "ddd", "eeee"]

    async with JsonServer(well, script=[Odd(status), Odd(status)]) as server:  # to the five, then to their first two
        embedder = opened(server)
        rows = await embedder.embed(texts)
        await embedder.close()

    assert np.allclose(expected(texts), rows, atol=1e-6)
    assert [5, 2, 1, 1, 3] == [len(one.body["input"]) for one in server.posted]


async def test_a_text_that_is_refused_alone_is_embedded_by_its_beginning() -> None:
    """One odd text does not stop an index."""
    async with JsonServer(well, script=[Odd(400), Odd(400)]) as server:
        embedder = opened(server)
        rows = await embedder.embed(["z" * 800])
        await embedder.close()

    assert [800, 400, 200] == [len(one.body["input"][0]) for one in server.posted]
    assert np.allclose(expected(["z" * 200]), rows, atol=1e-6)


async def test_a_server_that_refuses_all_is_left_soon() -> None:
    """A wrong model's name costs some ten requests for a batch of 32, not hundreds."""
    async with JsonServer(well, script=[Odd(400)] * 1000) as server:
        embedder = opened(server)
        with pytest.raises(ModelUnavailable):
            await embedder.embed(["w" * 500] * 32)
        await embedder.close()

    assert 12 >= len(server.posted)


@pytest.mark.parametrize(
    "answer",
    [
        {"data": []},
        {"data": [{"index": 0, "embedding": [1, 0, 0]}]},
        {"data": [{"index": 0, "embedding": [1, 0, 0]}] * 2},
        {"data": [{"index": index, "embedding": [1, 0, 0]} for index in (0, 1, 2)]},
        {"data": [{"index": index, "embedding": [1, 0, 0]} for index in (0, 7)]},
        {"data": [{"index": 0, "embedding": [1, 0, 0]}, {"index": 1, "embedding": [1, 0]}]},
        {"data": [{"index": index, "embedding": [0, 0, 0]} for index in (0, 1)]},
        {"data": [{"index": index, "embedding": [1e400, 0, 0]} for index in (0, 1)]},
        {"data": [{"index": index, "embedding": "AAAA"} for index in (0, 1)]},
        {"data": None},
        {"data": 7},
        [],
        "vectors",
        None,
    ],
)
async def test_what_is_no_list_of_vectors_is_refused(answer: object) -> None:
    """Too few, too many, twice the same, of another width, without direction, not finite, or no vectors at all."""
    async with JsonServer(lambda _: answer) as server:
        embedder = opened(server)
        with pytest.raises(ModelUnavailable) as raised:
            await embedder.embed(["one", "two"])
        await embedder.close()

    assert "garbage" == raised.value.kind


@pytest.mark.parametrize("raw", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_json_is_refused(raw: bytes) -> None:
    """A proxy's page, for example."""
    async with JsonServer(well, script=[Odd(raw=raw)]) as server:
        embedder = opened(server)
        with pytest.raises(ModelUnavailable) as raised:
            await embedder.embed(["one"])
        await embedder.close()

    assert "garbage" == raised.value.kind


async def test_another_width_names_the_setting() -> None:
    """And the number that it should be."""
    async with JsonServer(well) as server:
        embedder = opened(server, dimensions=1536)
        with pytest.raises(ModelUnavailable) as raised:
            await embedder.embed(["one"])
        await embedder.close()

    assert "expected vectors of 1536 numbers (embedder.dimensions), got 3" in str(raised.value)


async def test_longer_vectors_are_cut_where_that_is_set() -> None:
    """What is left has length 1 again."""
    async with JsonServer(well) as server:
        embedder = opened(server, dimensions=2, shorten=True)
        rows = await embedder.embed(["seven"])
        await embedder.close()

    assert (1, 2) == rows.shape
    assert np.allclose(1.0, np.linalg.norm(rows, axis=1))


async def test_a_question_waits_a_short_time_and_once() -> None:
    """Keywords alone answer it then."""
    async with JsonServer(well, script=[Odd(hangs=True)]) as server:
        embedder = opened(server, query_timeout_s=0.05)
        with pytest.raises(ModelUnavailable) as raised:
            await embedder.embed_query("why?")
        await embedder.close()

    assert "timeout" == raised.value.kind
    assert 1 == len(server.posted)


async def test_a_question_that_is_refused_again_and_again_has_one_time_for_all() -> None:
    """Each half of it would else have the whole time again."""
    async with JsonServer(well, script=[Odd(400), Odd(400), Odd(hangs=True)]) as server:
        embedder = opened(server, query_timeout_s=1.0)
        with pytest.raises(ModelUnavailable) as raised:
            await embedder.embed_query("why " * 200)
        await embedder.close()

    assert ("timeout", "expected a vector within 1 s, got none") == (raised.value.kind, str(raised.value))


async def test_half_a_surrogate_pair_is_sent_as_a_question_mark() -> None:
    """Odd file names and odd JSON hold it; no UTF-8 does."""
    async with JsonServer(well) as server:
        embedder = opened(server)
        await embedder.embed(["odd \udcff name"])
        await embedder.embed_query("what \ud800?")
        await embedder.close()

    assert [["odd ? name"], ["what ??"]] == [one.body["input"] for one in server.posted]


@pytest.mark.parametrize("size", [1e200, 1e30, 1e-30, 1e-200])
async def test_vectors_of_any_size_have_length_one(size: float) -> None:
    """Their squares need not be numbers."""
    async with JsonServer(lambda _: {"data": [{"index": 0, "embedding": [3 * size, 0, 4 * size]}]}) as server:
        embedder = opened(server)
        row = await embedder.embed_query("why?")
        await embedder.close()

    assert np.allclose([0.6, 0, 0.8], row)


async def test_a_key_that_no_header_can_hold_is_refused_and_not_shown() -> None:
    """A sign that cannot be seen comes along when a key is copied from a page."""
    async with JsonServer(well) as server:
        with pytest.raises(ModelUnavailable) as raised:
            opened(server, api_key=SecretStr("sk-secret\u200b"))

    assert "embedder.api_key" in str(raised.value)
    assert "secret" not in repr(raised.value) + repr(raised.value.__context__)


async def refused(embedder: EndpointEmbedder, question: str) -> None:
    """Ask for a question's vector in vain."""
    with pytest.raises(ModelUnavailable):
        await embedder.embed_query(question)


async def test_questions_leave_an_endpoint_alone_that_failed_three_times(
    faults_logged: list[MutableMapping[str, Any]],
) -> None:
    """Each of them would wait in vain; the first fault is logged, without the question."""
    async with JsonServer(well, script=[Odd(500)] * 3) as server:
        embedder = opened(server)
        for _ in range(5):
            await refused(embedder, "who asked?")
        await embedder.close()

    assert 3 == len(server.posted)
    assert ["embedding_of_questions_failed"] == [entry["event"] for entry in faults_logged]
    assert "who asked" not in str(faults_logged)


async def test_the_key_is_sent_and_never_told() -> None:
    """Not in an error, nor in the embedder's name."""
    async with JsonServer(well, script=[Odd(401, raw=b"sk-secret")]) as server:
        embedder = opened(server, api_key=SecretStr("sk-secret"))
        with pytest.raises(ModelUnavailable) as raised:
            await embedder.embed(["one"])
        await embedder.close()

    assert "Bearer sk-secret" == server.posted[0].headers["authorization"]
    assert "sk-secret" not in str(raised.value) + repr(raised.value) + embedder.name
    assert "unauthorised" == raised.value.kind


async def test_the_name_changes_with_all_that_changes_the_vectors_of_passages() -> None:
    """So that passages are indexed anew; another address or key is the same space."""
    async with JsonServer(well) as server:
        name = opened(server).name
        others = [
            opened(server, **{key: value}).name
            for key, value in [
                ("model", "n"), ("dimensions", 4), ("max_chars", 99), ("passage_prefix", "p"), ("shorten", True),
            ]
        ]  # fmt: skip
        same = opened(server, base_url="http://elsewhere.example", query_prefix="q", timeout_s=1.0).name

    assert 6 == len({name, *others})
    assert name == same


async def test_the_weight_of_keywords_is_that_of_a_real_encoder_unless_it_is_set() -> None:
    """Equal weights are right for it."""
    async with JsonServer(well) as server:
        assert (1.0, 2.5) == (opened(server).lexical_weight, opened(server, lexical_weight=2.5).lexical_weight)
        assert opened(server).reads_sentences
