"""A person on Matrix, by plain JSON over HTTP: what they do in rooms, and what they see there."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx

from tests.fakes.synapse import Account, Synapse

if TYPE_CHECKING:
    from tests.fakes.matrix_encrypted import EncryptedUser

Json = dict[str, Any]
_FILTER = '{"room":{"timeline":{"limit":200}},"presence":{"types":[]}}'
_started = time.time_ns()
_transactions = count(1)


class User:
    """Use it as an async context manager. `events` is what sync has brought so far, by room, oldest first."""

    def __init__(self, account: Account, url: str) -> None:
        self.account, self.url = account, url
        self.events: dict[str, list[Json]] = defaultdict(list)
        self.invites: dict[str, list[Json]] = {}
        self.joined: set[str] = set()
        self._since = ""
        self._seen: set[str] = set()
        headers = {"Authorization": f"Bearer {account.token}"}
        self.client = httpx.AsyncClient(verify=False, base_url=url, headers=headers, timeout=120)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.client.aclose()

    @property
    def id(self) -> str:
        """The whole user id."""
        return self.account.user

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """A request below /_matrix/client/; gives its JSON. Raises httpx.HTTPStatusError for anything but success."""
        json = {} if body is None and method in {"POST", "PUT"} else body
        answer = await self.client.request(method, f"/_matrix/client/{path}", json=json, params=query)
        answer.raise_for_status()
        return answer.json()

    # --- rooms -----------------------------------------------------------------------------------------------

    async def make_room(self, name: str = "", *, invite: Sequence[str] = (), encrypted: bool = False, **more: Any) -> str:  # fmt: skip
        """Make a private room; gives its id. `more` are fields of createRoom, such as is_direct or room_version."""
        state = [*more.pop("initial_state", ()), *([ENCRYPTION] if encrypted else [])]
        body = {"preset": "private_chat", "invite": list(invite), "initial_state": state, **more}
        made = await self.call("POST", "v3/createRoom", {**body, **({"name": name} if name else {})})
        return str(made["room_id"])

    async def invite(self, room: str, user: str) -> None:
        """Ask somebody in."""
        await self.call("POST", f"v3/rooms/{quote(room)}/invite", {"user_id": user})

    async def join(self, room: str) -> None:
        """Come in."""
        await self.call("POST", f"v3/join/{quote(room)}")

    async def leave(self, room: str) -> None:
        """Go, or refuse an invitation."""
        await self.call("POST", f"v3/rooms/{quote(room)}/leave")

    async def remove(self, room: str, user: str, *, how: str = "kick") -> None:
        """`kick`, `ban` or `unban` somebody."""
        await self.call("POST", f"v3/rooms/{quote(room)}/{how}", {"user_id": user})

    async def upgrade(self, room: str, version: str) -> str:
        """Replace a room by one of another version; gives the new one's id."""
        return str((await self.call("POST", f"v3/rooms/{quote(room)}/upgrade", {"new_version": version}))["replacement_room"])  # fmt: skip

    async def state(self, room: str) -> list[Json]:
        """All state events."""
        found: list[Json] = await self.call("GET", f"v3/rooms/{quote(room)}/state")
        return found

    async def set_state(self, room: str, kind: str, content: Json, key: str = "") -> str:
        """Put a state event; gives its id."""
        return str((await self.call("PUT", f"v3/rooms/{quote(room)}/state/{kind}/{quote(key)}", content))["event_id"])

    async def encrypt(self, room: str) -> None:
        """Switch encryption on."""
        await self.set_state(room, ENCRYPTION["type"], ENCRYPTION["content"])

    async def name_self(self, name: str) -> None:
        """Take another display name, in all rooms."""
        await self.call("PUT", f"v3/profile/{quote(self.id)}/displayname", {"displayname": name})

    # --- what is said ----------------------------------------------------------------------------------------

    async def say(self, room: str, text: str, *, thread: str = "", reply_to: str = "", mention: str = "", **more: Any) -> str:  # fmt: skip
        """Send a text; gives its event id. `thread` is its root; `more` are fields of the content."""
        content: Json = {"msgtype": "m.text", "body": text}
        if mention:
            content["m.mentions"] = {"user_ids": [mention]}
        if relation := _relation(thread, reply_to):
            content["m.relates_to"] = relation
        return await self.send(room, {**content, **more})

    async def edit(self, room: str, event: str, text: str, **more: Any) -> str:
        """Give a message of one's own another text; gives the edit's id."""
        new = {"msgtype": "m.text", "body": text, **more}
        relation = {"rel_type": "m.replace", "event_id": event}
        return await self.send(room, {**new, "body": f"* {text}", "m.new_content": new, "m.relates_to": relation})

    async def react(self, room: str, event: str, key: str) -> str:
        """Put a reaction; gives its id, by which it is redacted."""
        relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
        return await self.send(room, {"m.relates_to": relation}, kind="m.reaction")

    async def redact(self, room: str, event: str) -> str:
        """Take an event back; gives the redaction's id."""
        path = f"v3/rooms/{quote(room)}/redact/{quote(event)}/{_transaction()}"
        return str((await self.call("PUT", path))["event_id"])

    async def send(self, room: str, content: Json, *, kind: str = "m.room.message") -> str:
        """Send an event as this person's client would; gives its id."""
        return await self.send_plain(room, content, kind=kind)

    async def send_plain(self, room: str, content: Json, *, kind: str = "m.room.message") -> str:
        """Send an event unencrypted in any room."""
        path = f"v3/rooms/{quote(room)}/send/{kind}/{_transaction()}"
        return str((await self.call("PUT", path, content))["event_id"])

    async def upload(self, data: bytes, media_type: str = "text/plain", name: str = "notes.txt") -> str:
        """Put a file on the server; gives its mxc: address."""
        headers = {"Content-Type": media_type}
        answer = await self.client.post(
            "/_matrix/media/v3/upload", content=data, params={"filename": name}, headers=headers
        )
        answer.raise_for_status()
        return str(answer.json()["content_uri"])

    async def send_file(self, room: str, data: bytes, name: str, media_type: str = "text/plain", **more: Any) -> str:
        """Send a file as m.file, or as what `more` says; gives the event id."""
        where = {"url": await self.upload(data, media_type, name)}
        info = {"mimetype": media_type, "size": len(data)}
        return await self.send(room, {"msgtype": "m.file", "body": name, "filename": name, "info": info, **where, **more})  # fmt: skip

    # --- what is seen ----------------------------------------------------------------------------------------

    async def sync(self, *, wait_ms: int = 1_000) -> None:
        """Bring `events`, `invites` and `joined` up to date; waits so long for something new."""
        query = {"since": self._since} if self._since else {}
        answer = await self.call("GET", "v3/sync", timeout=wait_ms, filter=_FILTER, **query)
        rooms = answer.get("rooms", {})
        self.note_rooms(rooms)
        for room, news in rooms.get("join", {}).items():
            self.note(room, news["timeline"]["events"])
        self._since = answer["next_batch"]

    def note_rooms(self, rooms: Mapping[str, Any]) -> None:
        """Remember where this person is and is invited, from the `rooms` of a sync."""
        for room, news in rooms.get("invite", {}).items():
            self.invites[room] = news["invite_state"]["events"]
        self.joined |= set(rooms.get("join", {}))
        self.joined -= set(rooms.get("leave", {}))
        for room in (*rooms.get("join", {}), *rooms.get("leave", {})):
            self.invites.pop(room, None)

    def note(self, room: str, events: Sequence[Json]) -> None:
        """Remember new events of a room."""
        fresh = [event for event in events if event["event_id"] not in self._seen]
        self._seen |= {event["event_id"] for event in fresh}
        self.events[room] += fresh

    async def until(self, condition: Callable[[], Any], *, timeout_s: float = 60) -> Any:
        """Sync until something holds; gives what the condition gave. Raises AssertionError when it takes too long."""
        return await until(condition, self, timeout_s=timeout_s)

    async def timeline(self, room: str) -> list[Json]:
        """The room's whole history as the server has it, oldest first."""
        found: list[Json] = []
        query: Json = {}
        while True:
            page = await self.call("GET", f"v3/rooms/{quote(room)}/messages", dir="b", limit=500, **query)
            found += page["chunk"]
            if not page["chunk"] or "end" not in page:
                return found[::-1]
            query = {"from": page["end"]}

    def shown(self, room: str, *, by: str = "") -> list["Shown"]:
        """What stands in a room for this person; `by` leaves out what others sent."""
        return [message for message in shown(self.events[room]) if by in {"", message.sender}]


ENCRYPTION: Json = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


@dataclass
class Shown:
    """A message as a client shows it now: with its last edit, and "" as its text once it is redacted."""

    event: str
    sender: str
    content: Json
    is_encrypted: bool
    is_redacted: bool = False
    edits: list[Json] = field(default_factory=list)
    reactions: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The body."""
        return str(self.content.get("body", ""))

    @property
    def answers(self) -> str:
        """The event that it is a reply to; "" for none."""
        return str(self._relation.get("m.in_reply_to", {}).get("event_id", ""))

    @property
    def thread(self) -> str:
        """The root of its thread; "" for none."""
        return str(self._relation["event_id"]) if self._relation.get("rel_type") == "m.thread" else ""

    @property
    def _relation(self) -> Json:
        return self.content.get("m.relates_to") or {}


def shown(events: Sequence[Json]) -> list[Shown]:
    """Fold edits, redactions and reactions of a timeline into the messages that they belong to.

    Events that are still encrypted are none of these and left out.
    """
    messages: dict[str, Shown] = {}
    for event in events:
        content = event.get("content", {})
        relation = content.get("m.relates_to") or {}
        about = messages.get(relation.get("event_id", ""))
        if event["type"] == "m.room.redaction":
            _redact(messages, content.get("redacts") or event.get("redacts"))
        elif event["type"] == "m.reaction" and about:
            about.reactions.append((event["sender"], relation["key"]))
        elif event["type"] == "m.room.message" and relation.get("rel_type") == "m.replace":
            if about and about.sender == event["sender"]:
                kept = {"m.relates_to": about.content["m.relates_to"]} if "m.relates_to" in about.content else {}
                about.content = {**content["m.new_content"], **kept}
                about.edits.append(event)
        elif event["type"] == "m.room.message":
            is_redacted = "redacted_because" in event.get("unsigned", {})
            sealed = bool(event.get("decrypted"))
            messages[event["event_id"]] = Shown(event["event_id"], event["sender"], content, sealed, is_redacted)
    return list(messages.values())


def _redact(messages: dict[str, Shown], event: Any) -> None:
    if event in messages:
        messages[event].content, messages[event].is_redacted = {}, True


async def until(condition: Callable[[], Any], *people: User, timeout_s: float = 60) -> Any:
    """Let all of them sync, again and again, until something holds; gives what the condition gave.

    Raises AssertionError with what they saw last when it takes too long.
    """
    try:
        async with asyncio.timeout(timeout_s):
            while not (value := condition()):
                await asyncio.gather(*(person.sync() for person in people))
            return value
    except TimeoutError:
        last = {person.id: {room: events[-5:] for room, events in person.events.items()} for person in people}
        raise AssertionError(f"expected it within {timeout_s} s, got only {last}") from None


@dataclass
class People:
    """Makes people on a server; `enter` sees to it that their connections are closed, `folder` holds their keys."""

    synapse: Synapse
    folder: Path
    enter: Callable[[User], Awaitable[User]]

    async def plain(self, name: str = "ada") -> User:
        """Somebody whose client knows no encryption."""
        return await self.enter(User(await self.synapse.register(name), self.synapse.url))

    async def encrypted(self, name: str = "ada", *, account: Account | None = None) -> "EncryptedUser":
        """Somebody whose client encrypts, with keys on the server; or the same device again by its `account`."""
        from tests.fakes.matrix_encrypted import EncryptedUser

        account = account or await self.synapse.register(name)
        user = EncryptedUser(account, self.synapse.url, self.folder / account.device)
        await self.enter(user)
        await user.sync(wait_ms=0)
        return user


def _relation(thread: str, reply_to: str) -> Json:
    if thread:
        falls_back = {"is_falling_back": not reply_to, "m.in_reply_to": {"event_id": reply_to or thread}}
        return {"rel_type": "m.thread", "event_id": thread, **falls_back}
    return {"m.in_reply_to": {"event_id": reply_to}} if reply_to else {}


def _transaction() -> str:
    return f"t{_started}-{next(_transactions)}"
