"""Long texts are cut where a reader minds it least, and each piece is whole."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.matrix.parsing import parse
from adapters.matrix.parts import cost
from adapters.matrix.render import Rendered, rendered
from adapters.matrix.splitting import Tokens, split
from tests.unit.adapters.documents import Document, documents
from tests.unit.adapters.matrix.reading import Read

LIMIT = 20_000


def price(tokens: Tokens) -> int:
    """What tokens take of an event, and what the seam to the next takes."""
    return cost(rendered(tokens)) + 4


def cut(markdown: str, limit: int = LIMIT) -> list[Rendered]:
    """The pieces of a text; none is over the limit."""
    made = [rendered(tokens) for tokens in split(parse(markdown, cited={}), limit=limit, cost=price)]

    assert all(cost(one) <= limit for one in made), [cost(one) for one in made]
    return made


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    return re.findall(r"w\d+", text)


def test_a_short_text_is_one_piece() -> None:
    """It is not cut at all."""
    assert ["a\n\nb"] == [one.plain for one in cut("a\n\nb")]


def test_cuts_are_between_blocks() -> None:
    """As many as fit stay together; a heading goes with what it heads."""
    block = "word " * 300
    made = cut("\n\n".join(f"## Title {number}\n\n{block}" for number in range(20)))

    assert len(made) > 1
    for one in made:
        lines = one.plain.split("\n\n")
        assert lines[0].startswith("Title")
        assert lines[-1].startswith("word")


def test_code_is_cut_at_its_lines_in_fences_of_its_own() -> None:
    """Each piece names the language; together they are the code."""
    code = "".join(f"line {number} = '{'x' * 50}'\n" for number in range(400))
    made = cut(f"Before:\n\n```py\n{code}```\n\nafter")

    codes = [one for piece in made for one in Read(piece.html).codes]
    assert len(codes) > 1
    assert {"py"} == {language for language, _ in codes}
    assert code == "".join(text for _, text in codes)


def test_a_list_goes_on_with_its_numbers() -> None:
    """An item that is cut inside keeps its number, and no item gets another's."""
    items = [f"w{number} {'y ' * (6_000 if number == 3 else 400)}" for number in range(1, 21)]
    made = cut("\n".join(f"{number}. {item}" for number, item in enumerate(items, start=1)))

    assert len(made) > 2
    for one in made:
        for number, word in re.findall(r"^(\d+)\. w(\d+)", one.plain, re.MULTILINE):
            assert number == word
    assert list(range(1, 21)) == [int(word[1:]) for one in made for word in words(one.plain)]


def test_a_table_says_its_header_again() -> None:
    """So that each piece can be read alone."""
    rows = "\n".join(f"| w{number} | {'z' * 60} |" for number in range(400))
    made = cut(f"| name | what |\n|---|---|\n{rows}")

    assert len(made) > 1
    assert all(one.plain.startswith("name | what\nw") for one in made)
    assert [f"w{number}" for number in range(400)] == words("".join(one.plain for one in made))


def test_a_table_with_rows_as_large_as_messages_is_cut_into_its_cells() -> None:
    """Nothing else could hold them."""
    made = cut(f"| w1 | w2 |\n|---|---|\n| w3 {'z ' * 9_000} | w4 |")

    assert ["w1", "w2", "w3", "w4"] == words("".join(one.plain for one in made))


def test_a_quote_is_cut_into_quotes() -> None:
    """Also a list in it, and a quote in that."""
    inner = "\n".join(f"> - w{number} {'q ' * 100}\n>   > deeper" for number in range(100))
    made = cut(inner)

    assert len(made) > 1
    assert all(one.plain.startswith("> - w") for one in made)
    assert all(one.html.startswith("<blockquote>") for one in made)
    assert [f"w{number}" for number in range(100)] == words("".join(one.plain for one in made))


@pytest.mark.parametrize("text", ["word " * 20_000, "x" * 50_000, "😀" * 12_000, "\x01" * 20_000, '"&' * 10_000])
def test_a_long_paragraph_is_cut_between_words(text: str) -> None:
    """A word that is longer than a message is cut inside; nothing but spaces is left out."""
    made = cut(text)

    assert len(made) > 1
    assert text.replace(" ", "") == "".join(one.plain for one in made).replace(" ", "").replace("\n", "")


def test_marks_and_links_in_a_long_paragraph_stay_whole() -> None:
    """What they enclose is on one side of a cut."""
    made = cut("**w1 bold** [w2 link](https://e.example/a) plain words " * 1_000)

    assert len(made) > 1
    for one in made:
        read = Read(one.html)
        assert one.plain.count("(https://e.example/a)") == len(read.links)
        assert one.plain.count("bold") == read.tags.count("strong")


def test_a_mark_longer_than_a_message_is_let_go() -> None:
    """The words are what counts."""
    made = cut("**" + "word " * 20_000 + "end**")

    assert len(made) > 1
    assert "end" in made[-1].plain


@pytest.mark.parametrize(
    "text",
    [f"[w1](https://e.example/{'a' * 60_000})", f"```{'i' * 60_000}\nw1\n```", f"<https://e.example/{'b' * 60_000}>"],
)
def test_one_long_sign_is_no_way_over_the_limit(text: str) -> None:
    """Neither an address nor a language."""
    assert cut(text)


@given(documents(), st.integers(1, 30), st.sampled_from([LIMIT, 41_000]))
def test_no_word_is_lost_in_a_cut(document: Document, times: int, limit: int) -> None:
    """Whatever is cut, each piece is whole HTML under the limit, and together they are the text."""
    made = cut("\n\n".join([document.markdown] * times), limit)
    read = [Read(one.html) for one in made]

    assert [f"w{number}" for number in range(1, document.words + 1)] * times == words("".join(one.text for one in read))
    assert "".join(code for _, code in document.codes * times).replace("\n", "") == "".join(
        code for one in read for _, code in one.codes
    ).replace("\n", "")


@settings(max_examples=12)
@given(
    st.integers(0, 18), st.sampled_from(["> ", "- ", "1. ", "> - "]), st.sampled_from(["x ", "x", "😀", "\n", "`c` "])
)
def test_deep_marks_do_not_break_the_limit(depth: int, mark: str, unit: str) -> None:
    """What each line shows of them counts, too."""
    text = mark * depth + "w1 " + unit * 6_000 + "w2"

    assert cut(text)
