"""What is left on a Weaviate server, by a process that was killed or a removal that failed, does no harm."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from pipelines.stores import weaviate_listing
from pipelines.stores.passages import Change, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_tenants import Tenants
from pipelines.types import StoreUnavailable
from tests.fakes.files import OTHER, PROJECT, SOURCE, file_of, texts_of
from tests.fakes.weaviate_store import emptied_weaviate

pytestmark = pytest.mark.weaviate


def opened(address: Address) -> WeaviatePassages:
    """Open the store as a process does that has just started."""
    return WeaviatePassages(Server(address, Names("tests"), Layout()))


async def end_before_commit(*_: Sequence[Any]) -> None:
    """Stand in for the end of a process: all rows are written, and the state is not."""
    raise StoreUnavailable("the process ends here")


async def test_a_change_that_was_cut_off_does_not_count_with_the_next_one(weaviate: Address) -> None:
    """The next process, which is not the first either, changes another file: that one alone is changed."""
    first = await emptied_weaviate(weaviate)
    await first.create(PROJECT)
    await first.apply(PROJECT, Change(put=[file_of("a.md", "old word"), file_of("b.md", "second word")]))
    await first.close()
    killed = opened(weaviate)
    killed._projects.save = end_before_commit  # type: ignore[assignment]
    with pytest.raises(StoreUnavailable):
        await killed.apply(PROJECT, Change(put=[file_of("a.md", "torn word", blob="b2")]))
    await killed.close()
    after = opened(weaviate)
    await after.apply(PROJECT, Change(put=[file_of("b.md", "second word anew", blob="b2")]))
    found = texts_of(await after.keywords(PROJECT, "word", scope=Scope(), limit=9))
    manifest = await after.manifest(PROJECT, SOURCE)
    counts = await after.counts(PROJECT)
    await after.close()

    assert ["old word", "second word anew"] == sorted(found)
    assert {"a.md": "b1", "b.md": "b2"} == {path: one.blob for path, one in manifest.items()}
    assert 2 == counts.files


async def test_a_switch_is_done_though_the_old_index_cannot_be_removed(weaviate: Address) -> None:
    """It is not told as a failure, and the old index goes with the next start."""
    store = await emptied_weaviate(weaviate)
    await store.create(PROJECT)
    await store.apply(PROJECT, Change(put=[file_of("a.md", "old word")]))
    (old,) = (await store._projects.all())[PROJECT].state.places()
    draft = await store.begin_rebuild(PROJECT)
    await store.apply(draft, Change(put=[file_of("a.md", "new word")]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tenants, "remove", end_before_commit)
        generation = await store.switch(PROJECT)
    found = texts_of(await store.keywords(PROJECT, "word", scope=Scope(), limit=9))
    await store.close()
    again = opened(weaviate)
    await again.counts(PROJECT)
    await asyncio.gather(*again._tasks)
    left = (await again._projects.all())[PROJECT].state.places()
    is_gone = await again._tenants.is_gone(old)
    at_last = await again.generation(PROJECT)
    await again.close()

    assert ["new word"] == found
    assert generation == at_last
    assert old not in left
    assert is_gone


async def test_what_a_switch_that_failed_has_carried_over_does_not_count(weaviate: Address) -> None:
    """The next change of the rebuild shows nothing of it, and the next switch carries each file over once."""
    store = await emptied_weaviate(weaviate)
    await store.create(PROJECT)
    await store.apply(PROJECT, Change(put=[file_of("b.md", "carried word", source=OTHER)]))
    draft = await store.begin_rebuild(PROJECT)
    await store.apply(draft, Change(put=[file_of("a.md", "new word")]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store._projects, "save", end_before_commit)
        with pytest.raises(StoreUnavailable):
            await store.switch(PROJECT)
    await store.apply(draft, Change(put=[file_of("c.md", "newer word")]))
    in_draft = texts_of(await store.keywords(draft, "word", scope=Scope(), limit=9))
    await store.switch(PROJECT)
    found = texts_of(await store.keywords(PROJECT, "word", scope=Scope(), limit=9))
    await store.close()

    assert ["new word", "newer word"] == sorted(in_draft)
    assert ["carried word", "new word", "newer word"] == sorted(found)


async def test_a_manifest_is_whole_however_much_changes_that_failed_have_left(weaviate: Address) -> None:
    """What does not count takes nobody's place in what the server gives at once."""
    store = await emptied_weaviate(weaviate)
    await store.create(PROJECT)
    paths = [f"{at}.md" for at in range(6)]
    await store.apply(PROJECT, Change(put=[file_of(path, "word") for path in paths]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weaviate_listing, "_MOST", 8)
        patch.setattr(store._projects, "save", end_before_commit)
        for blob in ("b2", "b3", "b4"):
            with pytest.raises(StoreUnavailable):
                await store.apply(PROJECT, Change(put=[file_of(path, "torn word", blob=blob) for path in paths]))
        manifest = await store.manifest(PROJECT, SOURCE)
    await store.close()

    assert dict.fromkeys(paths, "b1") == {path: one.blob for path, one in sorted(manifest.items())}
