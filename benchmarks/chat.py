"""Time from a stored message to its delivered answer through the real parts, alone and with 50 rooms asking at once.

Run: .venv/bin/python -m benchmarks.chat [--passages 10000] [--questions 100] [--rooms 50] [--model]
Everything is what `roomwise run` uses, over a new data folder: state database, lanes, answering, delivery and web
chat; only HTTP is left out. A reader reads each room's log as an open page does. With --model a mock model server in a
process of its own (first token after 300 ms, then 50 tokens a second) writes the answers, and the overhead of the
first visible token over its 300 ms is printed as well.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from adapters.web.translate import Draft
from benchmarks.answer import QUESTIONS, fill
from benchmarks.stream_overhead import FIRST_TOKEN_S, serve
from bot.actions import Role
from bot.app import Opened, open_everything, utc_now
from bot.metrics import Metrics
from bot.state.queries import people, webrooms
from bot.web_messages import WebMessages
from bot.wiring import Chat, chat_of
from config.load import load

ASKED_BEFORE = 10  # questions that are not counted
TURNS = 4  # questions of each room when all ask at once


@dataclass(slots=True)
class Waited:
    """Seconds from stored to the first visible piece of the answer and to the whole of it, and in which order."""

    first_s: list[float] = field(default_factory=list)
    final_s: list[float] = field(default_factory=list)
    orders: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Room:
    """A person's web room."""

    person: str
    name: str


@dataclass(slots=True)
class Bench:
    """The opened parts, and numbers that make each question new."""

    chat: Chat
    messages: WebMessages
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def ask(self, room: Room, count: int, waited: Waited) -> None:
        """Post `count` questions at once, then read the room's log until each has its answer."""
        stored: dict[int, float] = {}
        for _ in range(count):
            number = next(self.numbers)
            text = f"{QUESTIONS[number % len(QUESTIONS)]} #{number}"
            posted = await self.messages.post(Draft(room.name, f"bench-{number:06d}", room.person, "B", text))
            stored[posted.seq] = time.perf_counter()
        order: list[int] = []
        begun: set[int] = set()
        after = 0
        async for _ in self.chat.web.changes(room.name):
            for row in await self.chat.log.since(room.name, after):
                after = row.change
                asked_s = stored.get(row.reply_to or -1)
                if asked_s is None or row.reply_to is None or row.stage not in ("preview", "final", "failed"):
                    continue
                if row.reply_to not in begun:
                    begun.add(row.reply_to)
                    waited.first_s.append(time.perf_counter() - asked_s)
                if row.stage == "final" and row.reply_to not in order:
                    order.append(row.reply_to)
                    waited.final_s.append(time.perf_counter() - asked_s)
            if len(order) == len(stored):
                break
        waited.orders.append(order)


async def prepared(opened: Opened, rooms: int, passages: int) -> list[Room]:
    """Make a project with that many passages, and people with a web room each."""
    project = await opened.projects.begin("bench", person=None, now=utc_now())
    print(f"{await fill(opened.knowledge, passages, project=project.id)} passages, {rooms} rooms", flush=True)

    async def write(session: Any) -> list[Room]:
        now = utc_now()
        made = []
        for number in range(rooms):
            person = await people.create(session, name=f"B{number}", now=now)
            await people.give_role(session, person.id, Role.MEMBER, project=project.id, given_by=None, now=now)
            made.append(Room(person.id, (await webrooms.open_room(session, project, person.id, now=now)).native_id))
        return made

    return await opened.db.write(write)


def show(name: str, values_s: Sequence[float], minus_s: float = 0.0) -> None:
    """Print one row in ms."""
    p50, p95 = (np.percentile(values_s, [50, 95]) - minus_s) * 1_000
    print(f"  {name:34s} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   n {len(values_s)}", flush=True)


async def measure(bench: Bench, rooms: Sequence[Room], questions: int, *, has_model: bool) -> None:
    """Ask one at a time, then one in every room, then several in every room."""
    await bench.ask(rooms[0], 1, Waited())
    for _ in range(ASKED_BEFORE):
        await bench.ask(rooms[0], 1, Waited())
    for name, crowd, turns in (("one at a time", 1, 1), ("one a room", len(rooms), 1), ("more", len(rooms), TURNS)):
        waited = Waited()
        began_s, cpu_s = time.perf_counter(), time.process_time()
        if crowd == 1:
            for number in range(questions):
                await bench.ask(rooms[number % len(rooms)], 1, waited)
        else:
            await asyncio.gather(*(bench.ask(room, turns, waited) for room in rooms))
        took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
        in_order = all(order == sorted(order) for order in waited.orders)
        count = len(waited.final_s)
        print(
            f"{name}: {count} answers in {took_s:.2f} s, {count / took_s:.1f} a second, "
            f"{'in order' if in_order else 'OUT OF ORDER'}, {cpu_s / count * 1_000:.0f} ms of CPU each"
        )
        if has_model:
            show("overhead to first visible token", waited.first_s, FIRST_TOKEN_S)
        show("stored to answer delivered", waited.final_s)


async def main(wanted: argparse.Namespace, base_url: str) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load(config_file=None, environ={}, cwd=Path(folder), data_dir=Path(folder, "data")).settings
        plenty = {"person_questions": 10**6, "person_messages_per_minute": 0, "room_questions_per_hour": 10**6}
        plenty["project_tokens_per_day"] = 0
        limits = settings.limits.model_copy(update=plenty)
        llm = settings.llm.model_copy(update={"model": "mock", "base_url": base_url}) if base_url else settings.llm
        parallel = settings.answers.model_copy(update={"parallel": wanted.parallel}) if wanted.parallel else None
        key = Path(folder, "roomwise.key")
        changed = {"limits": limits, "llm": llm, "key_file": key, "answers": parallel or settings.answers}
        async with AsyncExitStack() as stack:
            opened = await stack.enter_async_context(
                open_everything(settings.model_copy(update=changed), command="bench")
            )
            rooms = await prepared(opened, wanted.rooms, wanted.passages)
            chat = chat_of(opened, Metrics())
            opened.tasks.spawn(chat.delivery.run(opened.tasks.spawn))
            opened.tasks.spawn(chat.lanes.run())
            stack.push_async_callback(chat.lanes.stop, 0.0)
            bench = Bench(chat, WebMessages(chat.inbox, chat.log, chat.web, utc_now))
            await measure(bench, rooms, wanted.questions, has_model=bool(base_url))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--rooms", type=int, default=50)
    parser.add_argument("--parallel", type=int, default=0, help="answers.parallel; 0 for the default")
    parser.add_argument("--model", action="store_true")
    given = parser.parse_args()
    if given.model:
        ours, theirs = multiprocessing.Pipe()
        multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True).start()
        given_url = ours.recv()
    else:
        given_url = ""
    asyncio.run(main(given, given_url))
    sys.exit(0)
