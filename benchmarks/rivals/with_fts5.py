"""SQLite FTS5 alone: the tutorial's passages with their path in one table, any word of the question, ordered by bm25."""

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from job import Find, run, texts
from langchain_text_splitters import RecursiveCharacterTextSplitter

_SEARCH = "SELECT path FROM passages WHERE passages MATCH ? ORDER BY bm25(passages) LIMIT ?"


def build(job: dict[str, Any]) -> Find:
    """Split and store in a file beside the job."""
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    connection = sqlite3.connect(Path(job["work"]) / "fts5.db")
    connection.execute("CREATE VIRTUAL TABLE passages USING fts5(path, text, tokenize = 'porter unicode61')")
    pieces = ((path, piece) for path, text in texts(Path(job["folder"])) for piece in splitter.split_text(text))
    connection.executemany("INSERT INTO passages VALUES (?, ?)", pieces)
    connection.commit()

    def find(query: str) -> Sequence[tuple[str, int, int]]:
        words = " OR ".join(f'"{word}"' for word in dict.fromkeys(re.findall(r"\w+", query)))
        rows = connection.execute(_SEARCH, (words, job["limit"])) if words else []
        return [(path, 1, 1) for (path,) in rows]

    return find


if __name__ == "__main__":
    run(build)
