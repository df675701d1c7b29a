"""Pairs of characters that are but grammar."""

import pytest

from pipelines.components.keywords import query_terms
from pipelines.components.pairs import is_grammar, without_particle
from pipelines.components.query import read_query


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("默认端口是多少", ["默认", "认端", "端口"]),
        ("目的是什么", ["目的"]),
        ("ポートは何ですか", ["ポー", "ート"]),
        ("설정을 어떻게", ["설정"]),
        ("nginx 是什么", ["nginx"]),
    ],
)
def test_what_is_asked_about_remains(question: str, expected: list[str]) -> None:
    """Neither the words of asking nor pairs that reach into them are searched for."""
    assert expected == query_terms(question)
    assert set(expected) == {stem for concept in read_query(question).concepts for stem in concept.stems}


def test_a_question_of_grammar_alone_keeps_it() -> None:
    """There is nothing else to search for."""
    assert ["是什", "什么"] == query_terms("是什么")


@pytest.mark.parametrize("term", ["in", "if", "é", "to", "端口", "config", ""])
def test_other_terms_are_no_grammar(term: str) -> None:
    """Two Latin letters may be a name."""
    assert not is_grammar(term)


def test_only_korean_words_lose_particles() -> None:
    """A word of one syllable and other scripts stay as they are."""
    assert ["설정", "서버", "을", "port", "端口"] == [
        *map(without_particle, ["설정을", "서버에서", "을", "port", "端口"])
    ]
