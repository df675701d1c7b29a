"""A whole passage store in memory: the same contract as the real ones, and faults on demand."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from haystack import Document

from pipelines.components.keywords import FIELD_WEIGHTS, most_telling, query_terms, terms_in_language
from pipelines.components.query import squashed
from pipelines.stores.headings import Outline, pick_headings
from pipelines.stores.passages import Candidates, Change, Counts, Entry, IndexedFile, Scope, Vectors, Wanted
from pipelines.types import Shown, StoreFull, StoreUnavailable

_SATURATION, _LENGTH = 1.2, 0.75  # BM25's usual constants


@dataclass
class _Project:
    files: dict[tuple[str, str], IndexedFile] = field(default_factory=dict)
    heads: dict[str, Shown] = field(default_factory=dict)
    ahead: dict[tuple[str, str], str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    generation: int = 0


class FakePassages:
    """Keeps projects in dictionaries and searches them by scanning.

    `fault`, when set, is raised by every call; `renewed` is what counts say of a new keyword index. `capacity` is the number of passages that fit into one project;
    a change that needs more raises StoreFull and is dropped whole. `calls` lists the names of the methods called.
    """

    def __init__(self, *, capacity: int | None = None) -> None:
        self.fault: Exception | None = None
        self.renewed: int | None = None
        self.capacity = capacity
        self.calls: list[str] = []
        self._projects: dict[str, _Project] = {}
        self._is_closed = False

    async def create(self, project: str) -> None:
        self._enter("create")
        self._projects.setdefault(project, _Project())

    async def drop(self, project: str) -> None:
        self._enter("drop")
        self._projects.pop(project, None)
        self._projects.pop(f"{project}-next", None)

    async def projects(self) -> Sequence[str]:
        self._enter("projects")
        return sorted(one for one in self._projects if "-" not in one)

    async def manifest(self, project: str, source: str) -> Mapping[str, Entry]:
        held = self._read("manifest", project)
        return {path: file.entry for (owner, path), file in held.files.items() if owner == source}

    async def apply(self, project: str, change: Change) -> int:
        held = self._write("apply", project)
        files = dict(held.files)
        for key in change.remove:
            files.pop(key, None)
        for file in change.put:
            files[(file.entry.source, file.entry.path)] = deepcopy(file)
        if self.capacity is not None and sum(len(file.documents) for file in files.values()) > self.capacity:
            raise StoreFull(f"a project holds up to {self.capacity} passages here; nothing was kept")
        held.files = files
        put = {(file.entry.source, file.entry.path) for file in change.put}
        held.ahead = {key: version for key, version in held.ahead.items() if key in files and key not in put}
        for shown in change.shown:
            _show(held, shown, put)
        held.generation += 1
        return held.generation

    async def begin_rebuild(self, project: str) -> str:
        self._write("begin_rebuild", project)
        self._projects.setdefault(f"{project}-next", _Project())
        return f"{project}-next"

    async def rebuilding(self, project: str) -> str | None:
        self._enter("rebuilding")
        return f"{project}-next" if f"{project}-next" in self._projects else None

    async def switch(self, project: str) -> int:
        old = self._write("switch", project)
        new = self._projects.get(f"{project}-next")
        if new is None or any(head.updating_to for head in new.heads.values()):
            raise StoreUnavailable(f"expected a whole rebuild of {project!r}")
        kept = {source for source, _ in new.files} | {*new.heads}
        new.files |= {key: file for key, file in old.files.items() if key[0] not in kept}
        new.heads |= {source: head for source, head in old.heads.items() if source not in kept}
        new.ahead |= {key: version for key, version in old.ahead.items() if key[0] not in kept}
        new.hidden |= old.hidden
        new.generation = max(new.generation, old.generation) + 1
        self._projects[project] = self._projects.pop(f"{project}-next")
        return new.generation

    async def known_vectors(self, project: str, source: str, blob: str, *, path: str | None = None) -> Vectors | None:
        held = self._read("known_vectors", project)
        same = (file for (owner, _), file in held.files.items() if owner == source and file.entry.blob == blob)
        same = (file for file in same if path in {None, file.entry.path})
        return next((file.vectors for file in same if file.vectors is not None), None)

    async def shown(self, project: str) -> Mapping[str, Shown]:
        return dict(self._read("shown", project).heads)

    async def generation(self, project: str) -> int:
        return self._read("generation", project).generation

    async def hide(self, project: str, source: str, *, hidden: bool) -> None:
        held = self._read("hide", project)
        if (source in held.hidden) != hidden:
            (held.hidden.add if hidden else held.hidden.discard)(source)
            held.generation += 1

    async def purge(self, project: str, source: str) -> None:
        self._enter("purge")
        for one in (project, f"{project}-next"):
            held = self._projects.get(one, _Project())
            held.files = {key: file for key, file in held.files.items() if key[0] != source}
            held.heads.pop(source, None)
            held.hidden.discard(source)
            held.generation += 1

    async def candidates(self, project: str, wanted: Wanted, *, scope: Scope) -> Candidates:
        held = self._read("candidates", project)
        nearest: list[Document] = []
        if wanted.vector is not None and wanted.nearest:
            nearest = await self.dense(project, wanted.vector, scope=scope, limit=wanted.nearest)
        named = [_defining(_in_scope(held, scope), *one) for one in wanted.definitions]
        words = [
            _by_words(
                [one for one in _in_scope(held, scope) if one.meta["part"] == part], wanted.words_for(part), limit=limit
            )
            for part, limit in wanted.parts.items()
        ]
        documents = {one.id: one for found in (nearest, *named, *words) for one in found}
        return Candidates(
            documents=documents,
            by_words={one.id: one.score or 0.0 for found in words for one in found},
            near={} if wanted.vector is None else _closeness(held, wanted.vector, documents),
            near_in_file={} if wanted.vector is None else _closeness_of_files(held, wanted.vector, documents),
        )

    async def keywords(self, project: str, query: str, *, scope: Scope, limit: int) -> list[Document]:
        return _by_words(_in_scope(self._read("keywords", project), scope), query, limit=limit)

    async def dense(self, project: str, vector: Vectors, *, scope: Scope, limit: int) -> list[Document]:
        held = self._read("dense", project)
        found: list[Document] = []
        scores: list[float] = []
        for file in _files_in_scope(held, scope):
            if file.vectors is not None and file.vectors.shape[1] == vector.shape[0]:
                found.extend(_pinned(held, file))
                scores.extend(float(score) for score in file.vectors @ vector)
        return _best(found, scores, limit=limit, at_least=-math.inf)

    async def passages(self, project: str, ids: Sequence[str]) -> list[Document]:
        held = self._read("passages", project)
        by_id = {document.id: document for file in held.files.values() for document in _pinned(held, file)}
        return [by_id[one] for one in ids if one in by_id]

    async def of_file(self, project: str, source: str, path: str) -> list[Document]:
        held = self._read("of_file", project)
        file = held.files.get((source, path))
        return _pinned(held, file) if file else []

    async def headings(self, project: str, *, scope: Scope, limit: int) -> list[Mapping[str, Any]]:
        found = _in_scope(self._read("headings", project), scope)
        return pick_headings((_outline(document) for document in found), limit=limit)

    async def counts(self, project: str) -> Counts:
        files = self._read("counts", project).files.values()
        per_source: Counter[str] = Counter()
        for file in files:
            per_source[file.entry.source] += len(file.documents)
        return Counts(
            files=len(files),
            passages=per_source.total(),
            size_bytes=sum(file.entry.size_bytes for file in files),
            per_source=dict(per_source),
            renewed=self.renewed,
        )

    async def close(self) -> None:
        self._is_closed = True

    def _enter(self, name: str) -> None:
        self.calls.append(name)
        if self.fault is not None:
            raise self.fault
        if self._is_closed:
            raise StoreUnavailable("the passage store is closed")

    def _read(self, name: str, project: str) -> _Project:
        self._enter(name)
        return self._projects.get(project, _Project())

    def _write(self, name: str, project: str) -> _Project:
        self._enter(name)
        if project not in self._projects:
            raise StoreUnavailable(f"expected a project that was created, got {project!r}")
        return self._projects[project]


def _by_words(documents: Sequence[Document], query: str, *, limit: int) -> list[Document]:
    analysed = [terms_in_language(document.content or "", document.meta) for document in documents]
    fields = [field for field, _ in analysed]
    asked = query_terms(query, {language for _, language in analysed})
    scores = [0.0] * len(documents)
    for name, weight in FIELD_WEIGHTS.items():
        _add_bm25(scores, asked, [Counter(field[name].split()) for field in fields], weight=weight)
    return _best(documents, scores, limit=limit, at_least=1e-9)


def _defining(documents: Sequence[Document], names: Sequence[str], limit: int) -> list[Document]:
    asked = {squashed(name) for name in names} - {""}
    found = [document for document in documents if asked & _defined(document.meta["symbols"])]
    return _best(found, [1.0 + (document.meta["part"] == "code") for document in found], limit=limit, at_least=1.0)


def _closeness(held: _Project, vector: Vectors, ids: Collection[str]) -> dict[str, float]:
    return {
        document.id: float(row @ vector)
        for file in held.files.values()
        if file.vectors is not None and file.vectors.shape[1] == vector.shape[0]
        for document, row in zip(file.documents, file.vectors, strict=True)
        if document.id in ids
    }


def _closeness_of_files(held: _Project, vector: Vectors, ids: Collection[str]) -> dict[str, float]:
    return {
        document.id: float((file.vectors @ vector).max())
        for file in held.files.values()
        if file.vectors is not None and file.vectors.shape[1] == vector.shape[0]
        for document in file.documents
        if document.id in ids
    }


def _defined(symbols: Sequence[str]) -> set[str]:
    """Squash symbols, each whole and its last part."""
    return {squashed(form) for symbol in symbols for form in (symbol, symbol.replace("::", ".").split(".")[-1])}


def _files_in_scope(held: _Project, scope: Scope) -> list[IndexedFile]:
    return [
        file
        for (source, _), file in sorted(held.files.items())
        if source not in held.hidden
        and (scope.sources is None or source in scope.sources)
        and file.entry.room in {None, scope.room}
    ]


def _in_scope(held: _Project, scope: Scope) -> list[Document]:
    return [document for file in _files_in_scope(held, scope) for document in _pinned(held, file)]


def _show(held: _Project, shown: Shown, put: set[tuple[str, str]]) -> None:
    held.heads[shown.source] = shown
    if shown.updating_to is None:
        held.ahead = {key: version for key, version in held.ahead.items() if key[0] != shown.source}
    else:
        held.ahead |= {key: shown.updating_to for key in put if key[0] == shown.source}


def _pinned(held: _Project, file: IndexedFile) -> list[Document]:
    """Copy a file's passages, each with the version that holds its lines."""
    source, path = file.entry.source, file.entry.path
    head = held.heads.get(source)
    version = held.ahead.get((source, path)) or (head.commit if head else "")
    return [
        Document(id=one.id, content=one.content, meta={**deepcopy(one.meta), "version": version})
        for one in file.documents
    ]


def _add_bm25(scores: list[float], asked: Sequence[str], counted: Sequence[Counter[str]], *, weight: float) -> None:
    """Add the BM25 score of one field to each passage's score."""
    average = (sum(words.total() for words in counted) / len(counted) if counted else 0) or 1.0
    holders = _holders(counted)
    for term in most_telling(asked, holders):
        rarity = math.log(1 + (len(counted) - holders(term) + 0.5) / (holders(term) + 0.5))
        for at, words in enumerate(counted):
            length = 1 - _LENGTH + _LENGTH * words.total() / average
            scores[at] += weight * rarity * words[term] * (_SATURATION + 1) / (words[term] + _SATURATION * length)


def _holders(counted: Sequence[Counter[str]]) -> Callable[[str], int]:
    """Count the passages that hold a term."""
    return lambda term: sum(1 for words in counted if words[term])


def _best(found: Sequence[Document], scores: Sequence[float], *, limit: int, at_least: float) -> list[Document]:
    ranked = sorted(range(len(found)), key=lambda at: -scores[at])
    return [_scored(found[at], scores[at]) for at in ranked[:limit] if scores[at] >= at_least]


def _scored(document: Document, score: float) -> Document:
    return Document(id=document.id, content=document.content, meta=deepcopy(document.meta), score=score)


def _outline(document: Document) -> Outline:
    meta = document.meta
    return Outline(meta["path"], meta.get("headings") or (), meta.get("symbols") or (), str(meta.get("kind", "text")))


def unit(*values: float) -> Vectors:
    """Give a vector of length 1 in the direction of `values`: float32 of shape (len(values),)."""
    row = np.asarray(values, dtype=np.float32)
    return row / np.float32(np.linalg.norm(row))
