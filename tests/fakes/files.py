"""Small indexed files for tests of stores."""

from collections.abc import Sequence

import numpy as np
from haystack import Document

from pipelines.stores.passages import Entry, IndexedFile
from pipelines.types import passage_id
from tests.fakes.passages import unit

PROJECT, SOURCE, OTHER = "p1", "s1", "s2"


def file_of(
    path: str,
    *texts: str,
    source: str = SOURCE,
    blob: str = "b1",
    room: str | None = None,
    heading: str = "",
    **meta: object,
) -> IndexedFile:
    """Make a file of one-line passages; the vector of each passage points where its text's length points.

    `meta` says more of each passage, or something else.
    """
    documents = [
        Document(
            id=passage_id(source, path, blob, ordinal),
            content=text,
            meta={
                "source": source,
                "path": path,
                "blob": blob,
                "first_line": ordinal + 1,
                "last_line": ordinal + 1,
                "header": path,
                "headings": [heading] if heading else [],
                "symbols": [],
                "kind": "docs",
                "part": "docs",
                "room": room,
                **meta,
            },
        )
        for ordinal, text in enumerate(texts)
    ]
    vectors = np.stack([unit(len(text), 1.0, ordinal) for ordinal, text in enumerate(texts)]) if texts else None
    entry = Entry(source, path, blob, "lines-1", len(texts), sum(map(len, texts)), room=room)
    return IndexedFile(entry, documents, vectors)


def texts_of(documents: Sequence[Document]) -> list[str]:
    """List what the passages say."""
    return [document.content or "" for document in documents]
