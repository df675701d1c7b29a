"""Write the answer that needs no model: quoted passages in CommonMark, each with its number and its place."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from config.texts import LANGUAGES, catalogue, say
from pipelines.components.asked import Weights
from pipelines.components.blocks import Block, is_restructured
from pipelines.components.cite import CitedStream, defused, known_addresses
from pipelines.components.extract import Quoted, is_code, telling_sentences
from pipelines.components.support import FENCED
from pipelines.components.windows import import_lines
from pipelines.types import Citation, SourceView

_FENCE_LINE: Final = re.compile(r"\s*(?:```+|~~~+)")
_DIRECTIVE_LINE: Final = re.compile(r"\s*\.\.\s+[\w:+-]+::")
_OPTION_LINE: Final = re.compile(r"\s*:[\w-]+:")
_RST_INLINE: Final = (
    (re.compile(r"``([^`\n]{1,200})``"), r"`\1`"),
    (re.compile(r":[\w+:-]{1,40}:`~?\.?([^`<\n]{1,200}?)(?: ?<[^`>\n]{1,200}>)?`"), r"`\1`"),
    (re.compile(r"`([^`<\n]{1,200}?) ?<[^`>\n]{1,300}>`_{1,2}"), r"\1"),
    (re.compile(r"`([^`\n]{1,200})`_{1,2}"), r"\1"),
    (re.compile(r"::$", re.MULTILINE), ":"),
)
_MAX_HEADING_CHARS: Final = 80
# Signs that Markdown would read; an underscore between letters is part of a name.
_HEADING_SIGNS: Final = re.compile(r"[*`#\[\]<>\\|!]|(?<![^\W_])_+|_+(?![^\W_])")
# What stands around quotes and claims nothing: the line with their place, and headings, ours and theirs.
_LABEL: Final = re.compile(
    r"^(?:(?:- )?\*\*`[^`\n]+`\*\*(?:, [^\n]*)? \[\d+\]|#{1,6}[ \t][^\n]*|> \*\*[^*\n]+\*\*)$", re.MULTILINE
)
# How a heading of a thread ends that has a place of its own on the web.
_ANCHOR: Final = re.compile(r"\s#([a-z]+-\d+)$")
_QUOTE_SIGN: Final = re.compile(r"^> ?", re.MULTILINE)


def citation(number: int, quoted: Quoted, *, version: str, view: SourceView | None) -> Citation:
    """Point at the quoted lines; `url` opens them at the version when the source has a link template."""
    passage = quoted.passage
    url = link(passage.path, quoted.first_line, quoted.last_line, version=version, view=view, anchor=_anchor(quoted))
    return Citation(
        number=number,
        source=passage.source,
        path=passage.path,
        first_line=quoted.first_line,
        last_line=quoted.last_line,
        version=version,
        quote=quoted.text,
        url=_whole_file(url) if url and passage.converted else url,
        converted=passage.converted,
        pages=passage.pages_of(quoted.first_line, quoted.last_line),
        section=passage.section,
    )


def _whole_file(url: str) -> str:
    """Take the lines off a link, and the wish to see the file as text: they count in a text that the forge has not.

    No page is named either: no forge opens a PDF at one.
    """
    return url.partition("#")[0].partition("?")[0]


def link(path: str, first: int, last: int, *, version: str, view: SourceView | None, anchor: str = "") -> str | None:
    """Fill a source's link template (see SourceView); None without one.

    The path is escaped for use in an address; its own signs of per cent are escapes already, as every stored path's.
    """
    if view is None or view.link is None:
        return None
    written = quote(path, safe="/~@%")
    place = {"page": written.removesuffix(".md"), "anchor": anchor and f"#{anchor}"}
    return view.link.format_map({"commit": version, "path": written, "first": first, "last": last, **place})


def _anchor(quoted: Quoted) -> str:
    """Give the place on its page that the nearest heading above the quoted lines names; empty when none does."""
    passage = quoted.passage
    above = passage.text.split("\n")[: quoted.first_line - passage.first_line + 1]
    headings = (*passage.headings[-1:], *(line for line in above if line.startswith("## ")))
    named = _ANCHOR.search(headings[-1]) if headings else None
    return named[1] if named else ""


def quotes_markdown(quotes: Sequence[Quoted], weights: Weights) -> str:
    """Show the quotes one below the other, numbered from 1: prose as a block quote, code in a fence."""
    return "\n\n".join(
        f"{_place(quoted)} [{number}]\n\n{_shown(quoted, weights)}" for number, quoted in enumerate(quotes, 1)
    )


def not_found_markdown(quotes: Sequence[Quoted], language: str) -> str:
    """Say that the sources do not hold it, and name the places that come nearest, numbered from 1."""
    sentence = say("answer.not_found", language)
    if not quotes:
        return sentence
    places = "\n".join(f"- {_place(quoted)} [{number}]" for number, quoted in enumerate(quotes, 1))
    return f"{sentence} {say('answer.nearest', language)}\n\n{places}"


def claims_of(markdown: str) -> str:
    """Give what an answer says of its matter: without our lead, places, headings and the signs of block quotes."""
    text, at, parts = _without_lead(markdown), 0, []
    for fence in FENCED.finditer(text):
        parts += [_QUOTE_SIGN.sub("", _LABEL.sub("", text[at : fence.start()])), fence.group()]
        at = fence.end()
    return "".join((*parts, _QUOTE_SIGN.sub("", _LABEL.sub("", text[at:]))))


def _without_lead(markdown: str) -> str:
    first, _, rest = markdown.partition("\n\n")
    said = first
    for sentence in (
        text for language in LANGUAGES for key, text in catalogue(language).items() if key.startswith("answer.")
    ):
        said = said.replace(sentence, "")
    return markdown if said.strip() or not first else _without_lead(rest)


def _place(quoted: Quoted) -> str:
    passage = quoted.passage
    name = _name(quoted)
    return f"**{_ticked(passage.path)}**" + (f", {name}" if name else "")


def _name(quoted: Quoted) -> str:
    """Name what the quote is of: the first symbol that stands in its lines, or the heading above it."""
    passage = quoted.passage
    if is_code(passage):
        there = set(re.findall(r"\w+", quoted.text))
        return next((_ticked(name) for name in passage.symbols if re.split(r"\W+", name)[-1] in there), "")
    heading = _HEADING_SIGNS.sub("", _ANCHOR.sub("", passage.headings[-1])).strip() if passage.headings else ""
    return defused(heading[:_MAX_HEADING_CHARS])


def _ticked(text: str) -> str:
    return f"`{text.replace('`', chr(0x2CB))}`"


def _shown(quoted: Quoted, weights: Weights) -> str:
    if is_code(quoted.passage):
        return "\n\n".join(_fenced(block) for block in quoted.blocks)
    addresses = known_addresses([quoted.passage.text])
    is_rst = is_restructured(quoted.passage.path)
    blocks = [replace(block, lines=(*quoted.head, *block.lines)) for block in quoted.blocks]
    parts = [
        _fenced(block) if block.kind == "code" else _prose(block, weights, addresses, is_rst=is_rst) for block in blocks
    ]
    shown = ""
    for at, part in enumerate(parts):
        is_next_item = at > 0 and blocks[at].is_item and blocks[at - 1].is_item
        shown += (("\n" if is_next_item else "\n>\n") if shown and part else "") + (_quoted(part) if part else "")
    return shown


def _quoted(markdown: str) -> str:
    return "\n".join(f"> {line}" if line else ">" for line in markdown.split("\n"))


def _prose(block: Block, weights: Weights, addresses: frozenset[str], *, is_rst: bool) -> str:
    if block.kind == "heading":
        said = next((line.strip() for line in block.lines if re.search(r"\w", line)), "")
        text = f"**{telling_sentences(_title(said), weights)}**"
    else:
        text = telling_sentences("\n".join(_dedented(block.lines)), weights)
    if text.strip() == "::":
        return ""  # it only says that code follows
    filtered = CitedStream(0, addresses=addresses)
    return (filtered.feed(_as_markdown(text) if is_rst else text) + filtered.finish()).strip("\n")


def _title(line: str) -> str:
    """Take the signs off a heading that is marked by them; other headings come out as they are."""
    marks = len(line) - len(line.lstrip("#"))
    if not 0 < marks <= 6 or not line[marks : marks + 1].isspace():
        return line
    return line[marks:].strip().rstrip("#").rstrip()


def _as_markdown(text: str) -> str:
    """Write the roles, links and literals of reStructuredText as Markdown's ticks."""
    for form, written in _RST_INLINE:
        text = form.sub(written, text)
    return text


def _fenced(block: Block) -> str:
    lines = list(block.lines)
    if lines and _FENCE_LINE.match(lines[0]):
        lines = lines[1:]
    elif lines and _DIRECTIVE_LINE.match(lines[0]):
        lines = _without_options(lines[1:])
    if lines and _FENCE_LINE.match(lines[-1]):
        lines = lines[:-1]
    lines = _without_imports(lines)
    text = defused("\n".join(_dedented(lines)))
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{block.language}\n{text}\n{fence}"


def _without_imports(lines: Sequence[str]) -> list[str]:
    """Leave out names brought in at the beginning of an example when there is more to see."""
    dropped = import_lines(lines)
    start = next((at for at, line in enumerate(lines) if at not in dropped and line.strip()), 0)
    return list(lines[start:])


def _without_options(lines: Sequence[str]) -> list[str]:
    """Leave out the options of a directive and the blank lines before its body."""
    body = list(lines)
    while body and (not body[0].strip() or _OPTION_LINE.match(body[0])):
        body.pop(0)
    return body


def _dedented(lines: Sequence[str]) -> list[str]:
    """Take away the indentation that all lines share, so that a method does not float at the right."""
    margins = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    margin = min(margins, default=0)
    return [line[margin:] for line in lines]
