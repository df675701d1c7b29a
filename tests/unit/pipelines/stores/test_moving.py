"""Carrying an index from one store to another."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from haystack import Document

from pipelines.stores.joined import LOCAL, WEAVIATE, JoinedPassages, Whereabouts
from pipelines.stores.local import LocalPassages
from pipelines.stores.moving import CutOff, Moved, NotMoved, move_index
from pipelines.stores.passages import Change, Entry, IndexedFile, PassageStore, Scope
from pipelines.types import Shown, StoreUnavailable
from tests.fakes.files import OTHER, PROJECT, SOURCE, file_of, texts_of
from tests.fakes.passages import FakePassages

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
SHOWN = Shown(SOURCE, "main", "c1", NOON)
SOURCES = (SOURCE, OTHER, "s3")


class Places:
    """A local store and a fake one in the place of the server's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.local = LocalPassages(folder)
        self.server = FakePassages()
        self.stores = self.joined()
        self.steps: list[tuple[int, int]] = []

    def joined(self) -> JoinedPassages:
        """Both as one, as a program that starts finds them."""
        stores: dict[str, PassageStore] = {LOCAL: self.local, WEAVIATE: self.server}
        return JoinedPassages(stores, Whereabouts(self.folder), new=LOCAL)

    async def move(self, to: str = WEAVIATE, sources: Sequence[str] = SOURCES) -> Moved:
        """Move the project."""
        return await move_index(
            self.stores, PROJECT, to, sources=sources, on_files=lambda done, total: self.steps.append((done, total))
        )


@pytest.fixture
async def places(tmp_path: Path) -> AsyncIterator[Places]:
    """Two places, the project in the local one with two files, one that was left out, and an upload of a room."""
    made = Places(tmp_path)
    await made.stores.create(PROJECT)
    await made.stores.apply(
        PROJECT,
        Change(
            put=[
                file_of("a.md", "alpha beacon", "second passage"),
                file_of("b.md", "bravo"),
                file_of("up.md", "upload of a room", source=OTHER, room="r1"),
                IndexedFile(Entry("s3", "x.bin", "b1", "lines-1", 0, 7, skipped="binary"), (), None),
            ],
            shown=[SHOWN],
        ),
    )
    yield made
    await made.stores.close()


async def test_a_moved_project_holds_what_it_held(places: Places) -> None:
    """Files, texts, vectors, rooms, what was left out and the shown version; and the old place holds nothing."""
    before = {source: await places.stores.manifest(PROJECT, source) for source in SOURCES}
    counts, texts = await places.stores.counts(PROJECT), await places.stores.of_file(PROJECT, SOURCE, "a.md")
    vectors = await places.stores.known_vectors(PROJECT, SOURCE, "b1", path="b.md")

    moved = await places.move()

    now = places.stores
    held = await now.counts(PROJECT)
    assert Moved(files=4, passages=4, copied=4) == moved
    assert WEAVIATE == places.joined().whereabouts.of(PROJECT)
    assert before == {source: await now.manifest(PROJECT, source) for source in SOURCES}
    assert (counts.files, counts.passages, counts.size_bytes) == (held.files, held.passages, held.size_bytes)
    assert [one.to_dict() for one in texts] == [one.to_dict() for one in await now.of_file(PROJECT, SOURCE, "a.md")]
    assert {SOURCE: SHOWN} == await now.shown(PROJECT)
    assert [] == list(await places.local.projects())
    there = await now.known_vectors(PROJECT, SOURCE, "b1", path="b.md")
    assert vectors is not None
    assert there is not None
    np.testing.assert_allclose(vectors, there, atol=1e-6)


async def test_a_project_comes_back(places: Places) -> None:
    """There and back it holds the same, and only the data folder holds it."""
    before = await places.stores.counts(PROJECT)
    await places.move()

    assert 4 == (await places.move(LOCAL)).copied

    assert before == await places.local.counts(PROJECT)
    assert [] == list(await places.server.projects())
    assert not places.joined().whereabouts


async def test_uploads_stay_in_their_room(places: Places) -> None:
    """What one room was given is found in no other."""
    await places.move()

    found = [
        texts_of(await places.stores.keywords(PROJECT, "upload", scope=Scope(room=room), limit=5))
        for room in ("r1", "r2", None)
    ]

    assert [["upload of a room"], [], []] == found


async def test_hidden_sources_stay_hidden(places: Places) -> None:
    """A source that nobody may find now is found nowhere afterwards, either; its files are there."""
    await places.stores.hide(PROJECT, SOURCE, hidden=True)

    await places.move()

    assert [] == await places.stores.keywords(PROJECT, "alpha", scope=Scope(), limit=5)
    assert 2 == len(await places.stores.of_file(PROJECT, SOURCE, "a.md"))


async def test_files_ahead_of_the_shown_version_stay_ahead(places: Places) -> None:
    """After a large change that was cut off each file has the version of its own lines."""
    under_way = replace(SHOWN, updating_to="c2")
    await places.stores.apply(PROJECT, Change(put=[file_of("b.md", "bravo two", blob="b2")], shown=[under_way]))

    await places.move()

    versions = {
        path: (await places.stores.of_file(PROJECT, SOURCE, path))[0].meta["version"] for path in ("a.md", "b.md")
    }
    assert {"a.md": "c1", "b.md": "c2"} == versions
    assert under_way == (await places.stores.shown(PROJECT))[SOURCE]


async def test_a_move_goes_on_where_it_was_cut_off(places: Places) -> None:
    """What the new place holds is not copied again; what changed meanwhile is, and what is gone there goes here."""
    await places.server.create(PROJECT)
    copied = [
        file_of("a.md", "alpha beacon", "second passage"),
        file_of("b.md", "old", blob="b0"),
        file_of("c.md", "c"),
    ]
    gone = file_of("gone.md", "of a source that is gone", source="s9")
    await places.server.apply(PROJECT, Change(put=[*copied, gone], shown=[SHOWN, replace(SHOWN, source="s9")]))

    moved = await places.move()

    assert (4, 3) == (moved.files, moved.copied)
    assert [(1, 4), (2, 4), (3, 4), (4, 4)] == places.steps
    assert {"a.md", "b.md"} == set(await places.stores.manifest(PROJECT, SOURCE))
    assert {SOURCE: SHOWN} == await places.stores.shown(PROJECT)


async def test_a_version_that_moved_on_is_copied_again(places: Places) -> None:
    """A file that was carried over before it became one that is ahead is carried over once more."""
    await places.server.create(PROJECT)
    file = file_of("b.md", "bravo")
    await places.server.apply(PROJECT, Change(put=[file], shown=[SHOWN]))
    await places.stores.apply(PROJECT, Change(put=[file], shown=[replace(SHOWN, updating_to="c2")]))

    await places.move()

    assert "c2" == (await places.stores.of_file(PROJECT, SOURCE, "b.md"))[0].meta["version"]


async def test_a_server_that_goes_away_leaves_the_project_where_it_was(places: Places) -> None:
    """The sentence says so; when the server is back, the same call ends it."""
    places.server.fault = StoreUnavailable("expected a Weaviate server, none answers")

    with pytest.raises(CutOff, match=r"none answers\. The move was cut off: the project answers from where it was"):
        await places.move()

    assert ["bravo"] == texts_of(await places.joined().keywords(PROJECT, "bravo", scope=Scope(), limit=5))
    places.server.fault = None
    assert 4 == (await places.move()).files


async def test_a_project_that_is_being_made_anew_is_not_moved(places: Places) -> None:
    """A rebuild has to end first."""
    await places.stores.begin_rebuild(PROJECT)

    with pytest.raises(NotMoved, match="is being made anew"):
        await places.move()

    assert [] == list(await places.server.projects())


async def test_a_file_that_is_not_whole_is_named(places: Places) -> None:
    """Nothing is switched then."""
    places.stores = JoinedPassages(
        {LOCAL: Torn("b.md"), WEAVIATE: places.server}, Whereabouts(places.folder), new=LOCAL
    )
    await places.stores.create(PROJECT)
    await places.stores.apply(PROJECT, Change(put=[file_of("a.md", "alpha"), file_of("b.md", "bravo")]))

    with pytest.raises(NotMoved, match=r"'b\.md' is not whole where it lies: `roomwise check --index --repair`"):
        await places.move()

    assert LOCAL == places.joined().whereabouts.of(PROJECT)


async def test_a_copy_that_is_not_the_same_is_not_switched_to(places: Places) -> None:
    """It is removed, and the error says what differs."""
    places.stores = JoinedPassages(
        {LOCAL: places.local, WEAVIATE: Losing("b.md")}, Whereabouts(places.folder), new=LOCAL
    )

    with pytest.raises(NotMoved) as refused:
        await places.move()

    assert "4 files are 3 there" in str(refused.value)
    assert "1 files of source s1 are not the same: b.md" in str(refused.value)
    assert [] == list(await places.stores.stores[WEAVIATE].projects())
    assert LOCAL == places.joined().whereabouts.of(PROJECT)


async def test_without_a_server_nothing_is_moved_to_it(places: Places) -> None:
    """The sentence says what to set."""
    places.stores = JoinedPassages({LOCAL: places.local}, Whereabouts(places.folder), new=LOCAL)

    with pytest.raises(NotMoved, match=r"none is set: set weaviate\.url"):
        await places.move()


async def test_to_move_a_project_to_where_it_is_cleans_up(places: Places) -> None:
    """It is there already; what a move that was cut off has left in the other place goes."""
    await places.server.create(PROJECT)
    await places.server.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))

    moved = await places.move(LOCAL)

    assert Moved(files=4, passages=4, was_there=True) == moved
    assert [] == list(await places.server.projects())


async def test_an_old_place_that_cannot_be_emptied_is_told(places: Places) -> None:
    """The new place answers all the same, and the next move to it tries again."""
    await places.move()
    places.stores = JoinedPassages(
        {LOCAL: places.local, WEAVIATE: Kept(places.server)}, Whereabouts(places.folder), new=LOCAL
    )

    moved = await places.move(LOCAL)

    assert ("it stays", [PROJECT]) == (moved.left_behind, list(await places.server.projects()))
    places.stores = places.joined()
    assert ["bravo"] == texts_of(await places.stores.keywords(PROJECT, "bravo", scope=Scope(), limit=5))
    assert "" == (await places.move(LOCAL)).left_behind
    assert [] == list(await places.server.projects())


async def test_a_dropped_project_leaves_nothing_of_a_move_behind(places: Places) -> None:
    """Neither where it lay nor where a move that was cut off was taking it, whichever of both was which."""
    await places.server.create(PROJECT)
    await places.stores.drop(PROJECT)

    assert ([], []) == (list(await places.local.projects()), list(await places.server.projects()))

    await places.stores.create(PROJECT)
    await places.move()
    await places.local.create(PROJECT)
    await places.stores.drop(PROJECT)

    assert ([], []) == (list(await places.local.projects()), list(await places.server.projects()))
    assert [] == list(await places.joined().projects())


async def test_a_project_can_be_dropped_while_the_other_place_is_away(places: Places) -> None:
    """What may be left there is told in the log; the project is gone."""
    places.server.fault = StoreUnavailable("away")

    await places.stores.drop(PROJECT)

    assert [] == list(await places.local.projects())


class Torn(FakePassages):
    """Has lost the passages of a file."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    async def of_file(self, project: str, source: str, path: str) -> list[Document]:
        return [] if path == self.path else await super().of_file(project, source, path)


class Losing(FakePassages):
    """Does not keep one file."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    async def apply(self, project: str, change: Change) -> int:
        put = [file for file in change.put if file.entry.path != self.path]
        return await super().apply(project, replace(change, put=put))


class Kept(FakePassages):
    """Holds what another one holds, and drops nothing."""

    def __init__(self, other: FakePassages) -> None:
        super().__init__()
        self._projects = other._projects

    async def drop(self, project: str) -> None:
        raise StoreUnavailable("it stays")
