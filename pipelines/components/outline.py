"""Headings of Markdown, reStructuredText, AsciiDoc and Org texts, by line, never inside a code block."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from pipelines.components.definitions import ending_of
from pipelines.components.splitting.notebook import cells_of, titles_of

_MAX_TITLE_CHARS: Final = 200
# Regexes read no more of a heading than this, so that a hostile line costs next to nothing.
_MAX_MARKUP_CHARS: Final = 1000

_HASHES: Final = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_CLOSING_HASHES: Final = re.compile(r"(?:^|[ \t])#+$")
_UNDERLINE: Final = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
# A line that could be a heading, an underline or a fence, with the line end before it.
_MARKED: Final = re.compile(r"\n {0,3}(?:#{1,6}(?![^ \t\n])|`{3}|~{3}|(?:=++|-++)[ \t]*+(?!.))")
_PAGE_TITLE: Final = re.compile(r"title[ \t]*[:=][ \t]*(\S.*?)[ \t]*$")
_BLOCK_START: Final = re.compile(r"\s*(?:[-*+>|]|\d+[.)]|#|$)")
_ADORNMENT: Final = re.compile(r"([!-/:-@\[-`{-~])\1{2,}[ \t]*$")
_ASCIIDOC: Final = re.compile(r"(={1,6})[ \t]+(\S.*)$")
_ASCIIDOC_BLOCK: Final = re.compile(r"(-{4,}|\.{4,}|={4,}|\+{4,}|/{4,})$")
_ORG: Final = re.compile(r"(\*{1,6})[ \t]+(\S.*)$")
_ORG_BLOCK: Final = re.compile(r"\s*#\+(begin|end)_", re.IGNORECASE)
# Code keeps every sign; underscores and stars inside a word are no emphasis, so that snake_case stays a name.
_HAS_MARKUP: Final = re.compile(r"[<\[*_`]")
_MARKUP: Final = re.compile(
    r"<[^>\n]{1,200}>|\[([^\]\n]*)\]\([^)\n]*\)|(`{1,3})(?P<code>.+?)\2|(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)"
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that begins in the line with this index; level 1 is the top, 0 the title of the whole page."""

    index: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Outline:
    """The headings of a text in order, and the indexes of lines inside code blocks."""

    headings: Sequence[Heading] = ()
    fenced: frozenset[int] = frozenset()


def outline_of(path: str, lines: Sequence[str]) -> Outline:
    """Read the headings of a document; texts of other kinds have none."""
    read = _READERS.get(ending_of(path))
    return read(lines) if read else Outline()


class Paths:
    """Looks up the heading path in force at a line, top heading first."""

    def __init__(self, headings: Sequence[Heading]) -> None:
        """Take headings in the order of their lines."""
        self._begins = [heading.index for heading in headings]
        self._paths: list[tuple[str, ...]] = [()]
        stack: list[Heading] = []
        for heading in headings:
            while stack and stack[-1].level >= heading.level:
                stack.pop()
            stack.append(heading)
            self._paths.append(tuple(above.title for above in stack))

    def at(self, index: int) -> tuple[str, ...]:
        """Give the path at the line with this index."""
        return self._paths[bisect_right(self._begins, index)]


def _title(text: str) -> str:
    plain = text[:_MAX_MARKUP_CHARS]
    if _HAS_MARKUP.search(plain):
        plain = _MARKUP.sub(lambda match: match[1] or match["code"] or "", plain)
    return " ".join(plain.split())[:_MAX_TITLE_CHARS]


def _markdown(lines: Sequence[str]) -> Outline:
    headings: list[Heading] = []
    top = _front_matter(lines)
    blocks = [range(top)]
    fence, opened = "", 0
    for index in _marked(lines, top):
        line = lines[index]
        mark = _FENCE.match(line) if "``" in line or "~~" in line else None
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                blocks.append(range(opened, index + 1))
                fence = ""
        elif mark and not (mark[1][0] == "`" and "`" in line[mark.end() :]):
            fence, opened = mark[1], index
        else:
            headings += _markdown_heading(lines, index, is_after_block=index == blocks[-1].stop)
    if fence:
        blocks.append(range(opened, len(lines)))
    if all(heading.level > 1 for heading in headings):
        headings = [*_page_title(lines[:top]), *headings]
    return Outline(_without_doubles(headings), frozenset(chain.from_iterable(blocks)))


def _marked(lines: Sequence[str], start: int) -> Iterator[int]:
    """Give the indexes of lines from `start` that could be headings or fences; one search through all is far faster."""
    text = "\n".join(["", *lines])
    index = -1
    counted = 0
    for match in _MARKED.finditer(text):
        index += text.count("\n", counted, match.start() + 1)
        counted = match.start() + 1
        if index >= start:
            yield index


def _page_title(front_matter: Sequence[str]) -> list[Heading]:
    """Read the title in a block at the top, of level 0, which stands above all headings."""
    found = ((index, _PAGE_TITLE.match(line[:_MAX_MARKUP_CHARS])) for index, line in enumerate(front_matter))
    return [Heading(index, 0, title) for index, match in found if match and (title := _title(match[1].strip("\"'")))][
        :1
    ]


def _front_matter(lines: Sequence[str]) -> int:
    """Count the lines of a YAML or TOML block at the top, its fences included; 0 when there is none."""
    if not lines or lines[0].rstrip() not in {"---", "+++"}:
        return 0
    ends = (index for index, line in enumerate(lines[1:200], start=1) if line.rstrip() == lines[0].rstrip())
    return next(ends, -1) + 1


def _markdown_heading(lines: Sequence[str], index: int, *, is_after_block: bool) -> list[Heading]:
    line = lines[index]
    if "#" in line[:4]:
        hashes = _HASHES.match(line)
        if not hashes:
            return []
        title = line[hashes.end() : hashes.end() + _MAX_MARKUP_CHARS].strip()
        title = _CLOSING_HASHES.sub("", title) if title.endswith("#") else title
        return [Heading(index, len(hashes[1]), _title(title))]
    if line.rstrip()[-1:] not in {"=", "-"} or index == 0 or is_after_block:
        return []
    underline = _UNDERLINE.match(line)
    above = lines[index - 1]
    if not underline or _BLOCK_START.match(above) or above.startswith(("    ", "\t")):
        return []
    return [Heading(index - 1, 1 if underline[1][0] == "=" else 2, _title(above))]


def _without_doubles(headings: Sequence[Heading]) -> list[Heading]:
    """Keep the first heading of each line."""
    return list({heading.index: heading for heading in reversed(headings)}.values())[::-1]


def _restructured(lines: Sequence[str]) -> Outline:
    """Titles with a line of punctuation below, perhaps also above; levels in the order in which styles first occur."""
    headings: list[Heading] = []
    levels: dict[tuple[str, bool], int] = {}
    for index in range(1, len(lines)):
        title = lines[index - 1].rstrip()
        mark = _ADORNMENT.match(lines[index]) if title and lines[index][:1] in _TITLE_MARKS else None
        if not mark or len(lines[index].rstrip()) < len(title.strip()) or _ADORNMENT.match(title):
            continue
        above = lines[index - 2].rstrip() if index >= 2 else ""
        has_line_above = above == lines[index].rstrip()
        if not has_line_above and (title[0].isspace() or above):
            continue
        level = levels.setdefault((mark[1], has_line_above), len(levels) + 1)
        headings.append(Heading(index - 2 if has_line_above else index - 1, level, _title(title)))
    return Outline(_without_doubles(headings))


def _notebook(lines: Sequence[str]) -> Outline:
    headings = []
    for index, text in titles_of(cells_of(lines)):
        headings += [replace(found, index=index) for found in _markdown_heading([text], 0, is_after_block=False)]
    return Outline(_without_doubles(headings))


_TITLE_MARKS: Final = frozenset("=-~^\"'`#*+.:_<>")


def _by_marks(form: re.Pattern[str], block: re.Pattern[str]) -> Callable[[Sequence[str]], Outline]:
    """Make a reader for formats whose headings are lines of marks and a title, with toggled code blocks."""

    def read(lines: Sequence[str]) -> Outline:
        headings: list[Heading] = []
        fenced: set[int] = set()
        opened = ""
        for index, line in enumerate(lines):
            mark = block.match(line)
            if opened:
                fenced.add(index)
                opened = "" if mark and _closes(opened, mark[1]) else opened
            elif mark:
                fenced.add(index)
                opened = mark[1].lower()
            elif title := form.match(line):
                headings.append(Heading(index, len(title[1]), _title(title[2])))
        return Outline(headings, frozenset(fenced))

    return read


def _closes(opened: str, mark: str) -> bool:
    return mark.lower() in {"end", opened} and mark.lower() != "begin"


_READERS: Final[Mapping[str, Callable[[Sequence[str]], Outline]]] = {
    **dict.fromkeys(("md", "mdx", "markdown", "mkd", "qmd", "rmd"), _markdown),
    **dict.fromkeys(("rst", "rest", "txt"), _restructured),
    **dict.fromkeys(("adoc", "asciidoc", "asc"), _by_marks(_ASCIIDOC, _ASCIIDOC_BLOCK)),
    "ipynb": _notebook,
    "org": _by_marks(_ORG, _ORG_BLOCK),
}
