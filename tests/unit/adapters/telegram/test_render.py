"""What Markdown becomes on Telegram: a text, and entities that say how its stretches are shown."""

import sys
from types import FrameType
from typing import Any

import pytest

from adapters.telegram.render import render


def stretches(markdown: str, *, cited: dict[int, str] | None = None) -> list[tuple[str, str]]:
    """The (type, text) of each entity, taken out of the text by UTF-16 units as Telegram does."""
    made = render(markdown, cited=cited)
    text = made.text.encode("utf-16-le")
    return [
        (one["type"], text[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le"))
        for one in made.entities
    ]


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("Use Vec<String> & <b>.", "Use Vec<String> & <b>."),
        ("# Head\nBody", "Head\n\nBody"),
        ("one\ntwo  \nthree\\\nfour", "one\ntwo\nthree\nfour"),
        ("- a\n- b\n\nafter", "• a\n• b\n\nafter"),
        ("- a\n  - b\n    1. c\n    2. d\n- e", "• a\n  • b\n    1. c\n    2. d\n• e"),
        ("3) c\n4) d", "3) c\n4) d"),
        ("- a\n\n  more\n\n- b", "• a\n  more\n• b"),
        ("- a\n  wrapped", "• a\n  wrapped"),
        ("-\n- b", "•\n• b"),
        ("- [ ] to do\n- [x] done", "[ ] to do\n[x] done"),
        ("- one\n  ```\n  x\n  ```\n  two", "• one\nx\n  two"),
        ("- ```\n  x\n  ```\n- b", "•\nx\n• b"),
        ("> a\n> > b\n\nc", "a\n\nb\n\nc"),
        ("- > a\n- b", "•\na\n• b"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb"),
        (r"\*not\* \[1] &copy; &amp;", "*not* [1] © &"),
        ("1. a\n\n   > q\n\n2. b", "1. a\nq\n2. b"),
        ("- - a", "•\n  • a"),
        ("a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        ("a \ud83d\ude00 b \ud83d", "a \N{GRINNING FACE} b \N{REPLACEMENT CHARACTER}"),
        ("https://a.example/x_y_z and snake_case_name", "https://a.example/x_y_z and snake_case_name"),
        ("שלום **עולם** e\u0301", "שלום עולם e\u0301"),
    ],
)
def test_what_stands_there(markdown: str, text: str) -> None:
    """Every mark becomes words, lines and signs that a message can show."""
    assert text == render(markdown).text


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**a** *b* ~~c~~ `d`", [("bold", "a"), ("italic", "b"), ("strikethrough", "c"), ("code", "d")]),
        ("# Head *soft*", [("bold", "Head soft"), ("italic", "soft")]),
        ("**a *b***", [("bold", "a b"), ("italic", "b")]),
        ("**a** **b**", [("bold", "a"), ("bold", "b")]),
        ("**a**<b>*c*", [("bold", "a"), ("italic", "c")]),
        ("# **all of it**", [("bold", "all of it")]),
        ("`a`**`b`**", [("code", "ab")]),
        ("**a `b` c**", [("bold", "a "), ("code", "b"), ("bold", " c")]),
        ("~~*x `y`*~~", [("strikethrough", "x "), ("italic", "x "), ("code", "y")]),
        ("[`Vec`](https://a.example)", [("text_link", "Vec")]),
        ("😀 **b** 😀 `c`", [("bold", "b"), ("code", "c")]),
        ("> a **b** `c`\n> > d", [("blockquote", "a b c\n\nd"), ("bold", "b"), ("code", "c")]),
        ("> a\n\nb\n\n> c", [("blockquote", "a"), ("blockquote", "c")]),
        ("> ```\n> x\n> ```", [("blockquote", "x"), ("pre", "x")]),
        ("- **a**\n  b", [("bold", "a")]),
        ("    x = 1\n    y = 2", [("pre", "x = 1\ny = 2")]),
        ("```\n\n  x\n\n```\nb", [("pre", "\n  x\n")]),
        ("```\n```", []),
        ("plain", []),
    ],
)
def test_how_it_is_shown(markdown: str, expected: list[tuple[str, str]]) -> None:
    """Styles may hold each other; code touches none of them, and a quote holds no quote."""
    assert expected == stretches(markdown)


@pytest.mark.parametrize(
    ("fence", "language"),
    [("```py", "py"), ("~~~c++", "c++"), ("```js title=x", "js"), ("```{.rs}", None), ("```", None), ("```🦀", None)],
)
def test_code_names_its_language(fence: str, language: str | None) -> None:
    """Telegram colours by it; what is no name of one is left out."""
    (entity,) = render(f"{fence}\nx\n{fence[:3]}").entities

    assert language == entity.get("language")


@pytest.mark.parametrize(
    ("markdown", "text", "urls"),
    [
        ("[a](https://a.example/x)", "a", ["https://a.example/x"]),
        ("[a](http://a.example)", "a", ["http://a.example"]),
        ("<https://a.example>", "https://a.example", ["https://a.example"]),
        ("![alt *x*](https://a.example/p.png)", "alt x", ["https://a.example/p.png"]),
        ("![](https://a.example/p.png)", "image", ["https://a.example/p.png"]),
        ("[![i](https://a.example/1)](https://a.example/2)", "i", ["https://a.example/2"]),
        ("[a](https://a.example)[b](https://a.example)", "ab", ["https://a.example"]),
        ("[a](docs/x.md)", "a (docs/x.md)", []),
        ("![plan](img/x.png)", "plan (img/x.png)", []),
        ("[a](#part)", "a", []),
        ("[write](mailto:a@b.example)", "write (mailto:a@b.example)", []),
        ("<a@b.example>", "a@b.example", []),
        ("[](docs/x.md)", "docs/x.md", []),
        ("[a](tg://user?id=1)", "a (tg://user?id=1)", []),
        ("[a](https://)", "a (https://)", []),
        ("[a](https:/x)", "a (https:/x)", []),
        ("[a](javascript:alert(1))", "[a](javascript:alert(1))", []),
        ("[**x**](y) z", "x (y) z", []),
    ],
)
def test_links_open_only_addresses_of_the_web(markdown: str, text: str, urls: list[str]) -> None:
    """An address that a message cannot open is said in brackets, so that it is not lost."""
    made = render(markdown)

    assert text == made.text
    assert urls == [one["url"] for one in made.entities if "url" in one]
    assert {"text_link", "bold"} >= {one["type"] for one in made.entities} - {"italic"}


def test_citations_are_links_to_their_source() -> None:
    """A marker is read as such where the number was cited with an address, in text only, and stays as it is."""
    cited = {1: "https://a.example/1", 2: "https://a.example/2", 3: "javascript:x", 4: "https://"}
    text = r"So [1][2], not [3] [4] [9] `[1]` \[1] [x [2]](https://b.example)."

    assert [("text_link", "[1]"), ("text_link", "[2]"), ("code", "[1]"), ("text_link", "x [2]")] == stretches(
        text, cited=cited
    )
    assert "So [1][2], not [3] [4] [9] [1] [1] x [2]." == render(text, cited=cited).text


def test_a_table_stands_in_columns() -> None:
    """Signs of two columns and of none are counted as such, and columns keep the side that they were given."""
    table = "| a | *wide* | c |\n|--|:-:|--:|\n| 漢字 | `x` | 1 |\n| e\u0301😀 |  | [1] |"

    lines = [
        "a    | wide |   c",
        "-----+------+----",
        "漢字 |  x   |   1",
        "e\u0301😀  |      | [1]",
    ]
    assert [("pre", "\n".join(lines))] == stretches(table, cited={1: "https://a.example"})


def test_a_wide_table_becomes_lines() -> None:
    """A row that no screen shows in one line is said as header and value, the header in full the first time."""
    long = "word " * 12
    table = f"| {'H' * 50} | B |\n|--|--|\n| 1 | {long}|\n| 2 | **x** |\n| 3 | |"

    assert f"{'H' * 50}: 1\nB: {long.strip()}\n\n{'H' * 39}…: 2\nB: x\n\n{'H' * 39}…: 3" == render(table).text
    assert ("bold", "B:") in stretches(table)
    assert ("bold", "x") in stretches(table)


def test_a_table_with_links_becomes_lines() -> None:
    """In columns there could be no link."""
    table = "| name | where |\n|--|--|\n| a | [there](https://a.example) |"

    assert "name: a\nwhere: there" == render(table).text
    assert ("text_link", "there") in stretches(table)


def test_a_table_loses_no_address_that_a_message_cannot_open() -> None:
    """It is said behind its label, for which columns have no room."""
    table = "| name | where |\n|--|--|\n| a | [there](docs/x.md) |\n| b | [here](#part) |"

    assert "name: a\nwhere: there (docs/x.md)\n\nname: b\nwhere: here" == render(table).text
    assert "pre" == render(table.replace("docs/x.md", "#x")).entities[0]["type"]


def test_a_wide_table_without_rows_shows_its_headers() -> None:
    """Nothing is lost when nothing stands below."""
    assert f"{'a' * 90}:\nb:" == render(f"| {'a' * 90} | b |\n|--|--|").text


def test_a_table_in_a_list_stands_on_lines_of_its_own() -> None:
    """A bullet before the first row would shift it."""
    assert "• x\na | b\n--+--\n1 | 2\n• y" == render("- x\n\n  | a | b |\n  |--|--|\n  | 1 | 2 |\n- y").text


def test_what_is_nested_too_deeply_is_shown_as_it_was_written() -> None:
    """The parser leaves out what lies deeper than it goes, so nothing of it is used."""
    deep = "> " * 30 + "word"

    assert deep == render(deep).text
    assert () == render(deep).entities
    assert "word" == render("> " * 19 + "word").text


def test_nothing_gives_nothing() -> None:
    """What is put in its place is not decided here."""
    assert "" == render("").text
    assert "" == render("[a]: https://a.example").text


def steps_over(markdown: str) -> int:
    """Count the lines of ours that run while a text is rendered."""
    steps = 0

    def count(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal steps
        steps += event == "line"
        return count if "adapters" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(count)
    try:
        render(markdown, cited={1: "https://a.example"})
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    "unit",
    [
        "word\n\n",
        "# a\n",
        "- a\n",
        "1. `a` **b `c`**\n",
        "> a\n\n",
        "```py\nx\n```\n",
        "| a |\n|--|\n| 1 |\n\n",
        "[1] ",
        "*a **`b`*** ",
        "![a](https://a.example) [x](y) ",
        "[",
        "~~",
        "😀",
        "\\",
        "&amp;",
        "a\\\n",
        "**",
    ],
)
def test_twice_the_text_is_twice_the_work(unit: str) -> None:
    """An answer may be as long as a model goes on."""
    short, long = steps_over(unit * 300), steps_over(unit * 600)

    assert long <= 2.2 * short


def test_a_row_of_many_columns_is_not_padded_to_the_header_again_and_again() -> None:
    """A long header over many short rows gives a text that grows with its source and not with its square."""
    table = "| " + "h" * 20_000 + " | b |\n|--|--|\n" + "| 1 | 2 |\n" * 500

    assert len(render(table).text) < 4 * len(table)
