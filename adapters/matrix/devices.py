"""Where the keys of our device lie, and whether they may be used.

A device id stands for its keys, for ever: with fresh keys under an old id we would look like an impostor, and nobody
could read us. And keys that are older than what was done with them, because a backup was put back, would be used twice:
people could not open the letters that we close with them, and whoever listens learns more than nothing. So before the
store is opened it is judged, by itself and by what the server has of our device; and where it may not be used, the way
on is a new device. What it can still read goes along: the keys of rooms open, and never close anything.

Of a backup made by Roomwise the store knows that it is one. Of any other old copy (a snapshot of the disk) the server
knows: it counts our starts.
"""

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

import vodozemac
from nio.crypto.sessions import InboundGroupSession, OlmAccount
from nio.store import SqliteStore
from peewee import DatabaseError

from adapters.copies import BACKED_UP, MARK
from adapters.matrix.client import KeyStore
from adapters.matrix.machine import ODD, Machine
from adapters.matrix.sealed import SealedFile, Unopenable, private_folder
from adapters.matrix.surroundings import account_folder
from adapters.network import Sealing

STORES: Final = "store"
_OLD: Final = "old"
_PICKLE_KEY_BYTES: Final = 32


class Server(Protocol):
    """Asks the homeserver, as `adapters.matrix.client.Client` does."""

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Its JSON. Raises ChatError."""


class Verdict(StrEnum):
    """What is to be done with the keys of a device."""

    FRESH = "fresh"  # a device that never had keys: make them
    GOOD = "good"  # they are there and are those that the server has
    LOST = "lost"  # the server has keys of this device, we have none
    UNREADABLE = "unreadable"  # they are there and cannot be read
    FOREIGN = "foreign"  # they are there, and the server has others
    COPY = "copy"  # they come from a backup
    BEHIND = "behind"  # they are older than what was done with them

    @property
    def may_be_used(self) -> bool:
        """Whether to go on with this device; else only a new one helps."""
        return self in {Verdict.FRESH, Verdict.GOOD}

    @property
    def detail(self) -> str:
        """What is wrong, as a sentence."""
        return _DETAILS[self]


_DETAILS: Final = {
    Verdict.FRESH: "the device has no keys yet",
    Verdict.GOOD: "the keys are stored",
    Verdict.LOST: "the keys of the device are not in the data folder any more",
    Verdict.UNREADABLE: "the keys of the device cannot be read",
    Verdict.FOREIGN: "the keys in the data folder are not those of the device",
    Verdict.COPY: "the keys of the device were put back from a backup, and may have been used since it was made",
    Verdict.BEHIND: "the keys of the device are older than what was done with them: was an old copy of the data put back?",
}
NEW_DEVICE: Final = (
    "run `roomwise matrix login`, which makes a new device; with access_token in the settings, name a new token and its "
    "device there"
)


@dataclass(frozen=True, slots=True)
class Keys:
    """The public keys of a device."""

    ed25519: str
    curve25519: str


class DeviceKeys:
    """The stores of one account's devices, a file each, sealed by one key. `folder` is that of all networks."""

    def __init__(self, folder: Path, user: str, sealing: Sealing) -> None:
        self._user = user
        self._account = account_folder(folder, user)
        self._pickle_key = SealedFile(self._account / "pickle-key", sealing, f"matrix/{user}/pickle-key")

    async def judge(self, server: Server, device: str, *, is_behind: bool = False) -> Verdict:
        """Say whether the keys of a device may be used, before they are. `is_behind` when the server counts more starts.

        Raises ChatError when the server cannot be asked.
        """
        theirs = await _published(server, self._user, device)
        path = self._path(device)
        if not path.exists():
            return Verdict.FRESH if theirs is None else Verdict.LOST
        try:
            ours = self._kept(path, device)
        except (Unopenable, sqlite3.Error, DatabaseError, *ODD):
            return Verdict.UNREADABLE
        if ours is None:  # made, and cut off before the device had keys
            return Verdict.FRESH if theirs is None else Verdict.LOST
        if theirs is not None and theirs != ours:
            return Verdict.FOREIGN
        if _is_copy(path):
            return Verdict.COPY
        return Verdict.BEHIND if is_behind else Verdict.GOOD

    def open_for(self, device: str) -> KeyStore:
        """What the library needs to open the store of a device, which is made for its owner only.

        Raises OSError, and Unopenable when there is a key for the stores that does not open.
        """
        path = self._path(device)
        private_folder(self._account)
        private_folder(path.parent)
        key = self._pickle_key.read()
        if key is None:
            key = secrets.token_urlsafe(_PICKLE_KEY_BYTES)
            self._pickle_key.write(key)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        path.chmod(0o600)
        return KeyStore(path.parent, key, path.name)

    def set_aside_others(self, device: str) -> None:
        """Never open the stores of other devices than this again, but for the keys of rooms in them. Raises OSError."""
        ours = self._path(device)
        others = [path for path in ours.parent.glob("*.db") if path != ours]
        if not ours.exists() and self._is_sealed_by_a_lost_key():
            others.append(self._pickle_key.path)
        for path in others:
            self._set_aside(path)
        if not ours.exists():  # what was backed up were the keys of another device
            (ours.parent / BACKED_UP).unlink(missing_ok=True)

    def _set_aside(self, path: Path) -> None:
        old = private_folder(self._path("").parent / _OLD)
        number = sum(1 for _ in old.iterdir())
        for found in (*path.parent.glob(f"{path.name}-*"), path):  # a journal belongs to its database
            found.replace(old / f"{number:04d}-{found.name}")

    def carry_over(self, machine: Machine) -> int:
        """Give a new device the keys of rooms that the stores set aside can still open; how many there were.

        Each store is let go once its keys are in the new one. What cannot be read stays where it is.
        """
        carried = 0
        for path in sorted((self._path("").parent / _OLD).glob("*.db")):
            try:
                sessions = list(self._room_keys(path))
            except (Unopenable, sqlite3.Error, DatabaseError, *ODD):
                continue
            for session in sessions:
                if machine.inbound_group_store.add(session):
                    machine.save_inbound_group_session(session)
                    carried += 1
            path.unlink()
        return carried

    def backed_up_at(self) -> datetime | None:
        """When the keys were in a backup last, None when they never were."""
        try:
            return datetime.fromisoformat((self._account / STORES / BACKED_UP).read_text("ascii").strip())
        except (OSError, ValueError):
            return None

    def _is_sealed_by_a_lost_key(self) -> bool:
        try:
            self._pickle_key.read()
        except Unopenable:
            return True
        return False

    def _path(self, device: str) -> Path:
        return self._account / STORES / f"{hashlib.sha256(device.encode()).hexdigest()[:16]}.db"

    def _kept(self, path: Path, device: str) -> Keys | None:
        """The keys in a store, None when it has none. Raises what SQLite and the library raise when it is damaged."""
        with closing(_opened(path)) as database:
            if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise Unopenable(f"{str(path)!r} is damaged")
            if not _has_table(database, "accounts"):
                return None
            query = "SELECT account FROM accounts WHERE user_id = ? AND device_id = ?"
            row = database.execute(query, (self._user, device)).fetchone()
        if row is None:
            return None
        return _keys_in(bytes(row[0]) if isinstance(row[0], bytes) else str(row[0]).encode(), self._key())

    def _key(self) -> str:
        key = self._pickle_key.read()
        if key is None:
            raise Unopenable(f"expected {str(self._pickle_key.path)!r}, which opens the keys of the device")
        return key

    def _room_keys(self, path: Path) -> Iterable[InboundGroupSession]:
        with closing(_opened(path)) as database:
            devices = database.execute("SELECT device_id FROM accounts WHERE user_id = ?", (self._user,)).fetchall()
        for (device,) in devices:
            store = SqliteStore(self._user, device, str(path.parent), self._key(), path.name)
            try:
                yield from store.load_inbound_group_sessions()
            finally:
                store.database.close()


async def _published(server: Server, user: str, device: str) -> Keys | None:
    """The keys that the server has of a device, None when it has none."""
    answer = await server.call("POST", "/keys/query", {"device_keys": {user: [device]}, "timeout": 10_000})
    found: Any = answer
    for name in ("device_keys", user, device, "keys"):
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return None
    return Keys(str(found.get(f"ed25519:{device}")), str(found.get(f"curve25519:{device}")))


def _opened(path: Path) -> sqlite3.Connection:
    """A store that exists. Not read-only: what a crash left half written is taken back by opening it."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)


def _has_table(database: sqlite3.Connection, name: str) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return database.execute(query, (name,)).fetchone() is not None


def _is_copy(path: Path) -> bool:
    with closing(_opened(path)) as database:
        return _has_table(database, MARK)


def _keys_in(pickle: bytes, pickle_key: str) -> Keys:
    try:
        keys = OlmAccount.from_pickle(pickle, pickle_key).identity_keys
    except (vodozemac.PickleException, vodozemac.LibolmPickleException) as error:
        raise Unopenable(f"the keys of the device do not open ({type(error).__name__})") from None
    return Keys(keys["ed25519"], keys["curve25519"])
