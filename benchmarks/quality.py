"""How well passages are found: questions with known answers, beside plain BM25 in the same run.

Run: .venv/bin/python -m benchmarks.quality [EVALS] [--checkout NAME=FOLDER ...] [--only docs snippets functions code]
EVALS holds *_queries.jsonl and what they point into (docs_sections, snippets_chunks, functions_corpus_1/2,
code_projects); without it, shared/evals beside the checkout is taken, and where that is not, nothing is measured.
A question about code counts only when a checkout of its project is given. Prints one line a set:

    code (whole)   file nDCG@10, recall@5, MRR; everything that the product would index, documents and tests too
    code (root)    the same, only the files below the project's root
    docs           R@3, P@3, MRR@3 and nDCG@10 over sections
    snippets       recall@5 and @10 over chunks
    functions      nDCG@10 over functions

"keywords" is our own keyword search alone. "plain" is BM25 (k1 1.2, b 0.75) over lower-case runs of word characters without stop words, on the same passages.
"""

import argparse
import asyncio
import hashlib
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from haystack import Document

from config.load import load
from pipelines.components.keywords import STOP_WORDS
from pipelines.parts import Knowledge, Sections, open_knowledge
from pipelines.planning import Listed
from pipelines.stores.passages import Change, Entry, IndexedFile, Scope
from pipelines.types import Shown

EVALS: Final = Path(__file__).resolve().parents[2] / "shared" / "evals"
WAYS: Final = ("roomwise", "keywords", "plain")
SOURCE: Final = "s"
DEPTH: Final = 10
_POOL: Final = 60  # passages read to fill ten files
_SHOWN: Final = Shown(SOURCE, "main", "0" * 40, datetime(2026, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the keys of all that answers it."""

    text: str
    relevant: frozenset[Hashable]


@dataclass(frozen=True, slots=True)
class Trial:
    """A project that is indexed, its questions, and how a document's key is read."""

    name: str
    project: str
    questions: Sequence[Asked]
    keys: Mapping[str, Hashable]  # by document id


def rows(path: Path) -> list[dict[str, Any]]:
    """Read one JSON object a line."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class PlainWords:
    """BM25 over lower-case words, the way most would begin."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._ids = [document.id for document in documents]
        counted = [Counter(self._words(document.content or "")) for document in documents]
        lengths = np.array([words.total() for words in counted], dtype=np.float64)
        self._length = 1.2 * (0.25 + 0.75 * lengths / (lengths.mean() or 1.0))
        self._holders: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for at, words in enumerate(counted):
            for word, times in words.items():
                self._holders[word].append((at, times))

    def search(self, text: str, *, limit: int) -> list[str]:
        """List the ids of the best passages, best first."""
        scores = np.zeros(len(self._ids))
        for word in dict.fromkeys(self._words(text)):
            holders = self._holders.get(word, [])
            rarity = math.log(1 + (len(self._ids) - len(holders) + 0.5) / (len(holders) + 0.5))
            for at, times in holders:
                scores[at] += rarity * times * 2.2 / (times + self._length[at])
        return [self._ids[at] for at in np.argsort(-scores, kind="stable")[:limit] if scores[at] > 0]

    @staticmethod
    def _words(text: str) -> list[str]:
        return [word for word in re.findall(r"\w+", text.lower()) if word not in STOP_WORDS]


def measured(found: Sequence[Hashable], relevant: frozenset[Hashable]) -> dict[str, float]:
    """Score one ranking of keys, doubles taken out: nDCG@10, R@3, R@5, R@10, P@3, MRR (of ten), MRR@3."""
    keys = list(dict.fromkeys(found))[:DEPTH]
    hits = [rank for rank, key in enumerate(keys, start=1) if key in relevant]
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(DEPTH, len(relevant)) + 1))
    first = hits[0] if hits else math.inf
    recall = {f"R@{depth}": sum(1 for rank in hits if rank <= depth) / len(relevant) for depth in (3, 5, 10)}
    return recall | {
        "nDCG@10": sum(1 / math.log2(rank + 1) for rank in hits) / ideal,
        "P@3": sum(1 for rank in hits if rank <= 3) / 3,
        "MRR": 1 / first,
        "MRR@3": 1 / first if first <= 3 else 0.0,
    }


async def put(knowledge: Knowledge, project: str, documents: Sequence[Document]) -> None:
    """Write ready-made passages into a project of their own, a file for each path."""
    by_path: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        by_path[str(document.meta["path"])].append(document)
    files = []
    for path, held in by_path.items():
        vectors = await knowledge.embedder.embed([one.content or "" for one in held])
        files.append(IndexedFile(Entry(SOURCE, path, "b", "1", len(held), 1), held, vectors))
    await knowledge.store.create(project)
    await knowledge.store.apply(project, Change(put=files, shown=[_SHOWN]))


def document(name: str, text: str, *, path: str, kind: str, headings: Sequence[str] = ()) -> Document:
    """Make a passage as the product stores it."""
    meta = {"source": SOURCE, "path": path, "blob": "b", "first_line": 1, "last_line": 1 + text.count("\n")}
    return Document(id=name, content=text, meta=meta | {"headings": list(headings), "symbols": [], "kind": kind})


async def docs(knowledge: Knowledge, evals: Path) -> Trial:
    """Sections of a documentation."""
    sections = rows(evals / "docs_sections.jsonl")
    made = [
        document(
            f"d{at}",
            one["text"],
            path=re.sub(r"^https?://[^/]+/|#.*$", "", one["chunk_link"]) + ".md",
            kind="docs",
            headings=[one["chunk_heading"]],
        )
        for at, one in enumerate(sections)
    ]
    await put(knowledge, "docs", made)
    asked = [Asked(one["query"], frozenset(one["relevant"])) for one in rows(evals / "docs_queries.jsonl")]
    return Trial("docs", "docs", asked, {f"d{at}": one["chunk_link"] for at, one in enumerate(sections)})


async def snippets(knowledge: Knowledge, evals: Path) -> Trial:
    """Chunks of code files."""
    chunks = rows(evals / "snippets_chunks.jsonl")
    made = [document(f"n{at}", one["text"], path=one["doc"], kind="code") for at, one in enumerate(chunks)]
    await put(knowledge, "snippets", made)
    asked = [
        Asked(one["query"], frozenset((doc, index) for doc, index in one["relevant"]))
        for one in rows(evals / "snippets_queries.jsonl")
    ]
    return Trial("snippets", "snippets", asked, {f"n{at}": (one["doc"], one["index"]) for at, one in enumerate(chunks)})


async def functions(knowledge: Knowledge, evals: Path) -> Trial:
    """Python functions for searches as people type them."""
    held = [*rows(evals / "functions_corpus_1.jsonl"), *rows(evals / "functions_corpus_2.jsonl")]
    made = [document(f"f{one['id']}", one["code"], path=f"{one['id']}.py", kind="code") for one in held]
    await put(knowledge, "functions", made)
    asked = [Asked(one["query"], frozenset(one["relevant"])) for one in rows(evals / "functions_queries.jsonl")]
    return Trial("functions", "functions", asked, {f"f{one['id']}": one["id"] for one in held})


def tracked(folder: Path) -> list[str]:
    """List the files that git tracks and that are there."""
    command = ["git", "-C", str(folder), "ls-files", "-z"]
    listed = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    return [path for path in listed.split("\0") if path and (folder / path).is_file()]


async def code(knowledge: Knowledge, evals: Path, name: str, folder: Path) -> list[Trial]:
    """A repository, once whole and once below its root. Keys are paths."""
    root = next(one["root"] for one in rows(evals / "code_projects.jsonl") if one["project"] == name)
    asked = [
        Asked(one["query"], frozenset(key if isinstance(key, str) else key["path"] for key in one["relevant"]))
        for one in rows(evals / "code_queries.jsonl")
        if one["project"] == name
    ]
    paths = await asyncio.to_thread(tracked, folder)
    trials = []
    for part, chosen in (("whole", paths), ("root", [path for path in paths if path.startswith(root)])):
        project = f"{name}{part}"
        keys = await index(knowledge, project, {path: (folder / path).read_bytes() for path in chosen})
        trials.append(Trial(f"code ({part})", project, asked, keys))
    return trials


async def index(knowledge: Knowledge, project: str, contents: Mapping[str, bytes]) -> dict[str, Hashable]:
    """Index files as the product does; gives the path of each passage by its id."""

    async def read(wanted: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        for one in wanted:
            yield one, contents[one.path]

    listed = [Listed(path, hashlib.sha256(raw).hexdigest(), len(raw)) for path, raw in contents.items()]
    await knowledge.store.create(project)
    plan = await knowledge.indexing.plan(project, SOURCE, listed)
    await knowledge.indexing.run(project, _SHOWN, plan, read)
    return {one.id: one.meta["path"] for one in await everything(knowledge, project)}


async def everything(knowledge: Knowledge, project: str) -> list[Document]:
    """Fetch all passages of a project."""
    paths = await knowledge.store.manifest(project, SOURCE)
    return [one for path in paths for one in await knowledge.store.of_file(project, SOURCE, path)]


async def run(knowledge: Knowledge, trial: Trial) -> dict[str, list[dict[str, float]]]:
    """Ask every question of a trial in each way."""
    plain = PlainWords(await everything(knowledge, trial.project))
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for asked in trial.questions:
        ours = await knowledge.searching.search(trial.project, asked.text, scope=Scope(), limit=_POOL)
        words = await knowledge.store.keywords(trial.project, asked.text, scope=Scope(), limit=_POOL)
        ids = {
            "roomwise": [one.passage.id for one in ours],
            "keywords": [one.id for one in words],
            "plain": plain.search(asked.text, limit=_POOL),
        }
        for way, ranking in ids.items():
            found[way].append(measured([trial.keys[one] for one in ranking], asked.relevant))
    return found


_COLUMNS: Final = {
    "code (whole)": ("nDCG@10", "R@5", "MRR"),
    "code (root)": ("nDCG@10", "R@5", "MRR"),
    "docs": ("R@3", "P@3", "MRR@3", "nDCG@10"),
    "snippets": ("R@5", "R@10"),
    "functions": ("nDCG@10",),
}


def show(scores: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]) -> None:
    """Print the table."""
    print(f"{'set':14s} {'questions':>9s}  {'measure':8s}" + "".join(f" {way:>9s}" for way in WAYS))
    for name, columns in _COLUMNS.items():
        for column in columns if name in scores else ():
            values = [float(np.mean([one[column] for one in scores[name][way]])) for way in WAYS]
            count = len(scores[name]["plain"])
            print(f"{name:14s} {count:9d}  {column:8s}" + "".join(f" {value:9.3f}" for value in values))


async def main(evals: Path, checkouts: Mapping[str, Path], only: Sequence[str]) -> None:
    """Build every set in a folder that goes afterwards, ask, print."""
    scores: dict[str, dict[str, list[dict[str, float]]]] = defaultdict(lambda: {way: [] for way in WAYS})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = load(config_file=None, environ={}, cwd=Path(folder), data_dir=Path(folder)).settings
        sections = Sections(settings.llm, settings.embedder, settings.answers, settings.files, settings.limits)
        knowledge = await open_knowledge(Path(folder), sections)
        builders = {"docs": docs, "snippets": snippets, "functions": functions}
        trials = [await builders[name](knowledge, evals) for name in builders if name in only]
        for name, checkout in checkouts.items() if "code" in only else ():
            trials += await code(knowledge, evals, name, checkout)
        started_s = time.perf_counter()
        for trial in trials:
            for way, found in (await run(knowledge, trial)).items():
                scores[trial.name][way] += found
        show(scores)
        asked = sum(len(trial.questions) for trial in trials)
        print(f"{asked} questions in {time.perf_counter() - started_s:.1f} s")
        await knowledge.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evals", type=Path, nargs="?", default=EVALS)
    parser.add_argument("--checkout", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--only", nargs="+", default=["docs", "snippets", "functions", "code"])
    wanted = parser.parse_args()
    if not wanted.evals.is_dir():
        print(f"Not measured: expected a folder of questions with known answers, found none at {wanted.evals}.")
        print("Name one: python -m benchmarks.quality FOLDER")
        sys.exit(0 if wanted.evals == EVALS else 2)
    pairs = dict(one.split("=", 1) for one in wanted.checkout)
    asyncio.run(main(wanted.evals, {name: Path(folder) for name, folder in pairs.items()}, wanted.only))
