"""What a model would read: passages as they were cut, beside sources grown to whole functions and sections.

Run: .venv/bin/python -m benchmarks.context FOLDER QUESTIONS.jsonl [--project NAME] [--questions 20]
Indexes the folder, takes `query` of the file's lines (those whose `project` is NAME) and prints for each way, over all
questions: sources and characters an answer, tokens at 3.5 characters, how many of the sources begin and end where a
function or section does, and how many lines of the first source a model sees. No model is asked.
"""

import argparse
import asyncio
import hashlib
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from haystack import Document

from config.load import load
from pipelines.components.neighbours import in_context, packed, units
from pipelines.evaluation.questions import read_questions
from pipelines.parts import Knowledge, Sections, open_knowledge
from pipelines.planning import Listed
from pipelines.stores.passages import Scope
from pipelines.types import Found, Shown

PROJECT: Final = "bench"
SOURCE: Final = "s"
CHARS_PER_TOKEN: Final = 3.5
Files = Mapping[tuple[str, str], Sequence[Document]]


async def index(knowledge: Knowledge, folder: Path) -> None:
    """Index all text files of a folder but those of git itself."""
    paths = await asyncio.to_thread(lambda: [one for one in sorted(folder.rglob("*")) if one.is_file()])
    held = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in paths
        if ".git" not in path.relative_to(folder).parts and path.stat().st_size < 1_000_000
    }
    listed = [Listed(path, hashlib.sha256(raw).hexdigest(), len(raw)) for path, raw in held.items()]

    async def read(wanted: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        for one in wanted:
            yield one, held[one.path]

    await knowledge.store.create(PROJECT)
    plan = await knowledge.indexing.plan(PROJECT, SOURCE, listed)
    await knowledge.indexing.run(PROJECT, Shown(SOURCE, "", "0" * 40, datetime.now(UTC)), plan, read)


def is_whole(one: Found, files: Files) -> bool:
    """Say whether nothing that a source holds part of goes on before or after it."""
    documents = files[(one.passage.source, one.passage.path)]
    inside = [at for at, document in enumerate(documents) if _is_within(document, one)]
    return all(
        unit.start >= inside[0] and unit.stop <= inside[-1] + 1 for at in inside for unit in units(documents, at)[:1]
    )


def _is_within(document: Document, one: Found) -> bool:
    return one.passage.first_line <= int(document.meta["first_line"]) <= one.passage.last_line


def figures(sources: Sequence[Found], files: Files) -> dict[str, float]:
    """Count what a model reads."""
    chars = sum(len(one.passage.text) for one in sources)
    return {
        "sources": len(sources),
        "characters": chars,
        "tokens": chars / CHARS_PER_TOKEN,
        "whole, of sources": sum(is_whole(one, files) for one in sources) / len(sources),
        "best one is whole": float(is_whole(sources[0], files)),
        "lines of the best": sources[0].passage.last_line - sources[0].passage.first_line + 1,
    }


async def main(folder: Path, questions: Sequence[str]) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as data:
        settings = load(config_file=None, environ={}, cwd=Path(data), data_dir=Path(data)).settings
        sections = Sections(settings.llm, settings.embedder, settings.answers, settings.files, settings.limits)
        knowledge = await open_knowledge(Path(data), sections)
        await index(knowledge, folder)
        budget_chars, limit = settings.answers.context_chars, settings.answers.max_passages
        cut: list[dict[str, float]] = []
        grown: list[dict[str, float]] = []
        for question in questions:
            found = (await knowledge.searching.retrieve(PROJECT, question, scope=Scope(), limit=limit)).found
            keys = {(one.passage.source, one.passage.path) for one in found}
            files = {key: await knowledge.store.of_file(PROJECT, *key) for key in keys}
            if found:
                cut.append(figures(packed(found, budget_chars=budget_chars), files))
                grown.append(figures(in_context(found, files, budget_chars=budget_chars), files))
        await knowledge.close()
    if not cut:
        print("Nothing was found for any of the questions.")
        return
    print(f"{len(cut)} questions, at most {limit} passages and {budget_chars} characters")
    print(f"{'mean':20s} {'as cut':>10s} {'grown':>10s}")
    for name in cut[0]:
        before, after = (float(np.mean([one[name] for one in way])) for way in (cut, grown))
        print(f"{name:20s} {before:10.2f} {after:10.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--project", default="")
    parser.add_argument("--questions", type=int, default=20)
    wanted = parser.parse_args()
    if not (wanted.folder and wanted.file):
        print("Not measured: expected a folder and a file of questions about it.")
        sys.exit(0)
    asked = [one.text for one in read_questions(wanted.file) if wanted.project in {"", one.project}]
    asyncio.run(main(wanted.folder, asked[: wanted.questions]))
