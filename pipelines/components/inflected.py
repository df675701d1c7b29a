"""A question's words meet their other inflections in the passages found for it, in languages other than English.

An index has the stems of a passage's language beside the English ones. Ranking and quoting compare English stems alone,
word by word; so each concept takes up the forms in which the passages really speak of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from haystack import Document

from pipelines.components.keywords import terms_of_word, words_of
from pipelines.components.languages import ENGLISH, asked_in, language_of, stemmed_in, stemmer
from pipelines.components.query import Concept, Query


def with_inflections(query: Query, documents: Iterable[Document]) -> Query:
    """Add to each concept the stems of its inflected forms in documents of a language that the question may be in.

    A question in plain English, or over English documents and code, comes back as it is.
    """
    if asked_in(query.text) == frozenset({ENGLISH}):
        return query
    words = _words_by_language(documents)
    for language in stemmed_in(query.text, words):
        query = replace(query, concepts=_widened(query.concepts, words[language], language))
    return query


def _words_by_language(documents: Iterable[Document]) -> dict[str, set[str]]:
    """Collect the different words of the prose among the documents."""
    words: dict[str, set[str]] = {}
    for document in documents:
        text = document.content or ""
        language = ENGLISH if document.meta.get("kind") == "code" else language_of(text.split())
        if language != ENGLISH:
            headings = " ".join(map(str, document.meta.get("headings") or ()))
            words.setdefault(language, set()).update(words_of(text), words_of(headings))
    return words


def _widened(concepts: Sequence[Concept], words: Iterable[str], language: str) -> tuple[Concept, ...]:
    """Let each concept be spoken of by the words of the same stem, too. Words of several parts stay as they are."""
    stem = stemmer(language)
    forms: dict[str, set[str]] = {stem(concept.word.casefold()): set() for concept in concepts}
    for word in words:
        if (alike := forms.get(stem(word.casefold()))) is not None:
            alike.update(terms_of_word(word)[:1])
    return tuple(
        replace(concept, stems=concept.stems | forms[stem(concept.word.casefold())])
        if len(terms_of_word(concept.word)) == 1
        else concept
        for concept in concepts
    )
