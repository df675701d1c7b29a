"""What the Haystack views of projects have in common, wherever a project lies: documents in and out, and the policies.

All passages of a project can be counted, filtered and retrieved. Documents written through a view are kept each as a
file of its own, of the source `SOURCE`. A passage of any other source exists only as a part of its file: it is read
here, and neither updated nor deleted. Embeddings are rounded to one byte a number, and documents come out without them.
"""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import numpy as np
from haystack import Document
from haystack.document_stores.errors import DocumentStoreError, DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.errors import FilterError
from haystack.utils.filters import document_matches_filter

from pipelines.stores.passages import Change, Entry, IndexedFile, Vectors

SOURCE: Final = "haystack"
_GIVEN: Final = "given"


class HaystackDocuments(ABC):
    """A DocumentStore of Haystack over one project. Any number of threads may use it; they write one after another."""

    def __init__(self, project: str) -> None:
        self.project = project
        self._writing = threading.Lock()  # what is asked before a write must still be so when it is done

    @abstractmethod
    def count_documents(self) -> int:
        """Count all passages."""

    def count_documents_by_filter(self, filters: dict[str, Any]) -> int:
        """Count the passages that fit."""
        return len(self.filter_documents(filters))

    def filter_documents(self, filters: dict[str, Any] | None = None) -> list[Document]:
        """List the passages that fit, all without filters. Raises FilterError for filters of a wrong form."""
        if filters and not ({"operator", "conditions"} <= filters.keys() or "field" in filters):
            raise FilterError(f"expected filters with 'operator' and 'conditions', or 'field', got {filters!r}")
        found = self._listed(lambda one: not filters or document_matches_filter(filters, _given(one)))
        return [_given(one) for one in found]

    def write_documents(self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE) -> int:
        """Write documents and count those written; without a policy a known id is refused.

        Raises DuplicateDocumentError, DocumentStoreError for the id of a passage of another source, and ValueError for
        what is no list of documents.
        """
        given: object = documents
        if not isinstance(given, list) or not all(isinstance(one, Document) for one in given):
            raise ValueError(f"expected a list of documents, got {documents!r}")
        with self._writing:
            known = self._sources_of([one.id for one in documents])
            if policy in {DuplicatePolicy.NONE, DuplicatePolicy.FAIL} and known:
                raise DuplicateDocumentError(f"documents with these ids are there already: {sorted(known)!r}")
            is_skipping = policy == DuplicatePolicy.SKIP
            new = {one.id: one for one in documents if not (is_skipping and one.id in known)}
            _demand_own({one: source for one, source in known.items() if one in new})
            self._apply(Change(put=[_file(one) for one in new.values()]))
            return len(new)

    def delete_documents(self, document_ids: list[str]) -> None:
        """Delete documents written here; ids that are unknown are passed over.

        Raises DocumentStoreError for passages of other sources, and deletes nothing then.
        """
        with self._writing:
            known = self._sources_of(document_ids)
            _demand_own(known)
            self._apply(Change(remove=[(SOURCE, one) for one in known]))

    def delete_all_documents(self) -> None:
        """Delete all documents written here."""
        with self._writing:
            self._apply(Change(remove=[(SOURCE, one) for one in self._own()]))

    def delete_by_filter(self, filters: dict[str, Any]) -> int:
        """Delete the documents that fit and count them. Raises DocumentStoreError as `delete_documents` does."""
        fitting = [one.id for one in self.filter_documents(filters)]
        self.delete_documents(fitting)
        return len(fitting)

    def update_by_filter(self, filters: dict[str, Any], meta: dict[str, Any]) -> int:
        """Add `meta` to that of the documents written here that fit, and count them; they keep their embeddings."""
        with self._writing:
            own = set(self._own())
            fitting = [one for one in self.filter_documents(filters) if one.id in own]
            vectors = self._vectors_of([one.id for one in fitting])
            self._apply(Change(put=[_file(_with_meta(one, meta), vectors.get(one.id)) for one in fitting]))
            return len(fitting)

    def keyword_retrieval(self, query: str, *, top_k: int = 10) -> list[Document]:
        """Find passages by words (BM25), best first; those of hidden sources are left out."""
        return [_given(one) for one in self._by_words(query, top_k)]

    def embedding_retrieval(self, query_embedding: Sequence[float], *, top_k: int = 10) -> list[Document]:
        """Find passages by cosine, best first.

        Those whose embedding has another width, and those of hidden sources, are left out.
        """
        return [_given(one) for one in self._by_vector(_unit(query_embedding), top_k)]

    @abstractmethod
    def close(self) -> None:
        """Release all that is open."""

    # The same without holding up an event loop.

    async def count_documents_async(self) -> int:
        """See count_documents."""
        return await asyncio.to_thread(self.count_documents)

    async def count_documents_by_filter_async(self, filters: dict[str, Any]) -> int:
        """See count_documents_by_filter."""
        return await asyncio.to_thread(self.count_documents_by_filter, filters)

    async def filter_documents_async(self, filters: dict[str, Any] | None = None) -> list[Document]:
        """See filter_documents."""
        return await asyncio.to_thread(self.filter_documents, filters)

    async def write_documents_async(
        self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """See write_documents."""
        return await asyncio.to_thread(self.write_documents, documents, policy)

    async def delete_documents_async(self, document_ids: list[str]) -> None:
        """See delete_documents."""
        await asyncio.to_thread(self.delete_documents, document_ids)

    async def delete_all_documents_async(self) -> None:
        """See delete_all_documents."""
        await asyncio.to_thread(self.delete_all_documents)

    async def delete_by_filter_async(self, filters: dict[str, Any]) -> int:
        """See delete_by_filter."""
        return await asyncio.to_thread(self.delete_by_filter, filters)

    async def update_by_filter_async(self, filters: dict[str, Any], meta: dict[str, Any]) -> int:
        """See update_by_filter."""
        return await asyncio.to_thread(self.update_by_filter, filters, meta)

    # What is done where the project lies.

    @abstractmethod
    def _listed(self, fits: Callable[[Document], bool]) -> list[Document]:
        """List the passages that fit, as they lie there."""

    @abstractmethod
    def _sources_of(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Find which passages are there, with their sources."""

    @abstractmethod
    def _own(self) -> Iterable[str]:
        """List the ids of the documents written here."""

    @abstractmethod
    def _vectors_of(self, ids: Sequence[str]) -> Mapping[str, Vectors]:
        """Find the embeddings of documents written here, each of shape (width,)."""

    @abstractmethod
    def _apply(self, change: Change) -> None:
        """Write a change whole."""

    @abstractmethod
    def _by_words(self, query: str, limit: int) -> list[Document]:
        """Find passages by words, best first."""

    @abstractmethod
    def _by_vector(self, vector: Vectors, limit: int) -> list[Document]:
        """Find passages by cosine to a unit vector, best first."""


def _demand_own(known: Mapping[str, str]) -> None:
    foreign = sorted(one for one, source in known.items() if source != SOURCE)
    if foreign:
        raise DocumentStoreError(f"expected documents written here, got passages of indexed files: {foreign!r}")


def _file(document: Document, vector: Vectors | None = None) -> IndexedFile:
    """Make a document a file of its own; `vector` is its embedding when it carries none."""
    text = document.content or ""
    blob = sha256(text.encode()).hexdigest()
    given = {
        name: value for name, value in document.to_dict(flatten=False).items() if name not in {"embedding", "score"}
    }
    meta = {"first_line": 1, "last_line": text.count("\n") + 1, "kind": "text", "part": "docs", _GIVEN: given}
    embedding: Iterable[float] | None = document.embedding if vector is None else vector
    vectors = None if embedding is None else _unit(embedding)[np.newaxis]
    entry = Entry(SOURCE, document.id, blob, "given-1", passages=1, size_bytes=len(text))
    return IndexedFile(entry, [Document(id=document.id, content=text, meta=meta)], vectors)


def _with_meta(document: Document, meta: Mapping[str, Any]) -> Document:
    return Document.from_dict({**document.to_dict(flatten=False), "meta": {**document.meta, **meta}})


def _given(document: Document) -> Document:
    """Give back a document as it was written, or a passage as it is."""
    given = document.meta.get(_GIVEN)
    return document if given is None else Document.from_dict({**given, "score": document.score})


def _unit(numbers: Iterable[float]) -> Vectors:
    """Make a vector of length 1; zeros stay zeros."""
    vector = np.asarray(numbers, dtype=np.float32)
    length = np.linalg.norm(vector)
    return vector / length if length else vector
