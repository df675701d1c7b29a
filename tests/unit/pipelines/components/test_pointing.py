"""Citations of a written answer: each statement with the lines that support it, though a source is long."""

from pipelines.components.pointing import pointed
from pipelines.types import Passage

LINES = [
    "# Depots",
    "",
    "## Retries",
    "",
    "The retry limit is five attempts.",
    "",
    *(line for number in range(20) for line in (f"Matter {number} is of no importance here.", "")),
    "## Storage",
    "",
    "Addresses are deleted after ninety days.",
]
GUIDE = Passage("1", "s", "guide.md", "b", 11, 10 + len(LINES), "\n".join(LINES), kind="docs", headings=("Depots",))
OTHER = Passage("2", "s", "other.md", "b", 1, 3, "# Zebras\n\nZebras sleep in the barn.", kind="docs")
RETRIES, STORAGE = 11 + LINES.index(LINES[4]), 11 + len(LINES) - 1


def cited(markdown: str, *passages: Passage) -> tuple[str, list[tuple[str, bool, bool]]]:
    """The text, and for each citation its path and whether the line of retries or of storage stands in it."""
    text, quotes = pointed(markdown, passages, question="depots")
    assert all(one.last_line - one.first_line < 12 for one in quotes)
    return text, [
        (
            one.passage.path,
            one.first_line <= RETRIES <= one.last_line and one.passage is GUIDE,
            one.first_line <= STORAGE <= one.last_line and one.passage is GUIDE,
        )
        for one in quotes
    ]


def test_one_statement_is_pointed_at_its_lines() -> None:
    """Lines count from the first line of the source."""
    assert ("Addresses are deleted after ninety days [1].", [("guide.md", False, True)]) == cited(
        "Addresses are deleted after ninety days [1].", GUIDE
    )


def test_two_statements_of_one_source_that_stand_apart_are_two_citations() -> None:
    """Numbers count anew by first use, those of other sources too."""
    text, lines = cited(
        "The retry limit is five attempts [1]. Zebras sleep in the barn [2]. "
        "Addresses are deleted after ninety days [1].",
        GUIDE,
        OTHER,
    )

    assert (
        "The retry limit is five attempts [1]. Zebras sleep in the barn [2]. "
        "Addresses are deleted after ninety days [3]." == text
    )
    assert [("guide.md", True, False), ("other.md", False, False), ("guide.md", False, True)] == lines


def test_statements_of_the_same_lines_share_a_number() -> None:
    """Nothing is cited twice."""
    text, lines = cited("The retry limit is five [1]. After five attempts the limit is reached [1].", GUIDE)

    assert "The retry limit is five [1]. After five attempts the limit is reached [1]." == text
    assert [("guide.md", True, False)] == lines


def test_a_sentence_that_nothing_supports_alone_keeps_the_number_of_its_source() -> None:
    """`So be careful` is said of what was said before."""
    text, lines = cited("The retry limit is five attempts [1]. Mind that well [1].", GUIDE)

    assert "The retry limit is five attempts [1]. Mind that well [1]." == text
    assert [("guide.md", True, False)] == lines


def test_code_keeps_its_brackets() -> None:
    """What looks like a number in code is none, in a line and in a block."""
    code = "Take `depots[1]` and ``x`[1]``:\n\n```python\nroute[1] = limit[2]\n```\n\n"
    text, lines = cited(
        f"{code}Zebras sleep in the barn [1]. The retry limit is five attempts [2]. "
        "Addresses are deleted after ninety days [2].",
        OTHER,
        GUIDE,
    )

    assert text.startswith(code)
    assert text.endswith("[1]. The retry limit is five attempts [2]. Addresses are deleted after ninety days [3].")
    assert 3 == len(lines)


def test_a_number_that_stands_alone_is_left_as_it_is() -> None:
    """Below a block of code no sentence says what it is about: the lines nearest to the question are shown."""
    markdown = "```\nroute depots\n```\n\n[1]"

    assert (markdown, 1) == (cited(markdown, GUIDE)[0], len(cited(markdown, GUIDE)[1]))


def test_a_list_of_statements_is_read_item_by_item() -> None:
    """Each item has its own lines."""
    text, lines = cited(
        "- The retry limit is five attempts [1]\n- Addresses are deleted after ninety days [1]\n", GUIDE
    )

    assert "- The retry limit is five attempts [1]\n- Addresses are deleted after ninety days [2]\n" == text
    assert [("guide.md", True, False), ("guide.md", False, True)] == lines


def test_one_source_is_cited_four_times_at_most() -> None:
    """An answer that retells a page does not become a list of all its lines."""
    lines = [f"The {name} is kept in depot {name}.\n" for name in ("apple", "birch", "cedar", "daisy", "elder", "fern")]
    page = Passage("3", "s", "p.md", "b", 1, 2, "\n".join(lines), kind="docs")
    _, quotes = pointed(" ".join(line.strip().replace(".", " [1].") for line in lines), [page], question="depots")

    assert 2 <= len(quotes) <= 4
