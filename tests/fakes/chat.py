"""A chat network in memory: complete, typed, with faults on request."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from adapters.chat import (
    Abilities,
    Addressed,
    Attachment,
    Batch,
    Command,
    Event,
    EventId,
    Finding,
    Message,
    Probe,
    Refused,
    Reply,
    Rights,
    RoomAddress,
    RoomFacts,
    Sender,
    Sent,
    Unreachable,
)
from adapters.cutting import cut_reply

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class Shown:
    """A message of ours as the network shows it now, with every text it ever had."""

    id: str
    room: str
    reply: Reply
    key: str
    texts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Fault:
    verb: str
    error: Exception
    is_after: bool


class FakeChat:
    """One account on a network in memory. `verbs` lists what was asked of it, in order.

    `fail` makes the next call of a verb raise, before its effect or after it (as when an answer is lost on the way).
    With `is_idempotent` off, the same key sent twice makes two messages, as on a network without keys.
    """

    def __init__(self, *, network: str = "fake", account: str = "bot", abilities: Abilities | None = None) -> None:
        self.network = network
        self.account = account
        self.abilities = abilities or Abilities(is_idempotent=True, edit_interval_s=0.0)
        self.messages: dict[str, Shown] = {}
        self.verbs: list[str] = []
        self.files: dict[str, bytes] = {}
        self.facts: dict[str, RoomFacts] = {}
        self.admins: set[tuple[str, str]] = set()
        self.username = ""
        self.hearing_all = True
        self.known: dict[str, str] = {}
        self.menus: dict[tuple[str, str], tuple[Command, ...]] = {}
        self.reactions: list[tuple[str, str]] = []
        self.acknowledged: list[str | None] = []
        self.spoiled: list[str] = []
        self.changed = asyncio.Condition()
        self._faults: deque[_Fault] = deque()
        self._backlog: list[Batch] = []
        self._arrived = asyncio.Event()
        self._closed = False
        self._number = 100
        self._held: defaultdict[str, list[tuple[str | None, asyncio.Event]]] = defaultdict(list)

    def fail(self, verb: str, error: Exception | None = None, *, times: int = 1, is_after: bool = False) -> None:
        """Make the next `times` calls of `verb` raise; Unreachable unless an error is given."""
        lost = Unreachable("the fake network is down", may_have_happened=is_after)
        self._faults.extend(_Fault(verb, error or lost, is_after) for _ in range(times))

    def hold(self, verb: str, *, room: str | None = None) -> asyncio.Event:
        """Make the next call of `verb`, in `room` if one is named, wait until the returned event is set."""
        gate = asyncio.Event()
        self._held[verb].append((room, gate))
        return gate

    def receive(self, *events: Event, cursor: str | None = None) -> None:
        """Let events arrive as one batch."""
        self._backlog.append(Batch(events, cursor))
        self._arrived.set()

    def message(self, number: int, text: str, *, room: str = "room", sender: str = "ann", **more: object) -> Message:
        """A fresh private message, numbered; `more` replaces fields."""
        plain = Message(
            id=EventId(self.network, self.account, f"e{number}"),
            room=RoomAddress(self.network, self.account, room),
            message_id=str(number),
            sender=Sender(self.network, sender, sender.title()),
            text=text,
            sent_at=NOON,
            addressed=Addressed.PRIVATE,
        )
        return replace(plain, **more)  # type: ignore[arg-type]

    def shown(self, room: str = "room") -> list[str]:
        """The texts that stand in a room now."""
        return [message.reply.markdown for message in self.messages.values() if message.room == room]

    async def batches(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield what arrived; a batch is acknowledged when the next is asked for."""
        while not self._closed:
            if not self._backlog:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            await self._step("batches")
            batch = self._backlog[0]
            yield batch
            self._backlog.pop(0)
            self.acknowledged.append(batch.cursor)

    def parts(self, reply: Reply) -> Sequence[Reply]:
        """Cut a reply at paragraphs."""
        return cut_reply(reply, self.abilities.max_chars)

    async def send(self, room: RoomAddress, reply: Reply, *, key: str) -> Sent:
        """Post a reply."""
        await self._step("send", room.room)
        known = [message for message in self.messages.values() if message.key == key and message.room == room.room]
        if known and self.abilities.is_idempotent:
            return Sent(known[0].id)
        if len(reply.markdown) > self.abilities.max_chars:
            raise Refused(f"expected at most {self.abilities.max_chars} characters, got {len(reply.markdown)}")
        self._number += 1
        shown = Shown(str(self._number), room.room, reply, key, [reply.markdown])
        self.messages[shown.id] = shown
        await self._done("send")
        return Sent(shown.id)

    async def edit(self, room: RoomAddress, message_id: str, reply: Reply, *, key: str) -> None:
        """Replace a message of ours."""
        await self._step("edit", room.room)
        if message_id not in self.messages:
            raise Refused(f"expected a message of ours, got {message_id!r}")
        self.messages[message_id].reply = reply
        self.messages[message_id].texts.append(reply.markdown)
        await self._done("edit")

    async def delete(self, room: RoomAddress, message_id: str) -> None:
        """Take a message back."""
        await self._step("delete", room.room)
        self.messages.pop(message_id, None)
        await self._done("delete")

    async def react(self, room: RoomAddress, message_id: str, emoji: str) -> None:
        """Put a reaction on a message."""
        await self._step("react", room.room)
        self.reactions.append((message_id, emoji))

    async def typing(self, room: RoomAddress) -> None:
        """Show that we are at work."""
        await self._step("typing", room.room)

    async def download(self, attachment: Attachment, *, max_bytes: int) -> bytes:
        """Fetch an attachment."""
        await self._step("download")
        content = self.files.get(attachment.handle)
        if content is None or len(content) > max_bytes:
            raise Refused("expected a file of ours within the limit")
        return content

    async def rights(self, room: RoomAddress, sender: Sender) -> Rights:
        """Say whether a person is the room's admin."""
        return Rights(is_room_admin=(room.room, sender.id) in self.admins)

    async def describe(self, room: RoomAddress) -> RoomFacts:
        """Describe a room; private unless a test said otherwise."""
        return self.facts.get(room.room, RoomFacts(title=room.room, kind="private"))

    def invitation(self, code: str, *, to_group: bool) -> str:
        """A link that brings a code to us, once we have a name."""
        kind = "startgroup" if to_group else "start"
        return f"https://fake.example/{self.username}?{kind}={code}" if self.username else ""

    async def set_commands(self, commands: Sequence[Command], *, scope: str, language: str) -> None:
        """Keep the menu."""
        self.menus[scope, language] = tuple(commands)

    async def examine(self, *, live_in: str = "") -> Sequence[Finding]:
        """Tell that nothing is wrong."""
        return (Finding("fake", is_ok=True, detail="in memory"),)

    async def find(
        self, room: RoomAddress, reply: Reply, *, key: str, after: str | None, known: Collection[str] = ()
    ) -> Sent | None:
        """Look by the key where keys are known, else walk over the messages behind `after`: by an edit that says the same.

        Another message of ours that is not `known` would say this text then: `spoiled` holds such, which must not be.
        """
        await self._step("find", room.room)
        if self.abilities.is_idempotent:
            found = next((one for one in self.messages.values() if (one.key, one.room) == (key, room.room)), None)
            await self._done("find")
            return Sent(found.id) if found is not None else None
        if after is None and reply.reply_to is None:
            return None
        for message in list(self.messages.values()):
            is_later = after is None or int(message.id) > int(after)
            if message.room.partition("/")[0] != room.room.partition("/")[0] or message.id in known or not is_later:
                continue
            if (message.room, message.reply) == (room.room, reply):
                await self._done("find")
                return Sent(message.id)
            self.spoiled.append(message.id)
        await self._done("find")
        return None

    async def probe(self) -> Probe:
        """Say how the connection is doing."""
        return Probe(is_up=not self._closed, detail="in memory", facts=self.known, hearing_all=self.hearing_all)

    async def close(self) -> None:
        """Disconnect."""
        self._closed = True
        self._arrived.set()

    async def until(self, text: str, *, room: str = "room", times: int = 1) -> None:
        """Wait until `times` messages of a room hold `text`."""
        async with self.changed:
            await self.changed.wait_for(lambda: sum(text in shown for shown in self.shown(room)) >= times)

    async def _step(self, verb: str, room: str | None = None) -> None:
        self.verbs.append(verb)
        held = self._held[verb]
        mine = next((one for one in held if one[0] in (None, room)), None)
        if mine is not None:
            held.remove(mine)
            await mine[1].wait()
        self._raise(verb, is_after=False)

    async def _done(self, verb: str) -> None:
        async with self.changed:
            self.changed.notify_all()
        self._raise(verb, is_after=True)

    def _raise(self, verb: str, *, is_after: bool) -> None:
        for fault in self._faults:
            if fault.verb == verb and fault.is_after == is_after:
                self._faults.remove(fault)
                raise fault.error
