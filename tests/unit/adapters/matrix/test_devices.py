"""Whether the keys of a device may be used: found by themselves, and by what the server has of the device."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from adapters.copies import BACKED_UP, MARK
from adapters.matrix.devices import DeviceKeys, Verdict
from adapters.matrix.machine import EncryptedClient, Machine
from adapters.matrix.opening import opened
from bot.state.vault import Vault
from tests.fakes.matrix_devices import ANN, ROOM, US, Device


class Server:
    """Has the keys of a device, or none."""

    def __init__(self, device: Device | None = None) -> None:
        self.device = device

    async def call(self, _method: str, _path: str, _body: Any = None) -> Any:
        """Answer a question for keys."""
        found = {self.device.name: self.device.published} if self.device else {}
        return {"device_keys": {US: found}}


class Kept(Device):
    """A device whose store lies where the product has it."""

    def __init__(self, keys: DeviceKeys, name: str) -> None:
        store = keys.open_for(name)
        self.file = store.folder / store.name
        super().__init__(US, name, store.folder, pickle_key=store.pickle_key, store_name=store.name)

    def close(self) -> None:
        """Let the store go."""
        assert self.nio.store is not None
        self.nio.store.database.close()


@pytest.fixture
def keys(tmp_path: Path) -> DeviceKeys:
    """Where the stores of our account lie."""
    return DeviceKeys(tmp_path, US, Vault([Fernet.generate_key().decode()]))


async def test_a_device_that_never_had_keys_gets_some(keys: DeviceKeys) -> None:
    """As at the very first start."""
    assert Verdict.FRESH is await keys.judge(Server(), "OURS")


async def test_keys_that_are_those_of_the_device_may_be_used(keys: DeviceKeys) -> None:
    """Also before the server has them."""
    device = Kept(keys, "OURS")
    device.close()

    verdicts = [await keys.judge(Server(device), "OURS"), await keys.judge(Server(), "OURS")]

    assert [Verdict.GOOD, Verdict.GOOD] == verdicts


async def test_a_device_whose_keys_are_gone_gets_no_others(keys: DeviceKeys) -> None:
    """It would look like somebody who pretends to be it."""
    device = Kept(keys, "OURS")
    device.close()
    device.file.unlink()

    assert Verdict.LOST is await keys.judge(Server(device), "OURS")


async def test_keys_of_another_device_are_not_used_for_this_one(keys: DeviceKeys, tmp_path: Path) -> None:
    """Somebody may have mixed up folders."""
    Kept(keys, "OURS").close()

    assert Verdict.FOREIGN is await keys.judge(Server(Device(US, "OURS", tmp_path / "other")), "OURS")


@pytest.mark.parametrize("harm", ["noise", "short", "no key", "another key", "no account"])
async def test_keys_that_cannot_be_read_are_not_made_anew(keys: DeviceKeys, harm: str) -> None:
    """Whatever befell them."""
    device = Kept(keys, "OURS")
    device.close()
    match harm:
        case "noise":
            device.file.write_bytes(b"x" * 50_000)
        case "short":
            device.file.write_bytes(device.file.read_bytes()[:5_000])
        case "no key":
            (device.file.parent.parent / "pickle-key").unlink()
        case "another key":
            (device.file.parent.parent / "pickle-key").write_text("x")
        case _:
            device.file.write_bytes(b"")

    assert (await keys.judge(Server(device), "OURS")) in {Verdict.UNREADABLE, Verdict.LOST}


async def test_keys_from_a_backup_are_not_used_on(keys: DeviceKeys) -> None:
    """They may have been used since it was made."""
    device = Kept(keys, "OURS")
    device.close()
    with closing(sqlite3.connect(device.file)) as database, database:
        database.execute(f"CREATE TABLE {MARK} (made_at TEXT)")

    assert Verdict.COPY is await keys.judge(Server(device), "OURS")


async def test_keys_that_are_older_than_their_use_are_not_used_on(keys: DeviceKeys) -> None:
    """As of a disk that was set back."""
    device = Kept(keys, "OURS")
    device.close()

    assert Verdict.BEHIND is await keys.judge(Server(device), "OURS", is_behind=True)


async def test_keys_are_good_after_a_crash_amid_a_write(keys: DeviceKeys) -> None:
    """What was half written is taken back; a crash must not cost the device."""
    device = Kept(keys, "OURS")
    device.close()
    torn, journal = device.file.with_name("torn"), device.file.with_name("torn-journal")
    with closing(sqlite3.connect(device.file, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 1")
        database.execute("BEGIN IMMEDIATE")
        database.execute("CREATE TABLE filler (text TEXT)")
        for _ in range(200):
            database.execute("INSERT INTO filler VALUES (?)", ("x" * 2_000,))
        shutil.copy(device.file, torn)
        shutil.copy(f"{device.file}-journal", journal)
        database.execute("ROLLBACK")
    torn.replace(device.file)
    journal.replace(f"{device.file}-journal")

    assert Verdict.GOOD is await keys.judge(Server(device), "OURS")


def test_the_files_are_for_their_owner_only(keys: DeviceKeys) -> None:
    """The folder, the store and the key that seals it."""
    device = Kept(keys, "OURS")
    device.close()
    folder = device.file.parent

    modes = [oct(path.stat().st_mode & 0o777) for path in (folder, device.file, folder.parent / "pickle-key")]

    assert ["0o700", "0o600", "0o600"] == modes


@pytest.mark.parametrize("user", ["@a/../../b:example.org", "@" + "ü" * 100 + ":x", "@a:b/c", "@..:.", "@con:nul"])
def test_any_user_id_stays_inside_the_folder(tmp_path: Path, user: str) -> None:
    """Ids hold what file systems do not take."""
    keys = DeviceKeys(tmp_path, user, Vault([Fernet.generate_key().decode()]))

    store = keys.open_for("a/../../device")

    assert store.folder.resolve().is_relative_to(tmp_path / "matrix")
    assert (store.folder / store.name).parent == store.folder


async def test_a_new_device_reads_on_with_the_keys_of_rooms_of_the_old_one(keys: DeviceKeys, tmp_path: Path) -> None:
    """And has nothing else of it: neither its own keys nor its channels."""
    old, ann = Kept(keys, "OLD"), Device(ANN, "ANNS", tmp_path / "ann")
    old.knows(ann)
    old.reads(ann.key_letter(old))
    event = ann.says("hello")
    old.close()
    keys.set_aside_others("NEW")
    new = Kept(keys, "NEW")
    new.knows(ann)

    carried = keys.carry_over(new.machine)

    found = opened(new.machine, ROOM, event)
    assert isinstance(found, dict)
    assert (1, "hello") == (carried, found["content"]["body"])
    assert old.machine.account.identity_keys != new.machine.account.identity_keys
    assert [] == list(new.machine.session_store)
    assert not old.file.exists()
    assert 0 == keys.carry_over(new.machine)


def test_the_keys_of_a_new_device_were_in_no_backup_yet(keys: DeviceKeys) -> None:
    """Whatever is said of those of the old one."""
    old = Kept(keys, "OLD")
    old.close()
    (old.file.parent / BACKED_UP).write_text("2026-03-01T12:00:00+00:00")
    keys.set_aside_others("OLD")
    before = keys.backed_up_at()

    keys.set_aside_others("NEW")

    assert before is not None
    assert keys.backed_up_at() is None


def test_a_store_that_was_carried_over_in_part_is_carried_over_again(keys: DeviceKeys, tmp_path: Path) -> None:
    """A crash between loses no key."""
    old, ann = Kept(keys, "OLD"), Device(ANN, "ANNS", tmp_path / "ann")
    old.reads(ann.key_letter(old))
    old.close()
    keys.set_aside_others("NEW")
    new = Kept(keys, "NEW")

    class Dying(Machine):
        def save_inbound_group_session(self, session: Any) -> None:
            raise KeyboardInterrupt

    new.machine.__class__ = Dying
    with pytest.raises(KeyboardInterrupt):
        keys.carry_over(new.machine)
    new.close()
    again = Kept(keys, "NEW")

    assert 1 == keys.carry_over(again.machine)


def test_the_client_keeps_one_store_when_it_is_told_twice(keys: DeviceKeys) -> None:
    """The library opens it at each login."""
    device = Kept(keys, "OURS")
    nio: EncryptedClient = device.nio
    before = nio.olm

    nio.load_store()

    assert before is nio.olm
