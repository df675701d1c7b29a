"""The marker of a citation, `[n]`, as Markdown reads it: no link, no index into code, only the numbers that were cited."""

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

_CITATION: Final = re.compile(r"\[(\d{1,3})\]")


def read_citations(parser: MarkdownIt) -> None:
    """Let a parser make a token `citation`, its content the number, of each `[n]` whose n is in `env["cited"]`.

    In the label of a link it stays text, since there is no link inside a link.
    """
    parser.inline.ruler.before("link", "citation", _mark_citation)


def _mark_citation(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  (markdown-it calls it by position)
    if silent or state.linkLevel:  # while the end of a link's label is looked for, and inside a link
        return False
    found = _CITATION.match(state.src, state.pos)
    if found is None or int(found[1]) not in state.env.get("cited", {}):
        return False
    token = state.push("citation", "", 0)
    token.content = found[1]
    state.pos = found.end()
    return True
