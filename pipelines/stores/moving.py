"""Carries the index of a project from one store to another, without embedding anything again.

    1. what the new place does not hold as the old one does is copied, file by file; the old place answers
    2. both are compared: counts, manifests, and what they find
    3. one note says that the new place answers from now on, and the old one is dropped

Cut off before 3, the project is where it was, and the next try goes on with what was copied. Nobody may write the project
meanwhile: the caller holds the data folder.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from haystack import Document

from pipelines.stores.alike import differences, is_hidden
from pipelines.stores.joined import WEAVIATE, JoinedPassages
from pipelines.stores.passages import Change, Entry, IndexedFile, PassageStore
from pipelines.types import KnowledgeError, Shown, StoreUnavailable

OnFiles = Callable[[int, int], None]
"""Told how many files of how many are carried over."""
T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE: Final = 8  # files read at the same time
_PASSAGES_A_CHANGE: Final = 2_000
_BYTES_A_CHANGE: Final = 8_000_000
_FILES_A_CHANGE: Final = 500


class NotMoved(KnowledgeError):
    """A project stays where it was; the text says why, and what to do."""


class CutOff(NotMoved):
    """A store could not be read or written any more; what was copied by then is kept."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move did: files and passages that the new place holds, and how many files were `copied` this time.

    `was_there` is set for a project that lay there already; `left_behind` names the fault for which what lies in the
    old place could not be dropped, "" when nothing is left.
    """

    files: int = 0
    passages: int = 0
    copied: int = 0
    was_there: bool = False
    left_behind: str = ""


async def move_index(
    stores: JoinedPassages, project: str, to: str, *, sources: Collection[str], on_files: OnFiles
) -> Moved:
    """Carry a project over to the store of the kind `to`; `sources` are those that it follows.

    Raises NotMoved; then the project answers from where it was.
    """
    demand_store(stores, to)
    try:
        if stores.whereabouts.of(project) == to:
            counts = await stores.counts(project)
            left = await _dropped(stores, project)
            return Moved(counts.files, counts.passages, was_there=True, left_behind=left)
        return await _move(stores, project, to, sources, on_files)
    except StoreUnavailable as error:
        raise CutOff(
            f"{error}. The move was cut off: the project answers from where it was, and what was copied is kept; the "
            "same command goes on with it"
        ) from error


def demand_store(stores: JoinedPassages, to: str) -> None:
    """Raise NotMoved when there is no store of a kind."""
    if to not in stores.stores:
        needed = "set weaviate.url" if to == WEAVIATE else f"{to!r} is none"
        raise NotMoved(f"expected a store to move to, none is set: {needed}")


async def _move(stores: JoinedPassages, project: str, to: str, sources: Collection[str], on_files: OnFiles) -> Moved:
    old, new = stores.store_of(project), stores.stores[to]
    if await old.rebuilding(project) is not None:
        raise NotMoved(
            "its index is being made anew, and only one that is complete can be moved: let the service finish that "
            "(`roomwise status` shows how far it is), stop it, and move then"
        )
    before = await old.generation(project)
    carrying = _Carrying(old, new, project, on_files)
    await new.create(project)
    named = await carrying.prepared(sources)
    copied = await carrying.carried(named)
    wrong = await differences(old, new, project, named)
    if await old.generation(project) != before:
        raise NotMoved("it was written to meanwhile; the same command carries over what has changed")
    if wrong:
        await new.drop(project)
        raise NotMoved(
            f"the copy is not the same, and was removed: {'; '.join(wrong)}. The project answers from where it was; "
            "`roomwise check --index` says whether that is whole"
        )
    await asyncio.to_thread(stores.whereabouts.put, project, to)
    counts = await new.counts(project)
    return Moved(counts.files, counts.passages, copied, left_behind=await _dropped(stores, project))


async def _dropped(stores: JoinedPassages, project: str) -> str:
    """Drop what the stores in which a project does not lie hold of it; gives why that could not be done."""
    try:
        await stores.drop_elsewhere(project)
    except StoreUnavailable as error:
        return str(error)
    return ""


@dataclass(slots=True)
class _Carrying:
    """One project on its way; `done` of `total` files are there."""

    old: PassageStore
    new: PassageStore
    project: str
    on_files: OnFiles
    done: int = 0
    total: int = 0
    missing: dict[str, list[Entry]] = field(default_factory=dict)

    async def prepared(self, sources: Collection[str]) -> list[str]:
        """Take out of the new place what is of no use there, and find what is missing; gives all sources."""
        old, new, project = self.old, self.new, self.project
        shown, counts = await old.shown(project), await old.counts(project)
        named = sorted({*sources, *shown, *counts.per_source})
        there, held = await new.shown(project), await new.counts(project)
        for source in {*there, *held.per_source}:
            if source not in named or (source in there and source not in shown):
                await new.purge(project, source)
        for source in named:
            self.missing[source] = await self._missing(source, shown.get(source))
        self.on_files(self.done, self.total)
        return named

    async def carried(self, sources: Sequence[str]) -> int:
        """Copy what is missing, source by source; gives the number of files."""
        shown = await self.old.shown(self.project)
        before = self.done
        for source in sources:
            await self._carry(source, shown.get(source))
            await self.new.hide(self.project, source, hidden=await is_hidden(self.old, self.project, source))
        return self.done - before

    async def _missing(self, source: str, shown: Shown | None) -> list[Entry]:
        """The files of a source that the new place does not hold in the same way; others that it holds are removed."""
        wanted = await self.old.manifest(self.project, source)
        held = await self.new.manifest(self.project, source)
        if gone := [(source, path) for path in held if path not in wanted]:
            await self.new.apply(self.project, Change(remove=gone))
        await self._show(source, shown)
        missing = [entry for path, entry in wanted.items() if held.get(path) != entry]
        same = [entry for path, entry in wanted.items() if held.get(path) == entry]
        if shown is not None and shown.updating_to is not None:
            versions = await _each(same, self._has_one_version)
            missing += [entry for entry, is_one in zip(same, versions, strict=True) if not is_one]
        self.total += len(wanted)
        self.done += len(wanted) - len(missing)
        return missing

    async def _carry(self, source: str, shown: Shown | None) -> None:
        """Copy the files of a source; those ahead of what is shown stay ahead."""
        base = shown.commit if shown is not None else ""
        portions: dict[str, _Portion] = {}
        for entries in _some(self.missing[source]):
            for file, version in await _each(entries, self._read):
                portion = portions.setdefault(version if file.documents else base, _Portion())
                portion.add(file)
            for version, portion in portions.items():
                if portion.is_full:
                    await self._write(portion, version, shown)
        for version, portion in portions.items():
            if portion.files:
                await self._write(portion, version, shown)
        await self._show(source, shown)

    async def _write(self, portion: "_Portion", version: str, shown: Shown | None) -> None:
        is_ahead = shown is not None and version != shown.commit
        moving = [replace(shown, updating_to=version)] if shown is not None and is_ahead else []
        await self.new.apply(self.project, Change(put=portion.files, shown=moving))
        self.done += len(portion.files)
        portion.clear()
        self.on_files(self.done, self.total)

    async def _read(self, entry: Entry) -> tuple[IndexedFile, str]:
        """A file as the old place holds it, and the version of its lines."""
        found = await self._documents(self.old, entry)
        vectors = None
        if found:
            vectors = await self.old.known_vectors(self.project, entry.source, entry.blob, path=entry.path)
        if len(found) != entry.passages or (vectors is not None and len(vectors) != len(found)):
            raise NotMoved(
                f"{entry.path!r} is not whole where it lies: `roomwise check --index --repair` takes such files out, "
                "`roomwise index` reads them again, and then the project can be moved"
            )
        version = str(found[0].meta.get("version") or "") if found else ""
        return IndexedFile(entry, [_as_written(one) for one in found], vectors), version

    async def _has_one_version(self, entry: Entry) -> bool:
        """Say whether both places give the lines of a file the same version."""
        places = [await self._documents(store, entry) for store in (self.old, self.new)]
        old, new = ({one.meta.get("version") for one in documents} for documents in places)
        return old == new

    async def _documents(self, store: PassageStore, entry: Entry) -> list[Document]:
        return await store.of_file(self.project, entry.source, entry.path) if entry.passages else []

    async def _show(self, source: str, shown: Shown | None) -> None:
        if shown is not None and (await self.new.shown(self.project)).get(source) != shown:
            await self.new.apply(self.project, Change(shown=[shown]))


@dataclass(slots=True)
class _Portion:
    """Files that are written in one change."""

    files: list[IndexedFile] = field(default_factory=list)
    passages: int = 0
    size_bytes: int = 0

    @property
    def is_full(self) -> bool:
        is_large = self.passages >= _PASSAGES_A_CHANGE or self.size_bytes >= _BYTES_A_CHANGE
        return is_large or len(self.files) >= _FILES_A_CHANGE

    def add(self, file: IndexedFile) -> None:
        self.files.append(file)
        self.passages += len(file.documents)
        self.size_bytes += file.entry.size_bytes

    def clear(self) -> None:
        self.files, self.passages, self.size_bytes = [], 0, 0


async def _each(given: Sequence[T], ask: Callable[[T], Awaitable[R]]) -> list[R]:
    """Ask something of each, some at once; in order."""
    return [one for some in _some(given) for one in await asyncio.gather(*map(ask, some))]


def _some(given: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts that are read at once."""
    return (given[start : start + _AT_ONCE] for start in range(0, len(given), _AT_ONCE))


def _as_written(document: Document) -> Document:
    """A passage without what a store adds to it."""
    meta = {name: value for name, value in document.meta.items() if name != "version"}
    return Document(id=document.id, content=document.content, meta=meta)
