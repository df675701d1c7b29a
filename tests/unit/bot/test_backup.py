"""Copies of the state database."""

import contextlib
import hashlib
import json
import os
import sqlite3
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.copies import BACKED_UP, MARK
from bot import platform
from bot.backup import BackupFailed, Backups
from bot.outcome import DiskLow
from bot.state.database import Database
from bot.state.queries import projects
from bot.state.revision import HEAD
from config.settings import Backup
from tests.fakes.flow import Clock, open_flow
from tests.fakes.state import NOW, open_database, some_project


def _backups(
    folder: Path, clock: Clock, *, keep: int = 3, every_hours: int = 24, into: Path | None = None, least: int = 0
) -> Backups:
    settings = Backup(every_hours=every_hours, keep=keep, folder=str(into) if into else "")
    return Backups(folder / "state.db", folder, settings, min_free_bytes=least, clock=clock)


async def test_a_copy_is_whole_while_the_database_is_in_use(tmp_path: Path) -> None:
    """What was committed before it is in it; the manifest beside it says what it is; only its owner may read it."""
    db = await open_database(tmp_path)
    await some_project(db, "before")

    made = await _backups(tmp_path, Clock(NOW)).make()
    await some_project(db, "after")
    await db.close()

    assert made is not None
    copy = tmp_path / "backups" / made.file
    manifest = json.loads(copy.with_suffix(".json").read_text("utf-8"))
    assert (HEAD, NOW.isoformat(), made.sha256) == (manifest["schema"], manifest["made_at"], manifest["sha256"])
    assert hashlib.sha256(copy.read_bytes()).hexdigest() == manifest["sha256"]
    assert 0o600 == stat.S_IMODE(copy.stat().st_mode)
    again = await Database.open(copy, backups=None, clock=lambda: NOW)
    assert ["before"] == [project.name for project in await again.read(projects.list_all)]
    await again.close()


def _keys(folder: Path) -> Path:
    """What a network keeps: a database with keys, as it is in use, a sealed file, and what belongs to a moment."""
    store = folder / "networks" / "matrix" / "account" / "store" / "device.db"
    store.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("CREATE TABLE keys (key TEXT)")
        connection.execute("INSERT INTO keys VALUES ('a key')")
    (store.parent.parent / "pickle-key").write_bytes(b"sealed \xff")
    (store.parent / "device.db-journal").write_text("of a moment")
    return store


async def test_what_networks_keep_in_files_is_copied_too_and_marked_as_a_copy(tmp_path: Path) -> None:
    """Keys that were put back must be known for what they are; the original only learns that it was copied."""
    await (await open_database(tmp_path)).close()
    store = _keys(tmp_path)

    made = await _backups(tmp_path, Clock(NOW)).make()

    assert made is not None
    copy = (tmp_path / "backups" / made.file).with_suffix(".networks")
    kept = copy / "matrix" / "account" / "store" / "device.db"
    assert [{"keys", MARK}, {"keys"}] == [_tables(kept), _tables(store)]
    assert b"sealed \xff" == (copy / "matrix" / "account" / "pickle-key").read_bytes()
    assert {"account", "device.db", "matrix", "pickle-key", "store"} == {path.name for path in copy.rglob("*")}
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in copy.rglob("*") if path.is_file()}
    assert NOW.isoformat() == (store.parent / BACKED_UP).read_text("utf-8")


async def test_keys_that_are_damaged_do_not_keep_the_rest_from_being_copied(tmp_path: Path) -> None:
    """They are in no backup, and nothing says that they are."""
    await (await open_database(tmp_path)).close()
    store = _keys(tmp_path)
    store.write_bytes(b"x" * 10_000)

    made = await _backups(tmp_path, Clock(NOW)).make()

    assert made is not None
    copy = (tmp_path / "backups" / made.file).with_suffix(".networks")
    assert ["pickle-key"] == [path.name for path in copy.rglob("*") if path.is_file()]
    assert not (store.parent / BACKED_UP).exists()


async def test_a_backup_fails_when_there_is_no_room_for_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are whole; a backup without them would be taken for one that has them."""
    await (await open_database(tmp_path)).close()
    store = _keys(tmp_path)

    def full(_path: Path, copy: Path) -> None:
        if copy.name == store.name:
            raise sqlite3.OperationalError("database or disk is full")
        copy.touch()

    monkeypatch.setattr("bot.state.copies.copy_database", full)

    with pytest.raises(BackupFailed, match="disk is full"):
        await _backups(tmp_path, Clock(NOW)).make()

    assert not (store.parent / BACKED_UP).exists()
    assert [] == list((tmp_path / "backups").glob("*.json"))


async def test_copies_of_keys_go_with_the_copies_that_they_belong_to(tmp_path: Path) -> None:
    """And so does what a kill left half made."""
    await (await open_database(tmp_path)).close()
    _keys(tmp_path)
    clock = Clock(NOW)
    backups = _backups(tmp_path, clock, keep=2)
    for left in ("backup-20260101T000000Z.networks", "backup-20260102T000000Z.networks.partial"):
        (tmp_path / "backups" / left).mkdir(parents=True)
    for _ in range(4):
        await backups.make()
        clock.now += timedelta(hours=1)

    found = {path.name.partition(".")[0] for path in (tmp_path / "backups").glob("*.networks*")}
    assert {path.stem for path in (tmp_path / "backups").glob("backup-*.json")} == found
    assert 2 == len(found)


def _tables(database: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


async def test_the_oldest_copies_go(tmp_path: Path) -> None:
    """Three stay by their number; by their age, the newest alone; and those of upgrades when their time is over."""
    await (await open_database(tmp_path)).close()
    clock, folder = Clock(NOW), tmp_path / "backups"
    backups = _backups(tmp_path, clock)
    folder.mkdir(exist_ok=True)
    upgraded, half_made = folder / "state-0001-20260101T000000.db", folder / "backup-20260101T000000Z.db.partial"
    for left in (upgraded, half_made, folder / "backup-20260102T000000Z.db", folder / "notes.txt"):
        left.write_text("left")
    long_ago = (NOW - timedelta(days=9)).timestamp()
    os.utime(upgraded, (long_ago, long_ago))

    for _ in range(5):
        clock.pass_time(hours=1)
        await backups.make()
    by_number = sorted(path.name for path in folder.glob("*.db*"))
    clock.pass_time(days=30)
    await backups.make()

    hours = [f"backup-20260301T{hour}0000Z.db" for hour in (15, 16, 17)]
    assert hours == by_number
    assert ["backup-20260331T170000Z.db", "backup-20260331T170000Z.json", "notes.txt"] == sorted(
        path.name for path in folder.iterdir()
    )


async def test_copies_of_a_clock_that_was_wrong_push_out_no_other(tmp_path: Path) -> None:
    """They would look like the newest for a year, and outlive what `/privacy` says."""
    await (await open_database(tmp_path)).close()
    clock = Clock(NOW + timedelta(days=365))
    backups = _backups(tmp_path, clock)
    await backups.make()
    clock.now = NOW

    made = await backups.make()

    assert made is not None
    assert [made.file] == [path.name for path in (tmp_path / "backups").glob("*.db")]


async def test_a_disk_that_is_nearly_full_pauses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written, and what there is stays; room for the copy itself is asked for as well."""
    await (await open_database(tmp_path)).close()
    size = (tmp_path / "state.db").stat().st_size
    backups = _backups(tmp_path, Clock(NOW), least=1_000_000)
    monkeypatch.setattr(platform, "free_disk_bytes", lambda _: 1_000_000 + size - 1)

    with pytest.raises(DiskLow, match=r"backup\.folder"):
        await backups.make()

    assert [] == list((tmp_path / "backups").iterdir())


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """With the reason of the operating system."""
    await (await open_database(tmp_path)).close()
    (tmp_path / "file").write_text("")

    with pytest.raises(BackupFailed, match=r"expected to write a copy .*file"):
        await _backups(tmp_path, Clock(NOW), into=tmp_path / "file").make()


async def test_a_damaged_database_makes_no_copy(tmp_path: Path) -> None:
    """It would push out a copy that is whole."""
    await (await open_database(tmp_path)).close()
    path = tmp_path / "state.db"
    path.write_bytes(path.read_bytes()[:5000] + b"\xff" * 20_000)

    with pytest.raises(BackupFailed):
        await _backups(tmp_path, Clock(NOW)).make()

    assert [] == list((tmp_path / "backups").iterdir())


async def test_another_database_is_for_its_own_tools(tmp_path: Path) -> None:
    """pg_dump copies PostgreSQL."""
    settings = Backup(every_hours=24, keep=3, folder="")

    assert await Backups(None, tmp_path, settings, min_free_bytes=0, clock=lambda: NOW).make() is None


async def test_a_restored_copy_knows_what_was_asked(tmp_path: Path) -> None:
    """The conversation goes on where it was: the question before is handed to whoever answers the next."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    async with open_flow(old) as flow:
        await flow.receive(flow.chat.message(1, "where is the door?"))
        await flow.idle()
        made = await _backups(old, flow.clock).make()
    assert made is not None
    (old / "backups" / made.file).rename(new / "state.db")

    async with open_flow(new) as restored:
        await restored.receive(restored.chat.message(2, "and its key?"))
        await restored.idle()

        assert ["where is the door?"] == [turn.question for turn in restored.answering.asked[-1].history]
