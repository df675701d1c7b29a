"""The composition root: tasks that end together, and everything opened and closed in an order that loses nothing."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app import Tasks, open_everything
from bot.errors import StateUnavailable
from bot.platform import holder_of, key_file
from bot.state.queries import sources
from bot.state.vault import Vault
from config.load import load
from config.settings import Settings
from tests.fakes.project import HANDBOOK


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a machine with nothing set up, keywords only."""
    environ = {"ROOMWISE_KEY_FILE": str(tmp_path / "key"), "ROOMWISE_EMBEDDER__KIND": "none"}
    return load(config_file=None, environ=environ, cwd=tmp_path, data_dir=tmp_path / "data").settings


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    """A folder of documents."""
    folder = tmp_path / "handbook"
    for name, text in HANDBOOK.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


async def test_a_task_that_fails_harms_no_other() -> None:
    """The others go on until they are told to end."""
    tasks, told = Tasks(), asyncio.Event()

    async def fail() -> None:
        raise ValueError("no good")

    failing, waiting = tasks.spawn(fail()), tasks.spawn(told.wait())
    await asyncio.wait([failing])
    assert not waiting.done()
    await tasks.close()

    assert waiting.cancelled()


async def test_closing_ends_what_tasks_start_while_they_end() -> None:
    """Nothing goes on over a state that is closed next."""
    tasks, begun = Tasks(), asyncio.Event()
    late: list[asyncio.Task[bool]] = []

    async def last_words() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            late.append(tasks.spawn(asyncio.Event().wait()))

    tasks.spawn(last_words())
    await begun.wait()
    await tasks.close()

    assert [True] == [task.cancelled() for task in late]


class Disk:
    """Says how much is free, at once until it hangs."""

    def __init__(self) -> None:
        self.hangs = False
        self.is_asked = threading.Event()
        self.is_over = threading.Event()

    def free_bytes(self, _: Path) -> int:
        """A lot."""
        if self.hangs:
            self.is_asked.set()
            self.is_over.wait(30)
        return 10**12


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """The disk that refreshes ask before they write."""
    disk = Disk()
    monkeypatch.setattr("bot.platform.free_disk_bytes", disk.free_bytes)
    yield disk
    disk.is_over.set()


async def test_stopping_while_a_source_is_read_keeps_its_index(settings: Settings, handbook: Path, disk: Disk) -> None:
    """What was searchable is searchable at the next start."""
    async with open_everything(settings, command="test") as opened:
        await opened.desk.index([str(handbook)], project="team", on_progress=lambda _: None)
        (before,) = await opened.standing.as_json()
        (source,) = await opened.db.read(sources.list_everywhere)
        disk.hangs = True
        opened.tasks.spawn(opened.refresh.refresh_source(source.id))
        assert await asyncio.to_thread(disk.is_asked.wait, 30)

    disk.is_over.set()
    async with open_everything(settings, command="test") as opened:
        (after,) = await opened.standing.as_json()

    assert after["passages"] == before["passages"] > 0


async def test_a_folder_that_cannot_be_opened_is_left_free(settings: Settings) -> None:
    """A broken state database stops the start; the lock is given back, so that the cure can be tried."""
    settings.data_dir.mkdir()
    Vault.from_file(key_file(settings.data_dir, configured=settings.key_file))
    (settings.data_dir / "state.db").write_bytes(b"no database at all" * 100)

    with pytest.raises(StateUnavailable):
        async with open_everything(settings, command="test"):
            pass

    assert holder_of(settings.data_dir) is None
