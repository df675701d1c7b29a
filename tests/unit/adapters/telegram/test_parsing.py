"""The parser is the library's, only sooner done: it gives the same tokens."""

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from adapters.citing import read_citations
from adapters.telegram.lines import fill
from adapters.telegram.parsing import LEVELS, parse
from tests.unit.adapters.documents import Document, documents

CITED = {1: "https://a.example/1"}
DOCS = Path(__file__).parents[4] / "docs"


def library() -> MarkdownIt:
    """The library's parser with the rules that we use, and nothing of ours but citations."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": LEVELS}).enable(["table", "strikethrough"])
    read_citations(parser)
    return parser.disable(["html_block", "html_inline"])


LIBRARY = library()


def by_library(markdown: str) -> Sequence[Token]:
    """The tokens as the library makes them."""
    return LIBRARY.parse(markdown, {"cited": CITED})


def told(tokens: Sequence[Token]) -> Iterator[tuple[Any, ...]]:
    """What tokens say, texts that stand side by side as one; nothing of the text that is inside a token `inline`."""
    for is_text, run in groupby(tokens, key=lambda token: token.type in ("text", "text_special")):
        if is_text:
            text = "".join(token.content for token in run)
            yield from [("text", text)] if text else []
            continue
        for token in run:
            content = "" if token.type in ("inline", "image") else token.content
            inside = tuple(told(token.children)) if token.children is not None else ()
            if token.type == "inline" and token.children is None:
                inside = (("text", token.content),) if token.content else ()
            yield (
                token.type,
                token.level if token.block else 0,
                token.attrs,
                token.map,
                content,
                token.markup,
                token.info,
                inside,
            )


@given(st.text(st.sampled_from("*_`~[]()!<>&;\\#-+=1.)|:ab \n\n\té😀"), max_size=60))
def test_any_signs_are_read_as_the_library_reads_them(markdown: str) -> None:
    """Whatever rule begins with which of them, or is cut off by which."""
    assert list(told(by_library(markdown))) == list(told(parse(markdown, cited=CITED)))


@given(
    st.lists(
        st.sampled_from(
            ["- a", "> a", "1. a", "# a", "a", "", "  ", "---", "===", "```py", "~~~", "| a |", "|--|", "    x", "\tx",
             "[1]", "[a]: /x", "[a]", "* * *", "10) a", "  - b", "> - c", "&amp;", "<https://a.example>", "a\\", "a  "]
        ),
        max_size=12,
    )
)  # fmt: skip
def test_blocks_end_each_other_as_in_the_library(lines: list[str]) -> None:
    """A list ends a paragraph, a table a quote, and so on."""
    markdown = "\n".join(lines)

    assert list(told(by_library(markdown))) == list(told(parse(markdown, cited=CITED)))


@given(documents())
def test_documents_are_read_as_the_library_reads_them(document: Document) -> None:
    """All that an answer is made of."""
    assert list(told(by_library(document.markdown))) == list(told(parse(document.markdown, cited=CITED)))


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_what_people_write_is_read_as_the_library_reads_it(path: Path) -> None:
    """Our own pages, for example."""
    markdown = path.read_text("utf-8")

    assert list(told(by_library(markdown))) == list(told(parse(markdown, cited=CITED)))


@given(st.text(st.sampled_from("ab \t\n\n#\u00a0\x0b"), max_size=40))
def test_lines_are_where_the_library_finds_them(text: str) -> None:
    """With their indents, where a tab goes to the next of every four columns."""
    parser = MarkdownIt()
    expected, filled = StateBlock(text, parser, {}, []), StateBlock("", parser, {}, [])
    fill(filled, text)

    assert vars(expected) == vars(filled)


@pytest.mark.parametrize(
    "address",
    [
        "https://a.example",
        "https://a.example/x/y_z-1.py#L1-L9",
        "http://a.example/",
        "https://a.example/%zz",
        "https://a.example/ü",
        "https://ü.example/x",
        "https://A.example:80/x?q=1#a b",
        "https://a..example/",
        f"https://{'a' * 70}.example/",
        "https://xn--a.example",
        "https://a.example/x/../y//z",
        "HTTPS://a.example",
    ],
)
def test_addresses_are_written_as_the_library_writes_them(address: str) -> None:
    """Also those that are known to be written so already."""
    (_, inline, _) = parse(f"[a](<{address}>)", cited={})

    assert normalizeLink(address) == (inline.children or [])[0].attrs["href"]


@given(st.from_regex(r"https?://[a-z0-9.-]{0,50}(/[\w./-]{0,9})?(#[\w.-]{0,5})?", fullmatch=True))
def test_any_address_is_written_as_the_library_writes_it(address: str) -> None:
    """A host may be anything."""
    (_, inline, _) = parse(f"[a](<{address}>)", cited={})

    assert normalizeLink(address) == (inline.children or [])[0].attrs["href"]


def calls_of(parser: Callable[[], object]) -> int:
    """Count the calls of Python functions while something is parsed."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        parser()
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize(
    ("markdown", "share"),
    [("word\n\n", 0.6), ("a `b` *c* [x](https://a.example/y)\n", 0.8), ("    x\n", 0.7), ("- a\n", 0.7)],
)
def test_only_rules_that_can_match_are_asked(markdown: str, share: float) -> None:
    """What costs time are calls, and the library makes many of which nothing comes."""
    text = markdown * 50
    ours, theirs = calls_of(lambda: parse(text, cited={})), calls_of(lambda: by_library(text))

    assert ours < share * theirs
