"""A corpus: rows of text, put into a project so that questions about them can be measured.

A row has its text in "text" or "code" and its key in "id", "chunk_link" or "doc" with "index"; "path", "heading" or
"chunk_heading" may name its file and heading. Rows of one file follow each other and make up that file. A row is one
passage, or is split as a file is when it is too long for one; then any passage of the right row answers. What the index
says of a passage besides its text (symbols, scope, headings) is what the product finds in row and file; nothing is
taken from the questions.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from haystack import Document

from config.settings import Files
from pipelines.components import prepare
from pipelines.components.roles import part_of
from pipelines.components.skip import SkipRules
from pipelines.components.split import kind_of
from pipelines.components.splitting.enclosing import definitions_of
from pipelines.components.splitting.spans import MAX_CHARS
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
    """Rows that are indexed: the key of each by the ids of its passages."""

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
    """Write rows into a project, in place of what an earlier run put there. Raises what store and embedder raise."""
    corpus = Corpus(project)
    rules = SkipRules(files)
    by_path: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_path[row.path].append(row)
    ready = []
    for batch in _batches(list(by_path.items())):
        made = [(path, held, _documents(path, held, rules)) for path, held in batch]
        texts = [prepare.embedded_text(one) for _, _, passages in made for one, _ in passages]
        vectors, used = await knowledge.embedder.embed(texts), 0
        for path, held, passages in made:
            documents = [one for one, _ in passages]
            corpus.keys |= {one.id: key for one, key in passages}
            blob, size_bytes = str(documents[0].meta["blob"]), sum(len(row.text) for row in held)
            entry = Entry(SOURCE, path, blob, knowledge.indexing.version, len(documents), size_bytes)
            own = vectors[used : used + len(documents)]
            ready.append(IndexedFile(entry, documents, own if knowledge.embedder.width else None))
            used += len(documents)
    await knowledge.store.create(project)
    gone = [(SOURCE, path) for path in await knowledge.store.manifest(project, SOURCE) if path not in by_path]
    await knowledge.store.apply(project, Change(put=ready, remove=gone, shown=[_SHOWN]))
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


def _documents(path: str, rows: Sequence[Row], rules: SkipRules) -> list[tuple[Document, str]]:
    """Make the passages of one file, each with the key of its row."""
    texts = [row.text if row.text.endswith("\n") else row.text + "\n" for row in rows]
    whole = "".join(texts)
    place = prepare.Place(SOURCE, path, hashlib.sha256(whole.encode()).hexdigest())
    begins = [0, *accumulate(text.count("\n") for text in texts)]
    defined = definitions_of(path, whole, whole.split("\n"))
    scopes = defined.scopes(begins)
    made: list[tuple[Document, str]] = []
    for at, (row, text) in enumerate(zip(rows, texts, strict=True)):
        begin, end = begins[at], begins[at + 1]
        pieces = prepare.prepare(place, text.encode(), rules).documents if len(row.text) > MAX_CHARS else ()
        for piece in pieces or [_whole(row, place, defined.symbols(begin, end), last_line=end - begin)]:
            meta = _meta(row, piece.meta, scopes[at], lines_above=begin)
            one = passage_id(SOURCE, path, place.blob, len(made))
            made.append((Document(id=one, content=piece.content, meta=meta), row.key))
    return made


def _whole(row: Row, place: prepare.Place, symbols: Sequence[str], *, last_line: int) -> Document:
    """Make one passage of a row."""
    kind = kind_of(place.path)
    meta: dict[str, Any] = {"source": place.source, "path": place.path, "blob": place.blob, "room": None}
    meta |= {"first_line": 1, "last_line": last_line, "symbols": list(symbols), "headings": []}
    return Document(content=row.text, meta=meta | {"kind": kind, "part": part_of(place.path, kind)})


def _meta(row: Row, own: Mapping[str, Any], scope: Sequence[str], *, lines_above: int) -> dict[str, Any]:
    """Say of a passage what is found in it, and of where its row stands what the row and the whole file say."""
    headings = list(dict.fromkeys([*row.headings, *own["headings"]]))
    scope = list(dict.fromkeys([*scope, *(own.get("scope") or ())]))
    header = " > ".join(part for part in (own["path"], *headings, *scope, ", ".join(own["symbols"])) if part)
    lines = {"first_line": own["first_line"] + lines_above, "last_line": own["last_line"] + lines_above}
    return {**own, **lines, "headings": headings, "scope": scope, "header": header}
