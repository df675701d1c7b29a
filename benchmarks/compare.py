"""Roomwise beside what a user would take instead, in one run over the same questions and files.

Run: .venv/bin/python -m benchmarks.compare --rivals PYTHON [EVALS] [--checkout NAME=FOLDER ...] [--only SET ...] [--work FOLDER]

PYTHON is that of an environment outside this repository, made with
    python -m venv rivals && rivals/bin/pip install semble==0.7.0 langchain-text-splitters langchain-chroma wordllama==0.4.0.post1
All of them embed with the same weights (wordllama's 256 dimensions). Every rival indexes in a process of its own, which
reports its CPU time and its peak of memory. A corpus is given to the others as a file for each row; Roomwise takes its
rows as `roomwise eval` does. Prints Markdown. `--work` keeps what each rival found, so that a run can go on.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipelines.evaluation.corpus import read_corpus
from pipelines.evaluation.measures import Level, Place, measured
from pipelines.evaluation.questions import Asked, read_questions, read_rows
from pipelines.evaluation.report import shown, shown_change
from pipelines.evaluation.statistics import difference, interval
from pipelines.evaluation.trial import POOL

ROOT: Final = Path(__file__).resolve().parents[1]
EVALS: Final = ROOT.parent / "shared" / "evals"
RIVALS: Final = {
    "Roomwise": ("with_roomwise.py", {}),
    "semble": ("with_semble.py", {"content": "code"}),
    "semble, docs too": ("with_semble.py", {"content": "all"}),
    "LangChain + Chroma": ("with_langchain.py", {}),
    "FTS5": ("with_fts5.py", {}),
}
CORPORA: Final = {
    "docs": ["docs_sections.jsonl"],
    "snippets": ["snippets_chunks.jsonl"],
    "functions": ["functions_corpus_1.jsonl", "functions_corpus_2.jsonl"],
}
SHOWN: Final = {
    "code (root)": ("nDCG@10",),
    "code (whole)": ("nDCG@10",),
    "docs": ("R@3", "MRR@3"),
    "snippets": ("R@5", "R@10"),
    "functions": ("nDCG@10",),
}
# The weights of the embedder, as semble and model2vec read a model: made once from the wheel that Roomwise reads.
MAKE_MODEL: Final = """
import sys, pathlib, safetensors.numpy, tokenizers, wordllama, model2vec
home = pathlib.Path(wordllama.__file__).parent
weights = next(iter(safetensors.numpy.load_file(next(home.rglob("*256*.safetensors"))).values())).astype("float32")
tokenizer = tokenizers.Tokenizer.from_file(str(next(home.rglob("*tokenizer*.json"))))
model2vec.StaticModel(weights, tokenizer, normalize=True).save_pretrained(sys.argv[1])
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """Files in a folder, the questions about them, and what a file stands for where it is a row of a corpus."""

    set: str
    name: str
    folder: Path
    asked: Sequence[Asked]
    corpora: Sequence[Path] = ()
    keys: Mapping[str, str] = field(default_factory=dict)


def corpus_trial(name: str, evals: Path, work: Path) -> Trial:
    """Write each row of a corpus as a file: path without ending / number . ending."""
    corpora = [evals / one for one in CORPORA[name]]
    folder, keys = work / "files" / name, {}
    for number, row in enumerate(read_corpus(corpora)):
        stem, _, ending = row.path.rpartition(".")
        path = f"{stem or ending}/{number:05d}.{ending if stem else 'txt'}"
        _write(folder / path, row.text.encode())
        keys[path] = row.key
    return Trial(name, name, folder, read_questions(evals / f"{name}_queries.jsonl"), corpora, keys)


def code_trials(name: str, checkout: Path, evals: Path, work: Path) -> Iterator[Trial]:
    """Copy what git tracks, once all of it and once what lies below the root."""
    root = next(row["root"] for _, row in read_rows(evals / "code_projects.jsonl") if row["project"] == name)
    asked = [one for one in read_questions(evals / "code_queries.jsonl") if one.project == name]
    listed = subprocess.run(["git", "-C", checkout, "ls-files", "-z"], check=True, capture_output=True).stdout.decode()
    paths = [path for path in listed.split("\0") if path and (checkout / path).is_file()]
    for part, below in (("whole", ""), ("root", root)):
        folder = work / "files" / f"{name}-{part}"
        for path in paths:
            if path.startswith(below):
                _write(folder / path, (checkout / path).read_bytes())
        yield Trial(f"code ({part})", f"{name}-{part}", folder, asked)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def asked_of(rival: str, trial: Trial, *, python: Path, work: Path) -> dict[str, Any]:
    """Let a rival index and answer, unless what it found lies there from before."""
    script, options = RIVALS[rival]
    result = work / "found" / f"{trial.name}-{rival.replace(' ', '-')}.json"
    if not result.is_file():
        result.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            job = {
                "folder": str(trial.folder),
                "queries": [one.text for one in trial.asked],
                "limit": POOL,
                "model": str(work / "model"),
                "corpora": [str(one) for one in trial.corpora],
                "work": scratch,
                "result": str(result),
                **options,
            }
            note = Path(scratch) / "job.json"
            note.write_text(json.dumps(job), "utf-8")
            ours = script == "with_roomwise.py"
            command = [sys.executable if ours else str(python), str(ROOT / "benchmarks" / "rivals" / script), str(note)]
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": scratch, "HOME": scratch}
            environment |= {"ANONYMIZED_TELEMETRY": "False", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}
            subprocess.run(command, check=True, cwd=scratch, env=environment, stdout=sys.stderr)
    return dict(json.loads(result.read_text("utf-8")))


def values_of(trial: Trial, result: Mapping[str, Any]) -> list[Mapping[str, float]]:
    """Score what was found; files that are rows count as their rows."""
    scored = []
    for one, places in zip(trial.asked, result["found"], strict=True):
        found = [Place(trial.keys.get(path, path)) for path, _first, _last in places]
        scored.append(measured(found, one.targets, level=Level.FILE))
    return scored


def quality(scores: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]) -> Iterator[str]:
    """Write a row for each set and measure, with our difference to each of the others."""
    yield "| set | n | measure | " + " | ".join(RIVALS) + " |"
    yield "|---|---|---|" + "---|" * len(RIVALS)
    for name, measures in SHOWN.items():
        for measure in measures if name in scores else ():
            values = {rival: [one[measure] for one in found] for rival, found in scores[name].items()}
            ours = values["Roomwise"]
            cells = [shown(interval(ours)), *(_beside(values[rival], ours) for rival in list(RIVALS)[1:])]
            yield f"| {name} | {len(ours)} | {measure} | " + " | ".join(cells) + " |"


def _beside(theirs: Sequence[float], ours: Sequence[float]) -> str:
    if not any(theirs):
        return "indexes none of it"
    change = difference(theirs, ours)
    return f"{np.mean(theirs):.3f}".removeprefix("0") + f"; we {shown_change(change)}, p {change.p:.4f}"


def costs(results: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> Iterator[str]:
    """Write what each set cost: sums of indexing, spread of searching, peak of memory."""
    yield "| set | rival | index s (CPU s) | query CPU ms p50 / p95 | peak RSS MB |"
    yield "|---|---|---|---|---|"
    for name in (one for one in SHOWN if one in results):
        for rival, held in results[name].items():
            seconds, cpu = sum(one["index_s"] for one in held), sum(one["index_cpu_s"] for one in held)
            p50, p95 = np.quantile([took for one in held for took in one["query_cpu_ms"]], (0.5, 0.95))
            peak = max(one["peak_rss_mb"] for one in held)
            yield f"| {name} | {rival} | {seconds:.1f} ({cpu:.1f}) | {p50:.1f} / {p95:.1f} | {peak:.0f} |"


def main(evals: Path, checkouts: Mapping[str, Path], only: Sequence[str], *, python: Path, work: Path) -> None:
    """Ask everybody everything, print the tables."""
    if not (work / "model").is_dir():
        subprocess.run([python, "-c", MAKE_MODEL, work / "model"], check=True, stdout=sys.stderr)
    shutil.rmtree(work / "files", ignore_errors=True)
    trials = [corpus_trial(name, evals, work) for name in CORPORA if name in only]
    for name, checkout in checkouts.items() if "code" in only else ():
        trials += code_trials(name, checkout, evals, work)
    scores: dict[str, dict[str, list[Mapping[str, float]]]] = defaultdict(lambda: {rival: [] for rival in RIVALS})
    results: dict[str, dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: {rival: [] for rival in RIVALS})
    for trial in trials:
        for rival in RIVALS:
            print(f"{trial.name}: {rival}", file=sys.stderr)
            result = asked_of(rival, trial, python=python, work=work)
            scores[trial.set][rival] += values_of(trial, result)
            results[trial.set][rival].append(result)
    print("\n".join([*quality(scores), "", *costs(results)]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evals", type=Path, nargs="?", default=EVALS)
    parser.add_argument("--rivals", type=Path, metavar="PYTHON")
    parser.add_argument("--checkout", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--only", nargs="+", default=[*CORPORA, "code"])
    parser.add_argument("--work", type=Path)
    told = parser.parse_args()
    if not told.rivals or not told.evals.is_dir():
        print("Not measured: expected the evaluation data and --rivals PYTHON; --help says how to make that.")
        sys.exit(0)
    pairs = {name: Path(folder) for name, folder in (one.split("=", 1) for one in told.checkout)}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        main(told.evals.absolute(), pairs, told.only, python=told.rivals, work=(told.work or Path(made)).absolute())
