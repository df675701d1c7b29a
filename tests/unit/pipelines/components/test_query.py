"""Taking questions apart, and making follow-ups stand alone."""

import pytest

from pipelines.components.followup import leans_on_history, standing_alone
from pipelines.components.glossary import in_english, same_stems
from pipelines.components.query import read_query
from pipelines.types import Exchange


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("parse_config", {"parse_config"}),
        ("where is HTTPAdapter.send defined?", {"HTTPAdapter.send"}),
        ("what does `open()` do", {"open"}),
        ("call std::vector here", {"std::vector"}),
        ("how do I install it", set()),
        ("I/O and e.g. 3.5 items", set()),
    ],
)
def test_identifiers_are_seen_in_a_question(text: str, names: set[str]) -> None:
    """Snake case, camel case, dots, colons and ticks make a name; ordinary words do not."""
    assert names == {name for name in read_query(text).identifiers if name != "e.g"}


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        ("Which tests cover the parser?", "tests"),
        ("Show an example of a route", "examples"),
        ("Where is the parser implemented?", "code"),
        ("What changed in the last release?", "history"),
    ],
)
def test_the_kind_of_file_meant_is_seen(text: str, wants: str) -> None:
    """Words for tests, examples, code and changes turn the ranking round."""
    assert wants in read_query(text).wants


def test_words_of_asking_weigh_less_than_words_of_the_matter() -> None:
    """The word "work" says little beside "retry"."""
    weights = {concept.word: concept.weight for concept in read_query("How does the retry work?").concepts}

    assert weights["retry"] > weights["work"]


@pytest.mark.parametrize(
    ("german", "english"),
    [
        ("Einstellungen", "setting"),
        ("lösche", "delete"),
        ("loeschen", "delete"),
        ("gespeichert", "store"),
        ("hinzugefügt", "add"),
        ("Räume", "room"),
        ("Datenbankverbindung", "database"),
        ("Umgebungsvariablen", "variable"),
        ("geändert", "change"),
    ],
)
def test_german_words_are_read_in_english(german: str, english: str) -> None:
    """Endings, participles, umlauts and compounds of two known words are understood."""
    assert english in in_english(german)


@pytest.mark.parametrize("word", ["install", "the", "frobnicate", "Zzz", ""])
def test_other_words_stay_as_they_are(word: str) -> None:
    """What is no known German word has no translation."""
    assert () == in_english(word)


def test_pairs_of_words_mean_the_same() -> None:
    """Somebody who asks for "remove" finds "delete"."""
    assert same_stems("delet") == same_stems("remov")
    assert frozenset({"zebra"}) == same_stems("zebra")


BEFORE = (Exchange("How long are addresses kept?", "90 days."),)


@pytest.mark.parametrize("text", ["And photos?", "Why?", "Can I change it?", "What about that?", "Und wie lange?"])
def test_a_question_that_leans_on_the_one_before_gets_its_words(text: str) -> None:
    """Short ones and those that point back are completed."""
    assert leans_on_history(text)
    assert "addresses" in standing_alone(text, BEFORE)


@pytest.mark.parametrize(
    "text", ["How do I install parcel?", "deliver_with_retry", "Which license applies to the bundled weights of words?"]
)
def test_a_full_question_stays_as_it_is(text: str) -> None:
    """A change of subject is not mixed with what was before."""
    assert text == standing_alone(text, BEFORE)


def test_a_chain_of_follow_ups_reaches_the_matter() -> None:
    """The second follow-up is still about the first question."""
    history = (*BEFORE, Exchange("And photos?", "Never."))

    assert "addresses" in standing_alone("Why?", history)


@pytest.mark.parametrize("text", ["", "?", "\x00", "a" * 10_000, "🦜🦜", "((((", "[" * 500, "`" * 99, "'" * 99])
def test_any_text_is_a_valid_question(text: str) -> None:
    """Nothing that somebody types breaks the reading, and the work is bounded."""
    assert len(read_query(text).text) <= 4_000


def test_the_language_of_code_is_no_word_to_look_for_in_code() -> None:
    """Nobody writes in Python code that it is Python; beside what is asked the name counts little."""
    query = read_query("python check if a parcel is empty")
    weights = {concept.word: concept.weight for concept in query.concepts}

    assert "python" not in query.code_words
    assert "python" in query.words
    assert weights["python"] < weights["parcel"]


@pytest.mark.parametrize("question", ["python", "Which Python?", "python-parcel", "src/python/parcel.c", "`java`"])
def test_a_language_that_is_the_matter_itself_stays(question: str) -> None:
    """It counts in full when nothing else is asked, and as a part of a name or path."""
    query = read_query(question)

    assert max(concept.weight for concept in query.concepts) == 1.0
    assert query.concepts[0].weight == 1.0


@pytest.mark.parametrize(
    "text",
    ["list index out of range in the parcel queue", "can't open file 'parcel': No such file or directory"],
)
def test_a_pasted_message_is_looked_for_word_by_word(text: str) -> None:
    """It needs no quotes and no word like Error."""
    assert read_query(text).phrases


@pytest.mark.parametrize(
    "text",
    ["how the parcel queue is filled and emptied again", "Where is the parcel queue filled and emptied again"],
)
def test_a_question_without_its_mark_is_no_message(text: str) -> None:
    """Nobody's text has those words in a row."""
    assert () == read_query(text).phrases
