"""What moves a passage up or down, one feature at a time."""

import pytest
from haystack import Document

from pipelines.components.asked import concept_weights
from pipelines.components.candidate import Candidate
from pipelines.components.extract import QUOTE_CHARS, quote
from pipelines.components.query import read_query
from pipelines.components.rank import outdated_folders, rank
from pipelines.types import Passage


def candidate(path: str, text: str = "text", *, by_words: float = 0.5, **meta: object) -> Candidate:
    """A candidate that keyword search liked half as much as the best."""
    document = Document(id=path, content=text, meta={"path": path, "source": "s", "blob": "b", **meta})
    return Candidate(document, by_words=by_words)


def order(question: str, *candidates: Candidate) -> list[str]:
    """The paths, best first."""
    ranked, _ = rank(read_query(question), candidates)
    return [one.candidate.path for one in ranked]


def test_a_file_named_like_the_question_goes_up() -> None:
    """Words of the question in the file's name count."""
    assert ["src/retry.py", "src/other.py"] == order(
        "How are retries done?", candidate("src/other.py"), candidate("src/retry.py")
    )


def test_the_place_of_definition_beats_a_mention() -> None:
    """A name typed alone leads to where it is defined, even when others use it more."""
    uses = candidate("a.py", "load_plan load_plan", by_words=1.0)
    defines = candidate("b.py", "def load_plan(): ...", symbols=["load_plan"])

    assert ["b.py", "a.py"] == order("load_plan", uses, defines)


def test_tests_and_examples_go_down_unless_they_are_meant() -> None:
    """The penalty turns round when the question asks for tests."""
    pair = (candidate("tests/test_route.py", "route plan", by_words=0.9), candidate("src/plan.py", "route plan"))

    assert ["src/plan.py", "tests/test_route.py"] == order("How is a route planned?", *pair)
    assert ["tests/test_route.py", "src/plan.py"] == order("Which tests cover the route?", *pair)


def test_the_words_of_an_error_message_in_a_row_go_up() -> None:
    """A passage that says the message beats one that has its words scattered."""
    scattered = candidate("a.py", "attempts within a delivery got none expected")
    says = candidate("b.py", 'raise DeadLetter("expected a delivery within 5 attempts, got none")')

    assert ["b.py", "a.py"] == order('"expected a delivery within 5 attempts, got none"', scattered, says)


def test_a_named_file_is_first() -> None:
    """A path in the question leads to that file."""
    assert "src/b.py" == order("src/b.py", candidate("src/a.py", by_words=1.0), candidate("src/b.py"))[0]


def test_rare_concepts_weigh_more_and_missing_ones_most() -> None:
    """What few passages speak of tells them apart."""
    pool = [candidate(f"{n}.md", "depot route" if n else "depot parcel") for n in range(9)]
    weights = {one.word: weight for one, weight in concept_weights(read_query("depot parcel zebra"), pool)}

    assert weights["depot"] < weights["parcel"] < weights["zebra"]


def test_features_explain_the_score() -> None:
    """The features add up to the score, what is taken away for the kind of file too."""
    pool = [
        candidate("src/retry.py", "the retry limit", kind="code"),
        candidate("tests/test_retry.py", "the retry limit", kind="code"),
        candidate("docs/retry.md", "the retry limit", kind="docs"),
    ]

    for one in rank(read_query("retry limit"), pool)[0]:
        assert one.score == pytest.approx(sum(feature.value for feature in one.features), abs=1e-3)


def test_documents_come_first_when_somebody_wants_to_do_something() -> None:
    """The same words in code and in a document: the way of asking decides."""
    pair = (
        candidate("src/retry.py", "change the retry limit", kind="code"),
        candidate("docs/retry.md", "change the retry limit", kind="docs"),
    )

    assert "docs/retry.md" == order("How do I change the retry limit?", *pair)[0]
    assert "docs/retry.md" == order("Wie kann ich das retry limit ändern?", *pair)[0]
    assert "src/retry.py" == order("how the retry limit is applied", *pair)[0]
    assert "src/retry.py" == order("retry limit", *pair)[0]


def test_worth_knows_no_kind() -> None:
    """What is quoted is chosen by what it says: a document keeps its worth when code leads the list."""
    ranked, _ = rank(
        read_query("retry limit"),
        [candidate("a/retry.py", "retry limit", kind="code"), candidate("a/retry.md", "retry limit", kind="docs")],
    )

    assert ranked[0].score > ranked[1].score
    assert ranked[0].worth == pytest.approx(ranked[1].worth)


def test_a_file_that_speaks_of_it_in_several_passages_goes_up() -> None:
    """Two passages of a file outweigh one that is liked slightly more elsewhere."""
    alone = candidate("src/a.py", "retry", by_words=0.52, first_line=1, last_line=9)
    pair = [candidate("src/b.py", "retry", by_words=0.5, first_line=line, last_line=line + 8) for line in (1, 100)]

    assert "src/b.py" == order("retry", alone, *pair)[0]
    assert "src/a.py" == order("retry", alone, pair[0])[0]


def test_an_outdated_folder_yields_to_the_later_one() -> None:
    """v3 beside v4 goes down; alone it does not."""
    old, new = candidate("src/v3/parse.ts", "parse", by_words=0.6), candidate("src/v4/parse.ts", "parse")

    assert ["src/v4/parse.ts", "src/v3/parse.ts"] == order("parse", old, new)
    assert frozenset() == outdated_folders(["src/v3/parse.ts", "lib/v4/parse.ts"])


def test_what_only_declares_yields_to_what_does_it() -> None:
    """A header or a type stub tells less than the code."""
    assert ["src/loop.c", "src/loop.h"] == order("loop", candidate("src/loop.h"), candidate("src/loop.c"))


def test_the_file_that_defines_a_name_goes_up_as_a_whole() -> None:
    """What is asked of a class may stand in another passage of its file."""
    defining = candidate("src/b.py", "class ParcelPlan: ...", first_line=1, symbols=["ParcelPlan"])
    rest = candidate("src/b.py", "rows of the plan", first_line=40)
    elsewhere = candidate("src/a.py", "rows of the plan", by_words=0.6)

    ranked, _ = rank(read_query("How many rows has a ParcelPlan?"), [elsewhere, defining, rest])

    assert {"src/b.py"} == {one.candidate.path for one in ranked[:2]}


def test_code_for_windows_yields_unless_it_is_asked_for() -> None:
    """The same file for two systems: most ask about the one that servers run."""
    pair = candidate("src/win/pipe.c", "open a pipe", by_words=0.6), candidate("src/unix/pipe.c", "open a pipe")

    assert "src/unix/pipe.c" == order("how a pipe is opened", *pair)[0]
    assert "src/win/pipe.c" == order("how a pipe is opened on Windows", *pair)[0]
    assert "src/window/pipe.c" == order("pipe", candidate("src/window/pipe.c", by_words=0.6), pair[1])[0]


def test_words_in_a_row_count_however_they_are_broken() -> None:
    """A phrase that goes on in the next line, in quotes, is still said; its words in another order are not."""
    question = "no parcel leaves the depot after noon"
    broken = candidate("b.py", 'raise Late("no parcel leaves"\n            " the depot after noon")')
    mixed = candidate("a.py", "after noon the parcel is in no depot; it leaves", by_words=0.52)

    assert ["b.py", "a.py"] == order(question, mixed, broken)


def test_a_passage_beside_a_good_one_goes_up() -> None:
    """The text before or after what was found often belongs to it."""
    far, close = candidate("src/a.py", "text"), candidate("src/b.py", "text")
    close.beside = 1.0

    assert ["src/b.py", "src/a.py"] == order("retry", far, close)


def passage(text: str, *, path: str = "a.md", kind: str = "docs", first_line: int = 1) -> Passage:
    """A passage of a file."""
    return Passage("id", "s", path, "b", first_line, first_line + text.count("\n"), text, kind=kind)


def quoted(question: str, text: str, **more: object) -> str:
    """The text of the quote chosen for a question."""
    query = read_query(question)
    return quote(passage(text, **more), query, [(one, one.weight) for one in query.concepts]).text  # type: ignore[arg-type]


def test_code_after_a_colon_is_quoted_with_its_lead() -> None:
    """An instruction and its code belong together."""
    text = "# Install\n\nOther words.\n\nInstall it so:\n\n```\npip install x\n```\n\nMore.\n"

    assert "Install it so:\n\n```\npip install x\n```" == quoted("How do I install it?", text)


def test_neighbouring_items_come_along() -> None:
    """A step is quoted with the steps beside it."""
    assert "1. Declare it.\n2. Add the depot." == quoted(
        "Adding a depot", "Text.\n\n1. Declare it.\n2. Add the depot.\n"
    )


def test_a_code_quote_begins_at_the_definition() -> None:
    """The window opens where the name is defined, not where it is used first."""
    text = "import load_plan_x\n\nload()\n\ndef load_plan():\n    return 1\n"

    assert quoted("load_plan", text, path="a.py", kind="code").startswith("def load_plan():")


def test_a_long_block_is_cut_to_whole_lines_around_the_match() -> None:
    """The telling line is inside, and the quote stays short."""
    lines = [f"Line {n} says nothing much about anything." for n in range(100)]
    lines[60] = "The zebra crossing opens at noon."
    text = quoted("zebra crossing", "\n".join(lines))

    assert "zebra crossing" in text
    assert len(text) <= QUOTE_CHARS


@pytest.mark.parametrize("text", ["", "\n\n", "---\n---", "\r\n", "```", "x" * 10_000, "\x0c"])
def test_any_passage_can_be_quoted(text: str) -> None:
    """Odd texts give some lines of theirs, never an error."""
    chosen = quote(passage(text, first_line=7), read_query("zebra"), [])

    assert 7 <= chosen.first_line <= chosen.last_line
