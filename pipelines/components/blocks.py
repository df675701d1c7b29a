"""Cut a passage into what can be quoted by itself: paragraphs, list items, headings, fenced code, runs of code lines."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

LANGUAGES: Final = {
    "py": "python", "pyi": "python", "js": "javascript", "mjs": "javascript", "jsx": "jsx", "ts": "typescript",
    "tsx": "tsx", "go": "go", "rs": "rust", "java": "java", "kt": "kotlin", "c": "c", "h": "c", "cc": "cpp",
    "cpp": "cpp", "hpp": "cpp", "cs": "csharp", "rb": "ruby", "php": "php", "swift": "swift", "scala": "scala",
    "sh": "bash", "bash": "bash", "ps1": "powershell", "sql": "sql", "html": "html", "css": "css", "xml": "xml",
    "json": "json", "toml": "toml", "yaml": "yaml", "yml": "yaml", "ini": "ini", "cfg": "ini", "lua": "lua",
    "dart": "dart", "jinja": "jinja", "proto": "protobuf", "dockerfile": "dockerfile", "makefile": "makefile",
}  # fmt: skip
"""The fence language by file ending."""

_FENCE: Final = re.compile(r"\s{0,3}(```+|~~~+)\s*([\w+#.-]*)")
_HEADING: Final = re.compile(r"\s{0,3}#{1,6}\s+\S|^[=~^\"'*+#-]{3,}\s*$")
_ITEM: Final = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+\S")
_RULE: Final = re.compile(r"\s*(?:[-*_=~]\s*){3,}$")


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive lines of a file, counted from 1, both ends included. kind: prose, heading, code or rule."""

    kind: str
    first_line: int
    lines: tuple[str, ...]
    language: str = ""

    @property
    def last_line(self) -> int:
        """The number of the last line."""
        return self.first_line + len(self.lines) - 1

    @property
    def is_item(self) -> bool:
        """Say whether the block is an item of a list."""
        return self.kind == "prose" and bool(_ITEM.match(self.lines[0]))

    @property
    def text(self) -> str:
        """The lines as they were read."""
        return "\n".join(self.lines)


def language_of(path: str) -> str:
    """Name the fence language of a file by its ending; empty when unknown."""
    name = path.rsplit("/", 1)[-1].casefold()
    return LANGUAGES.get(name.rpartition(".")[2], "")


def lines_of(text: str) -> list[str]:
    """Split at line ends as editors count them; a final line end makes no further line."""
    lines = re.split(r"\r\n|\n|\r", text)
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def prose_blocks(text: str, *, first_line: int) -> list[Block]:
    """Cut Markdown or plain text into blocks. Blank lines belong to none; an unclosed fence runs to the end."""
    blocks: list[Block] = []
    run: list[str] = []
    number = first_line
    lines = lines_of(text)
    at = 0
    while at < len(lines):
        if fence := _FENCE.match(lines[at]):
            blocks += _closed_run(run, number=first_line + at)
            run = []
            end = _fence_end(lines, at, fence.group(1))
            blocks.append(Block("code", first_line + at, tuple(lines[at : end + 1]), fence.group(2)))
            at = end + 1
            continue
        number = first_line + at
        if _starts_anew(lines[at]):
            blocks += _closed_run(run, number=number)
            run = []
        if lines[at].strip():
            run.append(lines[at])
        if _HEADING.match(lines[at]):
            blocks += _closed_run(run, number=number + 1)
            run = []
        at += 1
    return blocks + _closed_run(run, number=first_line + len(lines))


def _starts_anew(line: str) -> bool:
    return not line.strip() or bool(_HEADING.match(line) or _ITEM.match(line))


def _closed_run(run: Sequence[str], *, number: int) -> list[Block]:
    """Make a block of the lines gathered so far; they end before line `number`."""
    if not run:
        return []
    kind = "rule" if all(_RULE.match(line) for line in run) else "heading" if _HEADING.match(run[0]) else "prose"
    return [Block(kind, number - len(run), tuple(run))]


def _fence_end(lines: Sequence[str], opened: int, fence: str) -> int:
    for at in range(opened + 1, len(lines)):
        bare = lines[at].strip()
        if bare.startswith(fence) and not bare.strip(fence[0]):
            return at
    return len(lines) - 1


def code_windows(text: str, *, first_line: int, language: str, size: int = 10) -> Iterator[Block]:
    """Give every run of up to `size` lines that begins at a line with text, blank ends cut off."""
    lines = lines_of(text)
    for at in range(len(lines)):
        if not lines[at].strip():
            continue
        end = min(at + size, len(lines))
        while not lines[end - 1].strip():
            end -= 1
        yield Block("code", first_line + at, tuple(lines[at:end]), language)
