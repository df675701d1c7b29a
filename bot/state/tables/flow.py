"""Tables: rooms, and a message's way from the inbox to the delivered answer."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from bot.state.tables.base import NEVER_REUSED, counter
from bot.state.types import Json, UtcTime


class Room(SQLModel, table=True):
    """A room on a network. (network, account, native_id) moves with migrations; the id stays."""

    __table_args__ = (UniqueConstraint("network", "account", "native_id"),)
    id: str = Field(primary_key=True)
    network: str
    account: str
    native_id: str
    parent: str | None = Field(default=None, foreign_key="room.id")
    title: str = ""
    kind: str = "group"  # private | group | topic | web
    is_public: bool = False
    is_encrypted: bool = False
    project: str | None = Field(default=None, foreign_key="project.id", index=True, ondelete="SET NULL")
    bound_by: str | None = None
    bound_at: datetime | None = Field(default=None, sa_type=UtcTime)
    binding: int = 0  # rises with each (un)binding; an answer made for another binding is dropped
    answer_mode: str = "mention"  # mention | all | off
    language: str | None = None
    is_open_to_guests: bool = False
    muted_reason: str = ""
    is_silent: bool = False  # we were removed or blocked
    hinted_at: datetime | None = Field(default=None, sa_type=UtcTime)
    digest_minute: int | None = None  # of the day in UTC; None: no daily summary
    digested_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=Json)


class Conversation(SQLModel, table=True):
    """Turns that belong together. `thread` is what tells conversations of one room apart ("" for the room itself)."""

    __table_args__ = (Index("ix_conversation_open", "room", "thread", "closed_at"),)
    id: str = Field(primary_key=True)
    room: str = Field(foreign_key="room.id", ondelete="CASCADE")
    thread: str = ""
    started_at: datetime = Field(sa_type=UtcTime)
    last_at: datetime = Field(sa_type=UtcTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Inbox(SQLModel, table=True):
    """An event for us, kept until it is done. Ids stay as long as a repeat is possible; the text goes when done.

    state: waiting, working, done, failed, dropped. `native_key` is unique by room, message, kind and revision.
    """

    __table_args__ = (
        UniqueConstraint("network", "account", "event"),
        UniqueConstraint("network", "account", "native_key"),
        Index("ix_inbox_open", "state", "received_at"),
        NEVER_REUSED,
    )
    id: int | None = Field(default=None, sa_column=counter())
    network: str
    account: str
    event: str
    native_key: str
    kind: str  # message, edited, deleted, pressed, rated, room_changed, unreadable
    room: str = Field(foreign_key="room.id", index=True, ondelete="CASCADE")
    person: str | None = Field(default=None, foreign_key="person.id", ondelete="CASCADE")
    message: str = ""  # the network's message id
    body_sealed: str | None = None  # the event as JSON
    received_at: datetime = Field(sa_type=UtcTime)
    sent_at: datetime = Field(sa_type=UtcTime)
    state: str = "waiting"
    attempts: int = 0
    claimed_by: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UtcTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcTime)
    outcome: str = ""  # answered, command, notice, refused, cancelled, expired, rebound, or an error's reference


class Cursor(SQLModel, table=True):
    """How far an account was read. Never derived from rows."""

    network: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    value: str
    at: datetime = Field(sa_type=UtcTime)


class AdapterNote(SQLModel, table=True):
    """What an adapter must remember besides its cursor."""

    network: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: dict[str, Any] = Field(sa_type=Json)  # {"v": ...}


class Delivery(SQLModel, table=True):
    """One message of ours, recorded before and after it is sent. state: pending, sending, sent, given_up."""

    id: str = Field(primary_key=True)
    key: str = Field(unique=True)
    inbox: int | None = Field(default=None, sa_type=BigInteger, foreign_key="inbox.id", ondelete="SET NULL", index=True)
    room: str = Field(foreign_key="room.id", index=True, ondelete="CASCADE")
    thread: str | None = None
    purpose: str  # answer | notice | progress
    binding: int = 0
    body_sealed: str | None = None  # the Reply as JSON; gone when sent
    state: str = Field(default="pending", index=True)
    is_final: bool = False
    message: str | None = None  # the network's id once known
    more: list[str] = Field(default_factory=list, sa_type=Json)
    after: str | None = None  # highest message id known when sending began, for probing
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Turn(SQLModel, table=True):
    """A question with its answer. `citations_sealed` holds them as they were cited, quotes included."""

    id: str = Field(primary_key=True)
    project: str = Field(foreign_key="project.id", index=True, ondelete="CASCADE")
    room: str = Field(foreign_key="room.id", index=True, ondelete="CASCADE")
    conversation: str = Field(foreign_key="conversation.id", index=True, ondelete="CASCADE")
    person: str | None = Field(default=None, foreign_key="person.id", index=True, ondelete="SET NULL")
    inbox: int | None = Field(
        default=None, sa_type=BigInteger, foreign_key="inbox.id", ondelete="SET NULL", unique=True
    )
    binding: int = 0
    question_sealed: str | None = None
    answer_sealed: str | None = None
    citations_sealed: str | None = None
    verdict: str = ""
    fallback: str = ""
    sources: list[str] = Field(default_factory=list, sa_type=Json)  # ids of the cited sources, for purges
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    timings: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    created_at: datetime = Field(sa_type=UtcTime, index=True)


class AnswerMessage(SQLModel, table=True):
    """Which message on the network shows which turn; how replies, thumbs and buttons find their answer."""

    room: str = Field(primary_key=True, foreign_key="room.id", ondelete="CASCADE")
    message: str = Field(primary_key=True)
    turn: str = Field(foreign_key="turn.id", index=True, ondelete="CASCADE")


class Feedback(SQLModel, table=True):
    """One vote a person and answer."""

    turn: str = Field(primary_key=True, foreign_key="turn.id", ondelete="CASCADE")
    person: str = Field(primary_key=True, foreign_key="person.id", ondelete="CASCADE")
    value: int
    comment_sealed: str | None = None
    at: datetime = Field(sa_type=UtcTime)
