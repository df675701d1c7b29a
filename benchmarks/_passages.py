"""The passages and questions that stores are measured with, and how one search or one change is timed.

Texts are the Python files and documents of this installation, about 950 characters a passage, repeated with other
paths when there are too few. Vectors are random and of length 1, which costs as much to search as real ones.
"""

import random
import re
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count, cycle
from pathlib import Path
from sysconfig import get_paths

import numpy as np
from haystack import Document

from pipelines.components.roles import part_of
from pipelines.stores.passages import Change, Entry, IndexedFile, PassageStore, Scope, Vectors, Wanted
from pipelines.types import passage_id

PROJECT, SOURCE, WIDTH = "bench", "s1", 256
PASSAGE_CHARS = 950
FILES_A_CHANGE = 500
QUERIES = 200
SCOPE = Scope()
Search = Callable[[str, Vectors], Awaitable[object]]


def unit_rows(rows: int, random_numbers: np.random.Generator) -> Vectors:
    """Make random unit vectors: float32 of shape (rows, WIDTH)."""
    made = random_numbers.standard_normal((rows, WIDTH), dtype=np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def texts() -> Iterator[tuple[str, list[str]]]:
    """Give (path, passages) of the files of this installation, over and over under new folders."""
    roots = [Path(get_paths()[name]) for name in ("stdlib", "purelib")]
    found = sorted(
        (root, path) for root in roots for kind in ("*.py", "*.txt", "*.md", "*.rst") for path in root.rglob(kind)
    )
    for round_number in count():
        for root, path in found:
            text = path.read_text(encoding="utf-8", errors="replace")[:40_000]
            passages = [text[at : at + PASSAGE_CHARS] for at in range(0, len(text), PASSAGE_CHARS)]
            yield f"r{round_number}/{path.relative_to(root).as_posix()}", passages


def file_of(path: str, passages: list[str], vectors: Vectors, *, blob: str = "b1") -> IndexedFile:
    """Make a file ready to be written."""
    kind = "code" if path.endswith(".py") else "docs"
    documents = [
        Document(
            id=passage_id(SOURCE, path, blob, at),
            content=text,
            meta={
                "first_line": at * 20 + 1, "last_line": at * 20 + 20, "header": path, "headings": [],
                "scope": [], "symbols": re.findall(r"^(?:def|class) (\w+)", text, re.MULTILINE), "kind": kind,
                "part": part_of(path, kind),
            },
        )
        for at, text in enumerate(passages)
    ]  # fmt: skip
    return IndexedFile(Entry(SOURCE, path, blob, "b-1", len(passages), sum(map(len, passages))), documents, vectors)


def changes(passages: int) -> Iterator[Change]:
    """Give changes of up to FILES_A_CHANGE files until so many passages are reached."""
    random_numbers = np.random.default_rng(1)
    files: list[IndexedFile] = []
    for path, parts in texts():
        kept = parts[:passages]
        if kept:
            files.append(file_of(path, kept, unit_rows(len(kept), random_numbers)))
        passages -= len(kept)
        if len(files) == FILES_A_CHANGE or passages <= 0:
            yield Change(put=files)
            files = []
        if passages <= 0:
            return


def questions() -> list[str]:
    """Make questions of five words that stand together somewhere, with some filler."""
    choice = random.Random(2)
    asked = []
    for _, passages in texts():
        words = re.findall(r"[A-Za-z_]{4,}", passages[0] if passages else "")
        if len(words) > 40:
            start = choice.randrange(len(words) - 5)
            asked.append("how does the " + " ".join(words[start : start + 5]) + " work")
        if len(asked) == QUERIES:
            return asked
    return asked


def quantiles(spent_ms: list[float]) -> str:
    """Write the median and the 95th percentile."""
    return f"{statistics.median(spent_ms):8.2f} {statistics.quantiles(spent_ms, n=20)[-1]:8.2f}"


async def measure(name: str, search: Search) -> None:
    """Run all questions through one kind of search, one after the other, and print wall and CPU."""
    vectors = unit_rows(QUERIES, np.random.default_rng(3))
    await search("warm up", vectors[0])
    wall_ms, cpu_ms = [], []
    for question, vector in zip(questions(), cycle(vectors), strict=False):
        began, burnt = time.perf_counter(), time.process_time()
        await search(question, vector)
        wall_ms.append(1000 * (time.perf_counter() - began))
        cpu_ms.append(1000 * (time.process_time() - burnt))
    print(f"  {name:24} wall p50/p95 {quantiles(wall_ms)}   cpu p50/p95 {quantiles(cpu_ms)} ms")


async def measure_first(search: Search, *names: str) -> None:
    """Run one question as often as there are names, and print the wall and CPU time of each run."""
    vector = unit_rows(1, np.random.default_rng(5))[0]
    for name in names:
        began, burnt = time.perf_counter(), time.process_time()
        await search("how does the parser of arguments work", vector)
        wall_ms, cpu_ms = 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - burnt)
        print(f"  {name:24} wall {wall_ms:8.0f} ms, cpu {cpu_ms:8.0f} ms")


def wanted(question: str, vector: Vectors, *, nearest: int = 0) -> Wanted:
    """Give what a search of the product asks the store for when a question leans to code.

    `nearest` is 0 with the bundled embedder and 40 with a real encoder.
    """
    return Wanted(question, {"code": 60, "docs": 16, "aside": 8}, [((), 20), (question.split(), 10)], vector, nearest)


async def fill(store: PassageStore, passages: int) -> None:
    """Write the passages and print the rates of the store alone, without making texts and vectors."""
    wall_s = cpu_s = 0.0
    for change in changes(passages):
        began, burnt = time.perf_counter(), time.process_time()
        await store.apply(PROJECT, change)
        wall_s += time.perf_counter() - began
        cpu_s += time.process_time() - burnt
    print(
        f"  write                    {passages / wall_s:8.0f} passages/s wall, {passages / cpu_s:8.0f} per CPU second"
    )


async def measure_replacing(store: PassageStore) -> None:
    """Replace a file of 20 passages, fifty times, and print what one costs, and how long until a search finds it."""
    random_numbers = np.random.default_rng(4)
    written_ms, found_ms = [], []
    for number in range(50):
        word = f"replacement{number}"
        parts = [f"{word} " + "some words of a file " * 40] * 20
        file = file_of(f"r0/file{number % 5}.py", parts, unit_rows(20, random_numbers), blob=f"b{number}")
        began = time.perf_counter()
        await store.apply(PROJECT, Change(put=[file]))
        written_ms.append(1000 * (time.perf_counter() - began))
        while not await store.keywords(PROJECT, word, scope=SCOPE, limit=20):
            pass
        found_ms.append(1000 * (time.perf_counter() - began))
    print(f"  {'replace a file of 20':24} wall p50/p95 {quantiles(written_ms)} ms")
    print(f"  {'until a search finds it':24} wall p50/p95 {quantiles(found_ms)} ms")


def size_bytes(folder: Path) -> int:
    """Add up the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
