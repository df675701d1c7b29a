"""What is kept in memory of the passages found lately, and how much."""

from pathlib import Path

from pipelines.stores.kept import Kept, Row, Unpacked
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Change, Scope, Wanted
from tests.fakes.files import PROJECT, SOURCE, file_of
from tests.fakes.passages import unit


def passage(text: str) -> Unpacked:
    """Make a passage."""
    return Unpacked(text, text, {})


def test_what_was_used_longest_ago_goes_first() -> None:
    """The budget holds whatever is put in; to be asked for counts as use, and other projects share the budget."""
    one = passage("one").size_bytes
    kept = Kept[int, Unpacked](2 * one)
    kept.keep(1, {5: passage("one"), 6: passage("two")})
    kept.find(1, [5])
    kept.keep(2, {5: passage("ten")})

    assert {5: passage("one")} == kept.find(1, [5, 6])
    assert {5: passage("ten")} == kept.find(2, [5])
    assert 2 * one == kept.size_bytes


def test_what_is_put_in_twice_counts_once() -> None:
    """Two searches may read the same passage at the same time."""
    kept = Kept[int, Row](10_000)
    for _ in range(50):
        kept.keep(1, {5: Row(b"1234", 0.5)})

    assert Row(b"1234", 0.5).size_bytes == kept.size_bytes


def test_what_is_larger_than_the_budget_is_not_kept() -> None:
    """A budget of nothing keeps nothing."""
    kept = Kept[int, Row](0)
    kept.keep(1, {5: Row()})

    assert ({}, 0) == (kept.find(1, [5]), kept.size_bytes)


def test_one_project_is_forgotten_alone() -> None:
    """What is kept of the others stays."""
    kept = Kept[int, Row](10_000)
    kept.keep(1, {5: Row(b"1")})
    kept.keep(2, {5: Row(b"2")})
    kept.forget(1)

    assert ({}, {5: Row(b"2")}) == (kept.find(1, [5]), kept.find(2, [5]))
    assert Row(b"2").size_bytes == kept.size_bytes


async def test_nothing_is_kept_of_a_purged_source_or_a_dropped_project(tmp_path: Path) -> None:
    """Memory forgets a text when the folder does."""
    store = LocalPassages(tmp_path)
    await store.create(PROJECT)
    memory = store._projects._memory
    wanted = Wanted("alpha", {"docs": 9}, vector=unit(1, 1, 1))
    for forgotten in ("source", "project"):
        await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))
        await store.candidates(PROJECT, wanted, scope=Scope())
        assert min(memory.passages.size_bytes, memory.vectors.size_bytes) > 0
        await (store.purge(PROJECT, SOURCE) if forgotten == "source" else store.drop(PROJECT))
        assert (0, 0) == (memory.passages.size_bytes, memory.vectors.size_bytes)
    await store.close()


async def test_a_document_that_is_changed_changes_no_other(tmp_path: Path) -> None:
    """Documents that come of the same kept passage have each their own meta."""
    store = LocalPassages(tmp_path)
    await store.create(PROJECT)
    await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))
    (first,) = await store.keywords(PROJECT, "alpha", scope=Scope(), limit=1)
    first.meta["path"] = "elsewhere"

    (second,) = await store.keywords(PROJECT, "alpha", scope=Scope(), limit=1)
    assert ("a.md", first.score) == (second.meta["path"], second.score)
    await store.close()
