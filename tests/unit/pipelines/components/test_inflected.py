"""Concepts take up other inflections of their words from the documents found."""

from haystack import Document

from pipelines.components.inflected import with_inflections
from pipelines.components.query import read_query

GERMAN = Document(
    content="Eine Beschwerde muss innerhalb von vierzehn Tagen eingehen, und sie wird dann geprüft.",
    meta={"kind": "docs", "headings": ["Die Einrichtung"]},
)


def stems(question: str, *documents: Document) -> set[str]:
    """All stems of a question beside these documents."""
    return {stem for one in with_inflections(read_query(question), documents).concepts for stem in one.stems}


def test_words_of_text_and_headings_are_taken_up() -> None:
    """The singular in the text speaks of the plural in the question."""
    assert {"beschwerd", "einrichtung"} <= stems("Einrichtungen und Beschwerden", GERMAN)


def test_nothing_changes_for_english() -> None:
    """Neither a question in English nor documents or code in English bring in anything."""
    english = Document(content="Complaints must come in within fourteen days.", meta={"kind": "docs"})
    code = Document(content=f"# {GERMAN.content}", meta={"kind": "code"})
    for question, document in [
        ("How do I file Beschwerden?", GERMAN),
        ("Welche Beschwerden gibt es?", english),
        ("Welche Beschwerden gibt es?", code),
    ]:
        query = read_query(question)
        assert query is with_inflections(query, [document])


def test_names_of_several_parts_stay_as_they_are() -> None:
    """Their parts are concepts of their own."""
    query = read_query("Wo ist parse_beschwerden?")

    assert query.concepts == with_inflections(query, [GERMAN]).concepts
