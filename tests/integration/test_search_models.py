"""Endpoints for vectors and ranking, through the command line: what they are asked, and what happens without them."""

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.parts import INDEX_FOLDER, VECTORS_FILE
from tests.fakes.json_server import JsonServer, Odd
from tests.integration.homes import Home, make_home

KEY = "sk-canary-4711-never-shown"


def meaning(text: str) -> list[float]:
    """Give a direction of its own to whatever speaks of customers, and to the word that no file holds."""
    is_near = "parcel customer remove" in text or "clientele" in text
    return [1.0, 0.0, 0.0] if is_near else [0.0, 1.0, (len(text) % 7) / 10]


def answer(body: Any) -> Any:
    """Answer as endpoints do, for vectors and for ranks: the last passage is the best."""
    if "input" in body:
        return {"data": [{"index": place, "embedding": meaning(text)} for place, text in enumerate(body["input"])]}
    return {"results": [{"index": place, "relevance_score": place} for place, _ in enumerate(body["documents"])]}


def texts(server: JsonServer) -> list[str]:
    """All that was embedded so far."""
    return [text for one in server.posted for text in one.body.get("input", ())]


def at(server: JsonServer, folder: Path) -> Home:
    """A home whose passages are embedded by the server."""
    table = {
        "KIND": "endpoint",
        "MODEL": "m",
        "DIMENSIONS": "3",
        "BASE_URL": server.url,
        "API_KEY": KEY,
        "RETRIES": "0",
    }
    return replace(make_home(folder), environment={f"ROOMWISE_EMBEDDER__{key}": value for key, value in table.items()})


def held(folder: Path) -> bytes:
    """Every byte below a folder."""
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def index(home: Home, *folders: Path) -> None:
    """Index folders as the project team."""
    await asyncio.to_thread(home.json, "index", *map(str, folders), "--project", "team")


async def found(home: Home, query: str) -> list[dict[str, Any]]:
    """What a search finds, best first."""
    words = ("search", query, "--project", "team", "--explain")
    done = await asyncio.to_thread(home.run, *words, "--json")  # a fault that changes nothing is told on stderr
    passages: list[dict[str, Any]] = json.loads(done.stdout)["passages"]
    return passages


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of this machine stands between."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


async def test_no_text_is_embedded_twice(tmp_path: Path) -> None:
    """Not for a copy of the folder, not after one file changed, not for an index that is made anew."""
    async with JsonServer(answer) as server:
        home = at(server, tmp_path)
        await index(home, home.handbook)
        first = texts(server)
        shutil.copytree(home.handbook, tmp_path / "copy")
        await index(home, tmp_path / "copy")
        assert first == texts(server)
        page = home.handbook / "docs" / "depots.md"
        page.write_text(page.read_text("utf-8") + "\n## Closing\n\nA closed depot takes nothing.\n", "utf-8")
        await index(home, home.handbook)
        changed = texts(server)[len(first) :]
        shutil.rmtree(home.data_dir / INDEX_FOLDER)
        await index(home, home.handbook)

    assert len(first) == len(set(first)) > 5
    assert changed
    assert all("epot" in text for text in changed)
    assert len(first) + len(changed) == len(texts(server))
    assert (home.data_dir / VECTORS_FILE).exists()


async def test_a_question_in_other_words_is_found_by_meaning(tmp_path: Path) -> None:
    """The endpoint is asked for the question as it stands; without it keywords find what they can."""
    async with JsonServer(answer) as server:
        home = at(server, tmp_path)
        await index(home, home.handbook)
        before = len(server.posted)
        near = await found(home, "Who may drop clientele?")
        asked = [one.body["input"] for one in server.posted[before:]]
        server.script = [Odd(500)] * 9
        away = await found(home, "How long are addresses kept?")

    assert "docs/privacy.md" == near[0]["path"]
    assert [["Who may drop clientele?"]] == asked
    assert "docs/privacy.md" == away[0]["path"]


async def test_an_endpoint_that_is_away_fails_the_index_which_goes_on_later(tmp_path: Path) -> None:
    """The fault names the setting and not the key; afterwards nothing is missing, and nothing was paid for twice."""
    async with JsonServer(answer, script=[Odd(401, raw=KEY.encode())]) as server:
        home = at(server, tmp_path)
        said = await asyncio.to_thread(home.run, "index", str(home.handbook), "--project", "team")
        await index(home, home.handbook)
        near = await found(home, "clientele")

    assert 1 == said.exit_code
    assert "embedder.api_key" in said.output
    assert KEY not in said.output
    assert KEY.encode() not in held(home.data_dir)
    assert "docs/privacy.md" == near[0]["path"]
    taken = [text for one in server.posted[1:] for text in one.body["input"]]
    assert len(taken) == len(set(taken))


async def test_a_rerank_endpoint_orders_what_was_found(tmp_path: Path) -> None:
    """And changes nothing while it is away."""
    async with JsonServer(answer) as server:
        plain = make_home(tmp_path)
        await index(plain, plain.handbook)
        table = {"KIND": "endpoint", "BASE_URL": server.url, "TOP": "3", "BUDGET_MS": "20000"}
        home = replace(plain, environment={f"ROOMWISE_RANKER__{key}": value for key, value in table.items()})
        without = [one["path"] for one in await found(plain, "How do I add a depot?")]
        ranked = await found(home, "How do I add a depot?")
        server.script = [Odd(raw=b"sorry")]
        away = [one["path"] for one in await found(home, "How do I add a depot?")]

    assert [*without[2::-1], *without[3:]] == [one["path"] for one in ranked]
    assert "ranker" in [feature["name"] for feature in ranked[0]["features"]]
    assert without == away
