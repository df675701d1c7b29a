"""Finding passages: every shape of question, one version, and why a passage stands where it stands."""

from collections.abc import Sequence

import numpy as np
import pytest
from haystack import Document

from pipelines.components.embed import NoEmbedder
from pipelines.searching import fuse_by_rank, passage_of
from pipelines.stores.passages import PassageStore, Scope, Vectors
from pipelines.types import ModelUnavailable, StoreUnavailable
from tests.fakes.passages import FakePassages
from tests.fakes.project import COMMIT, HANDBOOK, PROJECT, SOURCE, indexed, searching


class BrokenEmbedder(NoEmbedder):
    """An embedder whose model is away."""

    width = 2

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Fail."""
        raise ModelUnavailable("expected vectors, got none")


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
    found = await searching(store).search(PROJECT, "retry limit " * 9_000, scope=Scope(), limit=1)

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
    found = await searching(store, BrokenEmbedder()).search(PROJECT, "retry limit", scope=Scope(), limit=1)

    assert ["README.md"] == [one.passage.path for one in found]


async def test_a_store_that_is_away_is_told() -> None:
    """The caller hears StoreUnavailable as it is, not wrapped in a group."""
    store = FakePassages()
    store.fault = StoreUnavailable("the disk is gone")

    with pytest.raises(StoreUnavailable):
        await searching(store).search(PROJECT, "anything", scope=Scope(), limit=1)


async def test_a_store_that_fails_midway_is_told_as_it_is(store: PassageStore) -> None:
    """The lists are asked for side by side; what one of them raises comes out alone."""

    class Midway(FakePassages):
        async def keywords(
            self, project: str, query: str, *, scope: Scope, limit: int, part: str | None = None
        ) -> list[Document]:
            raise StoreUnavailable("the disk is gone")

    with pytest.raises(StoreUnavailable):
        await searching(Midway()).search(PROJECT, "anything", scope=Scope(), limit=1)


def test_fusing_weighs_lists_and_keeps_the_order_of_ties() -> None:
    """One list of weight 3 outvotes one of weight 1; an id in both is first."""
    fused = fuse_by_rank([(3.0, ["a", "b"]), (1.0, ["c", "b"])])

    assert ["b", "a", "c"] == list(fused)
    assert 3 / 62 + 1 / 62 == pytest.approx(fused["b"])


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
