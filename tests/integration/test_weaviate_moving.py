"""An index carried to a real Weaviate server and back, and what a look at it there finds."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from weaviate.classes.query import Filter

from pipelines.stores.joined import LOCAL, WEAVIATE, JoinedPassages, Whereabouts
from pipelines.stores.local import LocalPassages
from pipelines.stores.moving import CutOff, move_index
from pipelines.stores.passages import Change, Entry, IndexedFile, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.types import Shown, StoreUnavailable
from tests.fakes.files import OTHER, PROJECT, SOURCE, file_of, texts_of
from tests.fakes.weaviate_store import emptied_weaviate

pytestmark = pytest.mark.weaviate

SHOWN = Shown(SOURCE, "main", "c1", datetime(2026, 1, 2, 12, 0, tzinfo=UTC))
SOURCES = (SOURCE, OTHER, "s3")
FILES = [
    file_of("a.md", "alpha beacon", "second passage"),
    file_of("b.md", "bravo"),
    file_of("up.md", "upload of a room", source=OTHER, room="r1"),
    file_of("hidden.md", "hidden from all", source="s3"),
    IndexedFile(Entry(SOURCE, "x.bin", "b1", "lines-1", 0, 7, skipped="binary"), (), None),
]


@pytest.fixture
async def server(weaviate: Address) -> AsyncIterator[WeaviatePassages]:
    """A store on the server that holds nothing."""
    made = await emptied_weaviate(weaviate)
    yield made
    await made.close()


@pytest.fixture
async def stores(server: WeaviatePassages, tmp_path: Path) -> AsyncIterator[JoinedPassages]:
    """The data folder with a project in the middle of a large change, and the server beside it."""
    made = JoinedPassages({LOCAL: LocalPassages(tmp_path), WEAVIATE: server}, Whereabouts(tmp_path), new=LOCAL)
    await made.create(PROJECT)
    await made.apply(PROJECT, Change(put=FILES, shown=[SHOWN]))
    ahead = Change(put=[file_of("b.md", "bravo two", blob="b2")], shown=[replace(SHOWN, updating_to="c2")])
    await made.apply(PROJECT, ahead)
    await made.hide(PROJECT, "s3", hidden=True)
    yield made
    await made.close()


async def test_a_project_goes_to_the_server_and_comes_back(stores: JoinedPassages) -> None:
    """With rooms, hidden sources, files that were left out, and files ahead of the shown version, both times."""
    before = await _told(stores)

    there = await move_index(stores, PROJECT, WEAVIATE, sources=SOURCES, on_files=_ignore)

    assert (5, 5, "") == (there.files, there.copied, there.left_behind)
    assert before == await _told(stores)
    assert [] == list(await stores.stores[LOCAL].projects())

    back = await move_index(stores, PROJECT, LOCAL, sources=SOURCES, on_files=_ignore)

    assert 5 == back.copied
    assert before == await _told(stores)
    assert [] == list(await stores.stores[WEAVIATE].projects())


async def test_a_move_goes_on_after_the_server_was_away(stores: JoinedPassages, server: WeaviatePassages) -> None:
    """What was written by then is not written again, and the project answers from the data folder until the end."""
    stores.stores = {LOCAL: stores.stores[LOCAL], WEAVIATE: GoesAway(server, after=4)}
    with pytest.raises(CutOff):
        await move_index(stores, PROJECT, WEAVIATE, sources=SOURCES, on_files=_ignore)
    before = await _told(stores)
    written = (await server.counts(PROJECT)).files
    stores.stores = {LOCAL: stores.stores[LOCAL], WEAVIATE: server}

    moved = await move_index(stores, PROJECT, WEAVIATE, sources=SOURCES, on_files=_ignore)

    assert 0 < written < 5
    assert 5 - written == moved.copied
    assert before == await _told(stores)


async def test_a_whole_index_is_told_to_be_whole(stores: JoinedPassages, server: WeaviatePassages) -> None:
    """Its state, its rows and its passages tell the same; so it is after changes, too."""
    await move_index(stores, PROJECT, WEAVIATE, sources=SOURCES, on_files=_ignore)
    await server.apply(PROJECT, Change(put=[file_of("a.md", "new", blob="b9")], remove=[(SOURCE, "b.md")]))

    found = await server.examine(PROJECT)

    assert (True, "4 files, 3 passages, all whole") == (found.is_whole, found.told())


async def test_a_file_without_all_its_passages_is_named_and_taken_out(
    stores: JoinedPassages, server: WeaviatePassages
) -> None:
    """It is not in the manifest then, so that the next look at its source reads it again; all else stays."""
    await move_index(stores, PROJECT, WEAVIATE, sources=SOURCES, on_files=_ignore)
    await _lose(server, "passages", Filter.by_property("source").equal(OTHER))

    before = await server.examine(PROJECT)
    after = await server.repair(before)

    assert [(OTHER, "up.md")] == before.torn
    assert "1 files are torn: up.md" in before.told()
    assert (True, 4) == (after.is_whole, after.files)
    assert {} == await server.manifest(PROJECT, OTHER)
    assert ["alpha beacon"] == texts_of(await server.keywords(PROJECT, "beacon", scope=Scope(), limit=5))


async def test_rows_that_are_lost_are_counted_anew(stores: JoinedPassages, server: WeaviatePassages) -> None:
    """The state tells what is there again, which the next look compares with what there should be."""
    await move_index(stores, PROJECT, WEAVIATE, sources=SOURCES, on_files=_ignore)
    await _lose(server, "files", Filter.by_property("source").equal(OTHER))

    before = await server.examine(PROJECT)
    after = await server.repair(before)

    assert "its state counts 5 files of 5 passages" in before.told()
    assert (True, 4, 4) == (after.is_whole, after.files, (await server.counts(PROJECT)).files)


async def test_an_index_that_somebody_has_removed_begins_anew(stores: JoinedPassages, server: WeaviatePassages) -> None:
    """A look says that it is gone and changes nothing; to repair it is to begin with an empty one."""
    await move_index(stores, PROJECT, WEAVIATE, sources=SOURCES, on_files=_ignore)
    client = await server.server.client()
    for name in await server.server.pair(server.server.layout.version):
        collection = client.collections.get(name)
        await collection.tenants.remove(list(await collection.tenants.get()))

    before = await server.examine(PROJECT)
    after = await server.repair(before)

    assert "it is gone from the Weaviate server" == before.told()
    assert (True, 0) == (after.is_whole, after.files)


async def test_a_project_that_the_server_does_not_know_is_told_so(server: WeaviatePassages) -> None:
    """Such as after the server's data was lost."""
    assert "the Weaviate server knows no such project" == (await server.examine("p9")).told()


class GoesAway(WeaviatePassages):
    """A store whose server is gone after so many changes."""

    def __init__(self, other: WeaviatePassages, *, after: int) -> None:
        self.__dict__.update(other.__dict__)
        self.left = after

    async def apply(self, project: str, change: Change) -> int:
        """Write a change, or fail."""
        self.left -= 1
        if self.left < 0:
            raise StoreUnavailable("expected a Weaviate server, none answers")
        return await super().apply(project, change)


async def _told(stores: JoinedPassages) -> object:
    """All that a project says of itself, but its vectors."""
    manifests = [await stores.manifest(PROJECT, source) for source in SOURCES]
    documents = [
        one.to_dict()
        for source, manifest in zip(SOURCES, manifests, strict=True)
        for path in sorted(manifest)
        for one in await stores.of_file(PROJECT, source, path)
    ]
    found = [
        texts_of(await stores.keywords(PROJECT, words, scope=Scope(room=room), limit=5))
        for words in ("alpha", "bravo", "upload", "hidden")
        for room in (None, "r1")
    ]
    return manifests, documents, found, await stores.shown(PROJECT)


async def _lose(server: WeaviatePassages, kind: str, where: Any) -> None:
    """Delete objects behind the store's back."""
    connection = server.server
    passages, files = await connection.pair(connection.layout.version)
    collection = (await connection.client()).collections.get(passages if kind == "passages" else files)
    (tenant,) = await collection.tenants.get()
    await collection.with_tenant(tenant).data.delete_many(where)


def _ignore(_done: int, _total: int) -> None:
    """Nobody watches."""
