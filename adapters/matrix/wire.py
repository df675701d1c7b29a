"""The shapes of Matrix's events, as far as they are read here. Pure, and nothing that comes in is trusted.

Any JSON may stand in any field, since other servers and programs write them: what is of another type than it must be
counts as missing, and an event without an id, a sender or a type is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

MESSAGE: Final = "m.room.message"
REACTION: Final = "m.reaction"
REDACTION: Final = "m.room.redaction"
ENCRYPTED: Final = "m.room.encrypted"
MEMBER: Final = "m.room.member"

THREAD: Final = "m.thread"
REPLACE: Final = "m.replace"
ANNOTATION: Final = "m.annotation"

_LONGEST_ID: Final = 255  # bytes, by the specification
_LAST_MS: Final = 253_402_300_799_000  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class Raw:
    """One event. `state_key` is None where it is no state, `sent_ms` where no usable time came with it."""

    id: str
    sender: str
    type: str
    content: Mapping[str, Any]
    unsigned: Mapping[str, Any]
    state_key: str | None
    sent_ms: int | None
    redacts: str

    @property
    def before(self) -> Mapping[str, Any]:
        """What the state was before, as the server says; empty when it does not."""
        return mapping(self.unsigned.get("prev_content"))


@dataclass(frozen=True, slots=True)
class Relation:
    """What an event refers to: `kind` and `target` of its relation, and `reply_to`, the message that it answers.

    In a thread, programs that know no threads are told that a message answers to the last one: that is no answer.
    """

    kind: str = ""
    target: str = ""
    key: str = ""
    reply_to: str = ""

    @property
    def thread(self) -> str | None:
        """The thread that the event stands in, by its first message."""
        return self.target if self.kind == THREAD else None


def mapping(value: object) -> Mapping[str, Any]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> Sequence[Any]:
    """The value when it is a list, else an empty one."""
    return value if isinstance(value, list) else ()


def text(value: object) -> str:
    """The value when it is a text, else an empty one. Halves of surrogate pairs, which UTF-8 cannot hold, are marked."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""


def line(value: object, *, most: int = 255) -> str:
    """The value as one short line for people, such as a name; empty when it is none."""
    return " ".join(text(value)[: 4 * most].split())[:most]


def count(value: object) -> int:
    """The value when it is a whole number from 0 to 2^53, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


def name(value: object, sigil: str) -> str:
    """The value when it may be an id that begins with `sigil`, else "". What follows is never looked into."""
    if not isinstance(value, str) or not value.startswith(sigil) or len(value) < 2:
        return ""
    is_clean = value.isprintable() and " " not in value
    return value if is_clean and len(value.encode("utf-8", "replace")) <= _LONGEST_ID else ""


def user(value: object) -> str:
    """The value when it is a whole user id, else ""."""
    found = name(value, "@")
    return found if ":" in found[1:] and not found.endswith(":") else ""


def server_of(user_id: str) -> str:
    """The server of a user id, with its port. Local parts hold no colon, servers may."""
    return user_id.partition(":")[2]


def read(raw: object) -> Raw | None:
    """The event; None when it is none that can be told apart and attributed."""
    event = mapping(raw)
    number, sender, kind = name(event.get("event_id"), "$"), user(event.get("sender")), event.get("type")
    if not number or not sender or not isinstance(kind, str):
        return None
    key = event.get("state_key")
    return Raw(
        id=number,
        sender=sender,
        type=kind,
        content=mapping(event.get("content")),
        unsigned=mapping(event.get("unsigned")),
        state_key=key if isinstance(key, str) else None,
        sent_ms=_moment_ms(event.get("origin_server_ts")),
        redacts=name(event.get("redacts"), "$"),
    )


def relation_of(content: Mapping[str, Any], *, own: str) -> Relation:
    """What an event refers to. One that refers to itself, `own`, refers to nothing."""
    relates = mapping(content.get("m.relates_to"))
    kind, target = text(relates.get("rel_type")), name(relates.get("event_id"), "$")
    answered = name(mapping(relates.get("m.in_reply_to")).get("event_id"), "$")
    is_thread = kind == THREAD and bool(target) and target != own
    is_reply = kind in {"", THREAD} and not (is_thread and relates.get("is_falling_back") is True)
    reply_to = answered if is_reply and answered != own else ""
    if not target or target == own:
        return Relation(kind if kind == REPLACE else "", reply_to=reply_to)  # an edit of nothing is no message either
    return Relation(kind, target, text(relates.get("key")), reply_to)


def takes_part(event: Raw) -> bool:
    """Whether the server says of a thread's first message that we have written in the thread."""
    thread = mapping(mapping(event.unsigned.get("m.relations")).get(THREAD))
    return thread.get("current_user_participated") is True


def moment(event: Raw, now: datetime) -> datetime:
    """When an event was sent, as its own server says; never later than `now`, since clocks differ."""
    if event.sent_ms is None:
        return now
    return min(now, datetime.fromtimestamp(event.sent_ms / 1000, UTC))


def _moment_ms(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= _LAST_MS else None
