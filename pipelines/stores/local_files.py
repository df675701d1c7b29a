"""Files on their way into one project of the local store: under a new id, with their vectors rounded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.stores.local_terms import FileTerms
from pipelines.stores.local_vectors import Codes, FileVectors, quantise
from pipelines.stores.passages import IndexedFile


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file under its new id, with the codes of its vectors."""

    id: int
    file: IndexedFile
    stored: Codes | None


def number_files(files: Iterable[IndexedFile], *, first: int) -> list[NewFile]:
    """Give each file an id, counting from `first`, and round its vectors."""
    return [
        NewFile(one, file, None if file.vectors is None else quantise(file.vectors))
        for one, file in enumerate(files, start=first)
    ]


def terms_of(added: Iterable[NewFile]) -> Iterator[FileTerms]:
    """Give the files as the side index takes them in."""
    for new in added:
        entry = new.file.entry
        yield FileTerms(file=new.id, source=entry.source, room=entry.room, documents=new.file.documents)


def vectors_of(added: Iterable[NewFile]) -> Iterator[FileVectors]:
    """Give the vectors of the files as a matrix takes them in."""
    for new in added:
        if new.stored is not None:
            yield FileVectors(file=new.id, group=(new.file.entry.source, new.file.entry.room), stored=new.stored)
