"""Keyword writers of the local store: each is a thread and a lock, so none stays open without need."""

import asyncio
import logging
import sqlite3
import threading
from pathlib import Path

import pytest

from pipelines.stores import local_schema
from pipelines.stores.local import LocalPassages
from pipelines.stores.local_open import OpenProjects
from pipelines.stores.local_places import DATABASE, FIRST_FOLDER
from pipelines.stores.local_project import OpenProject
from pipelines.stores.local_terms import SideIndex
from pipelines.stores.passages import Change, Scope
from tests.fakes.files import PROJECT, SOURCE, file_of, texts_of

ALPHA = Change(put=[file_of("a.md", "alpha")])


async def filled(root: Path) -> LocalPassages:
    """Give a store whose project holds one file with the word alpha, and whose writers rest at once from now on."""
    store = LocalPassages(root, writer_idle_s=60.0)
    await store.create(PROJECT)
    await store.apply(PROJECT, ALPHA)
    await asyncio.to_thread(store._projects.rest, PROJECT)
    store._writer_idle_s = 0.0
    return store


async def found(store: LocalPassages, query: str) -> list[str]:
    """Search by words and list the texts found."""
    return texts_of(await store.keywords(PROJECT, query, scope=Scope(), limit=10))


async def test_a_write_that_nobody_waits_for_lets_its_writer_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancelled change is written to its end all the same, and the writer closes after it."""
    store = await filled(tmp_path)
    reached, go_on, rested = threading.Event(), threading.Event(), threading.Event()
    commit, rest = SideIndex.commit, OpenProjects.rest

    def wait_and_commit(index: SideIndex) -> None:
        reached.set()
        go_on.wait(10)
        commit(index)

    def rest_and_tell(projects: OpenProjects, project: str) -> None:
        rest(projects, project)
        if go_on.is_set():
            rested.set()

    monkeypatch.setattr(SideIndex, "commit", wait_and_commit)
    monkeypatch.setattr(OpenProjects, "rest", rest_and_tell)
    writing = asyncio.create_task(store.apply(PROJECT, Change(put=[file_of("b.md", "beta")])))
    await asyncio.to_thread(reached.wait, 10)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    go_on.set()

    assert await asyncio.to_thread(rested.wait, 10)
    assert (0, ["beta"]) == (store._projects.writers(), await found(store, "beta"))
    await store.close()


async def test_what_a_kill_left_is_put_right_and_leaves_no_writer_open(tmp_path: Path) -> None:
    """A project that is opened to be searched holds no thread and no lock, also when its terms had to be looked after."""
    await (await filled(tmp_path)).close()
    with sqlite3.connect(tmp_path / PROJECT / FIRST_FOLDER / DATABASE) as connection:
        connection.execute("INSERT INTO pending SELECT id FROM file")
    connection.close()
    store = LocalPassages(tmp_path)

    assert ["alpha"] == await found(store, "alpha")
    assert 0 == store._projects.writers()
    await store.close()


async def test_compacting_that_fails_is_told_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for it, and what is there goes on answering."""
    store = await filled(tmp_path)
    monkeypatch.setattr(local_schema, "_WORN_BYTES", -1)
    monkeypatch.setattr(local_schema, "_WORN_SHARE", -1.0)

    def fail(opened: OpenProject) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(OpenProject, "_shrink", fail)
    with caplog.at_level(logging.WARNING):
        await asyncio.to_thread(store._rest_now, PROJECT)

    assert "not compacted" in caplog.text
    assert ["alpha"] == await found(store, "alpha")
    await store.apply(PROJECT, Change(remove=[(SOURCE, "a.md")]))
    assert [] == await found(store, "alpha")
    await store.close()
