"""Questions with known answers, as files hold them: one JSON object a line.

{"query": ..., "project": ..., "relevant": [...], "category": ..., "answer": ...}; the last two may be missing. What is
relevant is a path, "path#L3-L9", {"path", "start_line", "end_line"}, the id of a row of a corpus, or [doc, index].
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines.types import KnowledgeError

_LINES: Final = re.compile(r"(?P<path>.+)#L(?P<first>\d+)(?:-L?(?P<last>\d+))?")
_SHOWN_CHARS: Final = 80


class BadEvaluation(KnowledgeError):
    """A file of questions or a corpus cannot be used; the text says where, what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that answers a question: the key of a row or the path of a file; all of its lines when both are 0."""

    key: str
    first_line: int = 0
    last_line: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the project it is asked in, and all that answers it. `line` is its place in its file, from 1."""

    text: str
    project: str
    targets: tuple[Target, ...]
    category: str = ""
    line: int = 0


def key_of(value: Any) -> str:
    """Write the id of a row of a corpus as text: 7 becomes "7", ["doc_1", 2] becomes "doc_1[2]".

    Raises ValueError for anything else.
    """
    if isinstance(value, list) and len(value) == 2:
        return f"{value[0]}[{value[1]}]"
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise ValueError(f"an id is a text, a number or [document, number], got {_short(value)}")
    return str(value)


def target_of(value: Any) -> Target:
    """Read one entry of "relevant". Raises ValueError."""
    if isinstance(value, dict):
        if not {"path", "start_line", "end_line"} <= value.keys():
            raise ValueError(f'lines of a file are {{"path", "start_line", "end_line"}}, got {_short(value)}')
        return _lines(str(value["path"]), value["start_line"], value["end_line"])
    named = _LINES.fullmatch(value) if isinstance(value, str) else None
    if named:
        return _lines(named["path"], int(named["first"]), int(named["last"] or named["first"]))
    return Target(key_of(value))


def read_questions(path: Path) -> list[Asked]:
    """Read a file of questions. Raises BadEvaluation with the line that is wrong."""
    asked = []
    for number, row in read_rows(path):
        try:
            asked.append(_asked(row, number))
        except ValueError as error:
            raise BadEvaluation(f"{path}, line {number}: {error}") from error
    if not asked:
        raise BadEvaluation(f"{path}: expected at least one question, got an empty file")
    return asked


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read one JSON object a line, each with its line number; blank lines are passed over. Raises BadEvaluation."""
    try:
        lines = path.read_text("utf-8").split("\n")
    except OSError as error:
        raise BadEvaluation(f"{path}: expected a file that can be read, got {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadEvaluation(f"{path}: expected UTF-8, got byte {error.object[error.start]:#04x}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _row(path, number, line)


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BadEvaluation(f"{path}, line {number}: expected one JSON object, got {_short(line)} ({error})") from error
    if not isinstance(row, dict):
        raise BadEvaluation(f"{path}, line {number}: expected a JSON object, got {_short(line)}")
    return row


def _asked(row: dict[str, Any], number: int) -> Asked:
    query, relevant = row.get("query"), row.get("relevant")
    if not isinstance(query, str) or not query.strip():
        raise ValueError(f'expected "query" with a question, got {_short(query)}')
    if not isinstance(relevant, list) or not relevant:
        raise ValueError(f'expected "relevant" with a list of what answers it, got {_short(relevant)}')
    project = row.get("project")
    if not isinstance(project, str) or not project:
        raise ValueError(f'expected "project" with a name, got {_short(project)}')
    targets = tuple(dict.fromkeys(target_of(one) for one in relevant))
    return Asked(query, project, targets, str(row.get("category") or ""), number)


def _lines(path: str, first: Any, last: Any) -> Target:
    if not (isinstance(first, int) and isinstance(last, int) and 1 <= first <= last):
        raise ValueError(f"lines count from 1 and end where they begin or later, got {first!r} to {last!r} of {path!r}")
    return Target(path, first, last)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return repr(text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "...")
