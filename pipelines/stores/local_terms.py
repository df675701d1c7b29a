"""The side index for keyword search: tantivy, fed with terms that `components.keywords` made.

It holds terms only, no text. Everything in it can be made again from the SQLite file, so any doubt ends in a rebuild.
A writer is opened when something is to be written; it costs 2 ms and, while open, a thread and its heap.
"""

import contextlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import tantivy
from haystack import Document
from tantivy import Occur, Query

from pipelines.components.keywords import FIELD_WEIGHTS, MAX_QUERY_TERMS, most_telling, terms_in_language
from pipelines.components.languages import ENGLISH, OTHERS
from pipelines.components.query import defined_names, squashed
from pipelines.components.roles import part_of
from pipelines.stores.local_schema import KEYS_PER_FILE

_HEAP_BYTES: Final = 15_000_000  # the least that tantivy takes for one thread
_WORN_PASSAGES: Final = 5_000
_WORN_SHARE: Final = 0.5
_IN: Final = "in-"  # before the language of prose, among the parts that a passage belongs to
_SHARED: Final = "-"  # the room of files that belong to no room: no id holds a hyphen


@dataclass(frozen=True, slots=True)
class FileTerms:
    """A file as the side index takes it in: its id, where it may be found, and its passages in order."""

    file: int
    source: str
    room: str | None
    documents: Sequence[Document]


@dataclass(frozen=True, slots=True)
class Filters:
    """Where to look: only these sources, only shared files and those of one room, one part. None does not limit."""

    sources: Collection[str] | None = None
    rooms: Collection[str | None] | None = None
    part: str | None = None


class SideIndex:
    """One folder of tantivy. Writing is for one thread at a time; searching by `find` is for any."""

    def __init__(self, folder: Path) -> None:
        """Open the index in `folder`, or make an empty one. Raises ValueError when what lies there cannot be read."""
        folder.mkdir(parents=True, exist_ok=True)
        self._index = tantivy.Index(_schema(), path=str(folder), reuse=True)
        self._index.config_reader("manual", 0)  # else a thread polls the folder of every open project
        self._writer: tantivy.IndexWriter | None = None
        self.searcher = self._index.searcher()
        self.folder = folder

    @property
    def is_writing(self) -> bool:
        """Say whether a writer is open."""
        return self._writer is not None

    @property
    def is_worn(self) -> bool:
        """Say whether so many of the passages held are dead that making all anew is worth it."""
        try:
            segments = json.loads((self.folder / "meta.json").read_text(encoding="utf-8"))["segments"]
            dead = sum(int(segment["deletes"]["num_deleted_docs"]) for segment in segments if segment["deletes"])
            held = sum(int(segment["max_doc"]) for segment in segments)
        except (OSError, ValueError, LookupError, TypeError):
            return False  # tantivy's own file, which another version may write in another form
        return dead > _WORN_PASSAGES and dead > _WORN_SHARE * held

    def stage(self, removed: Iterable[int], added: Iterable[FileTerms]) -> None:
        """Take files out and put files in; nothing shows before `commit` and `refresh`."""
        writer = self._open_writer()
        for file in removed:
            writer.delete_documents_by_term("file", file)
        for entry in added:
            for ordinal, document in enumerate(entry.documents):
                writer.add_document(_document(entry, ordinal, document))

    def commit(self) -> None:
        """Make what was staged survive a kill; searches still see the state of the last `refresh`."""
        if self._writer is not None:
            self._writer.commit()

    def refresh(self) -> None:
        """Let searches from now on see what was committed."""
        self._index.reload()
        self.searcher = self._index.searcher()

    def abandon(self) -> None:
        """Forget what was staged and not committed."""
        self._writer = None

    def rest(self) -> None:
        """Wait for merges that are under way, then close the writer."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(ValueError):  # a failed merge leaves the old segments, which are whole
                writer.wait_merging_threads()

    def _open_writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._index.writer(_HEAP_BYTES, 1)
        return self._writer


def find(searcher: tantivy.Searcher, asked: Sequence[str], *, filters: Filters, limit: int) -> list[tuple[int, float]]:
    """List (key, BM25 score) of the passages that hold any of the terms `asked`, best first."""
    if len(asked) > MAX_QUERY_TERMS:
        asked = most_telling(asked, lambda term: max(searcher.doc_freq(name, term) for name in FIELD_WEIGHTS))
    clauses = [
        (Occur.Should, Query.boost_query(Query.term_query(_SCHEMA, name, term, "freq"), weight))
        for term in asked
        for name, weight in FIELD_WEIGHTS.items()
        if searcher.doc_freq(name, term)
    ]
    return _best(searcher, Query.boolean_query(clauses), filters=filters, limit=limit) if clauses else []


def languages_in(searcher: tantivy.Searcher) -> list[str]:
    """List the languages besides English in which there is prose."""
    return [language for language in OTHERS if searcher.doc_freq("part", _IN + language)]


def find_definitions(
    searcher: tantivy.Searcher, names: Sequence[str], *, filters: Filters, limit: int
) -> list[tuple[int, float]]:
    """List (key, score) of the passages that define one of the names, those of code proper before the others."""
    asked = sorted({squashed(name) for name in names} - {""})
    if not asked:
        return []
    defining = Query.const_score_query(Query.term_set_query(_SCHEMA, "defines", asked), 1.0)
    proper = Query.const_score_query(Query.term_query(_SCHEMA, "part", "code", "basic"), 1.0)
    return _best(
        searcher, Query.boolean_query([(Occur.Must, defining), (Occur.Should, proper)]), filters=filters, limit=limit
    )


def _best(searcher: tantivy.Searcher, wanted: Query, *, filters: Filters, limit: int) -> list[tuple[int, float]]:
    """Run a query and list (key, score), best first."""
    if limit < 1:
        return []
    hits = searcher.search(_within(wanted, filters), limit, count=False).hits
    keys = searcher.fast_field_values("key", [address for _, address in hits])
    return [(int(key), float(score)) for (score, _), key in zip(hits, keys, strict=True) if key is not None]


def _within(wanted: Query, filters: Filters) -> Query:
    """Limit a query to some sources, rooms and one part; the limits do not touch the scores."""
    limits = []
    if filters.part is not None:
        limits.append(Query.term_query(_SCHEMA, "part", filters.part, "basic"))
    if filters.sources is not None:
        limits.append(Query.term_set_query(_SCHEMA, "source", sorted(filters.sources)))
    if filters.rooms is not None:
        limits.append(Query.term_set_query(_SCHEMA, "room", sorted(room or _SHARED for room in filters.rooms)))
    if not limits:
        return wanted
    return Query.boolean_query(
        [(Occur.Must, wanted), *((Occur.Must, Query.const_score_query(limit, 0.0)) for limit in limits)]
    )


def _document(entry: FileTerms, ordinal: int, document: Document) -> tantivy.Document:
    """Make what tantivy stores of one passage: its terms, its key and where it may be found."""
    made = tantivy.Document()
    made.add_integer("file", entry.file)
    made.add_unsigned("key", entry.file * KEYS_PER_FILE + ordinal)
    made.add_text("source", entry.source)
    made.add_text("room", entry.room or _SHARED)
    meta = document.meta
    made.add_text("part", str(meta.get("part") or part_of(str(meta.get("path") or ""), str(meta.get("kind") or ""))))
    for name in defined_names(meta.get("symbols") or ()):
        made.add_text("defines", name)
    fields, language = terms_in_language(document.content or "", meta)
    if language != ENGLISH:
        made.add_text("part", _IN + language)
    for name, found in fields.items():
        made.add_text(name, found)
    return made


def _schema() -> tantivy.Schema:
    """Say which fields there are. Terms come ready made, so they are only cut at spaces."""
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("file", indexed=True)  # signed: deleting by an unsigned term does nothing in 0.27
    builder.add_unsigned_field("key", fast=True)
    builder.add_text_field("source", tokenizer_name="raw", index_option="basic")
    for name in ("room", "part", "defines"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in FIELD_WEIGHTS:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


_SCHEMA: Final = _schema()
