"""What every passage store must do. A fake and the real ones run the same classes.

What searches find stands in test_passage_search.py.
"""

import asyncio
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.stores.passages import Change, Counts, Entry, IndexedFile, PassageStore
from pipelines.types import Shown, StoreUnavailable
from tests.contracts.asking import EVERYWHERE, found, near
from tests.fakes.files import OTHER, PROJECT, SOURCE, file_of, texts_of
from tests.fakes.passages import unit

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class TestProjects:
    """Projects are made, listed and dropped; what does not exist is empty to readers and closed to writers."""

    async def test_a_project_is_made_once(self, store: PassageStore) -> None:
        """To create a project again keeps what it holds."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))

        await store.create(PROJECT)

        assert ["alpha"] == await found(store, "alpha")

    async def test_projects_are_listed(self, store: PassageStore) -> None:
        """All projects held are listed, dropped ones not."""
        await store.create("p2")
        await store.create("p3")
        await store.drop("p2")

        assert [PROJECT, "p3"] == list(await store.projects())

    async def test_a_dropped_project_comes_back_empty(self, store: PassageStore) -> None:
        """A project made again under the same id holds nothing of the old one."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))
        await store.drop(PROJECT)
        await store.create(PROJECT)

        assert [] == await found(store, "alpha")
        assert Counts() == await store.counts(PROJECT)
        assert 0 == await store.generation(PROJECT)

    async def test_to_drop_nothing_does_nothing(self, store: PassageStore) -> None:
        """A project that does not exist can be dropped."""
        await store.drop("p9")

        assert [PROJECT] == list(await store.projects())

    async def test_a_missing_project_reads_as_empty(self, store: PassageStore) -> None:
        """Searches and look-ups in a project that does not exist find nothing."""
        assert [] == await store.keywords("p9", "alpha", scope=EVERYWHERE, limit=5)
        assert [] == await store.dense("p9", unit(1, 0, 0), scope=EVERYWHERE, limit=5)
        assert {} == await store.manifest("p9", SOURCE)
        assert Counts() == await store.counts("p9")

    async def test_a_missing_project_cannot_be_written(self, store: PassageStore) -> None:
        """A refresh that is still running cannot bring a dropped project back."""
        with pytest.raises(StoreUnavailable, match="'p9'"):
            await store.apply("p9", Change(put=[file_of("a.md", "alpha")]))

    async def test_nothing_is_left_to_take_out_of_a_missing_project(self, store: PassageStore) -> None:
        """To hide or purge a source of a project that was dropped does nothing and brings nothing back."""
        await store.hide("p9", SOURCE, hidden=True)
        await store.purge("p9", SOURCE)

        assert [PROJECT] == list(await store.projects())

    async def test_projects_do_not_see_each_other(self, store: PassageStore) -> None:
        """A canary of one project is in no search of another, even with the same source and path."""
        await store.create("p2")
        await store.apply(PROJECT, Change(put=[file_of("a.md", "canary one")]))
        await store.apply("p2", Change(put=[file_of("a.md", "canary two")]))

        assert ["canary one"] == await found(store, "canary")
        assert ["canary one"] == await near(store, 1, 0, 0)

    async def test_a_closed_store_says_so(self, store: PassageStore) -> None:
        """After close every call raises StoreUnavailable."""
        await store.close()

        with pytest.raises(StoreUnavailable, match="closed"):
            await store.counts(PROJECT)


class TestChanges:
    """A change replaces whole files, moves versions and raises the generation."""

    async def test_a_put_file_is_found_as_it_was_written(self, store: PassageStore) -> None:
        """A hit has the id, the text and all meta of the document that was put, and a score, but no embedding."""
        file = file_of("docs/a.md", "alpha beta", heading="Greek")
        await store.apply(PROJECT, Change(put=[file]))

        (hit,) = await store.keywords(PROJECT, "beta", scope=EVERYWHERE, limit=5)

        put = file.documents[0]
        assert (put.id, "alpha beta", {**put.meta, "version": ""}) == (hit.id, hit.content, hit.meta)
        assert hit.score is not None
        assert hit.score > 0
        assert hit.embedding is None

    async def test_a_put_replaces_the_file(self, store: PassageStore) -> None:
        """No passage, term or vector of the earlier blob is left."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha", "beta")]))
        await store.apply(PROJECT, Change(put=[file_of("a.md", "gamma", blob="b2")]))

        assert [] == await found(store, "alpha beta")
        assert ["gamma"] == await near(store, 1, 0, 0)
        assert ["gamma"] == texts_of(await store.of_file(PROJECT, SOURCE, "a.md"))

    async def test_a_removed_file_is_gone(self, store: PassageStore) -> None:
        """Neither search nor manifest knows a removed path; others stay."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha"), file_of("b.md", "alpha two")]))
        await store.apply(PROJECT, Change(remove=[(SOURCE, "a.md"), (SOURCE, "never.md")]))

        assert ["alpha two"] == await found(store, "alpha")
        assert ["b.md"] == list(await store.manifest(PROJECT, SOURCE))

    async def test_a_path_that_is_removed_and_put_is_put(self, store: PassageStore) -> None:
        """In one change a put wins over a removal of the same path."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))
        await store.apply(PROJECT, Change(put=[file_of("a.md", "beta", blob="b2")], remove=[(SOURCE, "a.md")]))

        assert ["beta"] == texts_of(await store.of_file(PROJECT, SOURCE, "a.md"))

    async def test_the_same_path_of_two_sources_is_two_files(self, store: PassageStore) -> None:
        """Sources own their paths."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha"), file_of("a.md", "alpha", source=OTHER)]))
        await store.apply(PROJECT, Change(remove=[(OTHER, "a.md")]))

        assert {SOURCE: 1} == (await store.counts(PROJECT)).per_source

    async def test_the_manifest_gives_back_every_entry(self, store: PassageStore) -> None:
        """Room, skip reason, sizes and redactions come back as they were written, by path."""
        shared = file_of("a.md", "alpha")
        upload = file_of("up.md", "beta", room="r1")
        skipped = IndexedFile(Entry(SOURCE, "x.png", "b9", "lines-1", 0, 900, skipped="binary", redacted=2), [], None)
        await store.apply(PROJECT, Change(put=[shared, upload, skipped]))

        held = await store.manifest(PROJECT, SOURCE)

        assert {"a.md": shared.entry, "up.md": upload.entry, "x.png": skipped.entry} == held
        assert {} == await store.manifest(PROJECT, OTHER)

    async def test_the_generation_rises_with_every_change(self, store: PassageStore) -> None:
        """Puts, empty changes, hiding and purging each make what was cached before invalid."""
        seen = [await store.generation(PROJECT)]
        seen.append(await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")])))
        seen.append(await store.apply(PROJECT, Change()))
        await store.hide(PROJECT, SOURCE, hidden=True)
        seen.append(await store.generation(PROJECT))
        await store.purge(PROJECT, SOURCE)
        seen.append(await store.generation(PROJECT))

        assert 0 == seen[0]
        assert sorted(set(seen)) == seen

    async def test_the_shown_version_is_moved(self, store: PassageStore) -> None:
        """Each source has one shown version, the one moved last."""
        first = Shown(SOURCE, "main", "c1", NOON, updating_to="c2")
        second = Shown(SOURCE, "main", "c2", NOON)
        other = Shown(OTHER, "", "c7", NOON)
        await store.apply(PROJECT, Change(shown=[first, other]))
        await store.apply(PROJECT, Change(shown=[second]))

        assert {SOURCE: second, OTHER: other} == await store.shown(PROJECT)

    async def test_vectors_of_a_known_blob_are_found(self, store: PassageStore) -> None:
        """A blob under any path of the source gives its vectors in passage order, close to those written."""
        file = file_of("a.md", "alpha", "be", "gamma delta")
        await store.apply(PROJECT, Change(put=[file]))

        known = await store.known_vectors(PROJECT, SOURCE, "b1")

        assert known is not None
        assert file.vectors is not None
        assert np.float32 == known.dtype
        np.testing.assert_allclose(known, file.vectors, atol=0.01)
        assert await store.known_vectors(PROJECT, OTHER, "b1") is None
        assert await store.known_vectors(PROJECT, SOURCE, "b2") is None

    async def test_vectors_of_one_path_are_found(self, store: PassageStore) -> None:
        """Two files of one blob may have different vectors: with a path those of that one are given, and no others."""
        first, second = file_of("a.md", "alpha"), file_of("b.md", "alpha beta")
        await store.apply(PROJECT, Change(put=[first, second]))

        for file in (first, second):
            known = await store.known_vectors(PROJECT, SOURCE, "b1", path=file.entry.path)
            assert known is not None
            assert file.vectors is not None
            np.testing.assert_allclose(known, file.vectors, atol=0.01)
        assert await store.known_vectors(PROJECT, SOURCE, "b1", path="c.md") is None

    async def test_passages_are_fetched_by_id_in_the_order_asked(self, store: PassageStore) -> None:
        """Ids that are gone, or never were, are left out."""
        file = file_of("a.md", "one", "two", "three")
        await store.apply(PROJECT, Change(put=[file]))
        ids = [document.id for document in file.documents]

        assert ["three", "one"] == texts_of(await store.passages(PROJECT, [ids[2], "nothing", ids[0]]))

    async def test_passages_of_a_file_come_in_its_order(self, store: PassageStore) -> None:
        """More passages than one statement can name still come whole and in order."""
        lines = [f"line {number}" for number in range(1200)]
        file = file_of("a.md", *lines)
        await store.apply(PROJECT, Change(put=[file]))

        assert lines == texts_of(await store.of_file(PROJECT, SOURCE, "a.md"))
        assert lines == texts_of(await store.passages(PROJECT, [document.id for document in file.documents]))


class TestVersions:
    """Every passage comes out with a version that holds its very lines, which is what a citation is pinned to."""

    async def versions(self, store: PassageStore) -> dict[str, str]:
        """List the versions of all passages by their text, the same however they are asked for."""
        hits = await store.keywords(PROJECT, "alpha", scope=EVERYWHERE, limit=50)
        by_words = {hit.content or "": str(hit.meta["version"]) for hit in hits}
        fetched = await store.passages(PROJECT, [hit.id for hit in hits])
        by_vector = await store.dense(PROJECT, unit(1, 1, 0), scope=EVERYWHERE, limit=50)
        for again in (fetched, by_vector):
            assert by_words == {hit.content or "": hit.meta["version"] for hit in again}
        return by_words

    async def test_passages_are_of_the_shown_version(self, store: PassageStore) -> None:
        """A small change moves all files to its version, those that it did not touch too."""
        both = [file_of("a.md", "alpha a"), file_of("b.md", "alpha b")]
        await store.apply(PROJECT, Change(put=both, shown=[Shown(SOURCE, "main", "c1", NOON)]))
        new = file_of("a.md", "alpha a2", blob="b2")
        await store.apply(PROJECT, Change(put=[new], shown=[Shown(SOURCE, "main", "c2", NOON)]))

        assert {"alpha a2": "c2", "alpha b": "c2"} == await self.versions(store)

    async def test_a_file_without_a_version_says_none(self, store: PassageStore) -> None:
        """Before a source is shown at any version its passages name none."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))

        assert {"alpha": ""} == await self.versions(store)

    async def test_a_replaced_file_is_ahead_during_a_large_change(self, store: PassageStore) -> None:
        """Between the batches a replaced file is of the coming version and the others are of the old one."""
        both = [file_of("a.md", "alpha a"), file_of("b.md", "alpha b")]
        await store.apply(PROJECT, Change(put=both, shown=[Shown(SOURCE, "main", "c1", NOON)]))
        new = file_of("a.md", "alpha a2", blob="b2")
        await store.apply(PROJECT, Change(put=[new], shown=[Shown(SOURCE, "main", "c1", NOON, updating_to="c2")]))

        assert {"alpha a2": "c2", "alpha b": "c1"} == await self.versions(store)

    async def test_each_interrupted_change_keeps_its_own_version(self, store: PassageStore) -> None:
        """Two large changes that were cut off leave files of three versions; the next whole one is all there is."""
        files = [file_of(name, f"alpha {name}") for name in ("a.md", "b.md", "c.md")]
        await store.apply(PROJECT, Change(put=files, shown=[Shown(SOURCE, "main", "c1", NOON)]))
        for name, coming in (("a.md", "c2"), ("b.md", "c3")):
            shown = Shown(SOURCE, "main", "c1", NOON, updating_to=coming)
            await store.apply(PROJECT, Change(put=[file_of(name, f"alpha {coming}", blob=coming)], shown=[shown]))
        between = await self.versions(store)

        await store.apply(PROJECT, Change(remove=[(SOURCE, "c.md")], shown=[Shown(SOURCE, "main", "c4", NOON)]))

        assert {"alpha c2": "c2", "alpha c3": "c3", "alpha c.md": "c1"} == between
        assert {"alpha c2": "c4", "alpha c3": "c4"} == await self.versions(store)

    async def test_another_source_stays_where_it_is(self, store: PassageStore) -> None:
        """One source reaching its version does not move what is ahead in another."""
        shown = [Shown(SOURCE, "main", "c1", NOON, updating_to="c2"), Shown(OTHER, "main", "d1", NOON)]
        put = [file_of("a.md", "alpha a"), file_of("b.md", "alpha b", source=OTHER)]
        await store.apply(PROJECT, Change(put=put, shown=shown))
        await store.apply(PROJECT, Change(shown=[Shown(OTHER, "main", "d2", NOON)]))

        assert {"alpha a": "c2", "alpha b": "d2"} == await self.versions(store)


class TestPurge:
    """A purged source is gone; what others own stays."""

    async def test_a_purged_source_is_gone_with_its_version(self, store: PassageStore) -> None:
        """Manifest, shown version, passages and hits go; another source keeps its own."""
        await store.apply(
            PROJECT,
            Change(
                put=[file_of("a.md", "alpha"), file_of("b.md", "alpha b", source=OTHER)],
                shown=[Shown(SOURCE, "main", "c1", NOON), Shown(OTHER, "main", "c2", NOON)],
            ),
        )
        await store.purge(PROJECT, SOURCE)

        assert {} == await store.manifest(PROJECT, SOURCE)
        assert [OTHER] == list(await store.shown(PROJECT))
        assert ["alpha b"] == await found(store, "alpha")
        assert ["alpha b"] == await near(store, 1, 0, 0)

    async def test_a_purged_source_can_be_added_again(self, store: PassageStore) -> None:
        """Purging also ends hiding, so that the same source can come back."""
        await store.hide(PROJECT, SOURCE, hidden=True)
        await store.purge(PROJECT, SOURCE)
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))

        assert ["alpha"] == await found(store, "alpha")


class TestReadersBesideAWriter:
    """Searches run while a change is written, and see it whole or not at all."""

    async def test_every_search_sees_one_change_whole(self, store: PassageStore) -> None:
        """Each change rewrites four files with its number; no search ever finds two numbers or fewer than four files."""
        torn: list[list[str]] = []

        async def write() -> None:
            for number in range(12):
                files = [file_of(f"f{one}.md", f"word n{number}", blob=f"b{number}") for one in range(4)]
                await store.apply(PROJECT, Change(put=files))

        async def read(writing: asyncio.Task[None]) -> None:
            while not writing.done():
                both = [await found(store, "word"), await near(store, 7, 1, 0)]
                torn.extend(hits for hits in both if hits and (len(hits) != 4 or len(set(hits)) != 1))
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            writing = group.create_task(write())
            for _ in range(3):
                group.create_task(read(writing))

        assert [] == torn
        assert ["word n11"] * 4 == await found(store, "word")


PATHS = st.sampled_from(["a.md", "b/c.py", "d.txt"])
WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), min_size=0, max_size=3)
PUTS = st.tuples(st.just("put"), st.sampled_from([SOURCE, OTHER]), PATHS, WORDS)
NO_WORDS: list[str] = []
REMOVALS = st.tuples(st.just("remove"), st.sampled_from([SOURCE, OTHER]), PATHS, st.just(NO_WORDS))
PURGES = st.tuples(st.just("purge"), st.sampled_from([SOURCE, OTHER]), st.just(""), st.just(NO_WORDS))
STEPS = st.lists(st.lists(PUTS | REMOVALS, max_size=3) | st.lists(PURGES, min_size=1, max_size=1), max_size=6)


class TestAnySequence:
    """Whatever is done, a store holds what a dictionary would hold."""

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(steps=STEPS)
    async def test_a_store_equals_a_dictionary(
        self, store: PassageStore, steps: list[list[tuple[str, str, str, list[str]]]]
    ) -> None:
        """After any changes the manifest, the texts and the hits are those of a plain model."""
        await store.drop(PROJECT)
        await store.create(PROJECT)
        model: dict[tuple[str, str], list[str]] = {}
        for number, step in enumerate(steps):
            if step and step[0][0] == "purge":
                await store.purge(PROJECT, step[0][1])
                model = {key: words for key, words in model.items() if key[0] != step[0][1]}
                continue
            removed = [(source, path) for verb, source, path, _ in step if verb == "remove"]
            put = {(source, path): words for verb, source, path, words in step if verb == "put"}
            files = [file_of(path, *words, source=source, blob=f"b{number}") for (source, path), words in put.items()]
            await store.apply(PROJECT, Change(put=files, remove=removed))
            model = {key: words for key, words in model.items() if key not in removed} | put

        held = {
            (source, path): texts_of(await store.of_file(PROJECT, source, path))
            for source in (SOURCE, OTHER)
            for path in await store.manifest(PROJECT, source)
        }
        assert model == held
        for word in ("alpha", "beta", "gamma", "delta"):
            assert sorted(await found(store, word, limit=50)) == sorted(
                text for words in model.values() for text in words if text == word
            )
        assert len(await near(store, 1, 1, 1, limit=50)) == sum(map(len, model.values()))
