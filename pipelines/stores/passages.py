"""What every passage store must do, whatever holds the passages.

A store keeps, for each project: passages with their vectors, a manifest (which blob of which path of which source is
indexed, by which splitter), and each source's shown version. It alone owns the manifest. Searches see a change whole
or not at all: a hit counts only if its (source, path, blob) is in the manifest.

Each passage comes out with the version that holds its lines, '' when its source has none: the shown one, or, while a
large change is under way and its file is already replaced, the one that was being moved to at that moment.

All methods raise StoreUnavailable when the store cannot be reached, and StoreFull when nothing can be written.
A project that does not exist reads as empty and has nothing to hide or purge; to apply a change to it raises
StoreUnavailable, so that a refresh under way cannot bring back a dropped project. Project and source ids are lower-case
letters and digits. To drop a project, or to purge a source, takes it out of a rebuild under way as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from haystack import Document
from numpy.typing import NDArray

from pipelines.types import Shown

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Entry:
    """A manifest row: this path is indexed at this blob. `room` is set for uploads that belong to one room.

    A file that was read and then left out (binary, minified, generated) has no passages and the reason in `skipped`,
    so that it is not read again until its blob changes. `redacted` counts the keys and tokens taken out of it.
    """

    source: str
    path: str
    blob: str
    splitter: str
    passages: int
    size_bytes: int
    room: str | None = None
    skipped: str = ""
    redacted: int = 0


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A file ready to be written: its manifest row, its passages in order, and one unit vector a passage.

    Documents carry id, content and meta {source, path, blob, first_line, last_line, header, headings, scope, symbols,
    kind, part, room}, those of a converted file `converted` and `pages` too (`prepare`), never an embedding; those that come out carry `version` too. `vectors` is float32 of shape (len(documents), width), or None without an embedder.
    """

    entry: Entry
    documents: Sequence[Document]
    vectors: Vectors | None

    def __post_init__(self) -> None:
        if self.vectors is not None and len(self.vectors) != len(self.documents):
            raise ValueError(
                f"expected one vector a passage of {self.entry.path!r}, "
                f"got {len(self.vectors)} vectors for {len(self.documents)} passages"
            )


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction does: files replaced or added, (source, path) removed, shown versions moved."""

    put: Sequence[IndexedFile] = ()
    remove: Sequence[tuple[str, str]] = ()
    shown: Sequence[Shown] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a search looks: sources, or None for all that are not hidden, and the asking room for its uploads."""

    room: str | None = None
    sources: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one search asks for.

    Up to a number of passages of each of `parts` ("code", "docs" or "aside", see components/roles.py) that hold some of
    `words`, or of `code_words` where it is code and they are given; for each of `definitions`, (names, limit), passages
    that define one of the names, those of code proper first; up to `nearest` passages by cosine
    to `vector`, a unit vector of shape (width,), which also is compared with all. Any text is valid. Spellings of names
    do not matter (`components.query.squashed`), and a symbol is found whole and by its last part.
    """

    words: str = ""
    parts: Mapping[str, int] = field(default_factory=dict)
    definitions: Sequence[tuple[Sequence[str], int]] = ()
    vector: Vectors | None = None
    nearest: int = 0
    code_words: str = ""

    def words_for(self, part: str) -> str:
        """Give the words to look for in a part."""
        return self.code_words or self.words if part == "code" else self.words


@dataclass(frozen=True, slots=True)
class Candidates:
    """What one search found, by the passages' ids: those nearest, those of `definitions`, then those of each part.

    `by_words` has the BM25 of those that words found. `near` has the cosine of all whose vector is as wide as the one
    given, and `near_in_file` that of the nearest passage of their file, found itself or not. The documents carry no score
    that says anything.
    """

    documents: Mapping[str, Document] = field(default_factory=dict)
    by_words: Mapping[str, float] = field(default_factory=dict)
    near: Mapping[str, float] = field(default_factory=dict)
    near_in_file: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a project holds."""

    files: int = 0
    passages: int = 0
    size_bytes: int = 0
    per_source: Mapping[str, int] = field(default_factory=dict)  # passages by source
    renewed: int | None = None  # passages in a new keyword index, while an old one answers; else None


class PassageStore(Protocol):
    """Async, safe for concurrent readers beside one writer a project."""

    async def create(self, project: str) -> None:
        """Make an empty project; does nothing when it exists."""

    async def drop(self, project: str) -> None:
        """Delete a project with all it holds; does nothing when there is none."""

    async def projects(self) -> Sequence[str]:
        """List the ids of all projects held."""

    async def manifest(self, project: str, source: str) -> Mapping[str, Entry]:
        """List what is indexed of a source, by path."""

    async def apply(self, project: str, change: Change) -> int:
        """Write a change in one transaction and return the project's new generation.

        A file that is put replaces all passages of its (source, path). A blob of the same text under another path may
        reuse its vectors. After return the change is searchable in full, and survives a kill of the process.
        """

    async def begin_rebuild(self, project: str) -> str:
        """Begin an index beside the one that answers, or go on with the one begun; return the id to write it under.

        The id stands for the project in every method: `manifest` says what is rebuilt already, `apply` writes it,
        `drop` gives the rebuild up. It is not among `projects`. Raises StoreUnavailable for a project not created.
        """

    async def rebuilding(self, project: str) -> str | None:
        """Give the id of the rebuild that is under way, also after a restart, or None."""

    async def switch(self, project: str) -> int:
        """Let the rebuild answer from now on, in one step, and return the project's new generation.

        Sources that the rebuild does not hold are carried over as they are, and hidden ones stay hidden; the index
        before goes when its last reader ends. Raises StoreUnavailable, and changes nothing, when no rebuild was begun
        or one of its shown versions still is `updating_to` another.
        """

    async def known_vectors(self, project: str, source: str, blob: str, *, path: str | None = None) -> Vectors | None:
        """Find the vectors of a blob that is indexed under any path of the source, in passage order.

        Those of `path` alone when it is given: the name of a file is part of what its vectors are made of.
        """

    async def shown(self, project: str) -> Mapping[str, Shown]:
        """Say at which version each source is searched."""

    async def generation(self, project: str) -> int:
        """Count the changes of a project; caches are keyed by it. 0 for a new project."""

    async def hide(self, project: str, source: str, *, hidden: bool) -> None:
        """Take a source out of every search at once, or bring it back; its passages stay."""

    async def purge(self, project: str, source: str) -> None:
        """Delete a source with all its passages, terms and vectors, so that no byte of its text stays in the folder."""

    async def candidates(self, project: str, wanted: Wanted, *, scope: Scope) -> Candidates:
        """Find all that a search wants in one state of the project."""

    async def keywords(self, project: str, query: str, *, scope: Scope, limit: int) -> list[Document]:
        """Find passages by words (BM25), best first, scores above 0. Any text is a valid query."""

    async def dense(self, project: str, vector: Vectors, *, scope: Scope, limit: int) -> list[Document]:
        """Find passages by cosine to one unit vector of shape (width,), best first."""

    async def passages(self, project: str, ids: Sequence[str]) -> list[Document]:
        """Fetch passages by id in the order asked; those that are gone are left out."""

    async def of_file(self, project: str, source: str, path: str) -> list[Document]:
        """Fetch all passages of a file in the order of its lines."""

    async def headings(self, project: str, *, scope: Scope, limit: int) -> list[Mapping[str, Any]]:
        """Sample headings and main symbols for starter questions: {"path", "heading" or "symbol", "kind"}."""

    async def counts(self, project: str) -> Counts:
        """Count files, passages and bytes."""

    async def close(self) -> None:
        """Release files, threads and connections; later calls raise StoreUnavailable."""
