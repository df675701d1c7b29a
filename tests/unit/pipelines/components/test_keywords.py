"""How texts and questions are cut into terms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.components.keywords import (
    FIELD_WEIGHTS,
    MAX_QUERY_CHARS,
    MAX_QUERY_TERMS,
    field_terms,
    header_terms,
    most_telling,
    query_terms,
    terms,
    terms_in_language,
)


@pytest.mark.parametrize(
    "text", ["parseConfig", "parse_config", "parse-config", "ParseConfig", "PARSE_CONFIG", "_parse_config_"]
)
def test_an_identifier_gives_itself_whole_and_its_parts(text: str) -> None:
    """However it is written, the same three terms come out, the whole first."""
    assert ["parseconfig", "pars", "config"] == terms(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTPServer", ["httpserver", "http", "server"]),
        ("sha256", ["sha256", "sha", "256"]),
        ("getX", ["getx", "get"]),
        ("__init__", ["init"]),
        ("--dry-run", ["dryrun", "dri", "run"]),
        ("a/b/c.py", ["a", "b", "c", "py"]),
        ("C++ and C#", ["c++", "and", "c#"]),
        ("Python 3.11, v1.2.3", ["python", "3.11", "11", "v1.2.3"]),
        ("configurations configured", ["configur", "configur"]),
    ],
)
def test_words_of_code_are_cut_where_readers_see_parts(text: str, expected: list[str]) -> None:
    """Acronyms, digits, flags, paths, languages and versions each have their way."""
    assert expected == terms(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ﬁle", "file"), ("cafe\u0301", "café"), ("Straße", "STRASSE"), ("ＡＢＣ", "abc"), ("Größe", "größe")],
)
def test_different_spellings_of_one_word_meet(one: str, other: str) -> None:
    """Ligatures, combining marks, case and full-width letters do not hide a word."""
    assert terms(one) == terms(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("установка", "установки"), ("серверами", "сервера"), ("αρχεία", "αρχείο"), ("الملفات", "ملف")],
)
def test_letters_that_name_their_language_say_how_to_stem(one: str, other: str) -> None:
    """Russian, Greek and Arabic words meet in any text; words with Ukrainian letters stay whole."""
    assert terms(one) == terms(other)
    assert ["її", "міста"] == terms("її міста")


GERMAN = "Die Einrichtungen stehen in der Datei und werden mit parse_config gelesen, wenn der Dienst beginnt."
ENGLISH = "The settings are kept in the file and they are read by parse_config when the service begins."


def test_prose_of_another_language_has_its_stems_besides() -> None:
    """English stems and names stay where they were; the headings and the path are of the same language."""
    fields, language = terms_in_language(GERMAN, {"path": "einrichtungen.md", "headings": ["Einrichtungen"]})

    assert "de" == language
    assert {*terms(GERMAN), "einricht", "steh"} <= set(fields["text"].split())
    assert {"einricht"} <= set(fields["path"].split()) & set(fields["headings"].split())


@pytest.mark.parametrize(("text", "kind"), [(ENGLISH, "docs"), (GERMAN, "code"), ("Einrichtungen, Dateien", "docs")])
def test_english_code_and_what_is_short_have_the_terms_of_their_words(text: str, kind: str) -> None:
    """No stem of another language gets into them."""
    fields, language = terms_in_language(text, {"kind": kind, "headings": [text]})

    assert ("en", " ".join(terms(text)), fields["text"]) == (language, fields["text"], fields["headings"])


def test_a_question_is_asked_in_the_languages_that_are_held() -> None:
    """The stems of a language come after the usual ones, and only where there is prose of it."""
    assert ["einrichtungen"] == query_terms("Wo sind die Einrichtungen?")
    assert ["einrichtungen", "einricht"] == query_terms("Wo sind die Einrichtungen?", {"de", "fr"})
    assert ["instal", "lecteur"] == query_terms("Où installer les lecteurs ?")


def test_scripts_without_spaces_are_found_by_pairs() -> None:
    """A word inside a longer run of Chinese or Japanese is found; Latin words beside it stay whole."""
    assert {"東京"} < set(terms("東京都庁hello"))
    assert "hello" in terms("東京都庁hello")
    assert ["京"] == terms("京")


def test_runs_of_data_are_no_words() -> None:
    """A base64 blob gives no term; a SHA-256 does."""
    assert [] == terms("x" * 500)
    assert ["a" * 64] == terms("a" * 64)


def test_a_question_loses_its_stop_words_when_others_remain() -> None:
    """English and German filler goes; a question of filler only keeps it, since `for` and `is` are code too."""
    assert ["work", "retri"] == query_terms("How does this work for retries?")
    assert ["konfigur", "geladen"] == query_terms("Wie wird die Konfiguration geladen")
    assert ["what", "is", "for"] == query_terms("what is for")


def test_a_question_names_each_term_once() -> None:
    """Saying a word twice does not search it twice."""
    assert ["cach", "evict"] == query_terms("cache cache eviction Cache")


def test_only_the_beginning_of_an_endless_question_is_read() -> None:
    """A question of a megabyte costs no more than its first characters."""
    assert ["word"] == query_terms("word " * MAX_QUERY_CHARS + "needle")


def test_the_rarest_terms_are_the_most_telling() -> None:
    """Terms in no passage are dropped, frequent ones go first when there are too many."""
    frequency = {"the": 900, "pool": 12, "timeout": 3, "unknown": 0}

    assert ["timeout", "pool"] == most_telling(list(frequency), frequency.__getitem__, limit=2)
    assert MAX_QUERY_TERMS == len(most_telling([str(n) for n in range(500)], lambda _: 1))


def test_the_header_names_the_file_twice_and_three_folders() -> None:
    """Path, headings and symbols are words of the header; far folders are not."""
    found = header_terms(
        {"path": "one/two/three/four/retry_policy.py", "headings": ["Back off"], "symbols": ["Policy.wait"]}
    )

    assert 2 == found.count("retrypolici")
    assert "one" not in found
    assert {"two", "three", "four", "back", "off", "wait", "py"} <= set(found)


def test_each_field_has_its_own_terms() -> None:
    """Every weighed field is filled; the definitions around a passage are in none."""
    fields = field_terms(
        "waits here", {"path": "lib/retry.py", "headings": ["Back off"], "scope": ["Policy"], "symbols": ["wait"]}
    )

    expected = {"text": "wait here", "path": "lib retri py retri", "headings": "back off", "symbols": "wait"}
    assert expected == fields
    assert FIELD_WEIGHTS.keys() == fields.keys()


@pytest.mark.parametrize("meta", [{}, {"path": None}, {"path": "a", "headings": None, "symbols": "one"}])
def test_a_header_may_miss_anything(meta: dict[str, object]) -> None:
    """Documents of other makers do not break the index."""
    assert isinstance(header_terms(meta), list)


@given(st.text(alphabet=st.sampled_from("aB1_-.+#/ \n\x1fé京"), max_size=60) | st.text(max_size=300))
def test_what_is_indexed_are_the_terms_of_the_text(text: str) -> None:
    """The index cuts in a faster way than `terms`, by runs; no sign in any place makes a difference."""
    assert terms(text) == field_terms(text, {"kind": "code"})["text"].split()


@given(st.text(max_size=300))
def test_any_text_gives_terms_that_survive_being_joined(text: str) -> None:
    """No term is empty, too long or holds a space, so that the index cuts them where we joined them."""
    found = terms(text)

    assert found == " ".join(found).split()
    assert all(1 <= len(term) <= 128 for term in found)
    assert set(query_terms(text)) <= set(found)
