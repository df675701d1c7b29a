"""Files that were converted, made ready for the index: lines of the text that was made of them, with pages."""

from pathlib import Path

import pytest

from config.load import load
from pipelines.components import converting
from pipelines.components.compose import citation
from pipelines.components.extract import Quoted, quote
from pipelines.components.neighbours import in_context
from pipelines.components.prepare import Place, Prepared, prepare
from pipelines.components.query import read_query
from pipelines.components.skip import SkipRules
from pipelines.searching import passage_of
from pipelines.types import Found, Passage, SourceView
from tests.fakes.documents import pdf, word

RULES = SkipRules(load(environ={}, cwd=Path(__file__).parent).settings.files)
VIEW = SourceView("s", "docs", "https://github.com/o/r/blob/{commit}/{path}?plain=1#L{first}-L{last}")


def prepared(path: str, data: bytes) -> Prepared:
    """Make a file of a source ready."""
    return prepare(Place("s", path, "b" * 40), data, RULES)


def passages(path: str, data: bytes) -> list[Passage]:
    """Its passages as a search gives them."""
    return [passage_of(document) for document in prepared(path, data).documents]


def quoted(passage: Passage, words: str) -> Quoted:
    """The lines of a passage that say these words."""
    query = read_query(words)
    return quote(passage, query, [(concept, concept.weight) for concept in query.concepts])


def test_lines_of_a_pdf_know_their_page() -> None:
    """Of a passage on three pages, each line is cited with the page on which it stands."""
    data = pdf(["Cats sleep.", "Dogs bark at night.", "Birds sing."])

    (passage,) = passages("zoo/report.pdf", data)
    cited = citation(1, quoted(passage, "dogs bark"), version="c0ffee", view=VIEW)

    assert ("pdf", "docs", ((1, 1), (3, 2), (5, 3))) == (passage.converted, passage.kind, passage.pages)
    assert ((2, 2), (1, 3)) == (passage.pages_of(3, 3), passage.pages_of(1, 5))
    assert (3, passage.pages_of(3, cited.last_line)) == (cited.first_line, cited.pages)
    assert cited.url == "https://github.com/o/r/blob/c0ffee/zoo/report.pdf"


def test_passages_that_become_one_source_keep_their_pages() -> None:
    """A page that goes on in the second passage is named once, at its first line."""
    pages = ["\n".join(f"The reactor of hall {hall} has rod {rod} in place." for rod in range(30)) for hall in range(4)]
    documents = prepared("a.pdf", pdf(pages)).documents
    both = [Found(passage_of(document), "v") for document in documents[:2]]

    (joined,) = in_context(both, {("s", "a.pdf"): documents}, budget_chars=20_000)

    assert [1, 2, 3, 4] == sorted({page for document in documents for _, page in passage_of(document).pages})
    numbers = [page for _, page in joined.passage.pages]
    assert sorted(set(numbers)) == numbers
    assert numbers[0] == 1
    assert len(numbers) > 1
    assert joined.passage.pages_of(joined.passage.first_line, joined.passage.first_line) == (1, 1)


def test_a_word_file_is_cited_by_its_heading() -> None:
    """It has no pages: Word makes them anew on each printer."""
    (passage,) = passages("a.docx", word([("Heading 1", "Holidays"), ("Normal", "Everybody has 30 days.")]))
    cited = citation(1, quoted(passage, "days"), version="v", view=None)

    assert (("Holidays",), "docx", None, "Holidays") == (passage.headings, cited.converted, cited.pages, cited.section)


def test_keys_in_documents_are_made_unreadable() -> None:
    """As in every text."""
    made = prepared("a.pdf", pdf(["The token is ghp_" + "a1B2" * 10 + " for all."]))

    assert 1 == made.redacted
    assert "ghp_" not in (made.documents[0].content or "")


def test_documents_keep_the_limits_of_files() -> None:
    """The size of the file counts, not that of its text."""
    small = SkipRules(load(environ={"ROOMWISE_FILES__MAX_MB": "0.0005"}, cwd=Path(__file__).parent).settings.files)

    assert "too_large" == prepare(Place("s", "a.pdf", "b"), pdf(["x"]), small).skipped


def test_without_the_extra_a_document_is_skipped_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The word says what is missing; pages are split by their lines as ever."""
    monkeypatch.setattr(converting, "_mark", lambda _ending: "")

    assert ["no_converter", "no_converter", ""] == [
        RULES.by_path(path, size_bytes=10) for path in ("a.pdf", "b/A.DOCX", "a.html")
    ]
    (document,) = prepared("a.html", b"<p>one</p>\n<p>two</p>\n").documents
    assert "<p>one</p>\n<p>two</p>" == document.content
    assert "converted" not in document.meta


def test_with_the_extra_documents_are_wanted() -> None:
    """So that a source reads them."""
    assert ["", "", "binary"] == [RULES.by_path(path, size_bytes=10) for path in ("a.pdf", "b.docx", "b.doc")]
