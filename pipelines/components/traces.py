"""What somebody says apart from the stack trace that they pasted with it, above or below.

A trace has hundreds of words that are rarer than those of the question. What was said is read first, then the lines that
name the error, then the frames at both ends: in some languages the innermost is the first, in others the last.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

MAX_CHARS: Final = 4_000
_READ_CHARS: Final = 40_000  # of a paste of megabytes, its beginning and its end
_LINE_CHARS: Final = 400
_LEAST_FRAMES: Final = 3
_ERRORS: Final = 3
_FRAMES: Final = 3

_FRAME: Final = re.compile(
    r"""
    \s*File\ ".+",\ line\ \d+            # Python
    | Traceback\ \(most\ recent
    | \s+at\ \S.*[:\d)\]]\s*$            # Java, JavaScript, C#
    | \s*\.\.\.\ \d+\ more
    | \s*from\ \S+:\d+:in\               # Ruby
    | \s*\d+:\ +(?:0x[\da-f]+\ -\ )?\S+::  # Rust
    | goroutine\ \d+\ \[                 # Go
    | \s+\S+\.go:\d+
    | \#\d+\s+(?:0x[\da-f]+|/\S+\(\d+\)) # C, PHP
    """,
    re.VERBOSE,
)
_ERROR: Final = re.compile(
    r"(?:Caused by: |Uncaught |thread '.*' |Exception in .*)?[\w.:$]*(?:Error|Exception|Warning|Fault|panic|panicked|fatal|Exit)\b.*\S"
)

_NAMED: Final = re.compile(r"[A-Za-z_][\w.$]*(?::\s.*)?$")


@dataclass(frozen=True, slots=True)
class Told:
    """A text taken apart: what was said, and of a trace the lines that name the error and frames of both ends."""

    said: str
    errors: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it in the order of how much it tells, at most MAX_CHARS characters."""
        return "\n".join((self.said, *self.errors, *self.frames)).strip()[:MAX_CHARS]


def told_apart(text: str) -> Told:
    """Take a question apart from a stack trace. Without a trace all is said; of a long text, both ends are."""
    if text.count("\n") < _LEAST_FRAMES:
        return Told(_ends(text.strip(), MAX_CHARS))
    lines = [line[:_LINE_CHARS].rstrip() for line in _ends(text, _READ_CHARS).splitlines()]
    places = [place for place, line in enumerate(lines) if _FRAME.match(line)]
    if len(places) < _LEAST_FRAMES:
        return Told(_ends(text.strip(), MAX_CHARS))
    traced = _block(lines, places)
    errors = [line for place, line in enumerate(lines) if _is_error(line, after=place == traced.stop)]
    said = [
        line
        for place, line in enumerate(lines)
        if line not in errors and place not in places and not (place in traced and _is_code(line))
    ]
    frames = [lines[place].strip() for place in places if re.search(r"\d", lines[place])]
    return Told(
        _ends("\n".join(said).strip(), MAX_CHARS // 2),
        errors=tuple(_first_and_last(errors, _ERRORS)),
        frames=tuple(_first_and_last(frames, _FRAMES)),
    )


def _block(lines: Sequence[str], places: Sequence[int]) -> range:
    """Say which lines the trace reaches over: the last frame's indented lines are of it, too."""
    end = places[-1] + 1
    while end < len(lines) and lines[end][:1] in {" ", "\t"}:
        end += 1
    return range(places[0], end)


def _is_error(line: str, *, after: bool) -> bool:
    """Say whether a line names an error; right `after` a trace any name before a colon does."""
    found = _ERROR.match(line) or (after and _NAMED.match(line))
    return bool(found) and not line.endswith("?")


def _is_code(line: str) -> bool:
    """Say whether a line between two frames is of the trace: code and marks stand indented below their frame."""
    return not line or line[0] in " \t" or line.startswith(("The above exception", "During handling")) or "(" in line


def _first_and_last(lines: Sequence[str], count: int) -> Iterable[str]:
    """Give so many different lines of both ends, those of the end first."""
    return dict.fromkeys((*reversed(lines[-count:]), *lines[:count]))


def _ends(text: str, limit: int) -> str:
    """Cut the middle out of a text that is longer than `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit // 2]}\n{text[1 - limit + limit // 2 :]}"
