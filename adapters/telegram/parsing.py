"""The parser of CommonMark with tables and strikethrough, without what is not needed for a message."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from adapters.citing import read_citations
from adapters.telegram.lines import fill
from adapters.telegram.rules import ask_by_sign

_ACTIVE: Final = re.compile(r"[\n&<\[\]\\*_`~!]")  # the signs that a rule begins or ends with
# An address that the library would leave as it is, which takes it long to find.
_NORMAL: Final = re.compile(r"https?://[a-z0-9]{1,40}(\.[a-z0-9]{1,40}){0,4}(/[\w./-]*)?(#[\w.-]*)?", re.ASCII)
LEVELS: Final = 20  # of blocks in each other; the parser leaves out what the innermost one holds


def parse(markdown: str, *, cited: Mapping[int, str]) -> Sequence[Token]:
    """The tokens of a text. A token `inline` without children is its `content`, and texts may stand side by side."""
    return _MARKDOWN.parse(markdown, {"cited": cited})


class _Markdown(MarkdownIt):
    """The library's parser, with a short way for addresses."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802  (markdown-it's name)
        return url if _NORMAL.fullmatch(url) else super().normalizeLink(url)


def _parse_blocks(state: StateCore) -> None:
    blocks = StateBlock("", state.md, state.env, state.tokens)
    fill(blocks, state.src)
    state.md.block.tokenize(blocks, blocks.line, blocks.lineMax)


def _parse_inlines(state: StateCore) -> None:
    """Parse what has any sign that could mean something; the rest is text as it is."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        if _ACTIVE.search(token.content):
            token.children = []
            state.md.inline.parse(token.content, state.md, state.env, token.children)
        else:
            token.children = None


def _build() -> MarkdownIt:
    parser = _Markdown("commonmark", {"html": False, "maxNesting": LEVELS}).enable(["table", "strikethrough"])
    parser.disable(["html_block", "html_inline", "text_join", "fragments_join"])  # html_* are only asked and say no
    parser.core.ruler.at("block", _parse_blocks)
    parser.core.ruler.at("inline", _parse_inlines)
    parser.inline.terminator_re = _ACTIVE
    read_citations(parser)
    ask_by_sign(parser)
    return parser


_MARKDOWN: Final = _build()
