"""What we add to a model's own time until the first visible token, and whether 50 rooms at once are all answered.

Run: .venv/bin/python -m benchmarks.stream_overhead [--questions 60] [--rooms 50]
The model is a mock server in a process of its own: first token after 300 ms, then 50 tokens a second.
Prints the overhead of the first visible token over the server's 300 ms, p50 and p95, alone and with all rooms at once.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.answer import fill
from config.load import load
from pipelines.parts import Knowledge, Sections, open_knowledge
from pipelines.types import Answer, Question, Token, Verdict
from tests.fakes.model_server import Behaviour, ModelServer

FIRST_TOKEN_S = 0.3
REPLY = "The engine is created with a pool of connections that is shared by all tasks [1]. " * 4


def serve(told: Connection) -> None:
    """Run the mock server until the parent hangs up."""

    async def run() -> None:
        async with ModelServer(Behaviour(reply=REPLY, first_token_s=FIRST_TOKEN_S, tokens_per_s=50)) as server:
            told.send(server.base_url)
            await asyncio.to_thread(told.recv)

    asyncio.run(run())


async def ask(knowledge: Knowledge, number: int) -> tuple[float, Answer]:
    """Ask one question; gives our overhead to the first token in ms and the answer."""
    started_s = time.perf_counter()
    first_s: float | None = None
    answer = Answer("")
    question = Question(f"How do I create an engine with a connection pool? Room {number}", "bench", room=f"r{number}")
    async for event in knowledge.answering.answer(question):
        if isinstance(event, Token) and first_s is None:
            first_s = time.perf_counter() - started_s
        if isinstance(event, Answer):
            answer = event
    return ((first_s or float("inf")) - FIRST_TOKEN_S) * 1_000, answer


def show(name: str, got: list[tuple[float, Answer]]) -> None:
    """Print one row."""
    p50, p95 = np.percentile([overhead_ms for overhead_ms, _ in got], [50, 95])
    answered = sum(answer.verdict is Verdict.ANSWERED for _, answer in got)
    print(f"{name:16s}  p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   answered {answered} of {len(got)}")


async def main(base_url: str, questions: int, rooms: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = load(config_file=None, environ={}, cwd=Path(folder), data_dir=Path(folder)).settings
        llm = loaded.llm.model_copy(update={"model": "mock", "base_url": base_url})
        sections = Sections(llm, loaded.embedder, loaded.answers, loaded.files, loaded.limits)
        knowledge = await open_knowledge(Path(folder), sections)
        print("passages", await fill(knowledge, 10_000))
        await ask(knowledge, -1)
        show("one at a time", [await ask(knowledge, number) for number in range(questions)])
        crowd = [ask(knowledge, 10_000 + number) for number in range(rooms)]
        show(f"{rooms} at once", list(await asyncio.gather(*crowd)))
        await knowledge.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--rooms", type=int, default=50)
    wanted = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    asyncio.run(main(ours.recv(), wanted.questions, wanted.rooms))
    ours.send("done")
    process.join(5)
