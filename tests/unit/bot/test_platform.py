"""Folders, locks and figures of the machine."""

import asyncio
import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bot.platform import (
    DataFolderInUse,
    DataFolderLock,
    DataFolderUnusable,
    KeyInDataFolder,
    checkout_root,
    default_data_dir,
    free_disk_bytes,
    give_back_memory,
    holder_of,
    installation_id,
    key_file,
    limit_memory_pools,
    on_stop_signals,
    open_data_folder,
    write_private_file,
)

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes and signals")
ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from bot.platform import DataFolderLock
lock = DataFolderLock.acquire(Path(sys.argv[1]), command="run")
lock.announce(address="http://127.0.0.1:4711", key="k")
print("held", flush=True)
sys.stdin.read()
"""


def hold_elsewhere(data_dir: Path) -> subprocess.Popen[str]:
    """Another process that holds the folder until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "held\n" == process.stdout.readline()
    return process


def test_a_checkout_keeps_its_data_beside_itself(tmp_path: Path) -> None:
    """Installed, the platform's folder is used instead."""
    assert tmp_path / "data" == default_data_dir(tmp_path)
    assert default_data_dir(None).is_absolute()
    assert "roomwise" in str(default_data_dir(None))


def test_this_checkout_is_recognised() -> None:
    """With .git it is a checkout, without (an archive) it is not."""
    assert (ROOT if (ROOT / ".git").exists() else None) == checkout_root()


@posix_only
def test_the_data_folder_belongs_to_its_owner_only(tmp_path: Path) -> None:
    """Made with mode 0700, and set to it when it was open to others."""
    (tmp_path / "open").mkdir(mode=0o755)

    for name in ("new/below", "open"):
        folder = open_data_folder(tmp_path / name)
        assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
        assert [] == list(folder.iterdir())


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """The path and the cure are named."""
    (tmp_path / "data").write_text("")

    with pytest.raises(DataFolderUnusable, match="--data-dir"):
        open_data_folder(tmp_path / "data")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Act as a user without rights, where the tests run as one whom no mode stops."""
    is_superuser = os.geteuid() == 0
    if is_superuser:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_superuser:
            os.seteuid(0)


@posix_only
def test_an_unreadable_data_folder_is_refused(tmp_path: Path) -> None:
    """One below a folder that may not be entered."""
    (tmp_path / "closed").mkdir(mode=0o000)

    with as_nobody(), pytest.raises(DataFolderUnusable, match="Permission denied"):
        open_data_folder(tmp_path / "closed" / "data")


@posix_only
def test_another_users_data_folder_is_named(tmp_path: Path) -> None:
    """Who may not look into it is told so, whatever he asks of it."""
    folder = open_data_folder(tmp_path / "data")
    installation_id(folder)
    (folder / "lock").touch()
    folder.chmod(0o000)

    with as_nobody():
        for ask in (holder_of, installation_id, lambda path: DataFolderLock.acquire(path, command="status")):
            with pytest.raises(DataFolderUnusable, match="give it to the user who runs Roomwise"):
                ask(folder)


def test_a_data_folder_that_takes_no_file_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the lock is given back, so that the next try does not meet it."""

    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("bot.platform.lock.write_private_file", full)
        with pytest.raises(DataFolderUnusable, match="No space left"):
            DataFolderLock.acquire(tmp_path, command="run")

    DataFolderLock.acquire(tmp_path, command="run").release()


def test_the_installation_keeps_its_name(tmp_path: Path) -> None:
    """Ten lower-case letters and digits, made once, different elsewhere."""
    first = installation_id(tmp_path)

    assert first == installation_id(tmp_path)
    assert 10 == len(first)
    assert first.isalnum()
    assert first.islower()
    assert first != installation_id(tmp_path / "other")


def test_the_key_lies_outside_the_data_folder(tmp_path: Path) -> None:
    """By default below the settings folder of the platform, named after the installation."""
    path = key_file(tmp_path)

    assert not path.is_relative_to(tmp_path)
    assert f"{installation_id(tmp_path)}.key" == path.name
    assert tmp_path.parent / "own.key" == key_file(tmp_path, configured=tmp_path.parent / "own.key")


@pytest.mark.parametrize("inside", ["own.key", "below/own.key", "../data/own.key"])
def test_a_key_inside_the_data_folder_is_refused(tmp_path: Path, inside: str) -> None:
    """However it is spelled."""
    with pytest.raises(KeyInDataFolder, match="key_file"):
        key_file(tmp_path / "data", configured=tmp_path / "data" / inside)


@posix_only
def test_a_private_file_is_never_readable_by_others(tmp_path: Path) -> None:
    """Replaced whole, and nothing is left beside it."""
    path = tmp_path / "secret"
    path.write_text("old")

    write_private_file(path, "new")

    assert "new" == path.read_text()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(tmp_path.iterdir())


def test_a_second_service_is_told_which_one_runs(tmp_path: Path) -> None:
    """Address and process of the first; its key is not shown."""
    process = hold_elsewhere(tmp_path)
    try:
        with pytest.raises(DataFolderInUse) as caught:
            DataFolderLock.acquire(tmp_path, command="run")
    finally:
        process.communicate("")

    assert f"`roomwise run` at http://127.0.0.1:4711 (process {process.pid})" in str(caught.value)
    assert "'k'" not in repr(caught.value.holder)


def test_a_running_service_is_found(tmp_path: Path) -> None:
    """Other commands read its address and key, and nothing when it is gone."""
    assert holder_of(tmp_path) is None

    process = hold_elsewhere(tmp_path)
    holder = holder_of(tmp_path)
    process.communicate("")

    assert holder is not None
    assert ("http://127.0.0.1:4711", "k", process.pid) == (holder.address, holder.key, holder.pid)
    assert holder_of(tmp_path) is None


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    """What it had written about itself is not believed any more."""
    process = hold_elsewhere(tmp_path)
    process.kill()
    process.communicate()

    assert (tmp_path / "service.json").exists()
    assert holder_of(tmp_path) is None
    with DataFolderLock.acquire(tmp_path, command="index"):
        assert {"pid": os.getpid(), "command": "index", "address": "", "key": ""} == json.loads(
            (tmp_path / "service.json").read_text("utf-8")
        )


def test_a_released_lock_leaves_nothing_to_call(tmp_path: Path) -> None:
    """And may be released twice."""
    lock = DataFolderLock.acquire(tmp_path, command="run")
    lock.release()
    lock.release()

    assert not (tmp_path / "service.json").exists()
    DataFolderLock.acquire(tmp_path, command="run").release()


@posix_only
async def test_a_stop_signal_is_delivered_to_the_loop() -> None:
    """Each of the two once, and the handlers from before are back afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGTERM, signal.SIGINT):
        stopped = asyncio.Event()
        with on_stop_signals(stopped.set):
            os.kill(os.getpid(), number)
            await asyncio.wait_for(stopped.wait(), 5)

    assert before == signal.getsignal(signal.SIGTERM)


def test_figures_of_the_machine_are_plausible(tmp_path: Path) -> None:
    """Bytes, not kilobytes or pages."""
    assert shutil.disk_usage(tmp_path).total > free_disk_bytes(tmp_path) > 1_000_000


def test_freed_memory_goes_back_to_the_system() -> None:
    """Thousands of small objects below one that stays leave the process once they are freed."""
    limit_memory_pools()
    many = [bytearray(1000) for _ in range(100_000)]
    stays = bytearray(1000)
    process = psutil.Process()
    full = process.memory_info().rss
    del many[:]
    give_back_memory()

    assert full - process.memory_info().rss > 50_000_000 or sys.platform != "linux"
    assert 1000 == len(stays)
