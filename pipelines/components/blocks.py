"""Cut a document into what can be quoted by itself: headings, paragraphs, list items, tables, code.

Markdown and reStructuredText are read by their own rules; other texts are read like Markdown.
"""

import re
from collections.abc import Callable, Sequence
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

_RST: Final = (".rst", ".rest", ".txt")
_FENCE: Final = re.compile(r"\s{0,3}(```+|~~~+)\s*\{?\.?([\w+#.-]*)")
_HASHES: Final = re.compile(r"\s{0,3}#{1,6}\s+\S")
_UNDERLINE: Final = re.compile(r"(?:=+|-+)[ \t]*$")
_ADORNMENT: Final = re.compile(r"([!-/:-@\[-`{-~])\1{2,}[ \t]*$")
_ITEM: Final = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)]|#\.)\s+\S")
_RULE: Final = re.compile(r"\s*([-*_=~])(?:[ \t]*\1){2,}[ \t]*$")
_MARKUP_ONLY: Final = re.compile(r"\s{0,3}(?:</?[a-zA-Z][\w-]*[\s>/]|<!--|\[?!\[|\[[^\]]+\]:\s*\S+\s*$)")
_GRID: Final = re.compile(r"\s*(?:=+(?:\s+=+)+|\+[-=+]+\+)\s*$")
_DIRECTIVE: Final = re.compile(r"\s*\.\.\s+([\w:+-]+)::[ \t]*(.*)$")
_EXPLICIT: Final = re.compile(r"\s*\.\.(?:\s|$)")
_CODE_DIRECTIVES: Final = frozenset("code-block code sourcecode prompt literalinclude parsed-literal doctest".split())
_SAYING: Final = frozenset(
    "note warning tip hint important attention caution danger admonition deprecated topic option".split()
)
_DRAWING: Final = frozenset("toctree contents image figure raw index highlight only include automodule tabs".split())
_FIELD: Final = re.compile(r"\s*:[\w -]{1,40}:(?!`)")


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive lines of a file, counted from 1, both ends included. kind: prose, heading, code, table or noise."""

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


def is_restructured(path: str) -> bool:
    """Say whether a document is read as reStructuredText."""
    return path.casefold().endswith(_RST)


def lines_of(text: str) -> list[str]:
    """Split at line ends as editors count them; a final line end makes no further line."""
    lines = re.split(r"\r\n|\n|\r", text)
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def prose_blocks(text: str, *, first_line: int, path: str = "") -> list[Block]:
    """Cut a document into blocks. Blank lines belong to none; an unclosed fence runs to the end."""
    readers = _RST_READERS if is_restructured(path) else _MARKDOWN_READERS
    lines = lines_of(text)
    blocks: list[Block] = []
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        span = next(span for read in readers if (span := read(lines, at, blocks)))
        end = max(span.end, at + 1)
        while end > at + 1 and not lines[end - 1].strip():
            end -= 1
        blocks.append(Block(span.kind, first_line + at, tuple(lines[at:end]), span.language))
        at = end
    return blocks


@dataclass(frozen=True, slots=True)
class _Span:
    """A block that ends before line `end`."""

    kind: str
    end: int
    language: str = ""


_Reader = Callable[[Sequence[str], int, Sequence[Block]], _Span | None]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _indented_end(lines: Sequence[str], at: int, *, least: int) -> int:
    """Find the end of the run of lines that are blank or indented by at least `least`."""
    while at < len(lines) and (not lines[at].strip() or _indent(lines[at]) >= least):
        at += 1
    return at


def _fence(lines: Sequence[str], at: int, _before: Sequence[Block]) -> _Span | None:
    opened = _FENCE.match(lines[at])
    if not opened:
        return None
    fence = opened.group(1)
    for end in range(at + 1, len(lines)):
        bare = lines[end].strip()
        if bare.startswith(fence) and not bare.strip(fence[0]):
            return _Span("code", end + 1, opened.group(2))
    return _Span("code", len(lines), opened.group(2))


def _indented_code(lines: Sequence[str], at: int, before: Sequence[Block]) -> _Span | None:
    """Markdown's code without a fence: four spaces after a blank line, not below a list item."""
    if not lines[at].startswith(("    ", "\t")) or (at and lines[at - 1].strip()) or (before and before[-1].is_item):
        return None
    return _Span("code", _indented_end(lines, at, least=1 if lines[at][0] == "\t" else 4))


def _hashes(lines: Sequence[str], at: int, _before: Sequence[Block]) -> _Span | None:
    return _Span("heading", at + 1) if _HASHES.match(lines[at]) else None


def _underlined(lines: Sequence[str], at: int, _before: Sequence[Block]) -> _Span | None:
    if at + 1 >= len(lines) or not _UNDERLINE.match(lines[at + 1]) or _ITEM.match(lines[at]):
        return None
    return None if _RULE.match(lines[at]) or lines[at].lstrip().startswith(("|", ">")) else _Span("heading", at + 2)


def _rule(lines: Sequence[str], at: int, _before: Sequence[Block]) -> _Span | None:
    return _Span("noise", at + 1) if _RULE.match(lines[at]) else None


def _markup(lines: Sequence[str], at: int, _before: Sequence[Block]) -> _Span | None:
    """Images, badges, link targets and HTML say nothing in a quote."""
    if not _MARKUP_ONLY.match(lines[at]):
        return None
    end = at + 1
    while end < len(lines) and lines[end].strip():
        end += 1
    return _Span("noise", end)


def _table(lines: Sequence[str], at: int, _before: Sequence[Block]) -> _Span | None:
    end = at
    while end < len(lines) and lines[end].lstrip().startswith("|"):
        end += 1
    return _Span("table", end) if end - at >= 2 else None


def _paragraph(lines: Sequence[str], at: int, _before: Sequence[Block]) -> _Span:
    end = at + 1
    while end < len(lines) and lines[end].strip() and not _starts_anew(lines, end):
        end += 1
    return _Span("prose", end)


def _starts_anew(lines: Sequence[str], at: int) -> bool:
    line = lines[at]
    return bool(_HASHES.match(line) or _ITEM.match(line) or _FENCE.match(line))


def _titled(lines: Sequence[str], at: int, _before: Sequence[Block]) -> _Span | None:
    """A title with a line of punctuation below, perhaps also above, at least as long."""
    over = 1 if _ADORNMENT.match(lines[at]) and at + 2 < len(lines) and lines[at + 1].strip() else 0
    below = at + over + 1
    if below >= len(lines) or not _ADORNMENT.match(lines[below]) or _ADORNMENT.match(lines[at + over]):
        return None
    return _Span("heading", below + 1) if len(lines[below].rstrip()) >= len(lines[at + over].strip()) else None


def _directive(lines: Sequence[str], at: int, _before: Sequence[Block]) -> _Span | None:
    """What begins with two dots: code with its body, remarks by their first line, all else is markup."""
    if not _EXPLICIT.match(lines[at]):
        return None
    named = _DIRECTIVE.match(lines[at])
    body = _indented_end(lines, at + 1, least=_indent(lines[at]) + 1)
    if named and named.group(1).rpartition(":")[2] in _CODE_DIRECTIVES:
        return _Span("code", body, named.group(2).strip())
    if named and named.group(1) in _DRAWING:
        return _Span("noise", body)
    return _Span("prose" if named and named.group(1) in _SAYING and named.group(2) else "noise", at + 1)


def _field(lines: Sequence[str], at: int, _before: Sequence[Block]) -> _Span | None:
    return _Span("noise", at + 1) if _FIELD.match(lines[at]) else None


def _literal(lines: Sequence[str], at: int, before: Sequence[Block]) -> _Span | None:
    """The indented lines after a paragraph that ends in two colons, and tables drawn with signs."""
    if _GRID.match(lines[at]):
        return _Span("code", _until_blank(lines, at))
    if not before and lines[at].startswith("    "):
        return _Span("code", _indented_end(lines, at, least=4))  # the passage begins in the middle of it
    said = before[-1] if before else None
    if not said or said.kind != "prose" or not said.text.rstrip().endswith("::"):
        return None
    margin = _indent(said.lines[0])
    return _Span("code", _indented_end(lines, at, least=margin + 1)) if _indent(lines[at]) > margin else None


def _until_blank(lines: Sequence[str], at: int) -> int:
    while at < len(lines) and lines[at].strip():
        at += 1
    return at


def _rst_paragraph(lines: Sequence[str], at: int, _before: Sequence[Block]) -> _Span:
    end = at + 1
    while end < len(lines) and lines[end].strip() and not _ITEM.match(lines[end]) and not _EXPLICIT.match(lines[end]):
        end += 1
    return _Span("prose", end)


_MARKDOWN_READERS: Final[Sequence[_Reader]] = (
    _fence, _indented_code, _hashes, _underlined, _rule, _table, _markup, _paragraph,
)  # fmt: skip
_RST_READERS: Final[Sequence[_Reader]] = (_titled, _directive, _literal, _field, _rule, _rst_paragraph)
