"""A corpus: ready-made passages, one a row, put into a project so that questions about them can be measured.

A row has its text in "text" or "code" and its key in "id", "chunk_link" or "doc" with "index"; "path", "heading" or
"chunk_heading" may name its file and heading. Rows of one file stand in a row and make up that file.
What the index says of a row besides its text (symbols, scope, headings) is what the product finds in that text and
file; nothing is taken from the questions.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from haystack import Document

from config.settings import Files
from pipelines.components import prepare
from pipelines.components.roles import part_of
from pipelines.components.skip import SkipRules
from pipelines.components.split import kind_of
from pipelines.evaluation.language import guessed_ending
from pipelines.evaluation.questions import BadEvaluation, key_of, read_rows
from pipelines.parts import Knowledge
from pipelines.stores.passages import Change, Entry, IndexedFile
from pipelines.types import Shown, passage_id

SOURCE: Final = "corpus"
_BATCH_FILES: Final = 256
_SHOWN: Final = Shown(SOURCE, "", "0" * 40, datetime(2026, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a corpus: its key, its text, and what it says of its file and heading."""

    key: str
    text: str
    path: str
    headings: tuple[str, ...] = ()


@dataclass(slots=True)
class Corpus:
    """Rows that are indexed: the key of each by the id of its passage."""

    project: str
    keys: dict[str, str] = field(default_factory=dict)


def read_corpus(files: Sequence[Path]) -> list[Row]:
    """Read the rows of one corpus, which may lie in several files. Raises BadEvaluation with the line that is wrong."""
    rows: dict[str, Row] = {}
    for path in files:
        for number, read in read_rows(path):
            try:
                row = _row(read)
            except ValueError as error:
                raise BadEvaluation(f"{path}, line {number}: {error}") from error
            if row.key in rows:
                raise BadEvaluation(f"{path}, line {number}: expected every id once, got {row.key!r} again")
            rows[row.key] = row
    if not rows:
        raise BadEvaluation(f"{', '.join(map(str, files))}: expected at least one row, got none")
    return _with_endings(list(rows.values()))


async def put_corpus(knowledge: Knowledge, project: str, rows: Sequence[Row], *, files: Files) -> Corpus:
    """Write rows into a new project, a passage each. Raises what the store and the embedder raise."""
    corpus = Corpus(project)
    rules = SkipRules(files)
    by_path: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_path[row.path].append(row)
    ready = []
    for batch in _batches(list(by_path.items())):
        made = [(path, held, _documents(path, held, rules)) for path, held in batch]
        texts = [prepare.embedded_text(one) for _, _, documents in made for one in documents]
        vectors, used = await knowledge.embedder.embed(texts), 0
        for path, held, documents in made:
            corpus.keys |= {document.id: row.key for document, row in zip(documents, held, strict=True)}
            blob, size_bytes = str(documents[0].meta["blob"]), sum(len(row.text) for row in held)
            entry = Entry(SOURCE, path, blob, knowledge.indexing.version, len(documents), size_bytes)
            own = vectors[used : used + len(documents)]
            ready.append(IndexedFile(entry, documents, own if knowledge.embedder.width else None))
            used += len(documents)
    await knowledge.store.create(project)
    await knowledge.store.apply(project, Change(put=ready, shown=[_SHOWN]))
    return corpus


def _batches(files: Sequence[tuple[str, list[Row]]]) -> Iterator[Sequence[tuple[str, list[Row]]]]:
    """Cut files into groups that are embedded in one go."""
    return (files[start : start + _BATCH_FILES] for start in range(0, len(files), _BATCH_FILES))


def _row(read: Mapping[str, Any]) -> Row:
    text = read.get("text", read.get("code"))
    if not isinstance(text, str):
        raise ValueError(  # noqa: TRY004 - what is wrong is the file
            f'expected "text" or "code" with a text, got the keys {sorted(read)}'
        )
    if "doc" in read and "index" in read:
        return Row(key_of([read["doc"], read["index"]]), text, str(read.get("path") or read["doc"]))
    key = key_of(read.get("id", read.get("chunk_link")))
    heading = str(read.get("heading") or read.get("chunk_heading") or "")
    path = str(read.get("path") or "") or re.sub(r"^https?://[^/]+/|#.*$", "", key)
    if "chunk_link" in read:
        path += ".md"
    return Row(key, text, path, (heading,) if heading else ())


def _with_endings(rows: Sequence[Row]) -> list[Row]:
    """Give files without an ending the one that their text speaks for."""
    texts: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        texts[row.path].append(row.text)
    paths = {path: path if "." in path.rpartition("/")[2] else _named(path, texts[path]) for path in texts}
    return [Row(row.key, row.text, paths[row.path], row.headings) for row in rows]


def _named(path: str, texts: Sequence[str]) -> str:
    ending = guessed_ending("".join(texts))
    return f"{path}.{ending}" if ending else path


def _documents(path: str, rows: Sequence[Row], rules: SkipRules) -> list[Document]:
    """Make the passage of each row of one file."""
    texts = [row.text if row.text.endswith("\n") else row.text + "\n" for row in rows]
    whole = "".join(texts)
    place = prepare.Place(SOURCE, path, hashlib.sha256(whole.encode()).hexdigest())
    pieces = prepare.prepare(place, whole.encode(), rules).documents
    documents, first_line = [], 1
    for ordinal, (row, text) in enumerate(zip(rows, texts, strict=True)):
        last_line = first_line + text.count("\n") - 1
        own = prepare.prepare(place, text.encode(), rules).documents
        meta = _meta(row, own, _around(pieces, first_line), place)
        meta |= {"first_line": first_line, "last_line": last_line}
        documents.append(Document(id=passage_id(SOURCE, path, place.blob, ordinal), content=row.text, meta=meta))
        first_line = last_line + 1
    return documents


def _meta(row: Row, own: Sequence[Document], around: Mapping[str, Any], place: prepare.Place) -> dict[str, Any]:
    """Say of a row what is found in it alone, and of where it stands what the whole file says."""
    symbols = list(dict.fromkeys(name for one in own for name in one.meta["symbols"]))
    headings = list(row.headings or around.get("headings") or ())
    scope = list(around.get("scope") or ())
    header = " > ".join(part for part in (place.path, *headings, *scope, ", ".join(symbols)) if part)
    said = {**around, "source": place.source, "path": place.path, "blob": place.blob, "room": None}
    said.setdefault("kind", kind_of(place.path))
    said["part"] = part_of(place.path, str(said["kind"]))
    return said | {"symbols": symbols, "headings": headings, "scope": scope, "header": header}


def _around(pieces: Sequence[Document], line: int) -> Mapping[str, Any]:
    """Give what the file's passage that holds a line says of itself, or nothing for a file that is not indexed."""
    return next((one.meta for one in pieces if one.meta["last_line"] >= line), {})
