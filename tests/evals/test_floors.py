"""Retrieval quality does not fall: documentation and snippets, measured as `roomwise eval` does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from bot.cli.measuring import Wanted, measure
from config.load import load
from pipelines.evaluation.report import groups

EVALS: Final = Path(__file__).resolve().parents[3] / "shared" / "evals"
CORPORA: Final = {"docs": "docs_sections.jsonl", "snippets": "snippets_chunks.jsonl"}
# What was last reached stands in docs/evals.md; a floor lies a little below, within what one question changes.
FLOORS: Final[Mapping[str, Mapping[str, float]]] = {
    "docs": {"R@3": 0.68, "MRR@3": 0.85},
    "snippets": {"R@5": 0.84, "R@10": 0.88},
}


def silent(doing: str, *, done: int = 0, total: int = 0) -> None:
    """Show no progress."""


@pytest.mark.skipif(not EVALS.is_dir(), reason="the evaluation data does not lie beside this checkout")
@pytest.mark.timeout(300)
async def test_known_questions_are_answered_at_least_as_well_as_before(tmp_path: Path) -> None:
    """With the default settings no measure of a whole set lies below its floor."""
    wanted = Wanted(
        [EVALS / f"{name}_queries.jsonl" for name in FLOORS], corpora=[EVALS / corpus for corpus in CORPORA.values()]
    )
    loaded = load(environ={}, cwd=tmp_path, data_dir=tmp_path)

    run = await measure(wanted, loaded, folder=tmp_path, label="now", on_step=silent)

    means = {group.set: {name: one.mean for name, one in group.measures.items()} for group in groups(run)}
    below = {
        (name, measure): means[name][measure]
        for name, floors in FLOORS.items()
        for measure, floor in floors.items()
        if means[name][measure] < floor
    }
    assert {} == below
