"""`roomwise check` asks the models that searches use; `roomwise models` fetches those that run here."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.cli.checkup import run_check
from bot.cli.doors import Where
from bot.cli.finding import Finding
from bot.cli.search_models import probe_embedder, probe_ranker, run_models
from bot.logs import secrets_of
from config.load import load
from config.settings import Settings
from tests.fakes.json_server import JsonServer, Odd
from tests.fakes.tiny_onnx import write_cross_encoder, write_encoder


def settings_of(folder: Path, **tables: Any) -> Settings:
    """The packaged settings with these tables over them."""
    return load(environ={}, cwd=folder, data_dir=folder, overrides=tables).settings


def vectors(body: Any) -> Any:
    """Answer as an embeddings endpoint does, with four numbers."""
    return {"data": [{"index": place, "embedding": [1, 0, 0, 0]} for place, _ in enumerate(body["input"])]}


def scores(body: Any) -> Any:
    """Answer as a rerank endpoint does."""
    return {"results": [{"index": place, "relevance_score": place} for place, _ in enumerate(body["documents"])]}


async def asked(folder: Path, server: JsonServer, **embedder: Any) -> Finding:
    """What the probe says of an endpoint for vectors."""
    table = {"kind": "endpoint", "model": "m", "dimensions": 4, "base_url": server.url, **embedder}
    return await probe_embedder(settings_of(folder, embedder=table))


async def test_an_endpoint_is_asked_for_one_vector(tmp_path: Path) -> None:
    """All is well when it has the width that is set; it is said who gets every passage."""
    async with JsonServer(vectors) as server:
        finding = await asked(tmp_path, server)

    assert finding.is_ok
    assert "4 numbers" in finding.detail
    assert "127.0.0.1, which gets every passage" in finding.detail
    assert [["roomwise check"]] == [one.body["input"] for one in server.posted]


async def test_what_is_wrong_with_an_endpoint_comes_with_its_cure(tmp_path: Path) -> None:
    """A refused key, another width, nobody there."""
    async with JsonServer(vectors, script=[Odd(401)]) as server:
        refused = await asked(tmp_path, server, api_key="sk-secret")
        other = await asked(tmp_path, server, dimensions=768)
    gone = await probe_embedder(
        settings_of(
            tmp_path, embedder={"kind": "endpoint", "model": "m", "dimensions": 4, "base_url": "http://127.0.0.1:9"}
        )
    )

    assert [False] * 3 == [one.is_ok for one in (refused, other, gone)]
    assert "embedder.api_key" in refused.detail
    assert "sk-secret" not in refused.detail
    assert "768" in other.detail
    assert "4" in other.detail
    assert "embedder.base_url" in gone.detail


async def test_without_an_embedder_or_ranker_all_is_well(tmp_path: Path) -> None:
    """Neither is needed."""
    settings = settings_of(tmp_path, embedder={"kind": "none"})

    assert (await probe_embedder(settings)).is_ok
    assert (await probe_ranker(settings)).is_ok


async def test_a_rerank_endpoint_is_given_two_passages(tmp_path: Path) -> None:
    """Its answer is checked, and so is one that fails."""
    async with JsonServer(scores, script=[None, Odd(500)]) as server:
        settings = settings_of(tmp_path, ranker={"kind": "endpoint", "base_url": server.url})
        well, failed = await probe_ranker(settings), await probe_ranker(settings)

    assert well.is_ok
    assert not failed.is_ok
    assert "failed" in failed.detail


async def test_a_ranker_that_is_paid_by_tokens_is_not_asked(tmp_path: Path) -> None:
    """The model itself is probed without any cost."""
    llm = {"model": "m", "base_url": "http://127.0.0.1:9"}

    assert (await probe_ranker(settings_of(tmp_path, llm=llm, ranker={"kind": "llm"}))).is_ok
    assert not (await probe_ranker(settings_of(tmp_path, ranker={"kind": "llm"}))).is_ok


async def test_models_that_run_here_are_run_once(tmp_path: Path) -> None:
    """Their files lie in the data folder."""
    write_encoder(tmp_path / "models" / "bge-small-en-v1.5")
    write_cross_encoder(tmp_path / "models" / "ms-marco-MiniLM-L-6-v2", {"near": 1.0})
    tables = {"embedder": {"kind": "fastembed"}, "ranker": {"kind": "cross-encoder", "budget_ms": 20_000}}
    settings = settings_of(tmp_path, **tables)

    assert "384 numbers" in (await probe_embedder(settings)).detail
    assert (await probe_ranker(settings)).is_ok


async def test_a_model_that_is_missing_is_told_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    """Looking for it fetches nothing."""
    finding = await probe_embedder(settings_of(tmp_path, embedder={"kind": "fastembed"}))

    assert not finding.is_ok
    assert "roomwise models" in finding.detail


def configured(folder: Path, text: str) -> Where:
    """Where a command looks, with a roomwise.toml of this text."""
    (folder / "roomwise.toml").write_text(text, "utf-8")
    return Where(folder, folder / "roomwise.toml")


def test_models_lists_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also when nothing had to be fetched; without such a setting it says so."""
    write_encoder(tmp_path / "models" / "bge-small-en-v1.5")

    assert 0 == run_models(where=configured(tmp_path, '[embedder]\nkind = "fastembed"\n'))
    assert "BAAI/bge-small-en-v1.5: there" in capsys.readouterr().out
    assert 0 == run_models(where=configured(tmp_path, ""))
    assert "Nothing to fetch" in capsys.readouterr().out


def test_models_says_when_it_cannot_fetch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be done about it, other than this command again, and exit code 1."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert 1 == run_models(where=configured(tmp_path, '[ranker]\nkind = "cross-encoder"\n'))
    said = capsys.readouterr().err
    assert "expected to fetch the model 'Xenova/ms-marco-MiniLM-L-6-v2'" in said
    assert "roomwise models" not in said


def test_an_unknown_model_is_told_with_the_one_that_was_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is asked of the network for it."""
    assert 1 == run_models(
        where=configured(tmp_path, '[embedder]\nkind = "fastembed"\nmodel = "BAAI/bge-smal-en-v1.5"\n')
    )
    assert "did you mean 'BAAI/bge-small-en-v1.5'?" in capsys.readouterr().err
    assert 1 == run_models(where=configured(tmp_path, '[ranker]\nkind = "cross-encoder"\nmodel = "nope"\n'))
    assert "expected a model that fastembed runs, got 'nope'" in capsys.readouterr().err


def test_looking_for_a_model_makes_no_folder(tmp_path: Path) -> None:
    """Only the data folder's own door makes it, for its owner alone."""
    asyncio.run(probe_embedder(settings_of(tmp_path / "data", embedder={"kind": "fastembed"})))

    assert [] == list(tmp_path.iterdir())


def test_check_prints_one_document_and_no_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Endpoints that are away are findings, not lines of a log in the midst of JSON."""
    address = "http://somebody:s3cr3t-canary@127.0.0.1:9/v1"
    endpoint = f'kind = "endpoint"\nbase_url = "{address}"\nmodel = "m"\n'
    where = configured(
        tmp_path,
        f'[embedder]\ndimensions = 3\n{endpoint}[ranker]\n{endpoint}[llm]\nmodel = "m"\nbase_url = "{address}"\n',
    )

    assert 1 == run_check(as_json=True, where=where)
    shown = capsys.readouterr()
    findings = {one["name"]: one for one in json.loads(shown.out)["findings"]}
    assert [False] * 3 == [findings[name]["ok"] for name in ("model m", "embedder", "ranker")]
    assert "http://127.0.0.1:9/v1" in findings["ranker"]["detail"]
    assert "canary" not in shown.out + shown.err


def test_check_tells_a_key_that_no_header_can_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not shown, not even in a traceback."""
    text = "[llm]\nmodel = 'm'\nbase_url = 'http://127.0.0.1:9'\napi_key = 'sk-canary\u200b'\n"

    assert 1 == run_check(as_json=True, where=configured(tmp_path, text))
    shown = capsys.readouterr()
    findings = {one["name"]: one for one in json.loads(shown.out)["findings"]}
    assert "copy llm.api_key anew" == findings["model m"]["cure"]
    assert "canary" not in shown.out + shown.err


def test_every_key_is_known_to_the_log(tmp_path: Path) -> None:
    """So that it is left out wherever it might appear."""
    settings = settings_of(tmp_path, embedder={"api_key": "sk-one"}, ranker={"api_key": "sk-two"})

    assert {"sk-one", "sk-two"} <= set(secrets_of(settings))
