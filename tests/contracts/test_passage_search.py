"""What a search of every passage store finds, and what it must not. A fake and the real ones run the same classes."""

import numpy as np
import pytest

from pipelines.stores.passages import Candidates, Change, Counts, Entry, IndexedFile, PassageStore, Scope, Wanted
from tests.contracts.asking import EVERYWHERE, defining, found, near, shown
from tests.fakes.files import OTHER, PROJECT, SOURCE, file_of, texts_of
from tests.fakes.passages import unit


class TestKeywords:
    """Keyword search takes any text and ranks by BM25."""

    async def test_the_passage_with_more_of_the_words_is_first(self, store: PassageStore) -> None:
        """A passage needs only one of the words; more of them, and rarer ones, rank higher."""
        await store.apply(
            PROJECT, Change(put=[file_of("x.md", "connect the pool", "the pool", "connect timeout of the pool")])
        )

        assert "connect timeout of the pool" == (await found(store, "how to connect with a timeout"))[0]
        assert 3 == len(await found(store, "pool"))

    @pytest.mark.parametrize(
        "query", ["parseConfig", "parse_config", "parse-config", "PARSE CONFIG", "configs parsing"]
    )
    async def test_an_identifier_is_found_however_it_is_written(self, store: PassageStore, query: str) -> None:
        """camelCase, snake_case, kebab-case, words apart and other endings find each other."""
        await store.apply(PROJECT, Change(put=[file_of("x.py", "def parse_config(): ...", "nothing of it")]))

        assert ["def parse_config(): ..."] == await found(store, query)

    @pytest.mark.parametrize(
        "query", ["Wie lange dauern Einrichtungen?", "Einrichtungen", "Wer richtet Einrichtung ein?"]
    )
    async def test_prose_is_found_by_other_inflections_of_its_language(self, store: PassageStore, query: str) -> None:
        """German words are stemmed in German where the text is, and asked so where the question may be."""
        text = "Die Einrichtung des Dienstes dauert etwa zehn Minuten, und sie wird nur einmal gemacht."
        await store.apply(PROJECT, Change(put=[file_of("x.md", text, "Einrichtungsgegenstand", "nothing of it")]))

        assert text == (await found(store, query))[0]

    async def test_the_path_and_the_headings_are_searched_too(self, store: PassageStore) -> None:
        """A word of the file name or of a heading finds the passage."""
        await store.apply(PROJECT, Change(put=[file_of("guide/retry_policy.md", "alpha", heading="Backoff")]))

        assert ["alpha"] == await found(store, "retry")
        assert ["alpha"] == await found(store, "backoff")

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "   ",
            "\x00\x01",
            '"unbalanced',
            "a:b AND (c OR",
            "*",
            "-x +y ~2^3",
            "{[!?]}",
            "\\",
            "😀",
            "/.*/",
            "IN [1 TO",
        ],
    )
    async def test_any_text_is_a_valid_query(self, store: PassageStore, query: str) -> None:
        """Signs that search engines read as syntax are plain text here."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))

        assert [] == await found(store, query)

    async def test_a_very_long_query_finds_its_rarest_words(self, store: PassageStore) -> None:
        """Of hundreds of known words the rare one at the end still counts."""
        common = [" ".join(f"common{number}" for number in range(300))] * 3
        await store.apply(PROJECT, Change(put=[file_of("a.md", *common, "needle")]))

        assert "needle" in await found(store, f"{common[0]} needle")

    async def test_the_limit_is_kept(self, store: PassageStore) -> None:
        """No more than `limit` passages come, the best ones; a limit of 0 gives none."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", *[f"alpha {n}" for n in range(20)], "alpha alpha")]))

        assert 3 == len(await found(store, "alpha", limit=3))
        assert [] == await found(store, "alpha", limit=0)
        assert [] == await near(store, 1, 1, 1, limit=0)


class TestCandidates:
    """One search asks for words by part, for definitions and for what is near, and gets all of it at once."""

    async def test_parts_are_searched_apart(self, store: PassageStore) -> None:
        """Each part has its own places; what is found for several reasons comes once, with all that is known of it."""
        code = file_of("a.py", "run the alpha", "alpha alpha", part="code", symbols=["run"])
        put = [code, file_of("a.md", "alpha", part="docs"), file_of("test_a.py", "alpha test", part="aside")]
        await store.apply(PROJECT, Change(put=put))
        assert code.vectors is not None
        wanted = Wanted("run alpha", {"code": 1, "aside": 2}, [(["run"], 2)], code.vectors[1], nearest=1)

        found = await store.candidates(PROJECT, wanted, scope=EVERYWHERE)

        assert ["alpha alpha", "run the alpha", "alpha test"] == texts_of(list(found.documents.values()))
        assert {"run the alpha", "alpha test"} == {found.documents[one].content for one in found.by_words}
        assert found.documents.keys() == found.near.keys()
        assert min(found.by_words.values()) > 0
        assert found.near[code.documents[1].id] == pytest.approx(1.0, abs=0.02)

    async def test_nothing_is_found_where_nothing_is_wanted(self, store: PassageStore) -> None:
        """Without words, names and a vector, in a part that no passage has, and in a project that does not exist."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))

        for wanted in (Wanted(), Wanted("alpha"), Wanted("alpha", {"nothing": 5}), Wanted("alpha", {"docs": 0})):
            assert Candidates() == await store.candidates(PROJECT, wanted, scope=EVERYWHERE)
        assert Candidates() == await store.candidates("p9", Wanted("alpha", {"docs": 5}), scope=EVERYWHERE)

    async def test_all_that_is_found_is_compared_with_a_vector(self, store: PassageStore) -> None:
        """The cosine of each passage comes out, whatever file holds it, also when it is asked for again."""
        one, other = file_of("a.md", "alpha", "beta alpha"), file_of("b.md", "gamma alpha")
        await store.apply(PROJECT, Change(put=[one, other]))
        assert one.vectors is not None
        assert other.vectors is not None
        wanted = Wanted("alpha", {"docs": 5}, vector=one.vectors[1])

        for _ in range(2):
            near = (await store.candidates(PROJECT, wanted, scope=EVERYWHERE)).near
            assert near[one.documents[1].id] == pytest.approx(1.0, abs=0.02)
            assert near[other.documents[0].id] == pytest.approx(float(other.vectors[0] @ one.vectors[1]), abs=0.02)

    async def test_the_nearest_passage_of_a_file_counts_for_all_of_it(self, store: PassageStore) -> None:
        """Also when words did not find that passage itself."""
        one, other = file_of("a.md", "alpha", "beta"), file_of("b.md", "alpha")
        await store.apply(PROJECT, Change(put=[one, other]))
        assert one.vectors is not None
        assert other.vectors is not None
        wanted = Wanted("alpha", {"docs": 5}, vector=one.vectors[1])

        found = await store.candidates(PROJECT, wanted, scope=EVERYWHERE)

        assert {one.documents[0].id, other.documents[0].id} == set(found.documents) == set(found.near_in_file)
        assert found.near_in_file[one.documents[0].id] == pytest.approx(1.0, abs=0.02)
        assert found.near_in_file[other.documents[0].id] == pytest.approx(found.near[other.documents[0].id], abs=0.02)

    async def test_vectors_of_another_width_cannot_be_compared(self, store: PassageStore) -> None:
        """A project under way to another embedder still answers."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))
        wanted = Wanted("alpha", {"docs": 5}, vector=np.ones(7, dtype=np.float32), nearest=5)

        found = await store.candidates(PROJECT, wanted, scope=EVERYWHERE)

        assert (1, {}, {}) == (len(found.documents), found.near, found.near_in_file)

    async def test_what_was_found_before_and_is_gone_or_hidden_now_is_not_found(self, store: PassageStore) -> None:
        """Nothing that is kept of an earlier search shows what was replaced, removed, hidden or moved since."""
        put = [file_of("a.md", "alpha a"), file_of("b.md", "alpha b"), file_of("c.md", "alpha c", source=OTHER)]
        await store.apply(PROJECT, Change(put=put, shown=[shown(SOURCE, "c1"), shown(OTHER, "d1")]))
        wanted = Wanted("alpha", {"docs": 9}, vector=unit(1, 1, 1))
        await store.candidates(PROJECT, wanted, scope=EVERYWHERE)

        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha new", blob="b2")], shown=[shown(SOURCE, "c2")]))
        await store.hide(PROJECT, OTHER, hidden=True)
        found = (await store.candidates(PROJECT, wanted, scope=EVERYWHERE)).documents.values()
        assert {"alpha new": "c2", "alpha b": "c2"} == {one.content: one.meta["version"] for one in found}
        await store.purge(PROJECT, SOURCE)
        assert Candidates() == await store.candidates(PROJECT, wanted, scope=EVERYWHERE)


class TestDefinitions:
    """A name finds the passages that define it."""

    @pytest.mark.parametrize("name", ["parse_config", "parseConfig", "Parse-Config", "Reader.parse_config"])
    async def test_a_name_is_found_in_every_spelling(self, store: PassageStore, name: str) -> None:
        """A symbol is known whole and by its last part, however it is written; uses of the name are not found."""
        await store.apply(
            PROJECT,
            Change(
                put=[
                    file_of("a.py", "def parse_config", symbols=["Reader.parse_config"]),
                    file_of("b.py", "parse_config()", symbols=["main"]),
                ]
            ),
        )

        assert ["def parse_config"] == await defining(store, name)

    async def test_any_of_the_names_is_enough(self, store: PassageStore) -> None:
        """Several names find all their definitions; no name, or one that nobody defines, finds nothing."""
        await store.apply(
            PROJECT,
            Change(put=[file_of("a.rs", "fn new", symbols=["Pool::new"]), file_of("b.rs", "run", symbols=["run"])]),
        )

        assert {"fn new", "run"} == set(await defining(store, "new", "run", "never"))
        assert [] == await defining(store, "never", "", "--")
        assert [] == await defining(store)
        assert [] == await defining(store, "run", limit=0)

    async def test_code_proper_comes_before_tests(self, store: PassageStore) -> None:
        """Of many definitions those of code are first, so that a limit keeps them."""
        await store.apply(
            PROJECT,
            Change(
                put=[
                    file_of("test_a.py", "one", "two", "three", symbols=["run"], part="aside"),
                    file_of("a.py", "the code", symbols=["run"], part="code"),
                ]
            ),
        )

        assert ["the code"] == await defining(store, "run", limit=1)
        assert 4 == len(await defining(store, "run"))

    async def test_replaced_and_removed_definitions_are_gone(self, store: PassageStore) -> None:
        """Only what is indexed now defines anything."""
        await store.apply(
            PROJECT,
            Change(put=[file_of("a.py", "old", symbols=["run"]), file_of("b.py", "other", symbols=["run"])]),
        )
        await store.apply(
            PROJECT, Change(put=[file_of("a.py", "new", symbols=["walk"], blob="b2")], remove=[(SOURCE, "b.py")])
        )

        assert [] == await defining(store, "run")
        assert ["new"] == await defining(store, "walk")

    async def test_nobody_finds_a_definition_they_may_not_see(self, store: PassageStore) -> None:
        """Rooms, sources and hiding limit definitions as they limit searches."""
        await store.apply(
            PROJECT,
            Change(
                put=[
                    file_of("a.py", "in the room", symbols=["run"], room="r1"),
                    file_of("b.py", "elsewhere", symbols=["run"], source=OTHER),
                ]
            ),
        )

        assert ["elsewhere"] == await defining(store, "run")
        assert ["in the room"] == await defining(store, "run", scope=Scope("r1", frozenset({SOURCE})))
        await store.hide(PROJECT, OTHER, hidden=True)
        assert [] == await defining(store, "run")


class TestDense:
    """Search by vector is exact enough to keep the order of clearly different passages."""

    async def test_the_nearest_is_first(self, store: PassageStore) -> None:
        """Passages are ordered by cosine, and the score is the cosine."""
        file = file_of("a.md", "aaaaaaaaaaaa", "bb", "c")
        await store.apply(PROJECT, Change(put=[file]))
        assert file.vectors is not None

        hits = await store.dense(PROJECT, file.vectors[1], scope=EVERYWHERE, limit=3)

        assert "bb" == hits[0].content
        assert hits[0].score == pytest.approx(1.0, abs=0.01)
        scores = [hit.score or 0.0 for hit in hits]
        assert sorted(scores, reverse=True) == scores

    async def test_files_without_vectors_are_not_found_by_vector(self, store: PassageStore) -> None:
        """Without an embedder only keywords find passages."""
        plain = file_of("a.md", "alpha")
        await store.apply(PROJECT, Change(put=[IndexedFile(plain.entry, plain.documents, None)]))

        assert [] == await near(store, 1, 0, 0)
        assert ["alpha"] == await found(store, "alpha")

    async def test_vectors_of_another_width_are_left_out(self, store: PassageStore) -> None:
        """After a change of embedder the old vectors do not disturb."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))

        assert [] == await near(store, 1, 0, 0, 0, 0)


class TestScope:
    """Nobody finds what they may not see."""

    async def test_an_upload_is_found_in_its_room_only(self, store: PassageStore) -> None:
        """A canary of room r1 is in no search of another room or of none, by words, by vector or in samples."""
        upload = file_of("up.md", "canary", room="r1", heading="Canary")
        await store.apply(PROJECT, Change(put=[file_of("a.md", "shared bird"), upload]))
        for scope in (Scope(), Scope(room="r2"), Scope(room="r2", sources=frozenset({SOURCE}))):
            assert [] == await found(store, "canary", scope=scope)
            assert ["shared bird"] == await near(store, 1, 0, 0, scope=scope)
            assert [] == await store.headings(PROJECT, scope=scope, limit=5)

        assert ["canary"] == await found(store, "canary", scope=Scope(room="r1"))
        assert {"canary", "shared bird"} == set(await near(store, 1, 0, 0, scope=Scope(room="r1")))

    async def test_a_room_cannot_be_named_into_everything(self, store: PassageStore) -> None:
        """An odd room in the scope opens no upload."""
        await store.apply(PROJECT, Change(put=[file_of("up.md", "canary", room="r1")]))
        for room in ("", "-", "*", "r1 OR r2", "r"):
            assert [] == await found(store, "canary", scope=Scope(room=room))

    async def test_uploads_do_not_crowd_out_what_may_be_seen(self, store: PassageStore) -> None:
        """Many better hits in another room do not push the visible one over the limit."""
        await store.apply(
            PROJECT,
            Change(put=[file_of("up.md", *["canary canary"] * 50, room="r1"), file_of("a.md", "canary and much more")]),
        )

        assert ["canary and much more"] == await found(store, "canary", limit=2)
        assert ["canary and much more"] == await near(store, 13, 1, 0, limit=2)

    async def test_the_sources_of_a_scope_limit_the_search(self, store: PassageStore) -> None:
        """Only the named sources are searched; naming none finds nothing."""
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha"), file_of("b.md", "alpha b", source=OTHER)]))

        assert ["alpha b"] == await found(store, "alpha", scope=Scope(sources=frozenset({OTHER})))
        assert ["alpha b"] == await near(store, 1, 0, 0, scope=Scope(sources=frozenset({OTHER})))
        assert [] == await found(store, "alpha", scope=Scope(sources=frozenset()))

    async def test_a_hidden_source_is_found_nowhere_until_it_is_back(self, store: PassageStore) -> None:
        """Hiding works for words, vectors and samples, even when the scope names the source; nothing is lost."""
        await store.apply(
            PROJECT, Change(put=[file_of("a.md", "alpha", heading="One"), file_of("b.md", "alpha b", source=OTHER)])
        )
        await near(store, 1, 0, 0)
        await store.hide(PROJECT, SOURCE, hidden=True)

        assert ["alpha b"] == await found(store, "alpha")
        assert ["alpha b"] == await near(store, 1, 0, 0)
        assert [] == await found(store, "alpha", scope=Scope(sources=frozenset({SOURCE})))
        assert [] == await store.headings(PROJECT, scope=EVERYWHERE, limit=5)

        await store.hide(PROJECT, SOURCE, hidden=False)

        assert {"alpha", "alpha b"} == set(await found(store, "alpha"))
        assert {"alpha", "alpha b"} == set(await near(store, 1, 0, 0))

    async def test_files_put_while_hidden_stay_hidden(self, store: PassageStore) -> None:
        """A refresh of a hidden source shows nothing."""
        await store.hide(PROJECT, SOURCE, hidden=True)
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))

        assert [] == await found(store, "alpha")


class TestSamples:
    """Counts and headings describe what a project holds."""

    async def test_counts_are_those_of_what_was_written(self, store: PassageStore) -> None:
        """Files, passages, bytes and passages by source are counted, skipped files as files."""
        skipped = IndexedFile(Entry(SOURCE, "x.png", "b9", "lines-1", 0, 900, skipped="binary"), [], None)
        await store.apply(
            PROJECT, Change(put=[file_of("a.md", "one", "two"), file_of("b.md", "six", source=OTHER), skipped])
        )

        assert Counts(3, 3, 909, {SOURCE: 2, OTHER: 1}) == await store.counts(PROJECT)

    async def test_headings_begin_with_the_readme(self, store: PassageStore) -> None:
        """A newcomer is asked about the front page first, and each heading comes once."""
        await store.apply(
            PROJECT,
            Change(
                put=[
                    file_of("tests/test_deep.md", "x", heading="Deep"),
                    file_of("README.md", "y", "z", heading="Install"),
                    file_of("docs/usage.md", "y", heading="Usage"),
                ]
            ),
        )

        sampled = await store.headings(PROJECT, scope=EVERYWHERE, limit=2)

        assert [("README.md", "Install"), ("docs/usage.md", "Usage")] == [
            (item["path"], item["heading"]) for item in sampled
        ]
