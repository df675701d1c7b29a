"""A service that is killed again and again while questions arrive loses none and answers none twice.

It is spoken to as by a browser: login link, session and token of the page, messages with keys that are sent again
until they are acknowledged, the rooms' history. The control uses the same flow behind a small server of its own, told
to acknowledge before it stores. `ROOMWISE_KILLS` and `ROOMWISE_QUESTIONS` set the counts of the long run.
"""

import asyncio
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from tests.e2e.killable import FIRST, Killable, free_port, shell_headers
from tests.e2e.service import Browser, environment
from tests.fakes.project import HANDBOOK

ROOMS = 4
STUCK_S = 120.0
IN_FLIGHT = 0.7  # so many of the kills come while an answer is made, the others at any moment
_QUIET = {
    "ROOMWISE_LIMITS__PERSON_QUESTIONS": "100000",
    "ROOMWISE_LIMITS__ROOM_QUESTIONS_PER_HOUR": "100000",
    "ROOMWISE_SOURCES__WATCH": "false",
    "ROOMWISE_LOG__LEVEL": "error",
}
KILL_AFTER_S = (0.1, 2.5)
IN_A_ROW = 4  # a question that meets five kills is given up, so after four all that was asked gets its answer


@dataclass(frozen=True, slots=True)
class Row:
    """A message of a room's history. `key` is that of a person's message, `reply_to` the `seq` it answers."""

    seq: int
    key: str
    stage: str
    reply_to: int
    change: int
    text: str


class Rooms(Protocol):
    """The rooms of a process, as a browser sees them."""

    async def post(self, number: int, key: str, text: str) -> bool:
        """Whether a message was acknowledged. Raises httpx.TransportError when nothing came back."""

    async def rows(self, number: int) -> Sequence[Row]:
        """Everything that stands in a room."""


@dataclass(frozen=True, slots=True)
class RealRooms:
    """The web rooms of `roomwise run`, one for each project."""

    http: httpx.AsyncClient
    names: Sequence[str]

    async def post(self, number: int, key: str, text: str) -> bool:
        """See Rooms."""
        path = f"/api/rooms/{self.names[number]}/messages"
        answer = await self.http.post(path, json={"key": key, "text": text})
        assert answer.status_code in (202, 503), answer.text  # 503: it cannot store now, and says so
        return answer.status_code == 202

    async def rows(self, number: int) -> Sequence[Row]:
        """See Rooms."""
        found: list[Row] = []
        before: dict[str, int] = {}
        has_more = True
        while has_more:
            path = f"/api/rooms/{self.names[number]}/messages"
            page = (await self.http.get(path, params={"limit": 100, **before})).raise_for_status().json()
            found = [_row(one) for one in page["messages"]] + found
            has_more, before = page["has_more"], {"before": found[0].seq if found else 1}
        return found


def _row(message: Mapping[str, Any]) -> Row:
    html = str(message["html"])
    said = dict(re.findall(r'data-(key|stage|reply-to)="([^"]*)"', html.split(">", 1)[0]))
    text = re.sub(r"<[^>]*>", " ", html)
    return Row(
        seq=message["seq"],
        key=said.get("key", ""),
        stage=said["stage"],
        reply_to=int(said.get("reply-to", 0)),
        change=message["change"],
        text=" ".join(text.split()),
    )


@dataclass(frozen=True, slots=True)
class SmallRooms:
    """The rooms of tests.fakes.flow_server."""

    http: httpx.AsyncClient

    async def post(self, number: int, key: str, text: str) -> bool:
        """See Rooms."""
        answer = await self.http.post(f"/rooms/{number}/messages", json={"key": key, "text": text})
        return answer.status_code == 202

    async def rows(self, number: int) -> Sequence[Row]:
        """See Rooms."""
        rows = (await self.http.get(f"/rooms/{number}/messages")).json()
        return [
            Row(one["seq"], one["key"] if one["mine"] else "", one["stage"], one["reply_to"] or 0, one["change"],
                one["text"])
            for one in rows
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rooms hold at the end; questions and their final answers are counted by key."""

    asked: Sequence[str]
    questions: Counter[str]
    answers: Counter[str]
    unfinished: int
    in_order: bool

    @property
    def lost(self) -> list[str]:
        """Acknowledged questions without a final answer."""
        return [key for key in self.asked if not self.answers[key]]

    @property
    def doubled(self) -> list[str]:
        """Questions that stand or are answered more than once."""
        return [key for key in self.asked if self.answers[key] > 1 or self.questions[key] > 1]


async def torment(server: Killable, http: httpx.AsyncClient, rooms: Rooms, *, chance: random.Random, kills: int,
                  questions: int) -> Outcome:  # fmt: skip
    """Ask `questions` questions while the running server is killed `kills` times at random moments."""
    asked = [f"question-{number:04d}" for number in range(questions)]
    posting = asyncio.create_task(_ask_all(server, rooms, asked, chance, spread_s=kills * KILL_AFTER_S[1] / 2))
    for number in range(kills):
        if number % IN_A_ROW == IN_A_ROW - 1:
            await _caught_up(rooms)
        await asyncio.sleep(chance.uniform(*KILL_AFTER_S))  # the random moment is what is tested
        if chance.random() < IN_FLIGHT:
            server.news.clear()
            await asyncio.wait([posting, news := asyncio.ensure_future(server.news.wait())], return_when=FIRST)
            news.cancel()
            await asyncio.sleep(chance.uniform(0.0, 0.12))
        server.kill()
        await server.start(http)
    await posting
    return await _settled(rooms, asked)


async def _ask_all(
    server: Killable, rooms: Rooms, asked: Sequence[str], chance: random.Random, *, spread_s: float
) -> None:
    """Send every question until it is acknowledged, spread over about as much time as the kills take."""
    for number, key in enumerate(asked):
        is_acknowledged = False
        while not is_acknowledged:
            await server.is_up.wait()
            try:
                is_acknowledged = await rooms.post(number % ROOMS, key, "What is the retry limit?")
            except httpx.TransportError:
                await asyncio.sleep(0.02)  # as a browser that sends again
        server.news.set()
        await asyncio.sleep(chance.uniform(0.0, 2 * spread_s / len(asked)))


async def _caught_up(rooms: Rooms) -> None:
    """Wait until all that stands in the rooms now is answered, however slow the machine is."""
    outcome = await _judged(rooms, [])
    asked, end_s = set(outcome.questions), time.monotonic() + STUCK_S
    while asked - set(outcome.answers) and time.monotonic() < end_s:
        await asyncio.sleep(0.2)
        outcome = await _judged(rooms, [])


async def _settled(rooms: Rooms, asked: Sequence[str]) -> Outcome:
    """The rooms once every stored question has its answer, or nothing more comes."""
    outcome = await _judged(rooms, asked)
    end_s = time.monotonic() + STUCK_S
    while (outcome.lost or outcome.unfinished) and time.monotonic() < end_s:
        if outcome.lost and not outcome.unfinished and not set(outcome.lost) & set(outcome.questions):
            break  # they are not even there
        await asyncio.sleep(0.2)
        outcome = await _judged(rooms, asked)
    return outcome


async def _judged(rooms: Rooms, asked: Sequence[str]) -> Outcome:
    every = [await rooms.rows(number) for number in range(ROOMS)]
    rows = [row for room in every for row in room]
    questions = {row.seq: row.key for row in rows if row.key}
    finals = [row for row in rows if not row.key and row.stage == "final"]
    assert all("5 attempts" in row.text or row.text.startswith("answer to ") for row in finals)  # real answers
    return Outcome(
        asked,
        Counter(questions.values()),
        Counter(questions[row.reply_to] for row in finals),
        unfinished=sum(row.stage in ("waiting", "preview") for row in rows),
        in_order=all(_is_in_order(room) for room in every),
    )


def _is_in_order(room: Sequence[Row]) -> bool:
    finals = sorted((row.change, row.reply_to) for row in room if not row.key and row.stage == "final")
    return [asked for _, asked in finals] == sorted(asked for _, asked in finals)


async def torment_roomwise(folder: Path, *, seed: int, kills: int, questions: int) -> Outcome:
    """The real service over projects that were indexed before, one for each room."""
    docs = folder / "docs"
    for path, text in HANDBOOK.items():
        (docs / path).parent.mkdir(parents=True, exist_ok=True)
        (docs / path).write_text(text, "utf-8")
    names = [f"plans-{number}" for number in range(ROOMS)]
    port = free_port()
    command = [sys.executable, "-m", "bot", "run", "--port", str(port), "--data-dir", str(folder / "data")]
    server = Killable(command, environment(folder, **_QUIET), "/healthz")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as http:
        try:
            await server.start(http)
            shell = await shell_headers(folder)
            for name in names:
                body = {"sources": [str(docs)], "project": name}
                said = (await http.post("/api/index", json=body, headers=shell, timeout=60)).text
                assert '"error": ""' in said.splitlines()[-1], said
            link = (await http.post("/api/login-links", headers=shell)).json()["url"]
            browser = Browser(httpx.Client(base_url=http.base_url, timeout=20, trust_env=False))
            await asyncio.to_thread(browser.sign_in, "/login/" + link.rpartition("/")[2])
            rooms = [await asyncio.to_thread(browser.room, name) for name in names]
            http.cookies, http.headers["X-CSRF-Token"] = browser.http.cookies, browser.csrf
            chance = random.Random(seed)
            return await torment(server, http, RealRooms(http, rooms), chance=chance, kills=kills, questions=questions)
        finally:
            server.kill()


async def torment_control(folder: Path, *, seed: int, kills: int, questions: int) -> Outcome:
    """The small server, which acknowledges before it stores."""
    port = free_port()
    command = [sys.executable, "-m", "tests.fakes.flow_server", str(folder), str(port), "--acknowledge-first"]
    server = Killable(command, dict(os.environ), "/rooms/0/messages")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
        try:
            await server.start(http)
            chance = random.Random(seed)
            return await torment(server, http, SmallRooms(http), chance=chance, kills=kills, questions=questions)
        finally:
            server.kill()


@pytest.mark.timeout(600)
async def test_five_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """Every question has exactly one answer, in the order of its conversation, and no placeholder is left."""
    outcome = await torment_roomwise(tmp_path, seed=7, kills=5, questions=30)

    assert ([], [], 0, True) == (outcome.lost, outcome.doubled, outcome.unfinished, outcome.in_order)


@pytest.mark.timeout(600)
async def test_acknowledging_before_storing_loses_questions(tmp_path: Path) -> None:
    """The control: with the order turned round the same kills lose something, so the test above can fail."""
    outcome = await torment_control(tmp_path, seed=7, kills=5, questions=40)

    assert outcome.lost


@pytest.mark.torture
@pytest.mark.timeout(3600)
async def test_a_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """The same with a hundred kills and two hundred questions."""
    kills, questions = int(os.environ.get("ROOMWISE_KILLS", "100")), int(os.environ.get("ROOMWISE_QUESTIONS", "200"))
    outcome = await torment_roomwise(tmp_path, seed=1, kills=kills, questions=questions)

    print(
        f"{kills} kills, {questions} questions: {len(outcome.lost)} lost, {len(outcome.doubled)} doubled, "
        f"{outcome.unfinished} unfinished, order {'kept' if outcome.in_order else 'broken'}"
    )
    assert ([], [], 0, True) == (outcome.lost, outcome.doubled, outcome.unfinished, outcome.in_order)
