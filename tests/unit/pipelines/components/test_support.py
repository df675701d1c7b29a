"""Whether lines support a sentence: true ones do, altered ones do not."""

import pytest

from pipelines.components.support import (
    code_of,
    read_claim,
    sentences_of,
    supporting_code,
    supporting_lines,
    verbatim_lines,
)
from tests.fakes.project import HANDBOOK

README, PRIVACY, DEPOTS = HANDBOOK["README.md"], HANDBOOK["docs/privacy.md"], HANDBOOK["docs/depots.md"]

TRUE = [
    ("The retry limit is 5 attempts.", README),
    ("After 5 attempts a package goes to the dead letter depot.", README),
    ("The service listens on port 7070 by default.", README),
    ("By default, the service listens on port 7070 [1].", README),
    ("`depot.timeout_s` changes how long a depot may take to answer.", README),
    ("A depot may take 30 seconds unless you change it.", README),
    ("Settings lie in `parcel.toml`.", README),
    ("Install it with `pip install parcel`.", README),
    ("Addresses are deleted after 90 days.", PRIVACY),
    ("Photos of packages are never stored.", PRIVACY),
    ("An admin deletes a customer with `parcel customer remove NAME`.", PRIVACY),
    ("Deleting a customer cannot be undone.", PRIVACY),
    ("Two depots are linked by a route.", DEPOTS),
    ("Depots that do not answer for three minutes are marked as offline.", DEPOTS),
    ("Depots are marked as offline when they do not answer for 3 minutes.", DEPOTS),
]
ALTERED = [
    ("The retry limit is 7 attempts.", README, "number"),
    ("After 50 attempts a package goes to the dead letter depot.", README, "number"),
    ("The service listens on port 7071 by default.", README, "number"),
    ("`depot.retry_s` changes how long a depot may take to answer.", README, "name"),
    ("A depot may take 30 minutes unless you change it.", README, "unit"),
    ("Settings lie in `depot.yaml`.", README, "name"),
    ("The retry limit is not 5 attempts.", README, "negation"),
    ("The service does not listen on port 7070 by default.", README, "negation"),
    ("Addresses are deleted after 30 days.", PRIVACY, "number"),
    ("Addresses are never deleted after 90 days.", PRIVACY, "negation"),
    ("Photos of packages are stored.", PRIVACY, "negation"),
    ("Photos of packages are always stored.", PRIVACY, "opposite"),
    ("An admin deletes a customer with `parcel customer drop NAME`.", PRIVACY, "name"),
    ("Deleting a customer can be undone.", PRIVACY, "negation"),
    ("Three depots are linked by a route.", DEPOTS, "number"),
    ("Depots that answer for three minutes are marked as offline.", DEPOTS, "negation"),
    ("Depots that do not answer for ten minutes are marked as offline.", DEPOTS, "number"),
    ("Depots that do not answer for three minutes are marked as online.", DEPOTS, "opposite"),
    ("The moon is made of green cheese.", README, "everything"),
    ("Addresses are encrypted with a key of the customer.", PRIVACY, "everything"),
]


@pytest.mark.parametrize(("sentence", "text"), TRUE)
def test_a_true_sentence_is_supported(sentence: str, text: str) -> None:
    """What a document says, said in the same or in other order, is supported by it."""
    assert supporting_lines(read_claim(sentence), text) is not None


@pytest.mark.parametrize(("sentence", "text", "_change"), ALTERED)
def test_an_altered_sentence_is_not_supported(sentence: str, text: str, _change: str) -> None:
    """A changed number, unit, name or negation makes a sentence unsupported."""
    assert supporting_lines(read_claim(sentence), text) is None


def test_the_lines_that_support_are_named() -> None:
    """The window is as small as it can be."""
    place = supporting_lines(read_claim("The retry limit is 5 attempts."), README)

    assert place is not None
    assert "retry limit is 5 attempts" in "\n".join(README.split("\n")[place[0] : place[1]])
    assert place[1] - place[0] == 1


def test_an_answer_is_cut_into_sentences() -> None:
    """Marks stay with their sentence, list items are sentences, code is apart, abbreviations of numbers hold."""
    answer = "It is 3.5 s [1]. Then [2] it ends! [3]\n\n- first item [1]\n- second item\n\n```py\nx = 1. Not this\n```\nLast."

    assert [
        "It is 3.5 s [1].",
        "Then [2] it ends! [3]",
        "first item [1]",
        "second item",
        "Last.",
    ] == sentences_of(answer)
    assert ["x = 1. Not this"] == code_of(answer)


def test_code_is_supported_by_the_same_lines_whatever_the_spaces() -> None:
    """Nine lines in ten must stand in the passage."""
    passage = "import os\n\ndef f(x):\n    return x + 1\n"

    assert (2, 4) == supporting_code("def f(x):\n  return x+1", passage)
    assert supporting_code("def f(x):\n  return x+2", passage) is None


@pytest.mark.parametrize(
    ("sentence", "lines"),
    [
        ("Photos are `never` stored.", (0, 2)),
        ("Addresses go after 90 days", (1, 2)),
        ("are never stored", None),
        ("Addresses go after", None),
        ("Photos are stored.", None),
        ("...", None),
    ],
)
def test_a_sentence_is_found_word_for_word(sentence: str, lines: tuple[int, int] | None) -> None:
    """Whole, over line breaks, whatever its signs; a part of a sentence may say the opposite of the whole."""
    assert lines == verbatim_lines(sentence, "Photos are never\nstored. Addresses go after 90 days.\n")
