"""An index is made anew beside the one that answers, and takes its place in one step."""

import asyncio

import pytest

from pipelines.stores.passages import Change, Counts, PassageStore, Scope
from pipelines.types import StoreUnavailable
from tests.contracts.asking import EVERYWHERE, defining, found, near, shown
from tests.fakes.files import OTHER, PROJECT, SOURCE, file_of


async def test_the_old_index_answers_until_the_switch(store: PassageStore) -> None:
    """What is written to the rebuild shows all at once, and nothing of the old index is left."""
    await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha old"), file_of("b.md", "alpha b")]))
    draft = await store.begin_rebuild(PROJECT)
    await store.apply(draft, Change(put=[file_of("a.md", "alpha new", blob="b2")], shown=[shown(SOURCE, "c2")]))

    assert {"alpha old", "alpha b"} == set(await found(store, "alpha"))
    await store.switch(PROJECT)

    assert ["alpha new"] == await found(store, "alpha")
    assert ["alpha new"] == await near(store, 1, 0, 0)
    assert {SOURCE: shown(SOURCE, "c2")} == await store.shown(PROJECT)
    assert await store.rebuilding(PROJECT) is None


async def test_the_rebuild_is_no_project(store: PassageStore) -> None:
    """It has an id of its own, under which it is read, and is not listed."""
    draft = await store.begin_rebuild(PROJECT)
    await store.apply(draft, Change(put=[file_of("a.md", "alpha")]))

    assert [PROJECT] == list(await store.projects())
    assert draft == await store.rebuilding(PROJECT)
    assert ["a.md"] == list(await store.manifest(draft, SOURCE))
    assert ["alpha"] == [hit.content for hit in await store.keywords(draft, "alpha", scope=EVERYWHERE, limit=3)]


async def test_a_rebuild_begun_twice_goes_on(store: PassageStore) -> None:
    """What was rebuilt before stays, so that an interrupted rebuild is not done again."""
    draft = await store.begin_rebuild(PROJECT)
    await store.apply(draft, Change(put=[file_of("a.md", "alpha")]))

    assert draft == await store.begin_rebuild(PROJECT)
    assert ["a.md"] == list(await store.manifest(draft, SOURCE))


async def test_what_the_rebuild_lacks_is_carried_over(store: PassageStore) -> None:
    """Another source keeps files, vectors, definitions, rooms and versions, those ahead too; hidden ones stay hidden."""
    upload = file_of("up.md", "alpha up", source="s3", room="r1", symbols=["run"])
    await store.apply(
        PROJECT,
        Change(put=[file_of("a.md", "alpha a"), file_of("b.md", "alpha b", source=OTHER), upload],
               shown=[shown(SOURCE, "c1"), shown(OTHER, "d1")]),
    )  # fmt: skip
    await store.apply(PROJECT, Change(put=[file_of("c.md", "alpha c", source=OTHER)], shown=[shown(OTHER, "d1", "d2")]))
    await store.hide(PROJECT, "s3", hidden=True)
    held = {source: await store.manifest(PROJECT, source) for source in (OTHER, "s3")}
    draft = await store.begin_rebuild(PROJECT)
    await store.apply(draft, Change(put=[file_of("a.md", "alpha a2", blob="b2")], shown=[shown(SOURCE, "c2")]))
    await store.switch(PROJECT)

    hits = await store.keywords(PROJECT, "alpha", scope=EVERYWHERE, limit=9)
    assert {"alpha a2": "c2", "alpha b": "d1", "alpha c": "d2"} == {hit.content: hit.meta["version"] for hit in hits}
    assert {"alpha a2", "alpha b", "alpha c"} == set(await near(store, 1, 0, 0))
    assert held == {source: await store.manifest(PROJECT, source) for source in (OTHER, "s3")}
    assert {SOURCE: shown(SOURCE, "c2"), OTHER: shown(OTHER, "d1", "d2")} == await store.shown(PROJECT)
    await store.hide(PROJECT, "s3", hidden=False)
    assert [] == await defining(store, "run")
    assert "alpha up" not in await found(store, "alpha")


async def test_the_generation_rises_over_both(store: PassageStore) -> None:
    """Nothing that was cached of either index is valid after the switch."""
    for number in range(3):
        await store.apply(PROJECT, Change(put=[file_of("a.md", f"alpha {number}", blob=f"b{number}")]))
    draft = await store.begin_rebuild(PROJECT)
    before = await store.apply(draft, Change(put=[file_of("a.md", "alpha new")])), await store.generation(PROJECT)

    assert await store.switch(PROJECT) > max(before)
    assert await store.generation(PROJECT) > max(before)


async def test_a_rebuild_in_part_is_not_switched_to(store: PassageStore) -> None:
    """While a source of the rebuild is on its way, the old index goes on answering; then the switch goes through."""
    await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha old")]))
    draft = await store.begin_rebuild(PROJECT)
    await store.apply(draft, Change(put=[file_of("a.md", "alpha new")], shown=[shown(SOURCE, "c2", "c2")]))
    with pytest.raises(StoreUnavailable):
        await store.switch(PROJECT)

    assert ["alpha old"] == await found(store, "alpha")
    await store.apply(draft, Change(shown=[shown(SOURCE, "c2")]))
    await store.switch(PROJECT)
    assert ["alpha new"] == await found(store, "alpha")


async def test_nothing_can_be_rebuilt_of_nothing(store: PassageStore) -> None:
    """A project that does not exist has no rebuild, and one without a rebuild is not switched."""
    with pytest.raises(StoreUnavailable, match="p9"):
        await store.begin_rebuild("p9")
    with pytest.raises(StoreUnavailable):
        await store.switch(PROJECT)
    assert [PROJECT] == list(await store.projects())


async def test_a_rebuild_is_given_up(store: PassageStore) -> None:
    """To drop it leaves the project, to drop the project leaves neither."""
    await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha old")]))
    draft = await store.begin_rebuild(PROJECT)
    await store.apply(draft, Change(put=[file_of("a.md", "alpha new")]))
    await store.drop(draft)

    assert await store.rebuilding(PROJECT) is None
    assert ["alpha old"] == await found(store, "alpha")
    await store.apply(await store.begin_rebuild(PROJECT), Change(put=[file_of("b.md", "alpha")]))
    await store.drop(PROJECT)
    await store.create(PROJECT)
    assert await store.rebuilding(PROJECT) is None
    assert Counts() == await store.counts(PROJECT)


async def test_a_purged_source_does_not_come_back_with_the_rebuild(store: PassageStore) -> None:
    """Purging takes the source out of both indexes."""
    await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))
    draft = await store.begin_rebuild(PROJECT)
    await store.apply(draft, Change(put=[file_of("a.md", "alpha"), file_of("b.md", "alpha b", source=OTHER)]))
    await store.purge(PROJECT, SOURCE)
    await store.switch(PROJECT)

    assert ["alpha b"] == await found(store, "alpha")


async def test_a_source_is_taken_out_of_the_rebuild_alone(store: PassageStore) -> None:
    """It is then carried over like any other that the rebuild lacks, though it was there only in part."""
    await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha old")], shown=[shown(SOURCE, "c1")]))
    draft = await store.begin_rebuild(PROJECT)
    await store.apply(draft, Change(put=[file_of("b.md", "alpha new")], shown=[shown(SOURCE, "c2", "c2")]))
    await store.purge(draft, SOURCE)
    await store.switch(PROJECT)

    assert ["alpha old"] == await found(store, "alpha")
    assert {SOURCE: shown(SOURCE, "c1")} == await store.shown(PROJECT)


async def rebuild_often(store: PassageStore) -> None:
    """Make the index anew six times, each with its number in all four files."""
    for number in range(6):
        draft = await store.begin_rebuild(PROJECT)
        put = [file_of(f"f{one}.md", f"word n{number}", blob=f"b{number}") for one in range(4)]
        await store.apply(draft, Change(put=put))
        await store.switch(PROJECT)


async def write_beside(store: PassageStore, rebuilding: asyncio.Task[None]) -> None:
    """Change a file of another source until the rebuilds are done; each change is found at once."""
    number = 0
    while not rebuilding.done():
        file = file_of("other.md", f"else e{number}", source=OTHER, blob=f"e{number}")
        await store.apply(PROJECT, Change(put=[file]))
        assert [f"else e{number}"] == await found(store, "else")
        number += 1


async def test_searches_never_see_half_a_switch(store: PassageStore) -> None:
    """Beside many switches each search finds all four files of one index; changes meanwhile are not lost."""
    scope = Scope(sources=frozenset({SOURCE}))
    torn: list[list[str]] = []
    async with asyncio.TaskGroup() as group:
        rebuilding = group.create_task(rebuild_often(store))
        group.create_task(write_beside(store, rebuilding))
        while not rebuilding.done():
            both = [await found(store, "word", scope=scope), await near(store, 7, 1, 0, scope=scope)]
            torn.extend(hits for hits in both if hits and (len(hits) != 4 or len(set(hits)) != 1))
            await asyncio.sleep(0)

    assert [] == torn
