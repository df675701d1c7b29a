"""Markdown becomes safe HTML, whatever the text holds."""

import pytest

from adapters.markdown import is_safe_link, stylesheet, to_html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](data:text/html,x)",
        "[a](//evil.example)",
        "[a](/\\evil.example)",
        "![x](javascript:alert(1))",
        "```<script>\nalert(1)\n```",
        '```"onload="x\ncode\n```',
        "<a href='javascript:x'>y</a>",
        "[a]( JaVaScRiPt:alert(1) )",
    ],
)
def test_hostile_text_makes_no_tag_and_no_link_of_its_own(text: str) -> None:
    """Only our own tags come out, and no address with another scheme."""
    html = to_html(text)

    for forbidden in (
        "<script",
        "<img",
        'href="javascript',
        "onerror=alert(1)>",
        'href="//',
        'href="data',
        'onload="x"',
    ):
        assert forbidden not in html


def test_images_become_links() -> None:
    """Nothing is loaded from an answer."""
    assert '<a href="https://x.example/a.png" rel="noopener noreferrer nofollow">alt</a>' in to_html(
        "![alt](https://x.example/a.png)"
    )


def test_citation_markers_become_anchors_and_unknown_numbers_stay_text() -> None:
    """[1] opens its source; [7] cites nothing and is not a link."""
    html = to_html("It is so [1], not so [7].", cited={1: "/p/a/b/1"})

    assert '<a class="cite" href="/p/a/b/1" data-cite="1">1</a>' in html
    assert "[7]" in html


def test_a_marker_in_a_label_leaves_the_link() -> None:
    """The label's end is where its brackets end, whatever a number in them cites; there is no link in a link."""
    html = to_html("[see [1]](https://a.example)", cited={1: "/p/a/b/1"})

    assert '<p><a href="https://a.example" rel="noopener noreferrer nofollow">see [1]</a></p>\n' == html


def test_markers_in_code_stay_code() -> None:
    """x[1] in a code span or block is not a citation."""
    html = to_html("`x[1]`\n\n```python\nx[1]\n```", cited={1: "/p/a/b/1"})

    assert "cite" not in html


def test_a_marker_with_an_unsafe_address_is_no_link() -> None:
    """Even our own data is checked."""
    assert "href" not in to_html("[1]", cited={1: "javascript:alert(1)"})


def test_code_is_coloured_by_classes_without_inline_style() -> None:
    """The page's policy forbids style attributes."""
    html = to_html("```python\ndef f(): pass\n```")

    assert 'class="hl-k"' in html
    assert "style=" not in html
    assert ".hl-k" in stylesheet("default", under=".code")


def test_unknown_languages_are_escaped_only() -> None:
    """No lexer, no fault."""
    assert "a &lt; b" in to_html("```no-such-language\na < b\n```")


@pytest.mark.parametrize(
    ("url", "safe"),
    [("https://a.b", True), ("/p/x", True), ("mailto:a@b.c", True), ("//a", False), ("http:", False), ("a b", False)],
)
def test_which_links_are_safe(url: str, *, safe: bool) -> None:
    """http, https, mailto and our own paths."""
    assert safe == is_safe_link(url)
