"""Encrypting for a room of many: what it costs to give each device the key, and what the next message costs."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from nio.crypto.sessions import OlmAccount

from adapters.matrix.identity import OwnDevice
from adapters.matrix.sharing import Sharing
from adapters.matrix.signing import canonical
from tests.fakes.matrix_devices import ROOM, US, Connection, Device

_MEMBERS = 45


class Member:
    """Somebody in the room with a device that keeps nothing on the disk."""

    def __init__(self, user: str) -> None:
        self._account = OlmAccount()
        keys = self._account.identity_keys
        bare = OwnDevice(user, "D", keys["ed25519"], keys["curve25519"], self._sign).keys()
        self._user = user
        self.published = self._signed(bare)

    def one_time_key(self) -> dict[str, Any]:
        """A key of the device to open a channel with."""
        self._account.generate_one_time_keys(1)
        (key,) = self._account.one_time_keys["curve25519"].values()
        return {"signed_curve25519:AAAA": self._signed({"key": key})}

    def _sign(self, thing: Mapping[str, Any]) -> str:
        return str(self._account.sign(canonical(thing)))

    def _signed(self, thing: Mapping[str, Any]) -> dict[str, Any]:
        return {**thing, "signatures": {self._user: {"ed25519:D": self._sign(thing)}}}


@dataclass
class Statements:
    """What our store was asked: in transactions, and each by itself."""

    device: Device
    together: list[str] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        store = self.device.nio.store
        assert store is not None
        self._connection = store.database.connection()
        self._connection.set_trace_callback(self._note)

    def _note(self, statement: str) -> None:
        (self.together if self._connection.in_transaction else self.alone).append(statement.split(maxsplit=1)[0])


@dataclass
class House:
    """Our device, and a room of many with a device each."""

    us: Device
    members: dict[str, Member]

    def __post_init__(self) -> None:
        self.server = Connection(self.us)
        self.sharing = Sharing(self.server)
        names = {"display_name": "", "avatar_url": ""}
        joined = {"joined": dict.fromkeys([US, *self.members], names)}
        self.server.says[f"/rooms/{quote(ROOM, safe='')}/joined_members"] = joined
        self.server.says["/keys/query"] = self._devices
        self.server.says["/keys/claim"] = self._keys

    async def says(self) -> None:
        """Encrypt a message."""
        await self.sharing.encrypted(ROOM, "m.room.message", {"body": "hello"})

    def asked(self, what: str) -> int:
        """How many requests of a kind were made."""
        return sum(what in call for call, _ in self.server.asked)

    def _devices(self, body: Any) -> Any:
        theirs = {user: self.members[user] for user in body["device_keys"] if user in self.members}
        return {"device_keys": {user: {"D": member.published} for user, member in theirs.items()}}

    def _keys(self, body: Any) -> Any:
        return {"one_time_keys": {user: {"D": self.members[user].one_time_key()} for user in body["one_time_keys"]}}


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Nobody has a key of anybody yet."""
    users = [f"@u{number}:example.org" for number in range(_MEMBERS)]
    return House(Device(US, "OURS", tmp_path / "us"), {user: Member(user) for user in users})


async def test_the_keys_of_a_room_of_many_are_written_down_in_few_writes(house: House) -> None:
    """A write for each device, each waiting for the disk, would hold up all else for a minute."""
    statements = Statements(house.us)

    await house.says()

    writes = [one for one in statements.alone if one in {"REPLACE", "INSERT", "UPDATE", "DELETE"}]
    shared_with = house.us.machine.outbound_group_sessions[ROOM].users_shared_with
    assert _MEMBERS == len(shared_with)
    assert len(writes) < 5
    assert statements.alone.count("BEGIN") < 20


async def test_a_message_to_a_room_that_has_the_key_asks_nothing_of_anybody(house: House) -> None:
    """Neither the server nor our store; it would be asked about each device of each member."""
    await house.says()
    house.server.asked.clear()
    statements = Statements(house.us)

    await house.says()

    assert ([], [], []) == (house.server.asked, statements.alone, statements.together)


async def test_others_have_their_turn_while_many_devices_are_learned(house: House) -> None:
    """Whoever is answered elsewhere does not wait for them all."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    await asyncio.sleep(0)

    await house.sharing.learn_devices(house.members)

    counting.cancel()
    assert turns >= _MEMBERS // 10
    assert 1 == house.asked("/keys/query")


async def test_a_new_channel_is_on_the_disk_before_the_letter_leaves(house: House, tmp_path: Path) -> None:
    """After a crash it would be used twice else."""
    kept: list[int] = []

    def note(_body: Any) -> dict[str, Any]:
        again = Device(US, "OURS", tmp_path / "us")
        kept.append(sum(1 for _ in again.machine.session_store))
        return {}

    original = house.server.call

    async def call(method: str, path: str, body: Any = None, **more: Any) -> Any:
        return note(body) if path.startswith("/sendToDevice/") else await original(method, path, body, **more)

    house.server.call = call  # type: ignore[method-assign]

    await house.says()

    assert [_MEMBERS] * len(kept) == kept
    assert kept
