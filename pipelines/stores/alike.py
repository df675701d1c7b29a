"""Whether two stores hold the same index of a project: counts, manifests, versions, and what samples are found by."""

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
from haystack import Document

from pipelines.stores.passages import Counts, Entry, PassageStore, Scope, Vectors

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_WORDS: Final = 8
_FILES_A_SOURCE: Final = 4
_FOUND_FIRST: Final = 10  # what one store ranks so high
_FOUND_AT_ALL: Final = 50  # the other ranks so high at least: equal scores have no order
_ROUNDED: Final = 0.02  # vectors are kept as one byte a number
_NAMED: Final = 3


async def differences(old: PassageStore, new: PassageStore, project: str, sources: Sequence[str]) -> list[str]:
    """Say in sentences what the two places do not hold or find alike; nothing when they do. Raises StoreUnavailable."""
    wrong = _of_counts(await old.counts(project), await new.counts(project))
    if await old.shown(project) != await new.shown(project):
        wrong.append("they show other versions of the sources")
    for source in sources:
        entries = await old.manifest(project, source)
        wrong += _of_manifests(source, entries, await new.manifest(project, source))
        for entry in _samples(entries.values()):
            wrong += await _of_sample(old, new, project, entry)
    return wrong


async def is_hidden(store: PassageStore, project: str, source: str) -> bool:
    """Say whether nothing of a source is found though there is something: it was hidden."""
    entries = _samples((await store.manifest(project, source)).values())
    async for _ in _found_again(store, project, entries):
        return False
    return bool(entries)


async def _found_again(store: PassageStore, project: str, entries: Sequence[Entry]) -> AsyncIterator[Document]:
    """What is found by the words of some files."""
    for entry in entries:
        for document in await store.of_file(project, entry.source, entry.path):
            for found in await store.keywords(project, _words(document), scope=_scope(entry), limit=1):
                yield found


def _of_counts(old: Counts, new: Counts) -> list[str]:
    pairs = {
        "files": (old.files, new.files),
        "passages": (old.passages, new.passages),
        "bytes": (old.size_bytes, new.size_bytes),
        "passages by source": (_held(old), _held(new)),
    }
    return [f"{was} {name} are {now} there" for name, (was, now) in pairs.items() if was != now]


def _held(counts: Counts) -> dict[str, int]:
    return {source: count for source, count in sorted(counts.per_source.items()) if count}


def _of_manifests(source: str, old: Mapping[str, Entry], new: Mapping[str, Entry]) -> list[str]:
    other = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
    if not other:
        return []
    named = ", ".join(other[:_NAMED]) + (f" and {len(other) - _NAMED} more" if len(other) > _NAMED else "")
    return [f"{len(other)} files of source {source} are not the same: {named}"]


async def _of_sample(old: PassageStore, new: PassageStore, project: str, entry: Entry) -> list[str]:
    """Compare the texts and vectors of a file, and whether its first passage is found by its words."""
    was, now = [await store.of_file(project, entry.source, entry.path) for store in (old, new)]
    if [_told(one) for one in was] != [_told(one) for one in now]:
        return [f"the passages of {entry.path} are not the same"]
    vectors = [await store.known_vectors(project, entry.source, entry.blob, path=entry.path) for store in (old, new)]
    if not _are_close(*vectors):
        return [f"the vectors of {entry.path} are not the same"]
    first, query = was[0], _words(was[0])
    found = await old.keywords(project, query, scope=_scope(entry), limit=_FOUND_FIRST)
    found_there = await new.keywords(project, query, scope=_scope(entry), limit=_FOUND_AT_ALL)
    is_lost = first.content in _texts(found) and first.content not in _texts(found_there)
    if is_lost or bool(found) != bool(found_there):
        return [f"a passage of {entry.path} is not found by its words in both"]
    return []


def _samples(entries: Collection[Entry]) -> list[Entry]:
    """Some of the files that have passages, from all over."""
    holding = sorted((entry for entry in entries if entry.passages), key=lambda entry: entry.path)
    return holding[:: max(1, len(holding) // _FILES_A_SOURCE)][:_FILES_A_SOURCE]


def _words(document: Document) -> str:
    """Words that a passage is found by: its first ones, or its path's when it has none."""
    words = dict.fromkeys(_WORD.findall(document.content or ""))
    return " ".join([*words][:_WORDS]) or str(document.meta["path"])


def _scope(entry: Entry) -> Scope:
    return Scope(room=entry.room, sources=frozenset({entry.source}))


def _told(document: Document) -> tuple[str, str | None, dict[str, Any]]:
    return document.id, document.content, document.meta


def _texts(documents: Sequence[Document]) -> set[str | None]:
    return {one.content for one in documents}


def _are_close(one: Vectors | None, other: Vectors | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool(np.allclose(one, other, atol=_ROUNDED))
