"""Cut code into what can be quoted by itself: windows that open where something begins and end where it ends."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.components.blocks import Block, lines_of

WINDOW_LINES: Final = 10
_LEAST: Final = 4  # a window is not shortened to fewer lines
_IMPORT: Final = re.compile(
    r"\s*(?:from\s+[\w.]+\s+import\b|import\b|#\s*include\b|using\s+[\w.:]+;|use\s+[\w:{]+|package\s+\w)"
)
_REQUIRE: Final = re.compile(r"\s*(?:const|let|var)\s[^=]{1,120}=\s*require\(")
_DEFINITION: Final = re.compile(
    r"\s*(?:(?:export|public|private|protected|static|pub|final|abstract|default|async|override|inline)\s+){0,4}"
    r"(?:def|class|func|fn|function|struct|type|impl|interface|enum|trait|module|namespace)\b"
)
_LEAD_IN: Final = ("@", "#", "//", "/*", "*", "--", ";")
_SECTION: Final = re.compile(r"\s*(?:\[[\w.\"' -]+\]|[\w.-]+\s*[=:])")
_CONFIG: Final = frozenset({"toml", "yaml", "ini", "json"})


@dataclass(frozen=True, slots=True)
class Window:
    """A run of code lines. `opens`: definition, part (after a blank line or a comment) or middle."""

    block: Block
    opens: str
    name_line: str  # the line of the definition, below decorators and comments


def import_lines(lines: Sequence[str]) -> frozenset[int]:
    """Give the indexes of lines that only bring in names from elsewhere, those inside brackets included."""
    found: set[int] = set()
    closing = ""
    for at, line in enumerate(lines):
        if closing:
            found.add(at)
            closing = "" if closing in line else closing
        elif _IMPORT.match(line) or _REQUIRE.match(line):
            found.add(at)
            opened = line.split("#", 1)[0].rstrip()[-1:]
            closing = {"(": ")", "{": "}"}.get(opened, "")
    return frozenset(found)


def without_imports(text: str) -> str:
    """Leave out the lines that only bring in names from elsewhere."""
    lines = text.split("\n")
    dropped = import_lines(lines)
    return "\n".join(line for at, line in enumerate(lines) if at not in dropped) if dropped else text


def code_windows(text: str, *, first_line: int, language: str) -> Iterator[Window]:
    """Give a window for each line that something may begin at; import lines begin none."""
    lines = lines_of(text)
    skipped = import_lines(lines) | _inside_docstrings(lines, language)
    for at, line in enumerate(lines):
        if not line.strip() or at in skipped or line.strip() in {")", "}", "]", "):", "})", "});"}:
            continue
        named = _name_line(lines, at)
        opens = _opening(lines, at, named, language)
        end = _end(lines, at, named, opens)
        yield Window(Block("code", first_line + at, tuple(lines[at:end]), language), opens, lines[named])


def _inside_docstrings(lines: Sequence[str], language: str) -> frozenset[int]:
    if language != "python":
        return frozenset()
    inside: set[int] = set()
    quotes = ""
    for at, line in enumerate(lines):
        if quotes:
            inside.add(at)
            quotes = "" if quotes in line else quotes
            continue
        mark = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
        quotes = mark or ""
    return frozenset(inside) if not quotes else frozenset()


def _name_line(lines: Sequence[str], at: int) -> int:
    """Find the line below decorators and comments that a window at `at` is about."""
    named = at
    while named + 1 < len(lines) and lines[named].lstrip().startswith(_LEAD_IN) and named - at < WINDOW_LINES // 2:
        named += 1
    return named if lines[named].strip() else at


def _opening(lines: Sequence[str], at: int, named: int, language: str) -> str:
    above = lines[at - 1] if at else ""
    follows_lead_in = above.lstrip().startswith(_LEAD_IN)
    if _DEFINITION.match(lines[named]) and not follows_lead_in:
        return "definition"
    if language in _CONFIG and _SECTION.match(lines[named]) and not follows_lead_in:
        return "definition"
    return "part" if not above.strip() or (named > at and not follows_lead_in) else "middle"


def _end(lines: Sequence[str], at: int, named: int, opens: str) -> int:
    """End a window with its definition or part, or else where it is full, at a blank line when there is one."""
    margin = len(lines[named]) - len(lines[named].lstrip())
    full = min(at + WINDOW_LINES, len(lines))
    for end in range(named + 1, full):
        if _is_over(lines, end, margin, opens):
            return _trimmed(lines, at, end)
    if full < len(lines):
        blank = max((end for end in range(at + _LEAST, full) if not lines[end].strip()), default=full)
        return _trimmed(lines, at, blank)
    return _trimmed(lines, at, full)


def _is_over(lines: Sequence[str], end: int, margin: int, opens: str) -> bool:
    line = lines[end]
    if not line.strip():
        return opens != "definition" and end + 1 < len(lines)
    indent = len(line) - len(line.lstrip())
    was_blank = not lines[end - 1].strip()
    return indent < margin or (was_blank and indent <= margin) or (indent <= margin and bool(_DEFINITION.match(line)))


def _trimmed(lines: Sequence[str], at: int, end: int) -> int:
    while end > at + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("@")):
        end -= 1
    return end
