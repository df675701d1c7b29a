"""A service that is killed again and again while it follows pushes never shows half a file, nor a wrong commit.

A repository on this machine is pushed to all the time, each commit changing several files or all of them; the service
is told of each push, killed and started; others search over the JSON API, and git says whether what they find stands in
the file at the commit that the result names. The control is the same service with the order of a refresh turned round.
`ROOMWISE_KILLS` and `ROOMWISE_SEARCHES` set the counts of the long run.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.parts import INDEX_FOLDER
from pipelines.stores.local import LocalPassages
from tests.e2e.killable import FIRST, Killable, free_port, shell_headers
from tests.e2e.pushes import Pushed
from tests.e2e.service import environment

PROJECT = "herd"
SEARCHERS = 2
LARGE = 0.25  # so many of the commits change every file, which takes several transactions
IN_FLIGHT = 0.8  # so many of the kills come soon after a push, the others at any moment
KILL_AFTER_S = (0.1, 2.0)
SOON_S = (0.0, 1.2)
PAUSE_S = (0.2, 1.5)
_QUIET = {"ROOMWISE_SOURCES__WATCH": "false", "ROOMWISE_LOG__LEVEL": "error"}


@dataclass(slots=True)
class Outcome:
    """What was seen: searches answered, passages found and what was wrong with them. The last is set at the end."""

    searches: int = 0
    passages: int = 0
    faults: list[str] = field(default_factory=list)
    differs: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Following:
    """A running service that follows a repository, and those who push to it and search in it."""

    folder: Path
    server: Killable
    http: httpx.AsyncClient
    pushed: Pushed
    chance: random.Random
    outcome: Outcome = field(default_factory=Outcome)
    is_over: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    async def post(self, path: str, body: Mapping[str, Any]) -> str | None:
        """What the service said; None when it was killed before it did, or cannot answer yet."""
        await self.server.is_up.wait()
        with suppress(httpx.TransportError):
            said = await self.http.post(path, json=body, headers=self.headers)
            if said.status_code == 200:
                return said.text
            assert said.status_code in (401, 503), said.text  # the key of the process before; still starting
            self.headers = await shell_headers(self.folder)
        await asyncio.sleep(0.05)  # as one who tries again
        return None

    async def look(self) -> str | None:
        """Let the service look at the repository now, as `roomwise index` does."""
        return await self.post("/api/index", {"sources": [str(self.pushed.bare)], "project": PROJECT})

    async def follow(self) -> dict[str, Any]:
        """Look at the repository, and again if that was cut off; what the index was brought to."""
        while True:
            said = await self.look()
            last = json.loads(said.splitlines()[-1]) if said else {}
            if "sources" in last:
                found: dict[str, Any] = last["sources"][0]
                return found

    async def push_on(self) -> None:
        """Push commits and tell the service of each, without waiting until it has taken it in."""
        async with asyncio.TaskGroup() as told:
            while not self.is_over:
                await asyncio.to_thread(self.pushed.push, is_large=self.chance.random() < LARGE)
                told.create_task(self.look())
                self.server.news.set()
                await asyncio.sleep(self.chance.uniform(*PAUSE_S))  # people push now and then

    async def search_on(self, least: int) -> None:
        """Ask for one animal after the other and hold what is found against git."""
        while not self.is_over or self.outcome.searches < least:
            animal = self.chance.randrange(self.pushed.files)
            body = {"query": f"What does animal{animal:03} eat in part 1?", "project": PROJECT, "limit": 20}
            said = await self.post("/api/search", body)
            if said is not None:
                passages = json.loads(said)["passages"]
                self.outcome.searches += 1
                self.outcome.passages += len(passages)
                self.outcome.faults += self.pushed.faults(passages)

    async def kill_on(self, kills: int) -> None:
        """Kill the service so many times and start it again, mostly while it takes a push in."""
        for _ in range(kills):
            await asyncio.sleep(self.chance.uniform(*KILL_AFTER_S))  # the random moment is what is tested
            if self.chance.random() < IN_FLIGHT:
                self.server.news.clear()
                await self.server.news.wait()
                await asyncio.sleep(self.chance.uniform(*SOON_S))
            self.server.kill()
            await self.server.start(self.http)

    async def torment(self, kills: int, searches: int) -> None:
        """Let everything go on at once until the kills are done, then bring the index to the last commit."""
        async with asyncio.TaskGroup() as group:
            for _ in range(SEARCHERS):
                group.create_task(self.search_on(searches))
            pushing = group.create_task(self.push_on())
            killing = group.create_task(self.kill_on(kills))
            await asyncio.wait([pushing, killing], return_when=FIRST)
            self.is_over = True
        last = await self.follow()
        assert ("", self.pushed.head()) == (last["error"], last["version"])


async def torment_refresh(
    folder: Path, *, seed: int, kills: int, searches: int, files: int, program: str = "bot"
) -> Outcome:
    """Follow a repository of so many files with a service, kill that, and compare its index with git at the end."""
    chance, port = random.Random(seed), free_port()
    command = [sys.executable, "-m", program, "run", "--port", str(port), "--data-dir", str(folder / "data")]
    server = Killable(command, environment(folder, **_QUIET), "/healthz")
    with Pushed(folder, files=files, chance=chance) as pushed:
        pushed.push(is_large=True)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
            following = Following(folder, server, http, pushed, chance)
            try:
                await server.start(http)
                await following.follow()
                await following.torment(kills, searches)
            finally:
                server.kill()
        following.outcome.differs = await _difference(folder, pushed)
    return following.outcome


async def _difference(folder: Path, pushed: Pushed) -> dict[str, Any]:
    """Paths whose blob in the index is not that of the last commit, with both."""
    store = LocalPassages(folder / "data" / INDEX_FOLDER)
    (project,) = await store.projects()
    (source,) = await store.shown(project)
    held = {path: entry.blob for path, entry in (await store.manifest(project, source)).items()}
    await store.close()
    wanted = pushed.tree()
    return {path: (held.get(path), wanted.get(path)) for path in held | wanted if held.get(path) != wanted.get(path)}


@pytest.mark.timeout(600)
async def test_five_kills_of_a_refresh_show_no_half_file_and_no_wrong_commit(tmp_path: Path) -> None:
    """What is found stands in the named commit, and the index equals the last commit's tree after one more refresh."""
    outcome = await torment_refresh(tmp_path, seed=7, kills=5, searches=60, files=540)

    assert ([], {}) == (outcome.faults, outcome.differs)
    assert outcome.passages > outcome.searches


@pytest.mark.timeout(600)
async def test_showing_a_commit_before_its_files_is_seen(tmp_path: Path) -> None:
    """The control: with the order turned round the same searches find what is not in the commit they name."""
    outcome = await torment_refresh(tmp_path, seed=7, kills=1, searches=60, files=40, program="tests.e2e.head_first")

    assert outcome.faults


@pytest.mark.torture
@pytest.mark.timeout(7200)
async def test_a_hundred_kills_of_a_refresh_show_no_half_file_and_no_wrong_commit(tmp_path: Path) -> None:
    """The same with a hundred kills and a thousand searches."""
    kills, searches = int(os.environ.get("ROOMWISE_KILLS", "100")), int(os.environ.get("ROOMWISE_SEARCHES", "1000"))
    outcome = await torment_refresh(tmp_path, seed=1, kills=kills, searches=searches, files=540)

    print(
        f"{kills} kills, {outcome.searches} searches, {outcome.passages} passages: {len(outcome.faults)} wrong, "
        f"{len(outcome.differs)} files differ at the end"
    )
    assert ([], {}) == (outcome.faults, outcome.differs)
