"""How files and passages become objects on a Weaviate server, and come back.

The vectors of a file lie in its manifest row as one byte a number, beside those that the server may search: so what is
near a question can be said of everything that was found, and no search carries vectors.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from haystack import Document
from weaviate.classes.data import DataObject

from pipelines.components.keywords import terms_in_language
from pipelines.components.languages import ENGLISH
from pipelines.components.query import defined_names
from pipelines.components.roles import part_of
from pipelines.stores.kept import Unpacked
from pipelines.stores.local_vectors import Codes, quantise
from pipelines.stores.packing import packed, unpacked
from pipelines.stores.passages import Entry, IndexedFile, Vectors
from pipelines.stores.weaviate_schema import TERMS, VECTOR, object_id
from pipelines.stores.weaviate_state import Head

SHARED: Final = "-"  # the room of files that belong to no room: no id holds a hyphen
ENTRY: Final = ["source", "path", "blob", "room", "splitter", "passages", "size_bytes", "skipped", "redacted"]
TOLD: Final = [*ENTRY, "born", "ahead", "width"]
WHOLE: Final = [*TOLD, "codes"]
_OF_FILE: Final = frozenset({"source", "path", "blob", "room", "version"})
_SCALE_BYTES: Final = 4  # a float32 each
_BYTES_A_ROW: Final = 1_000  # of the entry and the objects around it
_in_one_line: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Row:
    """A file as one change wrote it: its manifest row, when it was born, the version it is ahead at, its vectors."""

    id: str
    entry: Entry
    born: int
    ahead: str = ""
    stored: Codes | None = None

    @property
    def size_bytes(self) -> int:
        """Estimate the memory taken."""
        return _BYTES_A_ROW + (self.stored.codes.nbytes + self.stored.scales.nbytes if self.stored else 0)


@dataclass(frozen=True, slots=True)
class Objects:
    """A file as the server takes it: its passages, its row, and the languages besides English that it has prose in."""

    row: DataObject[Any, None]
    passages: Sequence[DataObject[Any, None]]
    languages: frozenset[str]


def objects_of(row_id: str, file: IndexedFile, *, born: int, ahead: str, width: int) -> Objects:
    """Make objects of a file. Vectors of another width than `width`, 0 for none, lie in the row alone."""
    entry, stored = file.entry, quantise(file.vectors) if file.vectors is not None and len(file.vectors) else None
    searched = file.vectors if file.vectors is not None and file.vectors.shape[1] == width else None
    passages, languages = [], set()
    for at, document in enumerate(file.documents):
        told, language = _passage(document, entry, born)
        languages.add(language)
        vector = None if searched is None else {VECTOR: searched[at].tolist()}
        passages.append(DataObject(uuid=object_id(row_id, at), properties=told, vector=vector))
    return Objects(row_object(Row(row_id, entry, born, ahead, stored)), passages, frozenset(languages - {ENGLISH}))


def row_object(row: Row) -> DataObject[Any, None]:
    """Make the object of a manifest row."""
    entry, told = row.entry, {"born": row.born, "ahead": row.ahead, "depth": row.entry.path.count("/")}
    told |= {name: getattr(entry, name) for name in ENTRY if getattr(entry, name) not in (None, "")}
    if row.stored is not None:
        told["width"] = row.stored.codes.shape[1]
        told["codes"] = base64.b64encode(row.stored.scales.tobytes() + row.stored.codes.tobytes()).decode("ascii")
    return DataObject(uuid=row.id, properties={name: value for name, value in told.items() if value != ""})


def row_of(id_: str, told: Mapping[str, Any]) -> Row:
    """Read a manifest row; without its vectors when they were not asked for or are damaged."""
    entry = Entry(
        source=told["source"],
        path=told["path"],
        blob=told.get("blob") or "",
        splitter=told.get("splitter") or "",
        passages=int(told.get("passages") or 0),
        size_bytes=int(told.get("size_bytes") or 0),
        room=told.get("room"),
        skipped=told.get("skipped") or "",
        redacted=int(told.get("redacted") or 0),
    )
    stored = _codes(told.get("codes") or "", int(told.get("width") or 0))
    return Row(id_, entry, int(told["born"]), told.get("ahead") or "", stored)


def passage_of_body(body: str) -> Unpacked | None:
    """Read what a passage says; None when it is damaged."""
    try:
        text, told = unpacked(base64.b64decode(body))
        id_, meta = json.loads(told)
    except (ValueError, TypeError, zlib.error):
        return None
    return Unpacked(id_, text, meta)


def document_of(passage: Unpacked, row: Row, version: str, score: float | None = None) -> Document:
    """Make the document of a passage as it was written, without its vector.

    As a copy is made: Haystack's checks of what comes from elsewhere take five times as long as all else here.
    """
    entry = row.entry
    meta = {"source": entry.source, "path": entry.path, "blob": entry.blob, "room": entry.room, "version": version}
    made = Document.__new__(Document)
    made.__dict__.update(_EMPTY, id=passage.id, content=passage.text, meta={**meta, **passage.meta}, score=score)
    return made


def cosines(row: Row, vector: Vectors) -> Vectors | None:
    """The cosine of each passage of a file to a unit vector of shape (width,); None where their width is another."""
    stored = row.stored
    if stored is None or stored.codes.shape[1] != len(vector):
        return None
    near: Vectors = (stored.codes.astype(np.float32) @ vector) * stored.scales
    return near


def _passage(document: Document, entry: Entry, born: int) -> tuple[dict[str, Any], str]:
    """What the server is told of a passage, and the language of its prose."""
    text, meta = document.content or "", document.meta
    fields, language = terms_in_language(text, meta)
    rest = {name: value for name, value in meta.items() if name not in _OF_FILE}
    told: dict[str, Any] = {TERMS[name]: found for name, found in fields.items() if found}
    told |= {
        "pid": document.id,
        "source": entry.source,
        "room": entry.room or SHARED,
        "part": str(meta.get("part") or part_of(entry.path, str(meta.get("kind") or ""))),
        "born": born,
        "body": base64.b64encode(packed(text, _in_one_line([document.id, rest]))).decode("ascii"),
    }
    if names := defined_names(meta.get("symbols") or ()):
        told["defines"] = sorted(names)
    return told, language


def _codes(text: str, width: int) -> Codes | None:
    """Read the vectors of a file: scales and then codes, in base64."""
    try:
        found = base64.b64decode(text)
    except ValueError:
        return None
    rows, rest = divmod(len(found), _SCALE_BYTES + width)
    if not width or not rows or rest:
        return None
    scales = np.frombuffer(found[: rows * _SCALE_BYTES], dtype=np.float32)
    return Codes(np.frombuffer(found[rows * _SCALE_BYTES :], dtype=np.int8).reshape(rows, width), scales)


def counts(row: Row, head: Head) -> bool:
    """Say whether a row belongs to an index as its head has it, whoever may see it."""
    return row.id not in head.dead and not head.is_void(row.born) and row.entry.source not in head.purging


def entries_of(rows: Iterable[Row]) -> list[Entry]:
    """The manifest entries of rows."""
    return [row.entry for row in rows]


_EMPTY: Final = vars(Document(id="-"))
