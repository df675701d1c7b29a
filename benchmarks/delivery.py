"""Time from a stored message to its delivered answer, and 50 rooms asking at once. No model, no search: the flow alone.

.venv/bin/python benchmarks/delivery.py [questions]
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from adapters.web.translate import Draft
from bot.actions import Role
from bot.state.queries import people, projects, webrooms
from tests.fakes.flow import Flow, open_flow
from tests.fakes.flow_server import RealClock

PLENTY = {"person_questions": 1_000_000, "room_questions_per_hour": 1_000_000}


async def rooms_for(flow: Flow, count: int) -> list[tuple[str, str]]:
    """Make `count` people with a web room each: (person, native id of the room)."""

    async def write(session: Any) -> list[tuple[str, str]]:
        now = flow.clock()
        project = await projects.get(session, flow.project)
        assert project is not None
        made = []
        for number in range(count):
            person = await people.ensure(session, "fake", f"b{number}", name=f"B{number}", now=now)
            await people.give_role(session, person.id, Role.MEMBER, project=project.id, given_by=None, now=now)
            made.append((person.id, (await webrooms.open_room(session, project, person.id, now=now)).native_id))
        return made

    return await flow.db.write(write)


async def ask(flow: Flow, person: str, room: str, key: str) -> float:
    """Post a question, wait until its final answer stands in the log; seconds from stored to delivered."""
    posted = await flow.messages.post(Draft(room, key, person, "B", f"question {key}"))
    stored_s = time.perf_counter()
    async for _ in flow.web.changes(room):
        rows = await flow.weblog.page(room, limit=4)
        if any(row.reply_to == posted.seq and row.stage == "final" for row in rows):
            break
    return time.perf_counter() - stored_s


async def main(questions: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_flow(Path(folder), limits=PLENTY, clock=RealClock()) as flow:
            rooms = await rooms_for(flow, 50)
            person, room = rooms[0]
            for number in range(10):
                await ask(flow, person, room, f"warm{number}")
            took = [await ask(flow, person, room, f"k{number}") for number in range(questions)]
            cuts = statistics.quantiles(took, n=100)
            print(f"one at a time, {questions} questions: p50 {cuts[49] * 1000:.0f} ms, p95 {cuts[94] * 1000:.0f} ms")
            began_s = time.perf_counter()
            crowd = [ask(flow, who, where, f"c{turn}") for turn in range(4) for who, where in rooms]
            waited = await asyncio.gather(*crowd)
            total_s = time.perf_counter() - began_s
            print(
                f"50 rooms, 4 questions each at once: {len(waited) / total_s:.0f} answers/s, last after {total_s:.2f} s"
            )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
