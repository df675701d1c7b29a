"""CommonMark as a text with entities: nothing for the network to parse, so nothing that it can refuse or misread.

What Telegram has no form for is put in words: a heading is bold, a table stands in columns, an image is its
description. An address that a message cannot open stands in brackets behind its label.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from markdown_it.token import Token

from adapters.telegram.graphemes import whole_before
from adapters.telegram.inlines import Inlines, holds_link, plain
from adapters.telegram.page import Page, Rendered, Sheet, rendered
from adapters.telegram.parsing import LEVELS, parse
from adapters.telegram.tables import in_columns
from adapters.weblinks import is_web_address

_LANGUAGE: Final = re.compile(r"[\w+#.-]{1,32}")
_TASK: Final = re.compile(r"\[[ xX]\] ")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_RULE: Final = "———"
_INDENT: Final = "  "
_HEADER_CHARS: Final = 40  # of a table's header where it is said again


class _TooDeep(Exception):
    """Blocks are nested so deeply that the parser leaves out what they hold."""


def render(markdown: str, *, cited: Mapping[int, str] | None = None) -> Rendered:
    """Render a text of any length as one, in time that grows with its length.

    `cited` maps a citation's number to the address that its marker `[n]` opens; other markers are plain text.
    """
    return rendered(lay_out(markdown, cited=cited))


def lay_out(markdown: str, *, cited: Mapping[int, str] | None = None) -> Page:
    """What `render` gives, with places in code points and the borders at which it is best cut."""
    if _SURROGATE.search(markdown):  # halves of pairs, from a broken \u escape: they could not be sent
        markdown = markdown.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    links = {number: url for number, url in (cited or {}).items() if is_web_address(url)}
    writer = _Writer(links)
    try:
        writer.write(parse(markdown, cited=links))
    except _TooDeep:
        return Page(markdown.replace("\x00", "\N{REPLACEMENT CHARACTER}").strip())
    return writer.sheet.page()


class _Writer:
    """Writes the parser's tokens on a sheet.

    Inside a quote its lists begin anew; `_outer` keeps those around it. Of quotes inside each other only the outermost
    is marked, since Telegram has no other.
    """

    def __init__(self, cited: Mapping[int, str]) -> None:
        self.sheet = Sheet()
        self._text = Inlines(self.sheet, cited, indent=self._indent)
        self._lists: list[int | None] = []  # the next number of each open list, None for bullets
        self._outer: list[list[int | None]] = []
        self._holds = False  # the next block must not be cut from the last one
        self._blocks: dict[str, Callable[[Token], None]] = {
            "paragraph_open": self._begin_paragraph,
            "inline": self._inline,
            "fence": self._code,
            "code_block": self._code,
            "heading_open": self._begin_heading,
            "heading_close": self._end_heading,
            "bullet_list_open": self._begin_list,
            "ordered_list_open": self._begin_list,
            "bullet_list_close": self._end_list,
            "ordered_list_close": self._end_list,
            "list_item_open": self._begin_item,
            "list_item_close": self._end_item,
            "blockquote_open": self._begin_quote,
            "blockquote_close": self._end_quote,
            "hr": self._rule,
        }

    def write(self, tokens: Sequence[Token]) -> None:
        """Write tokens of blocks."""
        rest = iter(tokens)
        blocks = self._blocks
        for token in rest:
            act = blocks.get(token.type)
            if act is not None:
                act(token)
            elif token.type == "table_open":
                self._table(rest)

    def _new_block(self, *, own_lines: bool = False) -> None:
        """Begin a block: behind a list's marker, or on a new line; `own_lines` leaves the marker's line as well."""
        if self.sheet.marker:
            if not own_lines:
                return
            self.sheet.marker = self.sheet.marker.rstrip()
            self.sheet.put("")
            self.sheet.feed(1)
        else:
            self.sheet.feed(1 if self._lists else 2)
        if not self._outer and not self._holds:
            (self.sheet.items if self._lists else self.sheet.blocks).append(self.sheet.length)
        self._holds = False

    def _begin_paragraph(self, _: Token) -> None:
        is_first = bool(self.sheet.marker)
        self._new_block()
        if not is_first:
            self.sheet.marker = self._indent()

    def _begin_heading(self, _: Token) -> None:
        self._new_block()
        self.sheet.begin("bold")

    def _end_heading(self, _: Token) -> None:
        self.sheet.end("bold")
        self._holds = True

    def _code(self, token: Token) -> None:
        text = token.content.removesuffix("\n")
        if not text.strip():
            return
        self._holds = self._holds or self.sheet.is_introduced
        self._new_block(own_lines=True)
        found = _LANGUAGE.match(token.info.strip())
        self.sheet.pre(text, found[0] if found else "")

    def _rule(self, _: Token) -> None:
        self._new_block(own_lines=True)
        self.sheet.put(_RULE)

    def _begin_list(self, token: Token) -> None:
        if self.sheet.marker:  # a list that is all that another's item holds
            self.sheet.marker = self.sheet.marker.rstrip()
            self.sheet.put("")
        self._holds = self._holds or (not self._lists and self.sheet.is_introduced)
        self.sheet.feed(1 if self._lists else 2)
        if not self._lists and not self._outer and not self._holds:
            self.sheet.blocks.append(self.sheet.length)
        self._lists.append(int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None)

    def _end_list(self, _: Token) -> None:
        self._lists.pop()

    def _begin_item(self, token: Token) -> None:
        _check_depth(token)
        self.sheet.feed(1)
        if not self._outer and not self._holds:
            self.sheet.items.append(self.sheet.length)
        self._holds = False
        number = self._lists[-1]
        indent = _INDENT * (len(self._lists) - 1)
        if number is None:
            self.sheet.marker = f"{indent}• "
        else:
            self.sheet.marker = f"{indent}{number}{token.markup} "
            self._lists[-1] = number + 1

    def _end_item(self, _: Token) -> None:
        if self.sheet.marker:
            self.sheet.marker = self.sheet.marker.rstrip()
            self.sheet.put("")

    def _begin_quote(self, token: Token) -> None:
        _check_depth(token)
        self._new_block(own_lines=True)
        self._outer.append(self._lists)
        self._lists = []
        self.sheet.begin_quote()

    def _end_quote(self, _: Token) -> None:
        self.sheet.end("blockquote")
        self._lists = self._outer.pop()

    def _table(self, tokens: Iterator[Token]) -> None:
        """Write a table in columns, or as lines "header: value" where it is wide or holds links."""
        rows: list[list[Token]] = []
        sides: list[str] = []
        for token in tokens:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(token)
            elif token.type == "th_open":
                sides.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
        has_links = any(holds_link(cell) for row in rows for cell in row)
        text = None if has_links else in_columns([[plain(cell) for cell in row] for row in rows], sides)
        self._new_block(own_lines=True)
        if text is not None and text.strip():
            self.sheet.pre(text)
        else:
            self._in_lines(rows[0], rows[1:])

    def _in_lines(self, header: Sequence[Token], rows: Sequence[Sequence[Token]]) -> None:
        """Write each row as lines, an empty line between rows. The first says every header in full."""
        for at, row in enumerate(rows or [()]):
            if at:
                self.sheet.feed(2)
                if not self._outer:
                    self.sheet.items.append(self.sheet.length)
            for column, title in enumerate(header):
                cell = row[column] if column < len(row) else None
                if at and not (cell and cell.content):
                    continue
                self.sheet.feed(1)
                self.sheet.begin("bold")
                if at:
                    self.sheet.put(_short(plain(title)))
                else:
                    self._inline(title)
                self.sheet.put(":")
                self.sheet.end("bold")
                if cell and cell.content:
                    self.sheet.put(" ")
                    self._inline(cell)

    def _inline(self, token: Token) -> None:
        if self.sheet.marker.endswith("• ") and _TASK.match(token.content):
            self.sheet.marker = self.sheet.marker[:-2]  # a box to tick is a bullet of its own
        self._text.write(token)

    def _indent(self) -> str:
        """What a further line of the innermost list's item begins with."""
        return _INDENT * len(self._lists)


def _check_depth(token: Token) -> None:
    if token.level >= LEVELS - 1:
        raise _TooDeep


def _short(text: str) -> str:
    if len(text) <= _HEADER_CHARS:
        return text
    return text[: whole_before(text, _HEADER_CHARS - 1, least=0)].rstrip() + "…"
