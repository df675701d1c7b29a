"""Opening everything from settings: cheap without a model, whole with one, closed when done."""

import importlib.util
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.parts import MODELS_FOLDER, VECTORS_FILE, Sections, open_embedder, open_knowledge, open_reranking
from pipelines.types import ModelUnavailable
from tests.fakes.json_server import JsonServer
from tests.fakes.project import settings
from tests.fakes.tiny_onnx import write_cross_encoder, write_encoder

SETTINGS = settings()


def sections(**llm: object) -> Sections:
    """The packaged settings, with changes to [llm] and without an embedder."""
    return Sections(
        llm=SETTINGS.llm.model_copy(update=llm),
        embedder=SETTINGS.embedder.model_copy(update={"kind": "none"}),
        answers=SETTINGS.answers,
        files=SETTINGS.files,
        limits=SETTINGS.limits,
    )


async def test_without_a_model_everything_opens_but_the_writer(tmp_path: Path) -> None:
    """A store that keeps, a search that finds, and no writer; a key alone would change nothing."""
    knowledge = await open_knowledge(tmp_path, sections(base_url="http://127.0.0.1:9/v1"))
    await knowledge.store.create("p")

    assert knowledge.writer is None
    assert 0 == await knowledge.store.generation("p")
    await knowledge.close()


async def test_with_a_model_there_is_a_writer(tmp_path: Path) -> None:
    """Nothing is asked of the endpoint before the first question."""
    knowledge = await open_knowledge(tmp_path, sections(model="m", base_url="http://127.0.0.1:9/v1"))

    assert knowledge.writer is not None
    await knowledge.close()


def test_openai_is_not_imported_without_a_model(tmp_path: Path) -> None:
    """A fresh process that opens everything without a model has not paid for the client library."""
    program = (
        "import asyncio, sys, pathlib\n"
        "from tests.unit.pipelines.test_parts import sections\n"
        "from pipelines.parts import open_knowledge\n"
        "knowledge = asyncio.run(open_knowledge(pathlib.Path(sys.argv[1]), sections()))\n"
        "sys.exit('openai' in sys.modules)\n"
    )

    assert 0 == subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode


def test_importing_the_package_is_cheap() -> None:
    """`import pipelines` and its words load neither haystack nor numpy."""
    program = "import sys, pipelines, pipelines.types; sys.exit(bool({'haystack', 'numpy'} & set(sys.modules)))"

    assert 0 == subprocess.run([sys.executable, "-c", program], check=False).returncode


def vectors(body: Any) -> Any:
    """Answer as an embeddings endpoint does, with three numbers."""
    rows = [{"index": place, "embedding": [len(text), 1, 0]} for place, text in enumerate(body["input"])]
    return {"data": rows}


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return [file.name for file in folder.iterdir()]


async def embedded(folder: Path, server: JsonServer, **changes: object) -> Any:
    """Open the embedder over the server, embed two texts and close it."""
    table = {"kind": "endpoint", "model": "m", "dimensions": 3, "base_url": server.url, **changes}
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(SETTINGS.embedder.model_copy(update=table), folder, stack)
        return await embedder.embed(["one", "three"])


async def test_an_endpoints_vectors_are_kept_in_the_data_folder(tmp_path: Path) -> None:
    """The next start does not ask for them again; with no room for them each start does."""
    async with JsonServer(vectors) as server:
        first = await embedded(tmp_path, server)
        second = await embedded(tmp_path, server)
        assert 1 == len(server.posted)
        for _ in range(2):
            await embedded(tmp_path / "none", server, cache_mb=0)

    assert 3 == len(server.posted)
    assert np.allclose(first, second, atol=1e-3)
    assert [VECTORS_FILE] == names(tmp_path)


async def test_each_kind_of_embedder_and_ranker_is_opened_by_its_name(tmp_path: Path) -> None:
    """Nothing is asked of an endpoint before something is to be embedded or ordered."""
    write_encoder(tmp_path / MODELS_FOLDER / "bge-small-en-v1.5")
    write_cross_encoder(tmp_path / MODELS_FOLDER / "ms-marco-MiniLM-L-6-v2", {"near": 1.0})
    away = {"model": "m", "dimensions": 3, "base_url": "http://127.0.0.1:9"}
    async with AsyncExitStack() as stack:
        widths = {
            kind: (
                await open_embedder(SETTINGS.embedder.model_copy(update={"kind": kind, **away}), tmp_path, stack)
            ).width
            for kind in ("none", "endpoint")
        }
        fast = await open_embedder(SETTINGS.embedder.model_copy(update={"kind": "fastembed"}), tmp_path, stack)
        given = replace(sections(model="m", base_url="http://127.0.0.1:9"), ranker=SETTINGS.ranker)
        rankers = {}
        for kind in ("none", "cross-encoder", "llm", "endpoint"):
            ranker = SETTINGS.ranker.model_copy(update={"kind": kind, "base_url": "http://127.0.0.1:9"})
            rankers[kind] = await open_reranking(replace(given, ranker=ranker), tmp_path, stack)

    assert {"none": 0, "endpoint": 3} == widths
    assert 384 == fast.width
    assert {"none": None, "cross-encoder": False, "llm": True, "endpoint": False} == {
        kind: ranker and ranker.pays for kind, ranker in rankers.items()
    }


async def test_an_extra_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "fastembed" else find(name))
    async with AsyncExitStack() as stack:
        with pytest.raises(ModelUnavailable) as raised:
            await open_embedder(SETTINGS.embedder.model_copy(update={"kind": "fastembed"}), tmp_path, stack)

    assert "pip install" in str(raised.value)


async def test_a_model_that_ranks_needs_a_second_call(tmp_path: Path) -> None:
    """One call for a question is for the answer; the setting that forbids more is named at the start."""
    given = sections(model="m", base_url="http://127.0.0.1:9")
    ranker = SETTINGS.ranker.model_copy(update={"kind": "llm"})
    limits = SETTINGS.limits.model_copy(update={"model_calls_per_question": 1})
    with pytest.raises(ModelUnavailable) as raised:
        await open_knowledge(tmp_path, replace(given, ranker=ranker, limits=limits))

    assert "limits.model_calls_per_question" in str(raised.value)


def test_fastembed_is_not_imported_unless_it_is_asked_for(tmp_path: Path) -> None:
    """It brings a runtime of a hundred megabytes."""
    program = (
        "import asyncio, sys, pathlib\n"
        "from tests.unit.pipelines.test_parts import SETTINGS, open_knowledge, replace, sections\n"
        "given = replace(sections(), embedder=SETTINGS.embedder)\n"
        "asyncio.run(open_knowledge(pathlib.Path(sys.argv[1]), given))\n"
        "sys.exit(bool({'fastembed', 'onnxruntime'} & set(sys.modules)))\n"
    )

    assert 0 == subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode
