"""Runs as tables, as JSON that can be read back, and as a picture."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.evaluation.measures import MEASURES
from pipelines.evaluation.plot import draw
from pipelines.evaluation.questions import BadEvaluation
from pipelines.evaluation.report import Run, as_json, as_markdown, compared, groups, read_run, trend_rows
from pipelines.evaluation.trial import Scored


def scored(line: int, value: float, *, category: str = "") -> Scored:
    """A question with the same value in every measure."""
    return Scored("docs", "p", f"question {line}", line, category, dict.fromkeys(MEASURES, value), 5.0)


BEFORE = Run("now", "lines-1+bundled", [scored(1, 0.25, category="a|b"), scored(2, 0.75, category="c"), scored(3, 1.0)])
AFTER = Run("embedder.kind=none", "lines-1+none", [scored(2, 1.0, category="c"), scored(1, 0.5, category="a|b")])


def test_a_set_is_summed_up_whole_and_by_category() -> None:
    """The whole set comes first, with all of its questions, those without a category too."""
    found = groups(BEFORE)

    assert [("", 3), ("a|b", 1), ("c", 1)] == [(one.category, one.questions) for one in found]
    assert found[0].measures["MRR"].mean == pytest.approx(2 / 3)


def test_questions_are_compared_in_pairs_whatever_their_order() -> None:
    """Only what both runs asked counts, each with its own earlier value."""
    whole = compared(BEFORE, AFTER, ["MRR"])[0]

    assert (2, 0.25) == (whole.pairs, whole.found.mean)


def test_a_question_is_compared_wherever_it_stands_in_its_file() -> None:
    """A line put in above it changes nothing; one that is asked twice is compared with its like."""
    before = [scored(1, 0.25), replace(scored(1, 0.5), line=7)]
    after = [scored(9, 1.0), *(replace(one, line=one.line + 1) for one in before)]

    (whole,) = compared(Run("a", "", before), Run("b", "", after), ["MRR"])

    assert (2, 0.0) == (whole.pairs, whole.found.mean)


def test_runs_without_a_common_question_cannot_be_compared() -> None:
    """It is said, rather than an empty table printed."""
    with pytest.raises(BadEvaluation, match="expected questions that both"):
        compared(BEFORE, Run("other", "", [scored(9, 1.0)]), ["MRR"])


def test_json_is_read_back_as_the_run_it_was(tmp_path: Path) -> None:
    """An earlier run can be the baseline of a later one."""
    path = tmp_path / "before.json"
    path.write_text(json.dumps(as_json([BEFORE], [], about={"commit": "1a2b3c4d5"})), "utf-8")

    read = read_run(path)

    assert BEFORE.scored == read.scored
    assert [0.0] == [one.found.mean for one in compared(BEFORE, read, ["MRR"])][:1]
    assert read.label == "before (1a2b3c4d5)"


QUESTION = {"set": "s", "project": "p", "query": "q", "line": 1, "category": "", "took_ms": 1.0}


@pytest.mark.parametrize(
    "content",
    [
        *(None, "", "[]", "7", '{"runs": []}', '{"runs": [{"questions": [{"x": 1}]}]}', '{"runs": ["run"]}'),
        json.dumps({"runs": [{"questions": [QUESTION | {"values": {}}]}]}),
        json.dumps({"runs": [{"questions": [QUESTION | {"values": dict.fromkeys(MEASURES)}]}]}),
    ],
)
def test_a_baseline_that_is_none_is_refused(tmp_path: Path, content: str | None) -> None:
    """A missing file and one of another form say what is expected."""
    path = tmp_path / "before.json"
    if content is not None:
        path.write_text(content, "utf-8")

    with pytest.raises(BadEvaluation, match="expected"):
        read_run(path)


def test_a_table_has_as_many_cells_in_every_row() -> None:
    """Names with the sign of a column are escaped."""
    page = as_markdown([BEFORE, AFTER], compared(BEFORE, AFTER, ["MRR"]), ["MRR", "R@5"])

    for table in page.split("\n\n"):
        assert 1 == len({line.replace("\\|", "").count("|") for line in table.strip().splitlines()})
    assert "+.250 (+.250 to +.250)" in page


def test_a_trend_rows_names_date_commit_and_settings() -> None:
    """One row a set; a run with another setting says which."""
    row = trend_rows(AFTER, ["MRR"], date="2026-11-23", commit="1a2b3c4d5")

    assert row.startswith("| 2026-11-23 | 1a2b3c4d5 | lines-1+none, embedder.kind=none | docs (2) | MRR .750 (")
    assert row.endswith(" |\n")


def test_a_picture_shows_every_group_within_its_frame() -> None:
    """The SVG is well-formed, has a dot for each group and measure, no dot leaves its panel, no label the picture."""
    held = [*groups(BEFORE), *groups(AFTER)]
    drawn = ET.fromstring(draw(held, ["MRR", "R@5"]))
    dots = [float(one.get("cx", "nan")) for one in drawn.iter("{http://www.w3.org/2000/svg}circle")]

    assert 2 * len(held) == len(dots)
    texts = {one.text: one for one in drawn.iter("{http://www.w3.org/2000/svg}text")}
    label = texts["docs: a|b, embedder.kind=none (1)"]
    edge = float(label.get("x", "nan"))
    assert edge >= 7 * len(label.text or "")
    assert all(edge < x <= float(drawn.get("width", "0")) for x in dots)
