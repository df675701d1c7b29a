"""Where indexes lie, and how they go."""

import shutil
from pathlib import Path

import pytest

from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Change, Counts
from tests.fakes.files import PROJECT, file_of


def names_in(folder: Path) -> list[str]:
    """List what lies in a folder."""
    return [path.name for path in folder.iterdir()]


async def test_a_project_is_dropped_again_while_the_system_keeps_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows while somebody reads them; what is left goes at the next start."""
    store = LocalPassages(tmp_path)
    with monkeypatch.context() as keeping:
        keeping.setattr(shutil, "rmtree", lambda *_, **__: None)
        for text in ("alpha", "beta"):
            await store.create(PROJECT)
            await store.apply(PROJECT, Change(put=[file_of("a.md", text)]))
            await store.drop(PROJECT)
        assert ([], Counts()) == (await store.projects(), await store.counts(PROJECT))
        await store.close()
    assert [True, True] == [name.startswith(".dropped-") for name in names_in(tmp_path)]

    await LocalPassages(tmp_path).close()
    assert [] == names_in(tmp_path)
