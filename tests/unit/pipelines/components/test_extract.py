"""Which lines of a passage are quoted."""

import pytest

from pipelines.components.compose import quotes_markdown
from pipelines.components.extract import Quoted, quote
from pipelines.components.query import read_query
from pipelines.types import Passage


def chosen(
    question: str, text: str, *, path: str = "a.md", kind: str = "docs", headings: tuple[str, ...] = ()
) -> Quoted:
    """The quote for a question, all concepts by their own weights."""
    query = read_query(question)
    passage = Passage("id", "s", path, "b", 1, 1 + text.count("\n"), text, headings=headings, kind=kind)
    return quote(passage, query, [(one, one.weight) for one in query.concepts])


def test_a_heading_is_quoted_with_its_text() -> None:
    """The heading has the words, the text below the answer."""
    assert (
        "It is port 7070."
        in chosen("Which port is used?", "## Port used\n\nIt is port 7070.\n\n## Other\n\nNo.\n").text
    )


def test_a_row_is_quoted_with_the_head_of_its_table() -> None:
    """The row is cited, the head shown above it."""
    one = chosen("zebra limit", "| name | meaning |\n|---|---|\n| ant | small |\n| zebra limit | 5 |\n")

    assert "| zebra limit | 5 |" == one.text
    assert "> | name | meaning |\n> |---|---|\n> | zebra limit | 5 |" in quotes_markdown([one], [])


def test_how_to_begins_with_the_first_step() -> None:
    """A short section is quoted from its beginning when somebody asks how."""
    text = "## Install\n\nYou need git.\n\n    git clone x\n\nThis installs the packages.\n"

    assert chosen("How do I install it?", text).text.startswith("You need git.")


def test_a_line_of_code_that_only_repeats_the_question_answers_nothing() -> None:
    """Tests of a bot hold questions; they are no answers."""
    question = "What is the refund policy?"

    assert 0.0 == chosen(question, f'ask("{question}")\n', path="x.py", kind="code").coverage


@pytest.mark.parametrize("filler", [" ", "#", " #", "[", "\t"])
def test_a_heading_as_long_as_a_page_is_shown_short(filler: str) -> None:
    """Reading it costs no more than its length: signs and blanks without end once took minutes."""
    one = chosen("zebra", f"# zebra {filler * 6_000} end\n")

    assert len(quotes_markdown([one], [])) < 3_000


@pytest.mark.parametrize(("heading", "shown"), [("## The zebra ##", "The zebra"), ("# C# zebra", "C# zebra")])
def test_a_heading_is_shown_without_its_signs(heading: str, shown: str) -> None:
    """They are markup; what only looks like them stays."""
    assert f"**{shown}**" in quotes_markdown([chosen("zebra", f"{heading}\n")], [])


def test_imports_win_no_quote() -> None:
    """The name is shown where it does something."""
    code = "from a import zebra\n\n\ndef run_zebra():\n    return zebra()\n"

    assert chosen("What does the zebra do?", code, path="a.py", kind="code").text.startswith("def run_zebra")


def test_roles_and_literals_of_restructured_text_are_shown_as_markdown() -> None:
    """A reader sees names in ticks, not markup."""
    one = chosen("zebra", "The :setting:`zebra` uses ``stripes``, see `docs <https://a.example>`_.\n", path="a.rst")

    assert "The `zebra` uses `stripes`, see docs." in quotes_markdown([one], [])
