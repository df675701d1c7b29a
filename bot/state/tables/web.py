"""Tables: API tokens, signed-in browsers, the messages of the web chat."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from bot.state.tables.base import NEVER_REUSED, counter
from bot.state.types import Json, UtcTime


class ApiToken(SQLModel, table=True):
    """A named key to the JSON API. scope: ask or admin, in the listed projects only."""

    id: str = Field(primary_key=True)
    name: str
    token_hash: str = Field(unique=True)
    person: str = Field(foreign_key="person.id", ondelete="CASCADE")
    scope: str
    projects: list[str] = Field(default_factory=list, sa_type=Json)
    made_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)


class WebSession(SQLModel, table=True):
    """A signed-in browser."""

    token_hash: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.id", index=True, ondelete="CASCADE")
    csrf: str
    made_at: datetime = Field(sa_type=UtcTime)
    seen_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)


class WebMessage(SQLModel, table=True):
    """A message of the web chat, which is a network of its own: this table is its server.

    `seq` orders messages of all rooms; `change` rises with each change of any message, for live updates.
    """

    __table_args__ = (UniqueConstraint("room", "key"), Index("ix_web_message_change", "room", "change"), NEVER_REUSED)
    seq: int | None = Field(default=None, sa_column=counter())
    room: str = Field(foreign_key="room.id", ondelete="CASCADE")
    key: str  # the sender's idempotency key
    person: str | None = Field(default=None, foreign_key="person.id", ondelete="SET NULL")  # None: Roomwise
    body_sealed: str  # the Reply or the text with its attachments, as JSON
    stage: str
    reply_to: int | None = Field(default=None, sa_type=BigInteger)
    turn: str | None = None
    change: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=UtcTime)
    edited_at: datetime | None = Field(default=None, sa_type=UtcTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcTime)
