"""How near passages are to a question, read from their files' vectors: no matrix of the project is needed."""

import json
import sqlite3
from collections.abc import Sequence

import numpy as np

from pipelines.stores import local_rows as rows
from pipelines.stores.local_schema import KEYS_PER_FILE
from pipelines.stores.passages import Vectors


def closeness(connection: sqlite3.Connection, vector: Vectors, ids: Sequence[str]) -> dict[str, float]:
    """Give the cosine of passages to a unit vector; those gone or without a vector of its width are left out."""
    by_file: dict[int, list[tuple[int, str]]] = {}
    asked_for = "SELECT id, key FROM passage WHERE id IN (SELECT value FROM json_each(?))"
    for one, key in connection.execute(asked_for, (json.dumps(list(ids)),)):
        by_file.setdefault(key // KEYS_PER_FILE, []).append((key % KEYS_PER_FILE, one))
    found: dict[str, float] = {}
    for file, asked in by_file.items():
        stored = rows.vectors_of_file(connection, file)
        if stored is not None and stored.codes.shape[1] == len(vector):
            places = [ordinal for ordinal, _ in asked]
            cosines = (stored.codes[places].astype(np.float32) @ vector) * stored.scales[places]
            found |= {one: float(cosine) for (_, one), cosine in zip(asked, cosines, strict=True)}
    return found
