"""A process that is killed again and again while questions arrive loses none and answers none twice.

It talks to the service by HTTP only. `ROOMWISE_KILLS` and `ROOMWISE_QUESTIONS` set the counts of the long run.
"""

import asyncio
import os
import random
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = 4
KILL_AFTER_S = (0.1, 2.5)  # long enough that no question meets five kills in a row, after which it is given up


@dataclass(slots=True)
class Killable:
    """The server under test, started anew after each kill on the same folder and port."""

    folder: Path
    port: int
    options: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None
    is_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, http: httpx.AsyncClient) -> None:
        """Start it and wait until it answers."""
        self.process = self._launched()
        async with asyncio.timeout(60):
            while True:
                try:
                    await http.get("/rooms/0/messages")
                    break
                except httpx.TransportError:
                    assert self.process.poll() is None, "the server ended by itself"
                    await asyncio.sleep(0.05)  # until another process listens, there is no event to wait on
        self.is_up.set()

    def _launched(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.fakes.flow_server", str(self.folder), str(self.port), *self.options]
        return subprocess.Popen(command, cwd=ROOT)

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self.is_up.clear()
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rooms hold at the end. `answers` counts final answers by question text."""

    asked: Sequence[str]
    questions: Counter[str]
    answers: Counter[str]
    unfinished: int
    in_order: bool

    @property
    def lost(self) -> list[str]:
        """Questions without an answer."""
        return [text for text in self.asked if not self.answers[text]]

    @property
    def doubled(self) -> list[str]:
        """Questions that stand or are answered more than once."""
        return [text for text in self.asked if self.answers[text] > 1 or self.questions[text] > 1]


async def torment(folder: Path, *, seed: int, kills: int, questions: int, options: Sequence[str] = ()) -> Outcome:
    """Ask `questions` questions over HTTP while the server is killed `kills` times at random moments."""
    chance = random.Random(seed)
    server = Killable(folder, _free_port(), options)
    asked = [f"q{number}" for number in range(questions)]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=20) as http:
        await server.start(http)
        try:
            posting = asyncio.create_task(_ask_all(http, server, asked, chance))
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(*KILL_AFTER_S))  # the random moment is what is tested
                server.kill()
                await server.start(http)
            await posting
            return await _settled(http, asked)
        finally:
            server.kill()


async def _ask_all(http: httpx.AsyncClient, server: Killable, asked: Sequence[str], chance: random.Random) -> None:
    for number, text in enumerate(asked):
        while True:
            await server.is_up.wait()
            try:
                await http.post(f"/rooms/{number % ROOMS}/messages", json={"key": f"key-{text}", "text": text})
                break
            except httpx.TransportError:
                await asyncio.sleep(0.02)  # as a browser that sends again
        await asyncio.sleep(chance.uniform(0.0, 0.05))


async def _settled(http: httpx.AsyncClient, asked: Sequence[str]) -> Outcome:
    """The rooms once every stored question has its answer, or nothing changed for a while."""
    outcome = _judge(asked, await _rooms(http))
    for _ in range(150):
        if not outcome.lost and not outcome.unfinished:
            break
        is_stuck = set(outcome.lost) and not set(outcome.lost) & set(outcome.questions) and not outcome.unfinished
        if is_stuck:
            break
        await asyncio.sleep(0.2)
        outcome = _judge(asked, await _rooms(http))
    return outcome


async def _rooms(http: httpx.AsyncClient) -> list[list[dict[str, Any]]]:
    return [(await http.get(f"/rooms/{number}/messages")).json() for number in range(ROOMS)]


def _judge(asked: Sequence[str], rooms: Sequence[Sequence[dict[str, Any]]]) -> Outcome:
    rows = [row for room in rooms for row in room]
    questions = {row["seq"]: row["text"] for row in rows if row["from"] == "person"}
    finals = [row for row in rows if row["from"] == "roomwise" and row["stage"] == "final"]
    assert all(row["text"].startswith(f"answer to {questions[row['reply_to']]}") for row in finals)
    return Outcome(
        asked,
        Counter(questions.values()),
        Counter(questions[row["reply_to"]] for row in finals),
        unfinished=sum(row["stage"] in ("waiting", "preview") for row in rows),
        in_order=all(_is_in_order(room) for room in rooms),
    )


def _is_in_order(room: Sequence[dict[str, Any]]) -> bool:
    finals = sorted(
        (row["change"], row["reply_to"]) for row in room if row["from"] == "roomwise" and row["stage"] == "final"
    )
    return [asked for _, asked in finals] == sorted(asked for _, asked in finals)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.mark.timeout(240)
async def test_five_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """Every question has exactly one answer, in the order of its conversation, and no placeholder is left."""
    outcome = await torment(tmp_path, seed=7, kills=5, questions=40)

    assert ([], [], 0, True) == (outcome.lost, outcome.doubled, outcome.unfinished, outcome.in_order)


@pytest.mark.timeout(240)
async def test_acknowledging_before_storing_loses_questions(tmp_path: Path) -> None:
    """The control: with the order turned round the same kills lose something, so the test above can fail."""
    outcome = await torment(tmp_path, seed=7, kills=5, questions=40, options=["--acknowledge-first"])

    assert outcome.lost


@pytest.mark.torture
@pytest.mark.timeout(3600)
async def test_a_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """The same with a hundred kills and two hundred questions."""
    kills, questions = int(os.environ.get("ROOMWISE_KILLS", "100")), int(os.environ.get("ROOMWISE_QUESTIONS", "200"))
    outcome = await torment(tmp_path, seed=1, kills=kills, questions=questions)

    print(f"{kills} kills, {questions} questions: {len(outcome.lost)} lost, {len(outcome.doubled)} doubled")
    assert ([], [], 0) == (outcome.lost, outcome.doubled, outcome.unfinished)
