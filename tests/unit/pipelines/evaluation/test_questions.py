"""Files of questions: what they may say is relevant, and what is told about a wrong line."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.evaluation.questions import BadEvaluation, Target, read_questions, target_of


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("src/app.py", Target("src/app.py")),
        ("src/app.py#L3-L9", Target("src/app.py", 3, 9)),
        ("src/app.py#L3-9", Target("src/app.py", 3, 9)),
        ("src/app.py#L3", Target("src/app.py", 3, 3)),
        ("https://host/page#Limits", Target("https://host/page#Limits")),
        ({"path": "a.py", "start_line": 746, "end_line": 749}, Target("a.py", 746, 749)),
        (2445, Target("2445")),
        (["doc_1", 2], Target("doc_1[2]")),
    ],
)
def test_what_is_relevant_is_a_file_lines_of_it_or_a_row(value: Any, target: Target) -> None:
    """Every form that the evaluation sets use is read."""
    assert target == target_of(value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "expected one JSON object"),
        ("[1]", "expected a JSON object"),
        ('{"project": "p", "relevant": ["a"]}', 'expected "query" with a question'),
        ('{"query": "q", "project": "p", "relevant": []}', 'expected "relevant" with a list'),
        ('{"query": "q", "relevant": ["a"]}', 'expected "project" with a name'),
        ('{"query": "q", "project": "p", "relevant": [null]}', "an id is a text, a number or [document, number]"),
        ('{"query": "q", "project": "p", "relevant": [true]}', "an id is a text, a number or [document, number]"),
        ('{"query": "q", "project": "p", "relevant": [{"path": "a"}]}', "lines of a file are"),
        ('{"query": "q", "project": "p", "relevant": ["a#L9-L3"]}', "lines count from 1"),
        (
            '{"query": "q", "project": "p", "relevant": [{"path": "a", "start_line": "1", "end_line": 2}]}',
            "lines count from 1",
        ),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    """The message says file, line number, what was expected and what came."""
    path = tmp_path / "questions.jsonl"
    path.write_text('{"query": "q", "project": "p", "relevant": ["a"]}\n\n' + line + "\n", "utf-8")

    with pytest.raises(BadEvaluation) as error:
        read_questions(path)

    assert f"{path}, line 3: " in str(error.value)
    assert message in str(error.value)


@pytest.mark.parametrize(("content", "message"), [(None, "can be read"), (b"\n", "empty file"), (b"\xff", "UTF-8")])
def test_a_file_without_questions_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    """A missing file, an empty one and one in another encoding each say so."""
    path = tmp_path / "questions.jsonl"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BadEvaluation, match=message):
        read_questions(path)


def test_a_question_keeps_its_line_and_category(tmp_path: Path) -> None:
    """Questions are told apart by their line, since the same words may stand twice; a target counts once."""
    path = tmp_path / "questions.jsonl"
    row = {"query": "q", "project": "p", "relevant": ["a", "a"], "category": "symbol", "answer": "yes"}
    path.write_text("\n" + json.dumps(row), "utf-8")

    (asked,) = read_questions(path)

    assert (2, "symbol", (Target("a"),)) == (asked.line, asked.category, asked.targets)
