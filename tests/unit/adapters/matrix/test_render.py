"""CommonMark becomes a plain text and HTML that every client of Matrix may show."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.listing import Line
from adapters.matrix.render import ATTRIBUTES, TAGS, Rendered, render, rendered_lines, rendered_text
from tests.unit.adapters.documents import Document, documents
from tests.unit.adapters.matrix.reading import ALLOWED, Read

_MARKS = st.sampled_from(
    [
        *"*_`~[]()<>!#|-+=\\&\n\t >:1.)",
        "\n\n",
        "```",
        "~~~",
        "[1]",
        "![",
        "](",
        "http://a.b",
        "<b>",
        "&lt;",
        "javascript:x",
    ]
)
_HOSTILE = st.lists(st.one_of(_MARKS, st.text(max_size=4)), max_size=60).map("".join)


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    return re.findall(r"w\d+", text)


@pytest.mark.parametrize(
    ("markdown", "plain", "html"),
    [
        ("It is **so**, *so* and ~~not~~.", "It is so, so and ~~not~~.", "<p>It is <strong>so</strong>, <em>so</em> and <s>not</s>.</p>"),
        ("# Title\n\ntext", "Title\n\ntext", "<h1>Title</h1>\n<p>text</p>"),
        ("one\ntwo", "one\ntwo", "<p>one<br>\ntwo</p>"),
        ("`a_b` and ``x`y``", "`a_b` and ``x`y``", "<p><code>a_b</code> and <code>x`y</code></p>"),
        ("3. a\n4. b", "3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("- a\n  - b", "- a\n  - b", "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>"),
        ("> q\n>\n> r", "> q\n>\n> r", "<blockquote>\n<p>q</p>\n<p>r</p>\n</blockquote>"),
        ("---", "———", "<hr>"),
        ("a < b & c", "a < b & c", "<p>a &lt; b &amp; c</p>"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_marks_have_their_forms(markdown: str, plain: str, html: str) -> None:
    """The plain text keeps the signs without which something would be lost."""
    assert Rendered(plain, html) == render(markdown)


def test_code_names_its_language() -> None:
    """As the specification has it, for clients that colour code; nothing else gets into the class."""
    made = render('```python title="x"\nx < 1\n```\n\n    y\n\n```"><b>\nz\n```')

    assert [("python", "x < 1\n"), ("", "y\n"), ("", "z\n")] == Read(made.html).codes
    assert '```python\nx < 1\n```\n\n```\ny\n```\n\n```"><b>\nz\n```' == made.plain


def test_code_that_holds_a_fence_stands_in_a_longer_one() -> None:
    """So that it ends where it ends."""
    assert "````\n```\nx\n```\n````" == render("~~~\n```\nx\n```\n~~~").plain


def test_a_table_is_one() -> None:
    """Its plain form is a line for each row."""
    made = render("| a | b |\n|:--|--:|\n| 1 | [x](https://e.example) |")

    assert "a | b\n1 | x (https://e.example)" == made.plain
    assert ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td", "a"] == Read(made.html).tags


def test_a_link_stands_with_its_address_in_the_plain_text() -> None:
    """Once where the address is the label."""
    made = render("[the page](https://e.example/x) <https://e.example> <a@e.example> [](https://e.example/y)")

    assert "the page (https://e.example/x) https://e.example a@e.example https://e.example/y" == made.plain
    assert ["https://e.example/x", "https://e.example", "mailto:a@e.example", "https://e.example/y"] == Read(
        made.html
    ).links


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "matrix:u/a"]
)
def test_what_must_not_open_is_text(address: str) -> None:
    """In HTML and in the plain text the label stays, with the address behind it."""
    made = render(f"[label]({address}) <{address}>")

    assert [] == Read(made.html).links
    assert "label" in made.plain
    assert address in made.plain


def test_a_path_is_no_link_but_is_shown() -> None:
    """A message has no place that a path could begin at."""
    made = render("see [guide](docs/guide.md) and [top](#top)")

    assert "see guide (docs/guide.md) and top" == made.plain
    assert [] == Read(made.html).links


def test_images_are_descriptions_that_open() -> None:
    """Nothing is loaded by looking at a message."""
    made = render(
        "![a *map*](https://e.example/i.png) ![](https://e.example/j.png) [![logo](https://e.example/k.png)](https://e.example)"
    )

    assert "a map (https://e.example/i.png) image (https://e.example/j.png) logo (https://e.example)" == made.plain
    assert ["https://e.example/i.png", "https://e.example/j.png", "https://e.example"] == Read(made.html).links
    assert "img" not in TAGS


def test_citations_open_what_they_cite() -> None:
    """Only those that were cited, and none in code."""
    made = render("So [1], not [2] `[1]`.", cited={1: "https://e.example/a#L1", 3: "javascript:x"})

    assert "So [1], not [2] `[1]`." == made.plain
    assert ["https://e.example/a#L1"] == Read(made.html).links


def test_html_in_the_text_stays_text() -> None:
    """Tags of people and models are shown, never followed."""
    made = render('<script>alert(1)</script>\n\n<b onclick="x">raw</b> <img src=x onerror=y>')

    assert ["p", "p"] == Read(made.html).tags
    assert '<script>alert(1)</script>\n\n<b onclick="x">raw</b> <img src=x onerror=y>' == made.plain


def test_the_allowed_tags_are_those_of_the_specification() -> None:
    """No more, and no fewer but the image."""
    assert set(ALLOWED) == TAGS
    assert ATTRIBUTES == {tag: names for tag, names in ALLOWED.items() if names}


def test_a_list_of_sources_has_a_line_each() -> None:
    """With a link where it can be opened, else as code; the line that counts the rest is text."""
    made = rendered_lines(
        [Line("a<b>.py:1", [1, 3], "https://e.example/?a&b"), Line("README.md", [2]), Line("… and 3 more")]
    )

    assert "[1][3] a<b>.py:1 (https://e.example/?a&b)\n[2] README.md\n… and 3 more" == made.plain
    assert (
        '<p>[1][3] <a href="https://e.example/?a&amp;b">a&lt;b&gt;.py:1</a><br>[2] <code>README.md</code><br>… and 3 more</p>'
        == made.html
    )
    assert not rendered_lines([])


def test_our_own_lines_have_no_marks() -> None:
    """What they hold is shown as it is."""
    assert Rendered("*a* <b>", "<p>*a* &lt;b&gt;</p>") == rendered_text("*a* <b>")


@given(documents())
def test_no_word_is_lost(document: Document) -> None:
    """In neither form, and each stands once and in order; code stays as it was."""
    made = render(document.markdown)
    read = Read(made.html)

    assert words(made.html) == words(read.text) == words(re.sub(r"https://\S+", "", made.plain))
    assert [f"w{number}" for number in range(1, document.words + 1)] == words(read.text)
    assert [(language, code + "\n") for language, code in document.codes] == read.codes


@given(_HOSTILE)
def test_whatever_is_written_the_html_is_allowed_and_whole(text: str) -> None:
    """Only tags and attributes of the specification, each closed, at most a hundred deep, nothing that runs."""
    made = render(text, cited={1: "https://e.example"})

    assert Read(made.html).deepest <= 100
    made.plain.encode()


@pytest.mark.parametrize(
    "text",
    ["> " * 400 + "w1", "- " * 300 + "w1", "*" * 300 + "w1" + "*" * 300, "*w1 **w2 " * 200 + "** *" * 200, "[" * 500 + "w1", "a\x00w1", "a \ud83d w1"],
)  # fmt: skip
def test_what_is_nested_too_deeply_is_shown_as_it_was_written(text: str) -> None:
    """No client has to read more than a hundred tags deep, and no word is lost."""
    made = render(text)
    read = Read(made.html)

    assert read.deepest <= 100
    assert words(text) == words(read.text) == words(made.plain)
    assert "\ud83d" not in made.plain
    assert "\x00" not in made.html


@pytest.mark.parametrize("unit", ["[", "*a ", "> x\n", "| a ", "`a ", "&lt;", "![a](", "- a\n"])
def test_a_long_hostile_text_comes_to_an_end(unit: str) -> None:
    """Each of these has a rule that looks ahead or back; none of them looks at everything every time."""
    assert render(unit * (20_000 // len(unit))).plain


def test_two_hundred_kilobytes_are_rendered() -> None:
    """In one piece, and nothing is left out."""
    unit = "# Hi\n\ntext **b** `c` [x](https://e.example)\n\n```py\nx\n```\n"

    assert 3_500 == Read(render(unit * 3_500).html).text.count("text b c x")
