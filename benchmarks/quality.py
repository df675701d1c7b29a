"""How well passages are found: every evaluation set through `roomwise eval`, beside keywords alone.

Run: .venv/bin/python -m benchmarks.quality [EVALS] [--checkout NAME=FOLDER ...] [--only docs snippets functions code] [options of `roomwise eval`, last]
EVALS holds *_queries.jsonl and what they point into; without it, shared/evals beside the checkout is taken, and where
that is not, nothing is measured. Questions about code count only when a checkout of their project is given.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

EVALS: Final = Path(__file__).resolve().parents[2] / "shared" / "evals"
CORPORA: Final = {
    "docs": ["docs_sections.jsonl"],
    "snippets": ["snippets_chunks.jsonl"],
    "functions": ["functions_corpus_1.jsonl", "functions_corpus_2.jsonl"],
}
OWN: Final = ("--checkout", "--only", "--help")
USUAL: Final = ("--markdown", "--compare", "embedder.kind=none")
MEASURES: Final = {
    "docs": ("R@3", "P@3", "MRR@3"),
    "snippets": ("R@5", "R@10"),
    "functions": ("nDCG@10",),
    "code": ("nDCG@10", "R@5", "MRR"),
}


def commands(evals: Path, checkouts: Sequence[str], only: Sequence[str], more: Sequence[str]) -> Iterator[list[str]]:
    """Give the command for each set that can be measured."""
    for name in (one for one in MEASURES if one in only):
        measures = [part for one in MEASURES[name] for part in ("--measure", one)]
        corpora = [part for one in CORPORA.get(name, ()) for part in ("--corpus", str(evals / one))]
        places = [part for one in checkouts for part in ("--checkout", one)] if name == "code" else []
        roots = ["--roots", str(evals / "code_projects.jsonl")] if places else []
        if corpora or places:
            yield [str(evals / f"{name}_queries.jsonl"), *corpora, *places, *roots, *measures, *(more or USUAL)]


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part what is meant for this program from the options of `roomwise eval`, which begin with the first of them."""
    at = next((at for at, one in enumerate(words) if one.startswith("--") and one.partition("=")[0] not in OWN), None)
    return list(words[:at]), list(words[at:]) if at is not None else []


if __name__ == "__main__":
    own, more = split(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evals", type=Path, nargs="?", default=EVALS)
    parser.add_argument("--checkout", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--only", nargs="+", default=[*MEASURES], choices=[*MEASURES])
    told = parser.parse_args(own)
    if not told.evals.is_dir():
        print(f"Not measured: expected a folder of questions with known answers, found none at {told.evals}.")
        print("Name one: python -m benchmarks.quality FOLDER")
        sys.exit(0 if told.evals == EVALS else 2)
    codes = [
        subprocess.run([sys.executable, "-m", "bot", "eval", *one], check=False).returncode
        for one in commands(told.evals, told.checkout, told.only, more)
    ]
    sys.exit(max(codes, default=0))
