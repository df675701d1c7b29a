"""A project of the local store as a Haystack DocumentStore, for pipelines that are built with Haystack alone.

What holds for all such views stands in haystack_documents.py; for a project on a server, see weaviate_view.py.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from haystack import Document, default_from_dict, default_to_dict

from pipelines.stores import local_rows as rows
from pipelines.stores.haystack_documents import SOURCE, HaystackDocuments
from pipelines.stores.local_documents import by_ids, by_keys, of_file
from pipelines.stores.local_open import Limits, OpenProjects
from pipelines.stores.local_project import OpenProject, View
from pipelines.stores.local_scope import asked_of
from pipelines.stores.local_terms import Filters, find
from pipelines.stores.local_vectors import restore
from pipelines.stores.passages import Change, Vectors
from pipelines.types import StoreUnavailable

Result = TypeVar("Result")

_LIMITS: Final = Limits(open_projects=2, matrices_bytes=128_000_000, project_bytes=None)


class ProjectDocuments(HaystackDocuments):
    """The documents of one project below the folder of a local store that no other process uses."""

    def __init__(self, folder: str, project: str = "documents") -> None:
        """Open `project`, a name of lower-case letters and digits, below `folder`; both are made when missing."""
        super().__init__(project)
        self.folder = folder
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

    def _listed(self, fits: Callable[[Document], bool]) -> list[Document]:
        return self._read(lambda _, view: [one for one in _all(view) if fits(one)])

    def _sources_of(self, ids: Sequence[str]) -> Mapping[str, str]:
        return self._read(lambda _, view: {one.id: str(one.meta["source"]) for one in by_ids(view.rows, ids)})

    def _own(self) -> Iterable[str]:
        return self._read(lambda _, view: rows.entries(view.rows, SOURCE))

    def _vectors_of(self, ids: Sequence[str]) -> Mapping[str, Vectors]:
        def fetch(_: OpenProject, view: View) -> Mapping[str, Vectors]:
            files = ((one, file) for one in ids for file in rows.file_ids(view.rows, [(SOURCE, one)]))
            stored = ((one, rows.vectors_of_file(view.rows, file)) for one, file in files)
            return {one: restore(codes)[0] for one, codes in stored if codes is not None}

        return self._read(fetch)

    def _apply(self, change: Change) -> None:
        with self._lend() as opened:
            opened.apply(change)

    def _by_words(self, query: str, limit: int) -> list[Document]:
        def search(_: OpenProject, view: View) -> list[Document]:
            shown = {source for source, _ in view.groups} if rows.is_any_hidden(view.rows) else None
            return by_keys(
                view.rows, find(view.terms, asked_of(view, query), filters=Filters(sources=shown), limit=limit)
            )

        return self._read(search)

    def _by_vector(self, vector: Vectors, limit: int) -> list[Document]:
        def search(opened: OpenProject, view: View) -> list[Document]:
            matrix = opened.matrix_for(view, len(vector))
            return by_keys(view.rows, matrix.nearest(vector, view.groups, limit=limit))

        return self._read(search)

    @contextmanager
    def _lend(self) -> Iterator[OpenProject]:
        with self._projects.lend(self.project) as opened:
            if opened is None:
                raise StoreUnavailable(f"expected project {self.project!r} in {self.folder}, found none")
            yield opened

    def _read(self, work: Callable[[OpenProject, View], Result]) -> Result:
        with self._lend() as opened, opened.view() as view:
            return work(opened, view)


def _all(view: View) -> Iterator[Document]:
    return (one for file in rows.all_ids(view.rows) for one in of_file(view.rows, file))
