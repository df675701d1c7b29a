"""Finding passages: every shape of question, one version, and why a passage stands where it stands."""

from collections.abc import Sequence

import numpy as np
import pytest
from haystack import Document

from pipelines.components.embed import NoEmbedder
from pipelines.searching import passage_of
from pipelines.stores.passages import Candidates, PassageStore, Scope, Vectors, Wanted
from pipelines.types import Found, ModelUnavailable, StoreUnavailable
from tests.fakes.passages import FakePassages
from tests.fakes.project import COMMIT, HANDBOOK, PROJECT, SOURCE, indexed, searching


class BrokenEmbedder(NoEmbedder):
    """An embedder whose model is away."""

    width = 2

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Fail."""
        raise ModelUnavailable("expected vectors, got none")

    async def embed_query(self, text: str) -> Vectors:
        """Fail."""
        raise ModelUnavailable("expected a vector, got none")


class Letters(NoEmbedder):
    """Static vectors: how often a text has each letter."""

    name = "letters"
    width = 26

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Count letters."""
        counted = np.array([[1 + text.lower().count(chr(97 + at)) for at in range(26)] for text in texts], np.float32)
        unit: Vectors = counted / np.linalg.norm(counted, axis=1, keepdims=True)
        return unit

    async def embed_query(self, text: str) -> Vectors:
        """Count letters."""
        row: Vectors = (await self.embed([text]))[0]
        return row


@pytest.fixture
async def store() -> PassageStore:
    """The handbook, indexed."""
    return await indexed(HANDBOOK)


async def first(store: PassageStore, query: str) -> str:
    """The path of the best passage."""
    return (await searching(store).search(PROJECT, query, scope=Scope(), limit=5))[0].passage.path


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("How do I install parcel?", "README.md"),
        ("How long are addresses kept?", "docs/privacy.md"),
        ("Wie lösche ich einen Kunden?", "docs/privacy.md"),
        ("shortest_route", "parcel/route.py"),
        ("RoutePlanner.shortest_route", "parcel/route.py"),
        ("where is deliver_with_retry defined?", "parcel/retry.py"),
        ("parcel/retry.py", "parcel/retry.py"),
        ("DeadLetter: expected a delivery within 5 attempts, got none", "parcel/retry.py"),
        ("Which tests cover deliver_with_retry?", "tests/test_retry.py"),
    ],
)
async def test_each_shape_of_question_finds_its_file(store: PassageStore, query: str, path: str) -> None:
    """Prose, German, an identifier, a path, an error message and a question for tests each find the right file."""
    assert path == await first(store, query)


async def test_a_passage_carries_the_shown_version_and_its_reasons(store: PassageStore) -> None:
    """Each hit is pinned to the commit that searches see, and its features add up to something readable."""
    found = await searching(store).search(PROJECT, "shortest_route", scope=Scope(), limit=1)

    assert [COMMIT] == [one.version for one in found]
    assert {"keywords", "defines the symbol"} <= {feature.name for feature in found[0].features}


async def test_results_come_best_first_and_no_more_than_asked(store: PassageStore) -> None:
    """Scores fall, and the limit holds."""
    found = await searching(store).search(PROJECT, "parcel depot packages", scope=Scope(), limit=3)
    scores = [one.passage.score for one in found]

    assert sorted(scores, reverse=True) == scores
    assert 3 == len(found)


@pytest.mark.parametrize("query", ["", "???", "\x00\x07", " \n ", "🦜"])
async def test_a_question_without_words_finds_nothing(store: PassageStore, query: str) -> None:
    """Empty questions and signs are no error and match nothing."""
    assert [] == await searching(store).search(PROJECT, query, scope=Scope(), limit=5)


async def test_a_question_of_100_kilobytes_is_searched_by_its_beginning(store: PassageStore) -> None:
    """A very long question is cut, not refused, and still finds."""
    found = await searching(store).search(PROJECT, "What is the retry limit? " * 5_000, scope=Scope(), limit=1)

    assert ["README.md"] == [one.passage.path for one in found]


async def test_uploads_of_another_room_are_never_found(store: PassageStore) -> None:
    """A file sent in one room is found there and nowhere else."""
    await indexed({"secret.md": "# Canary\n\nThe canary sings at dawn.\n"}, store=store, room="r1", source="uploads")
    search = searching(store).search

    assert ["secret.md"] == [
        one.passage.path for one in await search(PROJECT, "canary sings", scope=Scope(room="r1"), limit=5)
    ]
    assert [] == await search(PROJECT, "canary sings", scope=Scope(room="r2"), limit=5)


async def test_keywords_alone_answer_when_the_embedder_fails(store: PassageStore) -> None:
    """A model that is away costs quality, never the search."""
    found = await searching(store, BrokenEmbedder()).search(PROJECT, "What is the retry limit?", scope=Scope(), limit=1)

    assert ["README.md"] == [one.passage.path for one in found]


async def test_a_store_that_is_away_is_told() -> None:
    """The caller hears StoreUnavailable as it is, not wrapped in a group."""
    store = FakePassages()
    store.fault = StoreUnavailable("the disk is gone")

    with pytest.raises(StoreUnavailable):
        await searching(store).search(PROJECT, "anything", scope=Scope(), limit=1)


async def test_a_store_that_fails_midway_is_told_as_it_is(store: PassageStore) -> None:
    """What the store raises once a search is under way comes out as it is."""

    class Midway(FakePassages):
        async def candidates(self, project: str, wanted: Wanted, *, scope: Scope) -> Candidates:
            raise StoreUnavailable("the disk is gone")

    with pytest.raises(StoreUnavailable):
        await searching(Midway()).search(PROJECT, "anything", scope=Scope(), limit=1)


async def test_static_vectors_are_compared_and_not_scanned(store: PassageStore) -> None:
    """Words find the passages; how near each is in meaning is then looked up, without a scan over all vectors."""

    class NoScan(FakePassages):
        async def dense(self, project: str, vector: Vectors, *, scope: Scope, limit: int) -> list[Document]:
            raise AssertionError("the vectors of the whole project were scanned")

    scanless = NoScan()
    await indexed(HANDBOOK, store=scanless, embedder=Letters())
    found = await searching(scanless, Letters()).search(PROJECT, "retry limit", scope=Scope(), limit=1)

    assert "meaning" in {feature.name for feature in found[0].features}


async def test_a_real_encoder_scans_and_counts_for_more(store: PassageStore) -> None:
    """What no word of the question finds is found by meaning, which weighs three times that of static vectors."""

    class Sentences(Letters):
        lexical_weight = 1.0
        reads_sentences = True

    class Static(Letters):
        lexical_weight = 3.0

    files = {"a.md": "zzzz zzzy\n", "b.md": "apple\n"}
    store = await indexed(files, embedder=Letters())
    encoder = await searching(store, Sentences()).search(PROJECT, "zzyzz apple", scope=Scope(), limit=5)
    static = await searching(store, Static()).search(PROJECT, "zzyzz apple", scope=Scope(), limit=5)

    def meaning(found: Sequence[Found], path: str) -> float:
        (one,) = (one for one in found if one.passage.path == path)
        return next(feature.value for feature in one.features if feature.name == "meaning")

    assert {"a.md", "b.md"} == {one.passage.path for one in encoder}
    assert ["b.md"] == [one.passage.path for one in static]
    assert meaning(encoder, "b.md") == pytest.approx(3 * meaning(static, "b.md"), abs=1e-3)


@pytest.mark.parametrize(("question", "leading"), [("How do I change the retries?", "docs"), ("retries", "code")])
async def test_documents_and_code_each_have_a_share_of_an_answer(question: str, leading: str) -> None:
    """Of six passages four are of the part that the question leans to, whatever ranks first."""
    files = {f"docs/retries{n}.md": f"# Retries {n}\n\nChange the retries {n} here.\n" for n in range(6)}
    files |= {f"src/retries{n}.py": f"def change_retries{n}():\n    return retries({n})\n" for n in range(6)}
    retrieved = await searching(await indexed(files)).retrieve(PROJECT, question, scope=Scope(), limit=6)
    kinds = [one.passage.kind for one in retrieved.found]

    assert 4 == kinds.count(leading)
    assert 2 == len(kinds) - kinds.count(leading)
    assert (
        len(retrieved.worth)
        == len(retrieved.topic)
        == len(retrieved.coverage)
        == len(retrieved.found) + len(retrieved.further)
    )


async def test_a_document_is_read_as_a_passage(store: PassageStore) -> None:
    """All that the store keeps beside the text arrives."""
    document = (await store.of_file(PROJECT, SOURCE, "parcel/route.py"))[0]
    passage = passage_of(document, score=0.5)

    assert (SOURCE, "parcel/route.py", 1, 0.5, "code") == (
        passage.source, passage.path, passage.first_line, passage.score, passage.kind
    )  # fmt: skip
    assert "RoutePlanner" in " ".join(passage.symbols)
    assert np.isclose(0.5, passage.score)


async def test_a_copy_is_not_listed_but_named() -> None:
    """One of the two is found, and says where the same text stands."""
    copies = {"fork/parcel/retry.py": HANDBOOK["parcel/retry.py"], **HANDBOOK}
    found = await searching(await indexed(copies)).search(PROJECT, "deliver_with_retry", scope=Scope(), limit=20)
    (one,) = [one for one in found if one.passage.path.endswith("parcel/retry.py")]

    assert "parcel/retry.py" == one.passage.path
    assert any(
        (0.0, True) == (feature.value, feature.note.startswith("fork/parcel/retry.py:")) for feature in one.features
    )


SAID = {
    "issues/12.md": """# Parcels are lost when the retry limit is reached (#12, closed as completed)

Issue by ada, 2026-05-01. Labels: bug.

The retry limit of 5 attempts is reached within a second, and the package goes to the dead letter depot.
How to change the retry limit? I want to configure the retry limit and the timeout of a depot.

## Comment by grace, 2026-05-02 #issuecomment-3

We decided against a longer limit, because depots that are overloaded would never recover.
"""
}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("How do I change the retry limit?", "README.md"),
        ("What is the retry limit?", "README.md"),
        ("Wie ändere ich das Limit der Versuche?", "README.md"),
        ("Is there a bug about lost parcels when the retry limit is reached?", "issues/12.md"),
        ("Why was a longer retry limit decided against?", "issues/12.md"),
        ("Which issue is about lost parcels?", "issues/12.md"),
    ],
)
async def test_threads_answer_what_was_said_and_documents_how_it_is_done(query: str, path: str) -> None:
    """An issue that has all words of a question how to do something still stands behind the documentation."""
    assert path == await first(await indexed({**HANDBOOK, **SAID}), query)
