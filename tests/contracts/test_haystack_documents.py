"""A project as a Haystack DocumentStore, wherever it lies: Haystack's own tests of such stores, and what is ours."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
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

from pipelines.stores.haystack_documents import HaystackDocuments
from pipelines.stores.haystack_view import ProjectDocuments
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Change, PassageStore
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_view import ServerAddress, ServerDocuments
from tests.fakes.files import OTHER, PROJECT, SOURCE, file_of, texts_of


class Place(ABC):
    """Where a project lies: as a store that indexes it, and as a view of it. One of both is open at a time."""

    @abstractmethod
    async def store(self) -> PassageStore:
        """Open the store."""

    @abstractmethod
    def view(self) -> HaystackDocuments:
        """Open the view."""

    @abstractmethod
    def again(self, view: HaystackDocuments) -> HaystackDocuments:
        """Open a view from the description of another."""


@dataclass
class Folder(Place):
    """A folder of the local store."""

    path: Path

    async def store(self) -> PassageStore:
        return LocalPassages(self.path)

    def view(self) -> ProjectDocuments:
        return ProjectDocuments(str(self.path), PROJECT)

    def again(self, view: HaystackDocuments) -> HaystackDocuments:
        assert isinstance(view, ProjectDocuments)
        return ProjectDocuments.from_dict(view.to_dict())


@dataclass
class OnServer(Place):
    """An installation on a Weaviate server."""

    address: Address

    async def store(self) -> PassageStore:
        from tests.fakes.weaviate_store import emptied_weaviate  # loads the client, which takes a second

        return await emptied_weaviate(self.address)

    def view(self) -> ServerDocuments:
        server = ServerAddress(self.address.url, grpc_port=self.address.grpc_port)
        return ServerDocuments(server, PROJECT, installation="tests")

    def again(self, view: HaystackDocuments) -> HaystackDocuments:
        assert isinstance(view, ServerDocuments)
        return ServerDocuments.from_dict(view.to_dict())


@pytest.fixture(params=["local", pytest.param("weaviate", marks=pytest.mark.weaviate)])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Give a place that holds nothing."""
    found = Folder(tmp_path) if request.param == "local" else OnServer(request.getfixturevalue("weaviate"))
    await (await found.store()).close()
    return found


@pytest.fixture
async def view(place: Place) -> AsyncIterator[HaystackDocuments]:
    """Give a view of an empty project."""
    opened = place.view()
    yield opened
    opened.close()


class Ours:
    """Hands our store to Haystack's tests, and compares documents as they come out: without embeddings."""

    @pytest.fixture
    def document_store(self, view: HaystackDocuments) -> HaystackDocuments:
        """Give an open, empty store."""
        return view

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

    async def test_write_documents_async(self, document_store: HaystackDocuments) -> None:
        """Without a policy a known id is refused."""
        assert 1 == await document_store.write_documents_async([Document(id="one", content="x")])
        with pytest.raises(DuplicateDocumentError):
            await document_store.write_documents_async([Document(id="one", content="y")])


def test_documents_are_retrieved_by_words_and_by_vector(view: HaystackDocuments) -> None:
    """Both give documents as they were written, with a score; an update keeps the embedding."""
    view.write_documents(
        [
            Document(id="a", content="alpha one", meta={"n": 1}, embedding=[3.0, 0.1]),
            Document(id="b", content="beta two", meta={"n": 2}, embedding=[0.1, 3.0]),
            Document(id="c", content="without", meta={"n": 2}),
        ]
    )
    assert 2 == view.update_by_filter({"field": "meta.n", "operator": "==", "value": 2}, {"seen": True})

    assert [("a", {"n": 1})] == [(one.id, one.meta) for one in view.keyword_retrieval("alphas")]
    nearest = view.embedding_retrieval([0.0, 1.0])
    assert [("b", {"n": 2, "seen": True}), ("a", {"n": 1})] == [(one.id, one.meta) for one in nearest]
    assert nearest[0].score == pytest.approx(1.0, abs=0.01)
    assert ["b"] == [one.id for one in view.embedding_retrieval([0.0, 1.0], top_k=1)]


def test_embeddings_of_each_width_are_found(view: HaystackDocuments) -> None:
    """Two models may have been used one after the other: a query finds what is as wide as it, also after all went."""
    view.write_documents([Document(id="old", content="x", embedding=[1.0, 0.0])])
    view.write_documents(
        [Document(id=name, content="x", embedding=[1.0, 0.0, far]) for name, far in (("b", 2), ("a", 1))]
    )

    assert ["old"] == [one.id for one in view.embedding_retrieval([1.0, 0.0])]
    assert ["a", "b"] == [one.id for one in view.embedding_retrieval([1.0, 0.0, 0.0])]
    assert ["a"] == [one.id for one in view.embedding_retrieval([1.0, 0.0, 0.0], top_k=1)]
    assert [] == view.embedding_retrieval([1.0, 0.0, 0.0, 0.0])
    view.delete_documents(["old"])
    assert [] == view.embedding_retrieval([1.0, 0.0])
    assert ["a", "b"] == [one.id for one in view.embedding_retrieval([1.0, 0.0, 0.0])]


async def test_indexed_passages_are_read_and_left_alone(place: Place) -> None:
    """Passages of an indexed file are counted, filtered and found; none is deleted, updated or written over alone."""
    store = await place.store()
    await store.create(PROJECT)
    file = file_of("docs/a.md", "alpha", "beta")
    await store.apply(PROJECT, Change(put=[file]))
    await store.close()
    view = place.view()
    view.write_documents([Document(id="own", content="gamma")], DuplicatePolicy.OVERWRITE)
    indexed = {"field": "meta.path", "operator": "==", "value": "docs/a.md"}
    first = file.documents[0].id

    assert 3 == view.count_documents()
    assert 2 == view.count_documents_by_filter(indexed)
    assert ["alpha"] == [one.content for one in view.keyword_retrieval("alpha")]
    assert 0 == view.update_by_filter(indexed, {"seen": True})
    for forbidden in (
        lambda: view.delete_documents([first, "own"]),
        lambda: view.delete_by_filter(indexed),
        lambda: view.write_documents([Document(id=first, content="mine")], DuplicatePolicy.OVERWRITE),
    ):
        with pytest.raises(DocumentStoreError, match="passages of indexed files"):
            forbidden()
    view.delete_all_documents()
    assert ["alpha", "beta"] == sorted(texts_of(view.filter_documents()))
    assert {SOURCE} == {one.meta["source"] for one in view.filter_documents()}
    view.close()


async def test_all_rooms_are_seen_and_hidden_sources_are_not_found(place: Place) -> None:
    """A view is for who may see the project; a source that is hidden is listed, and no retrieval gives it."""
    store = await place.store()
    await store.create(PROJECT)
    hidden = file_of("hidden.md", "word of a hidden source", source=OTHER)
    await store.apply(PROJECT, Change(put=[file_of("up.md", "word of an upload", room="r1"), hidden]))
    await store.hide(PROJECT, OTHER, hidden=True)
    await store.close()
    view = place.view()

    assert 2 == view.count_documents() == len(view.filter_documents())
    assert ["word of an upload"] == texts_of(view.keyword_retrieval("word"))
    assert hidden.vectors is not None
    assert ["word of an upload"] == texts_of(view.embedding_retrieval(hidden.vectors[0].tolist()))
    view.close()


def test_a_store_is_made_again_from_its_description(place: Place, view: HaystackDocuments) -> None:
    """What `to_dict` gives opens the same documents."""
    view.write_documents([Document(id="a", content="alpha")])
    view.close()
    again = place.again(view)

    assert 1 == again.count_documents()
    again.close()
