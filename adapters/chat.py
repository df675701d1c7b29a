"""The words every chat network is translated into.

Errors (every adapter method may raise these and nothing of the network's own):
    ChatError
    +-- Unreachable     the network did not answer or told us to wait; the act may or may not have happened
    +-- Refused         the network will never do this: no right, message gone, text not accepted
    |   +-- RoomGone    nor anything else in this room: we were removed, blocked, or it is no more
    +-- RoomMoved       the network knows the room by another id now; the act did not happen
    +-- BadPush         what was pushed to us is not from the network, or cannot be read

Ids are the network's own, kept as text. A person is known by the network's immutable id, never by a name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ChatError(Exception):
    """A chat network failed us."""


class Unreachable(ChatError):
    """No answer, or "wait". `may_have_happened` is true when a request left us and its outcome is unknown."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, may_have_happened: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.may_have_happened = may_have_happened


class Refused(ChatError):
    """The network will never do this."""


class RoomGone(Refused):
    """Nothing of ours reaches this room any more, until the network tells that we are back."""


class RoomMoved(ChatError):
    """The room has another id now; what was asked did not happen and may be asked there."""

    def __init__(self, message: str, *, room: str) -> None:
        super().__init__(message)
        self.room = room


class BadPush(ChatError):
    """A push that is not taken. `status` is that of HTTP: 403 for a wrong secret, 400 for what cannot be read."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class EventId:
    """Names an event once and for all: network, our account on it, the network's id for the event."""

    network: str
    account: str
    event: str


@dataclass(frozen=True, slots=True)
class RoomAddress:
    """A room as its network names it; `thread` is the thread or topic inside it, where replies must go."""

    network: str
    account: str
    room: str
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who did something. `name` is for showing only; `is_person` is false for bots, channels and relays.

    One that `is_shared` may be any of several people, such as a group's anonymous administrators: it may steer the
    room as the network says, and never gets a right to a project.
    """

    network: str
    id: str
    name: str
    language: str | None = None
    is_person: bool = True
    is_shared: bool = False


class Addressed(StrEnum):
    """How a message concerns us."""

    PRIVATE = "private"  # a private chat or the web chat: always for us
    COMMAND = "command"
    MENTION = "mention"
    REPLY = "reply"  # to a message of ours
    THREAD = "thread"  # inside a thread we already answer in
    AMBIENT = "ambient"  # not for us, unless the room is set to answer all


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message; `handle` is what the adapter's download needs.

    kind: file, photo, voice, audio or video; `seconds` is how long the last three last. `is_encrypted`: nobody but the
    people of its room can read it on its network.
    """

    handle: str
    name: str
    media_type: str
    size_bytes: int
    kind: str = "file"
    seconds: int = 0
    is_encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A fresh message. `text` has our mention removed. Forwards, relays and bots never run commands.

    Messages with the same `album` were sent as one.
    """

    id: EventId
    room: RoomAddress
    message_id: str
    sender: Sender
    text: str
    sent_at: datetime
    addressed: Addressed
    reply_to: str | None = None
    is_forwarded: bool = False
    attachments: tuple[Attachment, ...] = ()
    album: str = ""


@dataclass(frozen=True, slots=True)
class Edited:
    """An earlier message has a new text; `revision` orders edits of one message.

    Networks that do not say again where the message stands leave out the thread and `reply_to`.
    """

    id: EventId
    room: RoomAddress
    message_id: str
    revision: str
    sender: Sender
    text: str
    sent_at: datetime
    addressed: Addressed
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message was taken back by its author or a moderator."""

    id: EventId
    room: RoomAddress
    message_id: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button under a message of ours was pressed. `action` and `data` are those of the Button.

    Where networks have none, people react: `data` is "" then, and what is meant is the answer that the message is.
    """

    id: EventId
    room: RoomAddress
    message_id: str
    sender: Sender
    action: str
    data: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Rated:
    """A thumb for an answer: 1, -1, or None when it was taken back."""

    id: EventId
    room: RoomAddress
    message_id: str
    sender: Sender
    value: int | None
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """Something about a room: kind is joined, left, renamed, moved_to, rights, visibility or encryption."""

    id: EventId
    room: RoomAddress
    kind: str
    sender: Sender | None
    sent_at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something came that could not be read, and whoever wrote it should know; as a Message it may come later.

    reason: no_key (it did not come in time), withheld (the sender's program does not trust our device), before_us (it
    was written before we could read there), unencryptable (the room is encrypted and we are told not to be).
    """

    id: EventId
    room: RoomAddress
    reason: str
    sent_at: datetime


Event = Message | Edited | Deleted | Pressed | Rated | RoomChanged | Unreadable


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in the network's order with the cursor that stands behind them (None: this network has none)."""

    events: tuple[Event, ...]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a reply. `data` is an id of ours, never a right or an argument by itself."""

    label: str
    action: str  # "verify" | "sources" | "up" | "down" | "again" | "cancel" | "confirm" | "answer_now" | "command"
    data: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A source line under an answer. `url` opens the lines at the version; None shows path and quote only.

    Lines of a `converted` file (its format) count in the text that was made of it: people see its `pages`, first and
    last, or its `section`.
    """

    number: int
    label: str
    path: str
    first_line: int
    last_line: int
    version: str
    quote: str
    url: str | None = None
    converted: str = ""
    pages: tuple[int, int] | None = None
    section: str = ""


class Stage(StrEnum):
    """What a reply is in the life of an answer; networks may show it differently."""

    WAITING = "waiting"  # the placeholder, with the place in the queue
    PREVIEW = "preview"  # text so far
    FINAL = "final"
    FAILED = "failed"
    NOTICE = "notice"  # not an answer: a command's result, a hint, progress


@dataclass(frozen=True, slots=True)
class Reply:
    """What we say, in CommonMark. `progress` is 0..1 for a bar, None for none.

    `layout` is an adapter's own, made by its `parts`: then `markdown` is the plain text that it belongs to. `language`
    is that of the words which an adapter adds.
    """

    markdown: str
    reply_to: str | None = None
    stage: Stage = Stage.FINAL
    buttons: tuple[tuple[Button, ...], ...] = ()
    cited: tuple[Cited, ...] = ()
    turn: str | None = None
    progress: float | None = None
    is_quiet: bool = False
    layout: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a reply ended up. A long one may take several messages; the first is the one that edits go to."""

    message_id: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """What a person may do to a room by the network's own rules; never a right to a project."""

    is_room_admin: bool
    is_member: bool = True


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """What the network says about a room. kind: private, group, topic, thread or web."""

    title: str
    kind: str
    is_public: bool = False
    is_encrypted: bool = False
    parent: RoomAddress | None = None


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a network can do, as data; the policy that uses it stands once, in bot/reply.py."""

    can_edit: bool = True
    can_react: bool = False
    has_buttons: bool = True
    is_idempotent: bool = False  # send with the same key twice makes one message
    can_probe: bool = False
    must_place: bool = False  # every answer begins as a placeholder, since only that can be looked for
    edit_interval_s: float = 1.0
    group_edit_interval_s: float | None = None  # where many read along; None: the same
    edits_per_minute: int = 60
    edits_per_message: int = 0  # previews of one answer; 0: as many as the budget allows
    skip_preview_ms: int = 0  # an answer ready this soon goes out without previews
    max_chars: int = 4_000
    max_upload_bytes: int = 20_000_000
    command_sign: str = "/"  # what commands begin with as people type them; "/" for us all the same
    offers_reactions: bool = False  # it puts the reactions that count under each answer, so that people need only press


@dataclass(frozen=True, slots=True)
class Command:
    """A command as a network's menu shows it."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class Probe:
    """How an adapter is doing. `facts` are lines for /status and check, without secrets.

    One that is not `hearing_all` gets of rooms that it does not administer only what is addressed to it.
    """

    is_up: bool
    detail: str
    facts: Mapping[str, str] = field(default_factory=dict)
    hearing_all: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `roomwise check`: how something is, and what to do about it when it is wrong."""

    name: str
    is_ok: bool
    detail: str
    cure: str = ""
