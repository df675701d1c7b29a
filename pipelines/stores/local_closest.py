"""How near the nearest passage of a file is to a question, read from the file's vectors without loading any matrix."""

import json
import sqlite3
from collections.abc import Collection
from typing import Final

import numpy as np

from pipelines.stores.passages import Vectors

MOST_PASSAGES: Final = 512
"""A file of more is left out: reading its vectors would take longer than all the rest of a search."""


def closest_of_files(connection: sqlite3.Connection, vector: Vectors, files: Collection[int]) -> dict[int, float]:
    """Give the highest cosine of the passages of each file to a unit vector of shape (width,).

    Left out are files without vectors of that width, of more than MOST_PASSAGES passages, or whose vectors are damaged.
    """
    width = len(vector)
    query = (
        "SELECT file, scales, codes FROM vectors "
        "WHERE file IN (SELECT value FROM json_each(?)) AND width = ? AND length(codes) BETWEEN 1 AND ?"
    )
    asked = (json.dumps(list(files)), width, width * MOST_PASSAGES)
    rows = [row for row in connection.execute(query, asked) if len(row[1]) * width == len(row[2]) * _SCALE_BYTES]
    if not rows:
        return {}
    codes = np.frombuffer(b"".join(row[2] for row in rows), dtype=np.int8).reshape(-1, width)
    scales = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.float32)
    firsts = np.cumsum([0, *(len(row[1]) // _SCALE_BYTES for row in rows[:-1])])
    highest = np.maximum.reduceat((codes.astype(np.float32) @ vector) * scales, firsts)
    return dict(zip((row[0] for row in rows), highest.tolist(), strict=True))


_SCALE_BYTES: Final = 4  # a float32 each
