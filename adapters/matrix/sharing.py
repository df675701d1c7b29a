"""Encrypts what we say in a room, and sees to it that every device of its members can read it.

The library's own way marks a key as shared when a request failed, asks for the keys of new devices only now and then,
and lets one device with a bad key keep all others from theirs. So the steps are taken here, each device by itself:
who is in the room, which devices they have, a channel to each, the room's key through each channel, the message.
"""

import asyncio
import json
import logging
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeVar

from nio import JoinedMembersResponse, KeysClaimResponse, KeysQueryResponse, MatrixRoom
from nio.crypto import Olm, OutboundGroupSession

from adapters.chat import Unreachable
from adapters.matrix.client import Client, part
from adapters.matrix.machine import ODD
from adapters.matrix.surroundings import Clock, utc_now

T = TypeVar("T")
Device = tuple[str, str]
Portion = tuple[set[Device], dict[str, Any]]

_MEGOLM: Final = "m.megolm.v1.aes-sha2"
_PORTION: Final = 100  # users or devices in one question
_AT_A_TIME: Final = 10  # of those, before all else has its turn
_SERVER_WAIT_MS: Final = 5_000  # for the servers of other users
_AGAIN_AFTER: Final = timedelta(minutes=10)  # who could not be asked, or has no key left for a channel
_ROUNDS: Final = 3
_log = logging.getLogger(__name__)


class Sharing:
    """The encryption of one device, for all its rooms. One message a room at a time."""

    def __init__(self, client: Client, *, clock: Clock = utc_now) -> None:
        self._client = client
        self._clock = clock
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._asking = asyncio.Lock()
        self._tried: dict[Device, datetime] = {}

    def knows_encrypted(self, room: str) -> bool:
        """Whether the library's store or its memory has a room as encrypted."""
        nio = self._client.nio
        return room in nio.encrypted_rooms or (room in nio.rooms and bool(nio.rooms[room].encrypted))

    def forget_members(self, room: str) -> None:
        """Ask who is in a room before the next message: something was missed, such as a part of its timeline."""
        if room in self._client.nio.rooms:
            self._client.nio.rooms[room].members_synced = False

    async def encrypted(self, room: str, event_type: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of an m.room.encrypted event that every device in the room can read.

        Raises ChatError, Unreachable also when the room does not come to rest; nothing was sent to the room then.
        """
        async with self._turns[room]:
            known = self._room(room)
            if not known.members_synced:
                await self._learn_members(known)
            for _ in range(_ROUNDS):
                await self._prepare(known)
                session = self._session(room)
                if not self._missing(known, session):
                    return self._sealed(known, event_type, content)
                await self._share(known, session)
            if self._missing(known, self._session(room)):
                raise Unreachable("the devices in the room change all the time", retry_after_s=1.0)
            return self._sealed(known, event_type, content)

    async def learn_devices(self, users: Collection[str]) -> None:
        """Ask for the devices of users, in portions; one that the server cannot ask about is asked again later.

        Raises ChatError.
        """
        async with self._asking:
            for portion in _portions(sorted(users)):
                body = {"device_keys": {user: [] for user in portion}, "timeout": _SERVER_WAIT_MS}
                said = _objects(await self._client.call("POST", "/keys/query", body), "device_keys")
                await self._take_all(portion, said, self._take_devices)

    async def learn_new_devices(self) -> None:
        """Ask for the devices of those where something is new. Raises ChatError."""
        now = self._clock()
        unknown = {user for user in self._olm.users_for_key_query if self._may_try((user, ""), now)}
        if unknown:
            await self.learn_devices(unknown)

    async def open_channels(self, devices: Mapping[str, Iterable[str]]) -> None:
        """Open a channel to each device that has a key left for it; others are tried again later. Raises ChatError."""
        now = self._clock()
        wanted = [(user, device) for user, each in sorted(devices.items()) for device in each]
        for portion in _portions([device for device in wanted if self._may_try(device, now)]):
            asked: defaultdict[str, dict[str, str]] = defaultdict(dict)
            for user, device in portion:
                asked[user][device] = "signed_curve25519"
            body = {"one_time_keys": asked, "timeout": _SERVER_WAIT_MS}
            said = _objects(await self._client.call("POST", "/keys/claim", body), "one_time_keys")
            self._tried |= dict.fromkeys(portion, now)
            await self._take_all(portion, said, self._take_channel)

    def _may_try(self, what: Device, now: datetime) -> bool:
        tried_at = self._tried.get(what)
        return tried_at is None or now - tried_at > _AGAIN_AFTER

    def _room(self, room: str) -> MatrixRoom:
        """What the library knows of a room; one that it does not know, or not as encrypted, is told to it."""
        nio = self._client.nio
        known = nio.rooms.setdefault(room, MatrixRoom(room, self._client.user, encrypted=True))
        known.encrypted = True
        return known

    async def _learn_members(self, known: MatrixRoom) -> None:
        before, nio = set(known.users), self._client.nio
        answer = await self._client.call("GET", f"/rooms/{part(known.room_id)}/joined_members")
        response = JoinedMembersResponse.from_dict(answer, known.room_id)
        self._client.check(response)
        await nio.receive_response(response)
        if before - set(known.users):
            nio.invalidate_outbound_session(known.room_id)  # somebody left without our seeing it

    async def _prepare(self, known: MatrixRoom) -> None:
        """Know the devices of all members, and have a channel to each."""
        olm = self._olm
        olm.update_tracked_users(known)
        await self.learn_new_devices()
        missing = olm.get_missing_sessions(list(known.users))
        if missing:
            await self.open_channels(missing)

    async def _take_all(
        self, portion: Sequence[T], said: Mapping[str, Any], take: Callable[[T, Mapping[str, Any]], Awaitable[None]]
    ) -> None:
        """Take each of a portion by itself, so that odd ones do the others no harm; all else has its turn meanwhile."""
        for some in _portions(portion, most=_AT_A_TIME):
            with self._in_one_write():
                for one in some:
                    await take(one, said)
            await asyncio.sleep(0)

    async def _take_devices(self, user: str, said: Mapping[str, Any]) -> None:
        """Have the library take the devices of one user."""
        found = said.get(user)
        if not isinstance(found, Mapping):
            self._tried[user, ""] = self._clock()  # its server cannot be reached
            return
        self._tried.pop((user, ""), None)
        await self._take(user, KeysQueryResponse({user: dict(found)}, {}))

    async def _take_channel(self, whose: Device, said: Mapping[str, Any]) -> None:
        """Have the library open a channel to one device, if that has a key left."""
        user, device = whose
        found = _objects(said, user).get(device)
        if isinstance(found, Mapping) and found:
            await self._take(user, KeysClaimResponse({user: {device: found}}, {}))

    async def _take(self, user: str, response: KeysQueryResponse | KeysClaimResponse) -> None:
        try:
            await self._client.nio.receive_response(response)
        except ODD as error:
            self._olm.users_for_key_query.discard(user)
            _log.info("keys of a device are not as they should be (%s)", type(error).__name__)

    def _session(self, room: str) -> OutboundGroupSession:
        """The key that a room's next message is encrypted with."""
        sessions = self._olm.outbound_group_sessions
        if room not in sessions or sessions[room].expired:
            self._olm.create_outbound_group_session(room)
        return sessions[room]

    def _missing(self, known: MatrixRoom, session: OutboundGroupSession) -> bool:
        """Whether a device that we have a channel to has not got the key."""
        olm = self._olm
        return any(
            (user, device.id) not in session.users_shared_with
            for user in known.users
            for device in olm.device_store.active_user_devices(user)
            if device.id != olm.device_id and olm.session_store.get(device.curve25519) is not None
        )

    async def _share(self, known: MatrixRoom, session: OutboundGroupSession) -> None:
        for reached, messages in self._letters(known, session):
            await self._client.call("PUT", f"/sendToDevice/m.room.encrypted/{uuid.uuid4().hex}", messages)
            session.users_shared_with.update(reached)

    def _letters(self, known: MatrixRoom, session: OutboundGroupSession) -> Iterator[Portion]:
        """The key, encrypted for each device that has not got it, in portions.

        The library makes another key when this one counts as shared; and one that does not count so, it does not
        withdraw when somebody leaves. So it counts as shared always but while this runs between two portions.
        """
        session.shared = False
        portions = self._olm.share_group_session_parallel(known.room_id, list(known.users))
        while portion := self._next_written(portions):
            session.shared = True
            yield portion
        session.shared = True

    def _next_written(self, portions: Iterator[Portion]) -> Portion | None:
        """The next portion, once its channels' new states are on the disk; None when there is none."""
        with self._in_one_write():
            return next(portions, None)

    def _in_one_write(self) -> AbstractContextManager[Any]:
        """Has the library's store write once what is done inside, instead of once for each device.

        Nothing inside may wait for anybody. A room of many has a thousand devices; a write each held up all else for
        most of a minute.
        """
        database: Any = self._client.nio.store.database
        atomic: AbstractContextManager[Any] = database.atomic()
        return atomic

    def _sealed(self, known: MatrixRoom, event_type: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """The encrypted event's content. The library writes all but ASCII as six signs: that is half of an answer lost."""
        session, olm = self._session(known.room_id), self._olm
        session.shared = True
        payload = {"type": event_type, "content": content, "room_id": known.room_id}
        sealed = {
            "algorithm": _MEGOLM,
            "sender_key": olm.account.identity_keys["curve25519"],
            "ciphertext": session.encrypt(json.dumps(payload, ensure_ascii=False, separators=(",", ":"))),
            "session_id": session.id,
            "device_id": olm.device_id,
        }
        relation = content.get("m.relates_to")  # the server must see it, by the protocol
        return {**sealed, "m.relates_to": relation} if relation else sealed

    @property
    def _olm(self) -> Olm:
        olm = self._client.nio.olm
        if olm is None:
            raise Unreachable("encryption is not ready")
        return olm


def _portions(things: Sequence[T], *, most: int = _PORTION) -> Iterator[list[T]]:
    rest = iter(things)
    while portion := list(islice(rest, most)):
        yield portion


def _objects(said: Any, name: str) -> Mapping[str, Any]:
    """The object under a name, empty when something else is there."""
    found = said.get(name) if isinstance(said, Mapping) else None
    return found if isinstance(found, Mapping) else {}
