"""Projects lie in the store that they were made in, whatever is set later."""

from pathlib import Path

import pytest

from pipelines.stores.joined import LOCAL, WEAVIATE, JoinedPassages, Whereabouts
from pipelines.stores.passages import Change
from pipelines.types import StoreUnavailable
from tests.contracts.asking import found
from tests.fakes.files import PROJECT, file_of
from tests.fakes.passages import FakePassages


def opened(folder: Path, *, new: str = WEAVIATE, served: FakePassages | None = None) -> JoinedPassages:
    """Two stores in memory; without `served` none is set any more."""
    stores = {LOCAL: FakePassages(), **({WEAVIATE: served} if served else {})}
    return JoinedPassages(stores, Whereabouts(folder), new=new)


async def test_a_project_stays_where_it_was_made(tmp_path: Path) -> None:
    """Also when new ones are made elsewhere."""
    served = FakePassages()
    await opened(tmp_path, served=served).create(PROJECT)
    later = opened(tmp_path, new=LOCAL, served=served)
    await later.create("p2")
    await later.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))

    assert [PROJECT] == list(await served.projects())
    assert [PROJECT, "p2"] == list(await later.projects())
    assert ["alpha"] == await found(later, "alpha")


async def test_without_its_server_a_project_says_so(tmp_path: Path) -> None:
    """It is not looked for in the data folder, and comes back with the setting."""
    served = FakePassages()
    await opened(tmp_path, served=served).create(PROJECT)
    with pytest.raises(StoreUnavailable, match=r"weaviate\.url"):
        await opened(tmp_path, new=LOCAL).counts(PROJECT)

    assert [PROJECT] == list(await opened(tmp_path, new=LOCAL, served=served).projects())


async def test_a_dropped_project_may_be_made_elsewhere(tmp_path: Path) -> None:
    """Nothing of where it was is remembered."""
    served = FakePassages()
    await opened(tmp_path, served=served).create(PROJECT)
    later = opened(tmp_path, new=LOCAL, served=served)
    await later.drop(PROJECT)
    await later.create(PROJECT)

    assert [] == list(await served.projects())
    assert [PROJECT] == list(await later.projects())


async def test_a_project_that_its_server_has_lost_begins_anew(tmp_path: Path) -> None:
    """Whoever follows its sources is told, so that they are read again."""
    await opened(tmp_path, served=FakePassages()).create(PROJECT)
    emptied = opened(tmp_path, served=FakePassages())
    told: list[str] = []
    emptied.on_anew = told.append
    await emptied.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))

    assert [PROJECT] == told
    assert ["alpha"] == await found(emptied, "alpha")


async def test_a_refresh_under_way_does_not_bring_a_dropped_project_back(tmp_path: Path) -> None:
    """Also when the store that a move may have left something in is away, so that its place stays noted."""
    local, served = FakePassages(), FakePassages()
    stores = JoinedPassages({LOCAL: local, WEAVIATE: served}, Whereabouts(tmp_path), new=WEAVIATE)
    await stores.create(PROJECT)
    local.fault = StoreUnavailable("away")
    await stores.drop(PROJECT)
    with pytest.raises(StoreUnavailable, match=PROJECT):
        await stores.apply(PROJECT, Change(put=[file_of("a.md", "alpha")]))

    assert [] == list(await served.projects())


async def test_a_note_of_places_that_is_damaged_is_told(tmp_path: Path) -> None:
    """Nothing is guessed: a project in the wrong place would look empty."""
    (tmp_path / "stores.json").write_text("{", "utf-8")
    with pytest.raises(StoreUnavailable, match=r"stores\.json"):
        opened(tmp_path)
