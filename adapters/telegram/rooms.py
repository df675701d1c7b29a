"""What Telegram says of its chats and topics, and who may steer them."""

import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from adapters.chat import (
    Event,
    EventId,
    Rights,
    RoomAddress,
    RoomChanged,
    RoomFacts,
    Sender,
    Unreachable,
)
from adapters.last import Last
from adapters.network import AdapterState
from adapters.telegram import wire
from adapters.telegram.client import Client
from adapters.telegram.faults import ask
from adapters.telegram.messages import NETWORK, address
from adapters.telegram.translate import Reading

Spawn = Callable[[Coroutine[Any, Any, None]], object]
_ADMINS_FOR_S: Final = 300.0
_VISIBILITY: Final = "visibility"
_ADMINS: Final = TypeAdapter(list[wire.Standing])


def split(room: RoomAddress) -> tuple[str, str]:
    """The chat of a room and its topic, "" for none."""
    chat, _, topic = room.room.partition("/")
    return chat, topic


class Rooms:
    """Asks about rooms, and remembers what only updates tell. `spawn` starts work in the background."""

    def __init__(
        self, client: Client, state: AdapterState, *, spawn: Spawn, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._state = state
        self._spawn = spawn
        self._clock = clock
        self._public: dict[str, tuple[bool, str]] = {}  # by chat: whether it is public, and the event that told
        self._first_names: Last[str, str] = Last()  # of topics, as they were made
        self._admins: dict[str, tuple[float, frozenset[str]]] = {}
        self._drops = 0

    async def load(self) -> None:
        """Read back what was remembered before a restart."""
        kept = await self._state.get(_VISIBILITY) or {}
        self._public = {str(chat): (bool(told[0]), str(told[1])) for chat, told in kept.items()} | self._public

    async def describe(self, room: RoomAddress) -> RoomFacts:
        """Ask about a chat or a topic. Raises ChatError, RoomMoved and RoomGone among them."""
        number, topic = split(room)
        chat = await self._chat(number)
        is_public = bool(chat.username)
        if not topic:
            return RoomFacts(chat.name, "private" if chat.type == wire.PRIVATE else "group", is_public=is_public)
        name = await self._state.get(f"topic/{room.room}") or self._first_names.get(room.room)
        title = f"{chat.name} / {name}" if name else chat.name
        return RoomFacts(title, "topic", is_public=is_public, parent=address(room.account, chat.id))

    async def rights(self, room: RoomAddress, sender: Sender) -> Rights:
        """Ask what somebody may do to a chat. One who hides behind the chat itself is an administrator of it."""
        chat, _ = split(room)
        if not chat.startswith("-"):  # ids of private chats are positive
            return Rights(is_room_admin=False)
        if sender.is_shared:
            return Rights(is_room_admin=sender.id == chat)
        return Rights(is_room_admin=sender.id in await self._administrators(chat))

    def learn(self, raw: object, events: Sequence[Event], reading: Reading) -> tuple[Event, ...]:
        """Remember what an update tells of its chat; an event when that is that it became public or private."""
        for event in events:
            if isinstance(event, RoomChanged):
                self._follow(event)
        if (made := wire.topic_name_of(raw)) is not None:
            chat_id, topic, name = made
            self._first_names.keep(f"{chat_id}/{topic}", name)
        chat = wire.chat_of(raw)
        return () if chat is None or chat.type in {wire.PRIVATE, wire.CHANNEL} else self._seen(chat, reading)

    def _follow(self, change: RoomChanged) -> None:
        chat, topic = split(change.room)
        if change.kind == "renamed" and topic:
            self._spawn(self._state.put(f"topic/{change.room.room}", change.detail))
        else:
            self._admins.pop(chat, None)
            self._drops += 1

    def _seen(self, chat: wire.Chat, reading: Reading) -> tuple[Event, ...]:
        """An event when a chat has another visibility than before; the same one again when its update is repeated."""
        is_public, told_by = self._public.get(str(chat.id), (None, ""))
        now = bool(chat.username)
        if is_public is now and told_by != reading.event:
            return ()
        if is_public is not now:
            told_by = "" if is_public is None else reading.event
            self._public[str(chat.id)] = (now, told_by)
            self._spawn(self._state.put(_VISIBILITY, {chat: list(told) for chat, told in self._public.items()}))
        if not told_by:
            return ()
        name = EventId(NETWORK, reading.account, f"{reading.event}/visibility")
        room, detail = address(reading.account, chat.id), "public" if now else "private"
        return (RoomChanged(name, room, "visibility", None, reading.now, detail),)

    async def _chat(self, number: str) -> wire.Chat:
        answer = await ask(self._client.call("getChat", chat_id=number))
        try:
            return wire.Chat.model_validate(answer)
        except ValidationError:
            raise Unreachable("Telegram described a chat in a way that is not known") from None

    async def _administrators(self, chat: str) -> frozenset[str]:
        """The ids of a group's administrators, asked for every few minutes at most."""
        until_s, known = self._admins.get(chat, (float("-inf"), frozenset()))
        if self._clock() < until_s:
            return known
        drops = self._drops
        answer = await ask(self._client.call("getChatAdministrators", chat_id=chat))
        try:
            found = _ADMINS.validate_python(answer)
        except ValidationError:
            raise Unreachable("Telegram listed administrators in a way that is not known") from None
        ids = frozenset(str(one.user.id) for one in found if one.user is not None and one.is_admin)
        if drops == self._drops:  # nothing changed while we asked
            self._admins[chat] = (self._clock() + _ADMINS_FOR_S, ids)
        return ids
