"""Which concepts a text speaks of, found without cutting all of it into words."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.components.keywords import terms
from pipelines.components.query import read_query
from pipelines.components.spoken import Spoken

WORDS = (
    "parse_config parseConfig PARSE-CONFIG configuration route routes routing use using uses retries retry query "
    "queries availability type typed HTTPServer server v2.3 c++ self.route(parcel) x"
).split()
QUESTION = "Where does parse_config read the routing configuration, retry a query, and use types of HTTPServer v2.3?"


@given(st.lists(st.sampled_from([*WORDS, " ", "\n", "(", ").", "über", "é"]), max_size=12).map(" ".join))
def test_a_text_speaks_of_what_its_terms_are(text: str) -> None:
    """However identifiers are written, the concepts found are those whose stems are among the terms of the text."""
    concepts = read_query(QUESTION).concepts
    held = set(terms(text))
    expected = sum(1 << at for at, concept in enumerate(concepts) if concept.stems & held)

    assert expected == Spoken(concepts).of(text)


def test_a_part_of_another_word_is_nothing() -> None:
    """The letters of a stem inside a longer word, or at its beginning, are not the word."""
    concepts = read_query("route").concepts

    assert [0, 0, 1] == [Spoken(concepts).of(text) for text in ("rerouted trout", "routinely", "a Route.")]


def test_a_term_is_like_a_concept_that_begins_like_it() -> None:
    """`config` and `configur` are alike from four letters on; shorter ones must be the same."""
    spoken = Spoken(read_query("configuration of an api").concepts)

    assert [1, 2, 0] == [spoken.alike(term) for term in ("config", "api", "ap")]
