"""A project as a Haystack DocumentStore passes Haystack's own tests of such stores."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from haystack import Document
from haystack.document_stores.errors import DocumentStoreError, DuplicateDocumentError
from haystack.document_stores.types import DocumentStore, DuplicatePolicy
from haystack.testing.document_store import DocumentStoreBaseExtendedTests
from haystack.testing.document_store_async import (
    CountDocumentsAsyncTest,
    CountDocumentsByFilterAsyncTest,
    DeleteAllAsyncTest,
    DeleteByFilterAsyncTest,
    DeleteDocumentsAsyncTest,
    FilterDocumentsAsyncTest,
    UpdateByFilterAsyncTest,
    WriteDocumentsAsyncTest,
)

from pipelines.stores.haystack_view import ProjectDocuments
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Change
from tests.fakes.files import PROJECT, SOURCE, file_of


@pytest.fixture(name="document_store")
def opened_store(tmp_path: Path) -> Iterator[ProjectDocuments]:
    """Give an open, empty store."""
    opened = ProjectDocuments(str(tmp_path))
    yield opened
    opened.close()


class Ours:
    """Hands our store to Haystack's tests, and compares documents as they come out: without embeddings."""

    @pytest.fixture
    def document_store(self, tmp_path: Path) -> Iterator[ProjectDocuments]:
        """Give an open, empty store."""
        opened = ProjectDocuments(str(tmp_path))
        yield opened
        opened.close()

    @staticmethod
    def assert_documents_are_equal(received: list[Document], expected: list[Document]) -> None:
        """Hold two lists against each other, whatever their order."""
        plain = [replace(one, embedding=None) for one in expected]
        assert sorted(received, key=lambda one: one.id) == sorted(plain, key=lambda one: one.id)


class TestDocuments(Ours, DocumentStoreBaseExtendedTests):
    """Haystack's tests of the synchronous methods. There is no index to make again when all is deleted."""

    test_delete_all_documents_without_recreate_index = None  # type: ignore[assignment]
    test_delete_all_documents_with_recreate_index = None  # type: ignore[assignment]

    def test_write_documents(self, document_store: DocumentStore) -> None:
        """Without a policy a known id is refused."""
        assert 1 == document_store.write_documents([Document(id="one", content="x")])
        with pytest.raises(DuplicateDocumentError):
            document_store.write_documents([Document(id="one", content="y")])


class TestDocumentsAsync(
    Ours,
    CountDocumentsAsyncTest,
    CountDocumentsByFilterAsyncTest,
    DeleteAllAsyncTest,
    DeleteByFilterAsyncTest,
    DeleteDocumentsAsyncTest,
    FilterDocumentsAsyncTest,
    UpdateByFilterAsyncTest,
    WriteDocumentsAsyncTest,
):
    """Haystack's tests of the asynchronous methods. There is no index to make again when all is deleted."""

    test_delete_all_documents_without_recreate_index_async = None
    test_delete_all_documents_with_recreate_index_async = None

    async def test_write_documents_async(self, document_store: ProjectDocuments) -> None:
        """Without a policy a known id is refused."""
        assert 1 == await document_store.write_documents_async([Document(id="one", content="x")])
        with pytest.raises(DuplicateDocumentError):
            await document_store.write_documents_async([Document(id="one", content="y")])


def test_documents_are_retrieved_by_words_and_by_vector(document_store: ProjectDocuments) -> None:
    """Both give documents as they were written, with a score; an update keeps the embedding."""
    document_store.write_documents(
        [
            Document(id="a", content="alpha one", meta={"n": 1}, embedding=[3.0, 0.1]),
            Document(id="b", content="beta two", meta={"n": 2}, embedding=[0.1, 3.0]),
        ]
    )
    document_store.update_by_filter({"field": "meta.n", "operator": "==", "value": 2}, {"seen": True})

    assert [("a", {"n": 1})] == [(one.id, one.meta) for one in document_store.keyword_retrieval("alphas")]
    nearest = document_store.embedding_retrieval([0.0, 1.0])
    assert [("b", {"n": 2, "seen": True}), ("a", {"n": 1})] == [(one.id, one.meta) for one in nearest]
    assert nearest[0].score == pytest.approx(1.0, abs=0.01)


async def test_indexed_passages_are_read_and_left_alone(tmp_path: Path) -> None:
    """Passages of an indexed file are counted, filtered and found; they cannot be deleted one by one."""
    store = LocalPassages(tmp_path)
    await store.create(PROJECT)
    file = file_of("docs/a.md", "alpha", "beta")
    await store.apply(PROJECT, Change(put=[file]))
    await store.close()
    view = ProjectDocuments(str(tmp_path), PROJECT)
    view.write_documents([Document(id="own", content="gamma")], DuplicatePolicy.OVERWRITE)

    assert 3 == view.count_documents()
    assert 2 == view.count_documents_by_filter({"field": "meta.path", "operator": "==", "value": "docs/a.md"})
    assert ["alpha"] == [one.content for one in view.keyword_retrieval("alpha")]
    with pytest.raises(DocumentStoreError, match="passages of indexed files"):
        view.delete_documents([file.documents[0].id])
    view.delete_all_documents()
    assert {SOURCE} == {one.meta["source"] for one in view.filter_documents()}
    view.close()


def test_a_store_is_made_again_from_its_description(document_store: ProjectDocuments) -> None:
    """What `to_dict` gives opens the same documents."""
    document_store.write_documents([Document(id="a", content="alpha")])
    document_store.close()
    again = ProjectDocuments.from_dict(document_store.to_dict())

    assert 1 == again.count_documents()
    again.close()
