"""A homeserver in memory, as far as sending needs one; rooms in it are plain unless they are named as encrypted."""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from adapters.chat import ChatError, RoomAddress, RoomGone, Unreachable
from adapters.matrix.faults import NotThere, TooLarge
from adapters.matrix.surroundings import NETWORK
from config.load import default_values
from config.matrix import Matrix

USER = "@roomwise:example.org"
ROOM = RoomAddress(NETWORK, USER, "!room:example.org")
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@dataclass
class Homeserver:
    """What it was told, in order. `fails` are errors for the next sends: raised before it happens, or after it has."""

    device: str = "DEVICE"
    user: str = USER
    encrypted: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    files: dict[str, bytes | ChatError] = field(default_factory=dict)
    fails: list[ChatError] = field(default_factory=list)
    loses: list[ChatError] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    forgets: bool = False  # transaction ids
    tells_ids: bool = True  # says in `unsigned` under which transaction id an event came
    now: datetime = NOON
    _known: dict[tuple[str, str, str], str] = field(default_factory=dict)

    async def call(self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] = {}) -> Any:
        """Answer as a homeserver does."""
        self.calls.append((method, path, body))
        _, _, room, what, *rest = [unquote(piece) for piece in path.split("/")]
        if room in self.left:
            raise RoomGone("not in the room")
        return getattr(self, f"_{what}")(room, *rest, body=body, query=query)

    async def fetch(self, path: str, *, max_bytes: int) -> bytes:
        """A file by the whole path."""
        self.calls.append(("GET", path, None))
        found = self.files.get(path, NotThere("it is not there"))
        if isinstance(found, ChatError):
            raise found
        if len(found) > max_bytes:
            raise TooLarge("more")
        return found

    async def outgoing(self, room: str, event_type: str, content: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """The guard: encrypts by hiding, and refuses to know of a room that we left."""
        if room in self.left:
            raise RoomGone("not in the room")
        if room not in self.encrypted or event_type == "m.reaction":
            return event_type, content
        relation = {"m.relates_to": content["m.relates_to"]} if "m.relates_to" in content else {}
        return "m.room.encrypted", {"ciphertext": json.dumps(content)[::-1], **relation}

    def said(self, room: str = ROOM.room) -> list[Any]:
        """The bodies of the messages in a room, edits applied, those that were taken back left out."""
        shown: dict[str, Any] = {}
        for event in self.events:
            content = event["content"]
            if event["room"] != room or event["type"] != "m.room.message" or not content:
                continue
            relation = content.get("m.relates_to", {})
            if relation.get("rel_type") == "m.replace":
                shown[relation["event_id"]] = content["m.new_content"]["body"]
            else:
                shown[event["event_id"]] = content["body"]
        return list(shown.values())

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The contents of the events of a type, in order."""
        return [event["content"] for event in self.events if event["type"] == kind]

    def paths(self, what: str) -> list[str]:
        """The paths of the calls that hold a word."""
        return [path for _, path, _ in self.calls if what in path]

    def _send(self, room: str, kind: str, txn: str, *, body: Any, query: Any) -> Any:
        if self.fails:
            raise self.fails.pop(0)
        known = self._known.get((room, self.device, txn))
        if known is None or self.forgets:
            known = self.put(room, kind, body, txn=txn)
            self._known[room, self.device, txn] = known
        if self.loses:
            raise self.loses.pop(0)
        return {"event_id": known}

    def put(self, room: str, kind: str, content: Any, *, txn: str = "", sender: str = USER) -> str:
        """An event that is in the room now; gives its id."""
        event = f"${len(self.events)}"
        unsigned = {"transaction_id": txn} if txn and self.tells_ids else {}
        sent_ms = int(self.now.timestamp() * 1000)
        self.events.append(
            {
                "event_id": event,
                "room": room,
                "type": kind,
                "content": content,
                "sender": sender,
                "origin_server_ts": sent_ms,
                "unsigned": unsigned,
                "device": self.device,
            }
        )
        return event

    def _redact(self, room: str, event: str, _txn: str, *, body: Any, query: Any) -> Any:
        self.take_back(event)
        return {"event_id": "$redaction"}

    def take_back(self, event: str) -> None:
        """Somebody redacts an event."""
        for one in self.events:
            if one["event_id"] == event:
                one["content"] = {}

    def _event(self, room: str, event: str, *, body: Any, query: Any) -> Any:
        for one in self.events:
            if one["event_id"] == event:
                return one
        raise NotThere("it is not there")

    def _messages(self, room: str, *, body: Any, query: Mapping[str, str]) -> Any:
        wanted = json.loads(query["filter"])
        start = int(query.get("from", len(self.events)))
        chunk: list[Any] = []
        at = start
        while at > 0 and len(chunk) < int(query["limit"]):
            at -= 1
            event = self.events[at]
            if event["room"] == room and event["sender"] in wanted["senders"] and event["type"] in wanted["types"]:
                chunk.append(self._seen_by_us(event))
        return {"chunk": chunk, **({"end": str(at)} if at > 0 else {})}

    def _seen_by_us(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        return event if event["device"] == self.device else {**event, "unsigned": {}}

    def _typing(self, room: str, user: str, *, body: Any, query: Any) -> Any:
        return {}

    def _receipt(self, room: str, kind: str, event: str, *, body: Any, query: Any) -> Any:
        raise Unreachable("no receipts today")


def settings(**values: Any) -> Matrix:
    """The settings of an account, the defaults where nothing else is said."""
    return Matrix(**{**default_values()["matrix"], "user": USER, **values})


class Spawned:
    """Starts work in the background, and waits for it when a test wants it done."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def __call__(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def finish(self) -> None:
        """Wait for all that was started."""
        await asyncio.gather(*self._tasks)
