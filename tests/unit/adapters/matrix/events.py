"""Events as servers send them, and a reading of a room with Ann and us in it. No server runs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from adapters.chat import Event, Message, RoomAddress, Sender
from adapters.matrix.reading import Reading
from config.matrix import Matrix

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)
US = "@roomwise:example.org"
ANN = "@ann:example.org"
BOB = "@bob:elsewhere.example"
ROOM = "!room"
HERE = RoomAddress("matrix", US, ROOM)
_numbers = count(1)

Json = dict[str, Any]


def settings(**values: Any) -> Matrix:
    """The settings of our account."""
    usual: Json = {
        "homeserver": "https://matrix.example.org",
        "user": US,
        "device": "",
        "access_token": "",
        "password": "",
        "encryption": True,
        "invite_from": ("own-server",),
        "ignore": ("@_*:*",),
        "hear_name": False,
        "delete_answers": True,
        "key_wait_seconds": 60,
        "rate_limited": True,
        "messages_per_second": 0.2,
        "burst": 10,
    }
    return Matrix.model_validate({**usual, **values})


def event(kind: str, content: Mapping[str, Any], **fields: Any) -> Json:
    """An event of Ann's, with an id of its own."""
    number = f"${next(_numbers)}"
    return {
        "event_id": number,
        "sender": ANN,
        "type": kind,
        "content": content,
        "origin_server_ts": NOON_MS,
        **fields,
    }


def state(kind: str, content: Mapping[str, Any], *, key: str = "", **fields: Any) -> Json:
    """A state event of Ann's."""
    return event(kind, content, state_key=key, **fields)


def member(user: str, membership: str = "join", **fields: Any) -> Json:
    """Somebody's membership, said by themselves."""
    more = fields.pop("content", {})
    return state("m.room.member", {"membership": membership, **more}, key=user, **{"sender": user, **fields})


def said(body: Any, **fields: Any) -> Json:
    """A text of Ann's; `content` adds to it."""
    more = fields.pop("content", {})
    return event("m.room.message", {"msgtype": "m.text", "body": body, **more}, **fields)


def mentioned(*users: str) -> Json:
    """The part of a content that mentions somebody."""
    return {"m.mentions": {"user_ids": list(users)}}


def in_thread(root: str, *, answers: str = "", falls_back: bool = True) -> Json:
    """The part of a content that puts a message into a thread."""
    relation: Json = {"rel_type": "m.thread", "event_id": root, "is_falling_back": falls_back}
    return {"m.relates_to": relation | ({"m.in_reply_to": {"event_id": answers}} if answers else {})}


def answering(message: str) -> Json:
    """The part of a content that answers a message."""
    return {"m.relates_to": {"m.in_reply_to": {"event_id": message}}}


def edit_of(message: str, body: Any, **fields: Any) -> Json:
    """An edit of Ann's."""
    new = {"msgtype": "m.text", "body": body, **fields.pop("content", {})}
    relation = {"rel_type": "m.replace", "event_id": message}
    return event(
        "m.room.message", {**new, "body": f"* {body}", "m.new_content": new, "m.relates_to": relation}, **fields
    )


def reaction_to(message: str, key: Any, **fields: Any) -> Json:
    """A reaction of Ann's."""
    relation = {"rel_type": "m.annotation", "event_id": message, "key": key}
    return event("m.reaction", {"m.relates_to": relation}, **fields)


def redaction_of(target: str, **fields: Any) -> Json:
    """What takes an event back, said in both places as servers do."""
    return event("m.room.redaction", {"redacts": target}, redacts=target, **fields)


def group(**values: Any) -> list[Json]:
    """The state of a named group of version 12 with Ann, Bob and us."""
    named = values.pop("name", "Team")
    create = state("m.room.create", {"room_version": "12", **values})
    return [
        create,
        member(ANN, content={"displayname": "Ann"}),
        member(BOB, content={"displayname": "Bob"}),
        member(US, content={"displayname": "Roomwise"}),
        *([state("m.room.name", {"name": named})] if named else []),
        state("m.room.join_rules", {"join_rule": "invite"}),
        state("m.room.power_levels", {"users": {BOB: 50}}),
    ]


def direct() -> list[Json]:
    """The state of a direct chat with Ann."""
    return [one for one in group(name="") if one.get("state_key") != BOB]


def reading_of(room: list[Json] | None = None, **values: Any) -> Reading:
    """A reading that knows a room, by default the group."""
    reading = Reading(settings(**values))
    reading.note_whole(ROOM, group() if room is None else room)
    return reading


def told(reading: Reading, *raw: Any) -> list[Event]:
    """What events of the room mean."""
    return reading.events_of(ROOM, raw, now=NOON)


def heard(reading: Reading, raw: Any) -> Message:
    """The message that an event means."""
    (one,) = told(reading, raw)
    assert isinstance(one, Message)
    return one


def our_answer(reading: Reading, *, content: Mapping[str, Any] | None = None) -> str:
    """Let us have said something; the event's id."""
    ours = said("An answer", sender=US, content=content or {})
    assert [] == told(reading, ours)
    return str(ours["event_id"])


def person(user: str, name: str) -> Sender:
    """Somebody on Matrix."""
    return Sender("matrix", user, name)
