"""CommonMark as tokens of which each has a form in a Matrix message: no images, no links that nobody may open.

An image is its description, linked to its address and never loaded. An address that a message must not open stands in
brackets behind its label. A citation's marker opens what it cites.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from adapters.citing import read_citations
from adapters.weblinks import is_web_address

LEVELS: Final = 20  # of blocks in each other; the parser leaves out what the innermost one holds
_MARK_LEVELS: Final = 40  # of marks in each other; the specification has clients read 100 tags deep, blocks among them
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MAIL: Final = re.compile(r"mailto:[^\s<>\"]+")


def parse(markdown: str, *, cited: Mapping[int, str]) -> list[Token]:
    """The tokens of a text; `cited` maps a citation's number to the address that its marker `[n]` opens.

    What is nested too deeply is one paragraph as it was written, so that no word is lost.
    """
    markdown = sendable(markdown)
    links = {number: url for number, url in cited.items() if is_web_address(url)}
    tokens = _MARKDOWN.parse(markdown, {"cited": links})
    if any(_is_deep(token) for token in tokens):
        return as_written(markdown)
    for token in tokens:
        if token.children:
            token.children = list(_simple(token.children, links))
    return tokens


def sendable(text: str) -> str:
    """A text without halves of pairs, which broken escapes in JSON make and could not be sent."""
    if _SURROGATE.search(text):
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def as_written(text: str) -> list[Token]:
    """A text as one paragraph in which nothing is a mark."""
    children: list[Token] = []
    for line in text.replace("\x00", "\N{REPLACEMENT CHARACTER}").strip("\r\n").splitlines():
        if children:
            children.append(Token("hardbreak", "br", 0))
        children.append(text_token(line))
    inline = Token("inline", "", 0, children=children)
    return [Token("paragraph_open", "p", 1), inline, Token("paragraph_close", "p", -1)]


def text_token(text: str) -> Token:
    """A token that is text and nothing else."""
    return Token("text", "", 0, content=text)


def blocks_of(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The tokens of each block, those inside it included."""
    start = depth = 0
    for at, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield tokens[start : at + 1]
            start = at + 1


def _is_deep(token: Token) -> bool:
    if token.type in ("blockquote_open", "list_item_open") and token.level >= LEVELS - 1:
        return True
    return any(child.level > _MARK_LEVELS for child in token.children or ())


def _opens(url: str) -> bool:
    return is_web_address(url) or _MAIL.fullmatch(url) is not None


def _simple(tokens: Sequence[Token], cited: Mapping[int, str]) -> Iterator[Token]:
    """Tokens of a line with links, text and marks only."""
    links: list[str | None] = []  # of open links those that cannot be opened: the address
    for token in tokens:
        if token.type == "citation":
            yield from _link(f"[{token.content}]", cited[int(token.content)], info="citation")
        elif token.type == "image":
            yield from _image(token, is_linked=None in links)
        elif token.type == "link_open":
            address = str(token.attrs.get("href") or "")
            links.append(None if _opens(address) else address)
            if links[-1] is None:
                yield token
        elif token.type == "link_close":
            yield from _link_end(token, links.pop())
        else:
            yield token


def _link_end(token: Token, address: str | None) -> Iterator[Token]:
    if address is None:
        yield token
    elif address and not address.startswith("#") and token.markup != "autolink":
        yield text_token(f" ({address})")


def _image(token: Token, *, is_linked: bool) -> Iterator[Token]:
    label = "".join(map(_words, token.children or ())) or "image"
    address = str(token.attrs.get("src") or "")
    if is_linked:
        yield text_token(label)
    elif _opens(address):
        yield from _link(label, address)
    else:
        yield text_token(f"{label} ({address})" if address else label)


def _link(label: str, address: str, *, info: str = "") -> Iterator[Token]:
    yield Token("link_open", "a", 1, attrs={"href": address}, info=info)
    yield text_token(label)
    yield Token("link_close", "a", -1, info=info)


def _words(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    if token.children:
        return "".join(map(_words, token.children))
    return f"[{token.content}]" if token.type == "citation" else token.content


def _build() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": LEVELS}).enable(["table", "strikethrough"])
    read_citations(parser)
    return parser


_MARKDOWN: Final = _build()
