"""How long an extractive answer takes over a project of 10,000 passages, and what the process weighs.

Run: .venv/bin/python -m benchmarks.answer [--passages 10000] [--questions 200]
Prints p50, p95 and the slowest answer in ms, by stage, and the resident memory after opening and after answering.
The text is that of the installed packages (docstrings, sources, read-mes), the store the local one.
"""

import argparse
import asyncio
import hashlib
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil

from config.load import load
from pipelines.parts import Knowledge, Sections, open_knowledge
from pipelines.planning import Listed
from pipelines.types import Answer, Question, Shown

QUESTIONS = (
    "How do I create an engine with a connection pool?",
    "Where is the event loop policy set?",
    "What does create_async_engine do?",
    "parse_args",
    "How can I validate a field before it is assigned?",
    "ValueError: expected a string or bytes object",
    "Wie öffne ich eine Datei zum Schreiben?",
    "What happens when a task is cancelled while it waits for a lock?",
    "How are HTTP redirects followed?",
    "Which tests cover the JSON encoder?",
    "What is the airspeed of an unladen swallow?",
    "How do I add a middleware?",
)


def rss_mb() -> float:
    """Resident memory of this process in MB."""
    return float(psutil.Process().memory_info().rss) / 1e6


def texts() -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of text files of the installed packages."""
    root = Path(psutil.__file__).parents[1]
    for path in sorted(root.rglob("*")):
        if path.suffix in {".py", ".md", ".rst", ".txt"} and path.is_file() and path.stat().st_size < 100_000:
            yield path.relative_to(root).as_posix(), path.read_bytes()


async def fill(knowledge: Knowledge, passages: int, *, project: str = "bench", source: str = "packages") -> int:
    """Index files until the project holds that many passages; gives how many it holds."""
    await knowledge.store.create(project)
    files = texts()
    held: dict[str, bytes] = {}
    while (await knowledge.store.counts(project)).passages < passages:
        held = held | dict(itertools.islice(files, 200))
        listed = [Listed(path, hashlib.sha256(raw).hexdigest(), len(raw)) for path, raw in held.items()]

        async def read(
            wanted: Sequence[Listed], contents: dict[str, bytes] = held
        ) -> AsyncIterator[tuple[Listed, bytes]]:
            for one in wanted:
                yield one, contents[one.path]

        plan = await knowledge.indexing.plan(project, source, listed)
        await knowledge.indexing.run(project, Shown(source, "", f"{len(held):07x}", datetime.now(UTC)), plan, read)
    return (await knowledge.store.counts(project)).passages


async def one(knowledge: Knowledge, text: str) -> tuple[float, Answer]:
    """Answer once; gives the time in ms and the answer."""
    started_s = time.perf_counter()
    last = [event async for event in knowledge.answering.answer(Question(text, "bench"))][-1]
    assert isinstance(last, Answer)
    return (time.perf_counter() - started_s) * 1_000, last


async def main(passages: int, questions: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = load(config_file=None, environ={}, cwd=Path(folder), data_dir=Path(folder)).settings
        sections = Sections(loaded.llm, loaded.embedder, loaded.answers, loaded.files, loaded.limits)
        knowledge = await open_knowledge(Path(folder), sections)
        print(f"RSS opened            {rss_mb():8.0f} MB")
        print(f"passages              {await fill(knowledge, passages):8d}")
        await one(knowledge, "warm up")
        total, search, verdicts = [], [], []
        for number, text in zip(range(questions), itertools.cycle(QUESTIONS), strict=False):
            # A number makes each question new, so that nothing is answered from memory.
            took_ms, answer = await one(knowledge, f"{text} #{number}" if number >= len(QUESTIONS) else text)
            total.append(took_ms)
            search.append(answer.timings["search_s"] * 1_000)
            verdicts.append(answer.verdict.value)
        for name, values in (("answer", total), ("of it search", search)):
            p50, p95 = np.percentile(values, [50, 95])
            print(f"{name:20s}  p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   max {max(values):6.1f} ms")
        print("verdicts             ", {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))})
        print(f"RSS after answering   {rss_mb():8.0f} MB")
        await knowledge.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=200)
    wanted = parser.parse_args()
    asyncio.run(main(wanted.passages, wanted.questions))
