"""Passages and vectors of one open project: those read lately from memory, the others from the rows."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import numpy as np
from haystack import Document

from pipelines.stores.kept import Kept, Row, Unpacked
from pipelines.stores.local_documents import assembled, unpacked_rows
from pipelines.stores.local_schema import KEYS_PER_FILE
from pipelines.stores.passages import Vectors

_numbers = count()
_SCALE_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept of all projects together: passages and vectors, each up to a number of bytes."""

    passages: Kept[int, Unpacked]
    vectors: Kept[int, Row]

    @classmethod
    def of(cls, most_bytes: int) -> "Memory":
        """Share out so many bytes; the vector of a passage takes about a fifth of what its text does."""
        return cls(Kept(most_bytes * 4 // 5), Kept(most_bytes // 5))


@dataclass(frozen=True, slots=True)
class Shelf:
    """The part of the memory that belongs to one opened project. `number` is never that of another one."""

    memory: Memory
    number: int = field(default_factory=lambda: next(_numbers))

    def documents(self, connection: sqlite3.Connection, scores: Mapping[int, float]) -> dict[int, Document]:
        """Fetch passages by key, each with its score and in this order; those that are gone or damaged are left out."""
        kept, found = self.memory.passages, self.memory.passages.find(self.number, scores)
        if missing := [key for key in scores if key not in found]:
            read = unpacked_rows(connection, missing)
            kept.keep(self.number, read)
            found |= read
        return assembled(connection, {key: found[key] for key in scores if key in found}, scores)

    def cosines(self, connection: sqlite3.Connection, vector: Vectors, keys: Collection[int]) -> dict[int, float]:
        """Give the cosines of passages to a unit vector, by key; those without a vector of its width are left out."""
        kept, found = self.memory.vectors, self.memory.vectors.find(self.number, keys)
        if missing := [key for key in keys if key not in found]:
            read = _vectors(connection, missing)
            kept.keep(self.number, read)
            found |= read
        alike = {key: row for key, row in found.items() if len(row.codes) == len(vector)}
        if not alike:
            return {}
        codes = np.frombuffer(b"".join(row.codes for row in alike.values()), dtype=np.int8)
        scales = np.fromiter((row.scale for row in alike.values()), dtype=np.float32, count=len(alike))
        near = (codes.reshape(-1, len(vector)).astype(np.float32) @ vector) * scales
        return dict(zip(alike, near.tolist(), strict=True))

    def forget(self) -> None:
        """Let go of everything that is kept of this project."""
        self.memory.passages.forget(self.number)
        self.memory.vectors.forget(self.number)


def _vectors(connection: sqlite3.Connection, keys: Sequence[int]) -> dict[int, Row]:
    """Read the vectors of passages by key, empty where there is none."""
    found = dict.fromkeys(keys, Row())
    of_file: dict[int, list[int]] = {}
    for key in keys:
        of_file.setdefault(key // KEYS_PER_FILE, []).append(key)
    query = "SELECT file, width, scales, codes FROM vectors WHERE file IN (SELECT value FROM json_each(?))"
    for file, width, scales, codes in connection.execute(query, (json.dumps(list(of_file)),)):
        found |= _cut(of_file[file], width, np.frombuffer(scales, dtype=np.float32), codes)
    return found


def _cut(keys: Iterable[int], width: int, scales: Vectors, codes: bytes) -> dict[int, Row]:
    """Cut the vectors of some passages out of those of their file; ones that are cut off are left out."""
    places = {key: key % KEYS_PER_FILE for key in keys}
    return {
        key: Row(codes[at * width : (at + 1) * width], float(scales[at]))
        for key, at in places.items()
        if at < len(scales) and (at + 1) * width <= len(codes)
    }
