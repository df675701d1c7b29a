"""A project of the local store as a Haystack DocumentStore, for pipelines that are built with Haystack alone.

All passages of the project can be counted, filtered and retrieved. Documents written here are kept each as a file of
its own, of the source `SOURCE`. A passage of any other source exists only as a part of its file: it is read here, and
neither updated nor deleted. Embeddings are rounded to one byte a number, and documents come out without them.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from haystack import Document, default_from_dict, default_to_dict
from haystack.document_stores.errors import DocumentStoreError, DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.errors import FilterError
from haystack.utils.filters import document_matches_filter

from pipelines.stores import local_rows as rows
from pipelines.stores.local_documents import by_ids, by_keys, of_file
from pipelines.stores.local_open import Limits, OpenProjects
from pipelines.stores.local_project import OpenProject, View
from pipelines.stores.local_scope import asked_of
from pipelines.stores.local_terms import Filters, find
from pipelines.stores.passages import Change, Entry, IndexedFile, Vectors
from pipelines.types import StoreUnavailable

Result = TypeVar("Result")

SOURCE: Final = "haystack"
_GIVEN: Final = "given"
_LIMITS: Final = Limits(open_projects=2, matrices_bytes=128_000_000, project_bytes=None)


class ProjectDocuments:
    """The documents of one project below the folder of a local store that no other process uses."""

    def __init__(self, folder: str, project: str = "documents") -> None:
        """Open `project`, a name of lower-case letters and digits, below `folder`; both are made when missing."""
        self.folder = folder
        self.project = project
        self._projects = OpenProjects(Path(folder), _LIMITS)
        self._projects.create(project)

    def to_dict(self) -> dict[str, Any]:
        """Give what `from_dict` opens the same project from."""
        return default_to_dict(self, folder=self.folder, project=self.project)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "ProjectDocuments":
        """Open what `to_dict` described."""
        opened: ProjectDocuments = default_from_dict(cls, data)
        return opened

    def close(self) -> None:
        """Release the project's files."""
        self._projects.close()

    def count_documents(self) -> int:
        """Count all passages."""
        return self._read(lambda _, view: rows.counts(view.rows).passages)

    def count_documents_by_filter(self, filters: dict[str, Any]) -> int:
        """Count the passages that fit."""
        return len(self.filter_documents(filters))

    def filter_documents(self, filters: dict[str, Any] | None = None) -> list[Document]:
        """List the passages that fit, all without filters. Raises FilterError for filters of a wrong form."""
        if filters and not ({"operator", "conditions"} <= filters.keys() or "field" in filters):
            raise FilterError(f"expected filters with 'operator' and 'conditions', or 'field', got {filters!r}")
        return self._read(lambda _, view: [one for one in _all(view) if _fits(one, filters)])

    def write_documents(self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE) -> int:
        """Write documents and count those written; without a policy a known id is refused.

        Raises DuplicateDocumentError, and ValueError for what is no list of documents.
        """
        given: object = documents
        if not isinstance(given, list) or not all(isinstance(one, Document) for one in given):
            raise ValueError(f"expected a list of documents, got {documents!r}")
        with self._lend() as opened:
            known = self._known(opened, [one.id for one in documents])
            if policy in {DuplicatePolicy.NONE, DuplicatePolicy.FAIL} and known:
                raise DuplicateDocumentError(f"documents with these ids are there already: {sorted(known)!r}")
            is_skipping = policy == DuplicatePolicy.SKIP
            new = {one.id: one for one in documents if not (is_skipping and one.id in known)}
            opened.apply(Change(put=[_file(one) for one in new.values()]))
            return len(new)

    def delete_documents(self, document_ids: list[str]) -> None:
        """Delete documents written here; ids that are unknown are passed over.

        Raises DocumentStoreError for passages of other sources, and deletes nothing then.
        """
        with self._lend() as opened:
            known = self._known(opened, document_ids)
            foreign = sorted(one for one, source in known.items() if source != SOURCE)
            if foreign:
                raise DocumentStoreError(f"expected documents written here, got passages of indexed files: {foreign!r}")
            opened.apply(Change(remove=[(SOURCE, one) for one in known]))

    def delete_all_documents(self) -> None:
        """Delete all documents written here."""
        with self._lend() as opened, opened.view() as view:
            opened.apply(Change(remove=[(SOURCE, path) for path in rows.entries(view.rows, SOURCE)]))

    def delete_by_filter(self, filters: dict[str, Any]) -> int:
        """Delete the documents that fit and count them. Raises DocumentStoreError as `delete_documents` does."""
        fitting = [one.id for one in self.filter_documents(filters)]
        self.delete_documents(fitting)
        return len(fitting)

    def update_by_filter(self, filters: dict[str, Any], meta: dict[str, Any]) -> int:
        """Add `meta` to that of the documents written here that fit, and count them; they keep their embeddings."""
        fitting = {one.id: one for one in self.filter_documents(filters)}
        with self._lend() as opened, opened.view() as view:
            files = []
            for one in (one for path in rows.entries(view.rows, SOURCE) if (one := fitting.get(path))):
                stored = rows.vectors_of_file(view.rows, rows.file_ids(view.rows, [(SOURCE, one.id)])[0])
                vector = None if stored is None else stored.codes[0].astype(np.float32)
                files.append(
                    _file(Document.from_dict({**one.to_dict(flatten=False), "meta": {**one.meta, **meta}}), vector)
                )
            opened.apply(Change(put=files))
            return len(files)

    def keyword_retrieval(self, query: str, *, top_k: int = 10) -> list[Document]:
        """Find passages by words (BM25), best first."""

        def search(_: OpenProject, view: View) -> list[Document]:
            return by_keys(view.rows, find(view.terms, asked_of(view, query), filters=Filters(), limit=top_k))

        return [_given(one) for one in self._read(search)]

    def embedding_retrieval(self, query_embedding: Sequence[float], *, top_k: int = 10) -> list[Document]:
        """Find passages by cosine, best first; those whose embedding has another width are left out."""

        def search(opened: OpenProject, view: View) -> list[Document]:
            matrix = opened.matrix_for(view, len(query_embedding))
            return by_keys(view.rows, matrix.nearest(_unit(query_embedding), view.groups, limit=top_k))

        return [_given(one) for one in self._read(search)]

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

    @contextmanager
    def _lend(self) -> Iterator[OpenProject]:
        with self._projects.lend(self.project) as opened:
            if opened is None:
                raise StoreUnavailable(f"expected project {self.project!r} in {self.folder}, found none")
            yield opened

    def _read(self, work: Callable[[OpenProject, View], Result]) -> Result:
        with self._lend() as opened, opened.view() as view:
            return work(opened, view)

    def _known(self, opened: OpenProject, ids: Sequence[str]) -> Mapping[str, str]:
        """Find which ids are there, with their sources."""
        with opened.view() as view:
            return {one.id: str(one.meta["source"]) for one in by_ids(view.rows, ids)}


def _all(view: View) -> Iterator[Document]:
    return (_given(one) for file in rows.all_ids(view.rows) for one in of_file(view.rows, file))


def _fits(document: Document, filters: dict[str, Any] | None) -> bool:
    return not filters or document_matches_filter(filters=filters, document=document)


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


def _given(document: Document) -> Document:
    """Give back a document as it was written, or a passage as it is."""
    given = document.meta.get(_GIVEN)
    return document if given is None else Document.from_dict({**given, "score": document.score})


def _unit(numbers: Iterable[float]) -> Vectors:
    """Make a vector of length 1; zeros stay zeros."""
    vector = np.asarray(numbers, dtype=np.float32)
    length = np.linalg.norm(vector)
    return vector / length if length else vector
