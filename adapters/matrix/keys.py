"""Messages that we cannot read yet: kept until their key comes, asked for, and said once when it does not come.

The event itself is fetched again when the key is here, however late that is.

Who is told: in a private chat whoever wrote; in a group only who wrote into a thread of ours or answered us, which can be
seen without the key. Whether a message mentions us cannot; a notice to each stranger's message that was not meant for us
would be worse than silence. Nobody is told twice in a room before we could read them there again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from nio.event_builders import RoomKeyRequestMessage

from adapters.chat import Event, EventId, Refused, RoomAddress, Unreachable, Unreadable
from adapters.matrix.client import Client, part
from adapters.matrix.machine import Machine
from adapters.matrix.opening import ALGORITHM, Locked, has_key, opened, session_of
from adapters.matrix.secrecy import Secrecy
from adapters.matrix.sharing import Sharing
from adapters.matrix.surroundings import NETWORK, Clock
from adapters.matrix.waiting import Unread, Waiting

_ASK_AFTER: Final = timedelta(seconds=5)  # a key mostly comes a moment after its message
_TRY_AGAIN_AFTER: Final = timedelta(minutes=1)
_AT_ONCE: Final = 50
_DISTRUST: Final = frozenset({"m.unverified", "m.blacklisted"})  # by other codes a key is not there, or no channel is
_LAST_MS: Final = 253_402_300_799_000  # the end of the year 9999, after which there is no datetime


class Audience(Protocol):
    """Tells of a message that cannot be read whether it may be for us, by what can be seen of it."""

    def may_concern(self, room: str, event: Mapping[str, Any]) -> bool:
        """Whether it is in a private chat, in a thread of ours, or an answer to us."""


@dataclass(frozen=True, slots=True)
class KeyParts:
    """What the keys of one account work with."""

    client: Client
    unread: Unread
    secrecy: Secrecy
    sharing: Sharing
    audience: Audience
    clock: Clock


@dataclass(slots=True)
class _Given:
    """What was handed on and is not known to be stored: messages by their events, and of which something was told."""

    read: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)


class Keys:
    """The messages of one account that wait. `begin` comes first."""

    def __init__(self, parts: KeyParts, *, wait_s: float) -> None:
        self._parts = parts
        self._client = parts.client
        self._unread = parts.unread
        self._wait = timedelta(seconds=wait_s)
        self._given = _Given()
        self._tried: dict[str, datetime] = {}
        self._asked: set[str] = set()

    async def note_encrypted(self, rooms: Collection[str]) -> None:
        """Remember for ever that rooms are encrypted."""
        for room in sorted(rooms):
            await self._parts.secrecy.note(room)

    async def read(self, room: str, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """An encrypted event as it was meant; None when it waits now, which is kept when this returns.

        Raises nothing of the network: who cannot be asked about now is asked later.
        """
        machine = self._machine
        found = await self._opened(machine, room, event) if machine is not None else Locked.NO_KEY
        sender = str(event.get("sender"))
        if not isinstance(found, Locked):
            await self._unread.can_read((room, sender))
            return found
        if sender != self._client.user:
            is_for_us = self._parts.audience.may_concern(room, event)
            await self._unread.add(room, event, self._parts.clock(), is_for_us=is_for_us)
        return None

    async def late(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Messages that can be read by now, oldest first, each with its room; again until they are acknowledged."""
        machine, now, found = self._machine, self._parts.clock(), list[tuple[str, dict[str, Any]]]()
        if machine is None:
            return found
        for one in await self._unread.in_order():
            if len(found) == _AT_ONCE:
                break
            if has_key(machine, one.room, one.session) and self._may_try(one.event, now):
                event = await self._fetched(machine, one)
                if event is not None:
                    found.append((one.room, event))
        return found

    async def overdue(self) -> Sequence[Event]:
        """What is to be said of messages whose key did not come in time; again until it is acknowledged."""
        now, saying, told = self._parts.clock(), set[tuple[str, str]](), list[Event]()
        self._given.told.clear()
        for one in await self._unread.in_order():
            if one.is_told or one.event in self._given.read:
                continue
            reason = self._reason(one)
            grace = timedelta() if reason == "unencryptable" else self._wait  # no key can come then
            if now - one.seen < grace:
                continue
            self._given.told.add(one.event)
            if one.is_for_us and one.address not in saying and not self._unread.knows(one.address):
                saying.add(one.address)
                told.append(self._unreadable(one, reason))
        return told

    async def ask_for_keys(self) -> None:
        """Ask the devices that made them for the keys that are missing, once each, by the letters that go out next."""
        machine, now = self._machine, self._parts.clock()
        if machine is None:
            return
        for one in await self._unread.in_order():
            is_asked = one.session in self._asked or one.session in machine.outgoing_key_requests
            if not is_asked and now - one.seen >= _ASK_AFTER and not has_key(machine, one.room, one.session):
                self._asked.add(one.session)
                machine.outgoing_to_device_messages.append(_request(one, machine.device_id))

    async def acknowledged(self) -> None:
        """What `late` and `overdue` gave is stored: forget what could be read, and remember who was told."""
        given, self._given = self._given, _Given()
        for event in given.read:
            await self._unread.drop(event)
        for event in given.told - given.read:
            await self._unread.tell(event)
        await self._unread.acknowledged()

    def lately(self) -> int:
        """How many messages of the last 24 hours cannot be read."""
        return self._unread.lately(self._parts.clock())

    async def begin(self, device: str) -> None:
        """Know what waits, and whether our device is new."""
        await self._unread.begin(device)

    async def _opened(self, machine: Machine, room: str, event: Mapping[str, Any]) -> dict[str, Any] | Locked:
        found = opened(machine, room, event)
        if found is not Locked.UNKNOWN_DEVICE:
            return found
        try:
            await self._parts.sharing.learn_devices([str(event.get("sender"))])
        except (Unreachable, Refused):
            return found
        return opened(machine, room, event)

    async def _fetched(self, machine: Machine, one: Waiting) -> dict[str, Any] | None:
        """The message, read; None when it cannot be had now, or is gone for good and waits no longer."""
        self._tried[one.event] = self._parts.clock()
        try:
            event = await self._client.call("GET", f"/rooms/{part(one.room)}/event/{part(one.event)}")
        except Refused:
            await self._unread.drop(one.event)
            return None
        except Unreachable:
            return None
        if not isinstance(event, dict) or not session_of(event):  # taken back meanwhile
            await self._unread.drop(one.event)
            return None
        event.pop("decrypted", None)
        found = await self._opened(machine, one.room, event)
        if isinstance(found, Locked):
            return None
        self._tried.pop(one.event)
        self._given.read.add(one.event)
        await self._unread.can_read(one.address)
        return found

    def _may_try(self, event: str, now: datetime) -> bool:
        tried_at = self._tried.get(event)
        return tried_at is None or now - tried_at > _TRY_AGAIN_AFTER

    def _reason(self, one: Waiting) -> str:
        machine = self._machine
        if machine is None:
            return "unencryptable"
        if one.is_before_us:
            return "before_us"
        keys = {(one.room, one.session), ("", "")}
        is_withheld = any(
            notice.sender == one.sender and notice.code in _DISTRUST and (notice.room, notice.session) in keys
            for notice in machine.withheld
        )
        return "withheld" if is_withheld else "no_key"

    def _unreadable(self, one: Waiting, reason: str) -> Unreadable:
        account = self._client.user
        sent_at = datetime.fromtimestamp(min(max(one.sent_ms, 0), _LAST_MS) / 1000, UTC)
        address = RoomAddress(NETWORK, account, one.room, one.thread or None)
        return Unreadable(EventId(NETWORK, account, f"{one.event}/unreadable"), address, reason, sent_at)

    @property
    def _machine(self) -> Machine | None:
        machine: Machine | None = self._client.nio.olm
        return machine


def _request(one: Waiting, device: str) -> RoomKeyRequestMessage:
    body = {"algorithm": ALGORITHM, "room_id": one.room, "session_id": one.session}
    if one.maker:
        body["sender_key"] = one.maker
    content = {"action": "request", "body": body, "request_id": one.session, "requesting_device_id": device}
    return RoomKeyRequestMessage(
        "m.room_key_request", one.sender, one.device or "*", content, one.session, one.session, one.room, ALGORITHM
    )
